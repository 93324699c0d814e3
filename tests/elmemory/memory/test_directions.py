"""How often they called us, and we them."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from conversations.memories.remember import memories_of
from conversations.payloads.transcription import Transcription
from elmemory.memory import kinds
from elmemory.memory.card import Card, card_of, read_card, write_card
from elmemory.memory.openmemory.embedded.store import EmbeddedOpenMemory
from elmemory.memory.records import Memory
from tests.harness.memories import CALLER, call
from tests.harness.samples import raw_sample, transcription

ARRIVAL = datetime(2026, 11, 1, 12, tzinfo=UTC)


def on(day: int, direction: str = "") -> Memory:
    known: dict[str, Any] = {"direction": direction} if direction else {}
    return call(f"2026-10-{day:02}T10:00:00+00:00", **known)


def card(*calls: Memory) -> Card:
    found = card_of(calls)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("calls", "sentence"),
    [
        ([on(1)], "They have called once before, on 1 October 2026."),
        ([on(1), on(2)], "They have called 2 times, most recently on 2 October 2026."),
        ([on(1, "inbound")], "They have called once before, on 1 October 2026."),
        ([on(1, "outbound")], "We called them once, on 1 October 2026."),
        ([on(1, "outbound"), on(4, "outbound")], "We called them twice, most recently on 4 October 2026."),
        ([on(day, "outbound") for day in (1, 5, 3)], "We called them 3 times, most recently on 5 October 2026."),
        (
            [on(1), on(7, "outbound")],
            "They have called once, on 1 October 2026; we called them once, on 7 October 2026.",
        ),
        (
            [on(1), on(3), on(2), on(9, "outbound"), on(8, "outbound")],
            (
                "They have called 3 times, most recently on 3 October 2026;"
                " we called them twice, most recently on 9 October 2026."
            ),
        ),
    ],
)
def test_the_card_says_who_called_whom(calls: list[Memory], sentence: str) -> None:
    assert card(*calls).summary == sentence


def test_the_count_is_that_of_both_directions() -> None:
    known = card(on(1), on(2, "outbound"), on(3, "outbound"))
    assert (known.call_count, known.outbound_count) == (3, 2)


@pytest.mark.parametrize("direction", ["outbound", "OUTBOUND", "Outbound"])
def test_the_memory_of_an_outbound_call_says_so(direction: str) -> None:
    event = transcription("+14155550100", "Hello.", metadata={"phone_call": {"direction": direction}})
    assert memory_of(event).metadata["direction"] == "outbound"


@pytest.mark.parametrize("direction", ["inbound", None, "unknown"])
def test_the_memory_of_another_call_is_as_it_always_was(direction: object) -> None:
    event = transcription("+14155550100", "Hello.", metadata={"phone_call": {"direction": direction}})
    assert "direction" not in memory_of(event).metadata


def memory_of(event: dict[str, Any]) -> kinds.NewMemory:
    read = Transcription.read(json.dumps(event).encode())
    (memory,) = [memory for memory in memories_of(read, ARRIVAL) if memory.kind == kinds.CALL]
    return memory


@pytest.mark.django_db(transaction=True, databases=["memory"])
def test_both_counts_come_back_from_the_store(store: EmbeddedOpenMemory) -> None:
    for direction in ("inbound", "outbound"):
        event = transcription(CALLER, "Hello.", metadata={"phone_call": {"direction": direction}})
        store.put_all(CALLER, kinds.entries([memory_of(event)]))
    write_card(store, CALLER)
    stored = read_card(store, CALLER)
    assert stored is not None
    assert (stored.call_count, stored.outbound_count) == (2, 1)
    assert "; we called them once, on 21 September 2026." in stored.summary


@pytest.mark.django_db(transaction=True, databases=["memory"])
def test_a_card_from_before_is_read_and_left_as_it_is_where_nothing_changed(store: EmbeddedOpenMemory) -> None:
    store.put_all(CALLER, kinds.entries([memory_of(json.loads(raw_sample("transcription_returning_caller")))]))
    old = {"revision": 1, "facts": [], "call_count": 1, "last_called_on": "7 October 2026", "shared_line": False}
    known = card_of(store.memories(CALLER))
    assert known is not None
    old |= {"last_call_summary": known.last_call_summary, "opted_out": False}
    store.put_all(CALLER, kinds.entries([kinds.NewMemory(kinds.CARD, "card:1", known.summary, old)]))
    assert read_card(store, CALLER) == known
    write_card(store, CALLER)
    (kept,) = [memory for memory in store.memories(CALLER) if memory.kind == kinds.CARD]
    assert kept.metadata["revision"] == 1
