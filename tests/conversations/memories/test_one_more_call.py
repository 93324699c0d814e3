"""One more call of a caller: what it costs, and that the card is the one that all memories make."""

import json
import os
from collections.abc import Iterator, Sequence
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from conversations.files.receipts import read_receipt, receipt_path
from conversations.memories import corrections
from conversations.memories.remember import remember
from elmemory.memory import kinds
from elmemory.memory.card import Card, card_of, read_card
from elmemory.memory.openmemory import NotStorable, OpenMemory, OpenMemoryError
from elmemory.memory.openmemory.embedded.store import EmbeddedOpenMemory
from elmemory.memory.openmemory.remote.store import RemoteOpenMemory
from elmemory.memory.records import Entry, Memory, Put
from tests.harness.openmemory_servers import client_of, wire_server
from tests.harness.samples import transcription
from tests.harness.stored import deliver, place

pytestmark = [
    pytest.mark.django_db(transaction=True, databases=["memory", "index"]),
    pytest.mark.usefixtures("payloads", "index_schema"),
]

MAYA = "+14155550100"
DAY = 24 * 3600
# The same seconds twice; values that change, that are emptied and that come back.
CALLS: list[dict[str, Any]] = [
    {"started_at": 1_790_000_000, "facts": {"city": "Duluth", "dog": "Biscuit"}, "summary": "First."},
    {"started_at": 1_790_000_000 + DAY, "facts": {"city": "Ely", "dog": None}, "summary": "Second."},
    {"started_at": 1_790_000_000 + DAY, "facts": {"city": "[CITY]", "dog": "Crumb"}, "summary": "Third."},
]


@pytest.fixture(scope="module")
def server_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with wire_server(tmp_path_factory.mktemp("openmemory")) as url:
        yield url


@pytest.fixture(params=["embedded", "server"])
def memory_store(request: pytest.FixtureRequest, store: EmbeddedOpenMemory) -> Iterator[OpenMemory]:
    """The embedded store, and our own server over HTTP, without memories of the caller."""
    if request.param == "embedded":
        yield store
        return
    client = client_of("remote", request.getfixturevalue("server_url"))
    client.forget(MAYA)
    yield client
    client.close()


def process(store: OpenMemory, event: dict[str, Any]) -> str:
    conversation_id = place(event).conversation_id
    assert remember(conversation_id, store) == "done"
    return conversation_id


def computed(store: OpenMemory) -> Card | None:
    return card_of(memory for memory in store.memories(MAYA) if memory.kind != kinds.CARD)


def assert_card_is_that_of_all_memories(store: OpenMemory) -> None:
    written, wanted = read_card(store, MAYA), computed(store)
    assert written == wanted
    assert list((written or Card()).facts) == list((wanted or Card()).facts)
    assert len([memory for memory in store.memories(MAYA) if memory.kind == kinds.CARD]) == 1


def test_the_cost_of_one_more_call_on_the_embedded_store_is_that_of_the_call(store: EmbeddedOpenMemory) -> None:
    class ReadsFew(EmbeddedOpenMemory):
        def memories(self, user_id: str, limit: int | None = None) -> list[Memory]:
            assert limit is not None, "all memories are read"
            return super().memories(user_id, limit)

    for call in CALLS:
        process(ReadsFew(), transcription(MAYA, "Yes please.", **call))
    assert_card_is_that_of_all_memories(store)


def test_the_cost_of_one_more_call_on_a_server_is_that_of_the_call(server_url: str) -> None:
    class Counting(RemoteOpenMemory):
        rows = 0

        def _page(self, *args: Any, **kwargs: Any) -> Any:
            page = super()._page(*args, **kwargs)
            self.rows += len(page)
            return page

    server = Counting(server_url, "k-test")
    server.forget(MAYA)
    read = []
    for number in range(12):
        server.rows = 0
        process(server, transcription(MAYA, "Yes please.", started_at=1_790_000_000 + number * DAY))
        read.append(server.rows)
    assert read[1:] == [read[1]] * 11
    assert_card_is_that_of_all_memories(server)
    server.close()


@pytest.mark.parametrize("correct_at", range(4))
def test_every_order_of_calls_with_a_correction_makes_the_same_card(memory_store: OpenMemory, correct_at: int) -> None:
    cards: list[Card | None] = []
    for order in permutations(range(len(CALLS))):
        memory_store.forget(MAYA)
        for step in range(len(CALLS) + 1):
            if step == correct_at:
                corrections.correct(memory_store, MAYA, "dog", "Toast")
            if step < len(CALLS):
                number = order[step]
                conversation_id = f"conv_{number}_{len(cards)}"
                event = transcription(MAYA, "Yes.", conversation_id=conversation_id, **CALLS[number])
                process(memory_store, event)
            assert_card_is_that_of_all_memories(memory_store)
        cards.append(read_card(memory_store, MAYA))
    assert cards == [cards[0]] * 6
    assert cards[0] is not None
    assert cards[0].facts == {"city": "Ely", "dog": "Toast"}


def test_a_redelivery_with_other_content_removes_what_is_no_longer_said(memory_store: OpenMemory) -> None:
    event = transcription(MAYA, "One.", "Two.", **CALLS[0])
    process(memory_store, event)
    process(memory_store, transcription(MAYA, "Later.", **CALLS[2]))
    event["event_timestamp"] += 1
    event["data"]["analysis"]["data_collection_results"] = {"car": {"value": "blue"}}
    event["data"]["transcript"] = event["data"]["transcript"][:2]
    process(memory_store, event)
    assert_card_is_that_of_all_memories(memory_store)
    assert (card := read_card(memory_store, MAYA))
    assert card.facts == {"dog": "Crumb", "car": "blue"}
    assert card.call_count == 2


class Stopped(OpenMemoryError):
    """The process ends here."""


def stopping(store: OpenMemory, after: int, error: Exception) -> OpenMemory:
    """The store, in which after so many memories no more of the call are written."""

    class Stopping(type(store)):  # type: ignore[misc]
        def add_all(self, user_id: str, entries: Sequence[Entry], instead_of: Sequence[str] = ()) -> list[Put]:  # noqa: ARG002
            store.add_all(user_id, entries[:after])
            raise error

    stopped = Stopping.__new__(Stopping)
    stopped.__dict__.update(store.__dict__)
    return stopped


@pytest.mark.parametrize("after", range(6))
def test_a_run_that_is_killed_anywhere_is_completed_by_the_next(memory_store: OpenMemory, after: int) -> None:
    process(memory_store, transcription(MAYA, "Before.", **CALLS[0]))
    killed = place(transcription(MAYA, "One.", "Two.", **CALLS[2])).conversation_id
    with pytest.raises(Stopped):
        remember(killed, stopping(memory_store, after, Stopped()))
    process(memory_store, transcription(MAYA, "Another call first.", **CALLS[1]))
    assert remember(killed, memory_store) == "done"
    assert_card_is_that_of_all_memories(memory_store)
    assert (card := read_card(memory_store, MAYA))
    assert card.call_count == 3
    assert len({memory.key for memory in memory_store.memories(MAYA)}) == len(memory_store.memories(MAYA))


def test_what_a_parked_call_left_is_in_the_card_of_the_next(memory_store: OpenMemory) -> None:
    process(memory_store, transcription(MAYA, "Before.", **CALLS[0]))
    parked = place(transcription(MAYA, "One.", **CALLS[2])).conversation_id
    with pytest.raises(NotStorable):
        remember(parked, stopping(memory_store, 2, NotStorable("too long for it")))
    process(memory_store, transcription(MAYA, "After.", **CALLS[1]))
    assert_card_is_that_of_all_memories(memory_store)


def test_a_correction_that_is_interrupted_is_in_the_card_of_the_next_call(memory_store: OpenMemory) -> None:
    process(memory_store, transcription(MAYA, "Before.", **CALLS[0]))

    class Ending(type(memory_store)):  # type: ignore[misc]
        def put_all(self, user_id: str, entries: Sequence[Entry]) -> list[Put]:
            puts = memory_store.put_all(user_id, entries)
            if any(entry.metadata.get("preference") for entry in entries):
                raise Stopped
            return puts

    ending = Ending.__new__(Ending)
    ending.__dict__.update(memory_store.__dict__)
    with pytest.raises(Stopped):
        corrections.correct(ending, MAYA, "dog", "Toast")
    process(memory_store, transcription(MAYA, "After.", **CALLS[2]))
    assert_card_is_that_of_all_memories(memory_store)
    assert (card := read_card(memory_store, MAYA))
    assert card.facts["dog"] == "Toast"


def test_a_call_is_added_to_a_card_that_an_older_version_wrote(memory_store: OpenMemory) -> None:
    process(memory_store, transcription(MAYA, "Before.", **CALLS[0]))
    (card,) = (memory for memory in memory_store.memories(MAYA) if memory.kind == kinds.CARD)
    old = {name: value for name, value in card.metadata.items() if name != "state"}
    memory_store.put_all(MAYA, [Entry.of(card, old)])
    process(memory_store, transcription(MAYA, "After.", **CALLS[1]))
    assert_card_is_that_of_all_memories(memory_store)


def test_an_older_call_whose_receipt_is_lost_counts_once(memory_store: OpenMemory) -> None:
    calls = [process(memory_store, transcription(MAYA, "Yes.", **CALLS[number])) for number in range(3)]
    receipt_path(calls[0]).unlink()
    assert remember(calls[0], memory_store) == "done"
    assert_card_is_that_of_all_memories(memory_store)


def test_a_call_whose_receipt_is_lost_counts_once(memory_store: OpenMemory) -> None:
    process(memory_store, transcription(MAYA, "Before.", **CALLS[0]))
    lost = process(memory_store, transcription(MAYA, "Yes please.", **CALLS[2]))
    before = {memory.id for memory in memory_store.memories(MAYA)}
    receipt_path(lost).unlink()
    assert remember(lost, memory_store) == "done"
    assert {memory.id for memory in memory_store.memories(MAYA)} == before
    assert_card_is_that_of_all_memories(memory_store)
    assert read_receipt(lost) is not None


def test_when_the_receipt_is_lost_and_the_caller_changes_the_former_caller_keeps_nothing(
    store: EmbeddedOpenMemory,
) -> None:
    event = transcription(MAYA, "Yes please.", **CALLS[0])
    conversation_id = process(store, event)
    receipt_path(conversation_id).unlink()
    event["event_timestamp"] += 1
    place(json.loads(json.dumps(event).replace(MAYA, "+14155550101")))
    # The first run finds whose lock it lacks.
    assert [remember(conversation_id, store) for _ in range(2)] == ["changed meanwhile", "done"]
    assert store.memories(MAYA) == []
    assert len(store.of_conversation("+14155550101", conversation_id)) == 4


@pytest.mark.parametrize("user", ["alice", "+14155550177", MAYA])
def test_memories_of_other_clients_that_name_the_call_are_left_alone(memory_store: OpenMemory, user: str) -> None:
    event = transcription(MAYA, "Yes please.", **CALLS[0])
    conversation_id = event["data"]["conversation_id"]
    theirs = memory_store.put(user, "ticket", "Ticket 12", metadata={"conversation_id": conversation_id})
    assert process(memory_store, event) == conversation_id
    found = {memory.id: memory for memory in memory_store.memories(user)}
    assert found[theirs.id].content == "Ticket 12"
    assert [memory.kind for memory in found.values()].count(kinds.CARD) == (user == MAYA)
    memory_store.forget(user)


@pytest.mark.parametrize("left", [b"", b"\0" * 512, None], ids=["empty", "zeros", "half"])
def test_a_call_whose_receipt_was_damaged_by_a_power_cut_is_remembered_again(
    memory_store: OpenMemory, left: bytes | None
) -> None:
    process(memory_store, transcription(MAYA, "Before.", **CALLS[0]))
    cut = process(memory_store, transcription(MAYA, "Yes please.", **CALLS[2]))
    before, whole = memory_store.memories(MAYA), receipt_path(cut).read_bytes()
    receipt_path(cut).write_bytes(whole[: len(whole) // 2] if left is None else left)
    assert remember(cut, memory_store) == "done"
    assert {memory.id for memory in memory_store.memories(MAYA)} == {memory.id for memory in before}
    assert receipt_path(cut).read_bytes() == whole


def test_receipts_are_flushed_where_the_store_does_not_know_whose_the_memories_of_a_call_are(
    memory_store: OpenMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: list[str] = []
    fsync = os.fsync

    def noted(descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        flushed.append("file" if path.parent.name == "_spool" else "folder")
        fsync(descriptor)

    event = transcription(MAYA, "Yes please.", **CALLS[0])
    conversation_id = place(event).conversation_id
    monkeypatch.setattr(os, "fsync", noted)
    assert remember(conversation_id, memory_store) == "done"
    assert flushed == ([] if memory_store.users_of(conversation_id) else ["file", "folder"] * 2)
    monkeypatch.undo()
    event["event_timestamp"] += 1
    place(event)
    flushed.clear()
    monkeypatch.setattr(os, "fsync", noted)
    # A receipt that was there holds what must not be lost.
    assert remember(conversation_id, memory_store) == "done"
    assert flushed == ["file", "folder"]


def test_reprocessing_a_call_changes_nothing(memory_store: OpenMemory) -> None:
    for call in CALLS:
        process(memory_store, transcription(MAYA, "Yes please.", **call))
    event = transcription(MAYA, "Once.", **CALLS[0])
    again = process(memory_store, event)
    before = memory_store.memories(MAYA)
    event["event_timestamp"] += 1
    assert deliver(json.dumps(event, indent=1).encode()) == again
    assert remember(again, memory_store) == "done"
    assert memory_store.memories(MAYA) == before


def test_values_that_no_store_keeps_as_they_are_make_the_same_card(memory_store: OpenMemory) -> None:
    process(memory_store, transcription(MAYA, "Before."))
    odd = transcription(MAYA, "Yes.", facts={"city": "El\ud800y", "dog": "Bis\x00cuit"}, summary="Odd \udfff one.")
    process(memory_store, odd)
    assert_card_is_that_of_all_memories(memory_store)
