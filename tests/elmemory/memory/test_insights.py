"""Which lasting sentences about a caller are current: newer ones replace those about the same subject."""

from pathlib import Path

import pytest

from elmemory.memory import kinds
from elmemory.memory.insights import above_the_same, current, replaced_by_staff, with_history
from elmemory.memory.ranking import rank
from elmemory.memory.records import Memory
from elmemory.memory.subjects import replaces

# Language, relation, newer sentence, older sentence.
PAIRS = [
    [part.strip() for part in line.split("|")]
    for line in Path(__file__).with_name("insight_pairs.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]


def test_a_newer_sentence_replaces_the_same_and_another_value_but_no_other_subject() -> None:
    wrong = [pair for pair in PAIRS if replaces(pair[2], pair[3]) is not (pair[1] in ("same", "other"))]
    assert wrong == []


def test_of_two_subjects_neither_order_loses_one() -> None:
    assert [pair for pair in PAIRS if pair[1] == "different" and replaces(pair[3], pair[2])] == []


def test_an_empty_sentence_is_replaced_by_none() -> None:
    assert not replaces("Anything at all.", "")


def holding(*calls: tuple[str, ...]) -> list[str]:
    """What holds after these calls, given and returned the newest first."""
    return current((f"conv_{number}", text) for number, call in enumerate(calls) for text in call)


def test_two_values_that_one_call_states_side_by_side_both_hold() -> None:
    flats = ("Flat 3B in Elm Street belongs to the caller.", "Flat 5A in Elm Street belongs to the caller.")
    assert holding(flats) == [*flats]
    assert holding(flats[:1], flats) == [*flats]
    assert holding(flats[1:], flats) == [flats[1], flats[0]]


def test_one_call_that_repeats_itself_says_it_once() -> None:
    assert holding(("The caller works nights.", "The caller works nights!")) == ["The caller works nights."]


def test_what_was_replaced_is_kept_as_history() -> None:
    memories = [
        remembered("insight", f"Olive takes {amount} mg methimazole.", 0, f"conv_{amount}") for amount in (10, 5, 2)
    ]
    assert with_history(memories) == [(memories[0], memories[1:])]


def test_the_newest_sentences_come_first() -> None:
    spoken = ["The caller works nights.", "The caller has two cats, Olive and Biscuit.", "The caller works nights."]
    assert holding(*((one,) for one in spoken)) == spoken[:2]


def remembered(kind: str, content: str, position: int, call: str = "conv_1") -> Memory:
    metadata = {
        "kind": kind,
        "conversation_id": call,
        "called_at": "2026-09-01T10:00:00+00:00",
        "position": position,
    }
    return Memory(id=f"{kind}{position}{call}", user_id="u", content=content, metadata=metadata)


@pytest.mark.parametrize(
    ("sentence", "insight", "question"),
    [
        ("I'm allergic to penicillin, so please note that.", "The caller is allergic to penicillin.", "Any allergies?"),
        ("My husband Tom picks up the parcels.", "Her husband Tom collects parcels for her.", "Who picks up parcels?"),
        (
            "We only want deliveries in the morning.",
            "The caller prefers deliveries in the morning.",
            "When to deliver?",
        ),
    ],
)
def test_an_insight_is_found_above_the_sentence_that_says_the_same_which_stays_reachable(
    sentence: str, insight: str, question: str
) -> None:
    said = [sentence, "I would like to change my address.", "Could you repeat that?"]
    memories = [remembered("message", text, 2 * number + 1) for number, text in enumerate(said)]
    memories.append(remembered("insight", insight, 0))
    found = [match.memory.content for match in above_the_same(rank(question, memories, 8))]
    assert found[:2] == [insight, sentence]


def test_an_insight_is_no_neighbour_of_what_was_said() -> None:
    memories = [
        remembered("insight", "Olive takes methimazole.", 0),
        remembered("message", "Could you repeat that?", 1),
    ]
    scores = {match.memory.content: match.score for match in rank("Which methimazole?", memories, 8)}
    assert scores.get("Could you repeat?", 0.0) == 0.0


def test_what_staff_replaced_is_found_without_comparing_all_with_all(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[str] = []

    def counted(newer: str, older: str) -> bool:
        compared.append(newer)
        return replaces(newer, older)

    monkeypatch.setattr("elmemory.memory.insights.replaces", counted)
    of_calls = [remembered("insight", f"The caller owns a boat called N{at}x.", 0, f"conv_{at}") for at in range(100)]
    old = remembered("insight", "Olive takes 2.5 mg methimazole.", 0, "conv_old")
    staff = Memory("staff", "u", "Olive takes 5 mg methimazole.", metadata={"kind": "insight", kinds.CORRECTED: True})
    assert replaced_by_staff([*of_calls, old, staff]) == [old]
    assert len(compared) < 1000
    held = {one.id: [other.id for other in replaced] for one, replaced in with_history([*of_calls, old, staff])}
    assert held["staff"] == [old.id]
