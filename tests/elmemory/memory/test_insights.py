"""Which lasting sentences about a caller are current: newer ones replace those about the same subject."""

import pytest

from elmemory.memory.insights import above_the_same, current, replaces
from elmemory.memory.ranking import rank
from elmemory.memory.records import Memory


@pytest.mark.parametrize(
    ("newer", "older"),
    [
        ("Olive now takes 5 mg methimazole twice a day.", "Olive takes 2.5 mg methimazole twice a day."),
        ("Biscuit no longer takes prednisolone.", "Biscuit takes 5 mg prednisolone once a day."),
        ("The caller's son Theo is allergic to nuts.", "The caller's son Theo is allergic to nuts."),
        ("Le code de l'immeuble est 76A.", "Le code de l'immeuble est 41B2."),
        ("A matrícula do Clio é 32-OB-45.", "A matrícula do Clio é 32-OB-15."),
        ("Pacjentka bierze teraz Letrox 75.", "Pacjentka bierze Letrox 50."),
        ("来电者住八号楼二十二层。", "来电者住八号楼十二层。"),
        ("来电者现在服用氨氯地平2.5毫克。", "来电者服用氨氯地平5毫克。"),
    ],
)
def test_a_newer_sentence_about_the_same_subject_replaces_the_older_one(newer: str, older: str) -> None:
    assert replaces(newer, older)
    assert current([newer, older]) == [newer]


@pytest.mark.parametrize(
    ("newer", "older"),
    [
        ("Biscuit takes 5 mg prednisolone once a day.", "Olive takes 5 mg prednisolone once a day."),
        ("Olive takes 5 mg prednisolone twice a day.", "Olive takes 5 mg methimazole twice a day."),
        ("The caller's son Theo is allergic to nuts.", "The caller's daughter Lina is allergic to nuts."),
        ("The caller's son Theo is allergic to nuts.", "The caller's son Theo is afraid of the drill."),
        ("The caller works nights.", "The caller lives alone."),
        ("Die Anruferin zieht im Juli nach Kassel.", "Die Anruferin nimmt Marcumar."),
        ("来电者服用硝苯地平5毫克。", "来电者服用氨氯地平5毫克。"),
        ("Anything at all.", ""),
    ],
)
def test_other_people_medicines_and_things_are_never_replaced(newer: str, older: str) -> None:
    assert not replaces(newer, older)
    assert current([newer, older]) == [newer, older]


def test_the_newest_sentences_come_first() -> None:
    spoken = ["The caller works nights.", "The caller has two cats, Olive and Biscuit.", "The caller works nights."]
    assert current(spoken) == spoken[:2]


def remembered(kind: str, content: str, position: int) -> Memory:
    metadata = {
        "kind": kind,
        "conversation_id": "conv_1",
        "called_at": "2026-09-01T10:00:00+00:00",
        "position": position,
    }
    return Memory(id=f"{kind}{position}", user_id="u", content=content, metadata=metadata)


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
