"""What an agent needs first: open requests and promises, how the last call ended, lasting facts, the language."""

import pytest

from elmemory.memory import kinds
from elmemory.memory.card import Card, card_of
from elmemory.memory.records import Memory
from elmemory.memory.text import SUMMARY_LENGTH
from webhooks.ring import client_data


def call(day: int, month: int = 3, *, insights: tuple[str, ...] = (), **collected: str) -> list[Memory]:
    """The memories of a call on a day of 2026, with these results of data collection."""
    said = {"called_at": f"2026-{month:02}-{day:02}T10:00:00+00:00", "conversation_id": f"conv_{month}_{day}"}
    return [
        Memory("", "", "", metadata={"kind": kinds.CALL, **said, "spoke": True, "summary": "They called."}),
        *(
            Memory("", "", "", metadata={"kind": kinds.FACT, **said, "field": name, "value": value})
            for name, value in collected.items()
        ),
        *(
            Memory("", "", text, metadata={"kind": kinds.INSIGHT, **said, "position": position})
            for position, text in enumerate(insights)
        ),
    ]


def card(*calls: list[Memory]) -> Card:
    made = card_of(memory for one in calls for memory in one)
    assert made is not None
    return made


ASKED = call(1, open_request="A corrected invoice by Friday.", agent_promise="Send the corrected invoice by Friday.")


def test_an_open_request_is_said_first_with_its_day_and_a_promise_of_the_same_only_once() -> None:
    known = card(
        call(1, first_name="Maya", open_request="A new card by Friday.", agent_promise="A new card by Friday.")
    )
    assert known.summary.startswith("The caller is Maya. Open: A new card by Friday (1 March 2026). They have called")
    assert known.briefing.agent_promise == "A new card by Friday."


def test_a_later_call_without_a_word_of_it_leaves_a_request_open() -> None:
    assert card(ASKED, call(5)).briefing.open_request == "A corrected invoice by Friday."


def test_a_later_call_that_settles_it_closes_request_and_promise() -> None:
    known = card(ASKED, call(5, resolved_request="The corrected invoice has arrived."))
    assert (known.briefing.open_request, known.briefing.agent_promise) == ("", "")
    assert "invoice" not in known.summary


def test_the_call_that_settles_one_request_may_open_another() -> None:
    known = card(ASKED, call(5, resolved_request="The invoice has arrived.", open_request="A loose crown."))
    assert known.briefing.open_request == "A loose crown."


def test_a_settled_request_that_is_repeated_in_the_same_call_stays_closed() -> None:
    repeated = call(5, resolved_request="The corrected invoice has come.", open_request="The corrected invoice.")
    assert card(ASKED, repeated).briefing.open_request == ""


def test_a_newer_request_replaces_the_older_one_in_whatever_order_the_calls_are_remembered() -> None:
    newer = call(8, open_request="The new crown, expected on 2 April.")
    for calls in ((ASKED, newer), (newer, ASKED)):
        assert card(*calls).briefing.open_request == "The new crown, expected on 2 April."


def test_a_request_of_which_no_call_spoke_for_half_a_year_is_left_out() -> None:
    assert card(ASKED, call(1, month=8)).briefing.open_request
    assert not card(ASKED, call(1, month=10)).briefing.open_request


def test_a_correction_of_a_request_holds_until_a_later_call() -> None:
    corrected = Memory(
        "",
        "",
        "",
        metadata={
            "kind": kinds.PREFERENCE,
            "preference": kinds.CORRECTION,
            "field": "open_request",
            "value": "A credit note.",
            "called_at": "2026-03-02T09:00:00+00:00",
        },
    )
    assert card(ASKED, [corrected]).briefing.open_request == "A credit note."
    assert (
        card(ASKED, [corrected], call(5, open_request="Nothing but a card.")).briefing.open_request != "A credit note."
    )


@pytest.mark.parametrize(("mood", "is_said"), [("angry", True), ("annoyed", True), ("calm", False), ("worried", False)])
def test_the_mood_is_said_only_if_the_last_call_ended_badly(mood: str, is_said: bool) -> None:
    assert (f"The last call ended badly: {mood}." in card(call(1, mood=mood)).summary) is is_said
    assert "ended badly" not in card(call(1, mood=mood), call(2)).summary


def test_lasting_sentences_come_before_other_facts_and_the_newest_one_of_a_subject_counts() -> None:
    known = card(
        call(1, first_name="Tom", city="Leeds", insights=("Olive takes 2.5 mg methimazole twice a day.",)),
        call(2, insights=("Olive now takes 5 mg methimazole twice a day.",)),
    )
    assert known.summary == (
        "The caller is Tom. Olive now takes 5 mg methimazole twice a day. City: Leeds."
        " They have called 2 times, most recently on 2 March 2026."
    )


def test_the_summary_is_bounded_and_keeps_who_calls_what_is_open_and_how_often() -> None:
    calls = [
        call(
            1 + day, first_name="Maya", open_request="A new card.", insights=(f"The caller owns the boat Number{day}.",)
        )
        for day in range(28)
    ]
    many = [f"The caller has the rare plant {chr(97 + one) * 9} in the garden." for one in range(26)]
    summary = card(*calls, call(1, month=4, insights=tuple(many))).summary
    assert len(summary) <= SUMMARY_LENGTH
    assert summary.startswith("The caller is Maya. Open: A new card (28 March 2026). ")
    assert summary.endswith("They have called 29 times, most recently on 1 April 2026.")


def test_the_ring_always_has_the_variables() -> None:
    known = card(call(1, open_request="A card.", agent_promise="Call back on Tuesday.", preferred_language="German"))
    names = ("open_request", "agent_promise", "preferred_language")
    variables = client_data(known)["dynamic_variables"]
    assert [variables[name] for name in names] == ["A card.", "Call back on Tuesday.", "de"]
    assert [client_data(None)["dynamic_variables"][name] for name in names] == ["", "", ""]
