import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from conversations.files.locks import Busy
from conversations.files.paths import transcription_path
from conversations.files.receipts import Receipt, is_done, read_receipt, receipt_path, write_receipt
from conversations.memories.corrections import correct
from conversations.memories.remember import remember
from conversations.payloads.outline import NotReadable
from elmemory.memory import kinds
from elmemory.memory.card import Card, read_card
from elmemory.memory.openmemory import OpenMemoryError
from elmemory.memory.openmemory.embedded.store import EmbeddedOpenMemory
from elmemory.memory.records import Entry, Memory, Put
from tests.harness.samples import sample, transcription
from tests.harness.stored import deliver

pytestmark = [
    pytest.mark.django_db(transaction=True, databases=["memory", "index"]),
    pytest.mark.usefixtures("payloads", "index_schema"),
]

MAYA, PEPE = "+14155550100", "+14155550101"


def process(store: EmbeddedOpenMemory, event: dict[str, Any]) -> Receipt:
    conversation_id = deliver(event)
    assert remember(conversation_id, store) == "done"
    receipt = read_receipt(conversation_id)
    assert receipt is not None
    return receipt


def contents(store: EmbeddedOpenMemory, caller: str, *of_kinds: str) -> list[str]:
    return [memory.content for memory in store.memories(caller) if not of_kinds or memory.kind in of_kinds]


def card(store: EmbeddedOpenMemory, caller: str) -> Card:
    found = read_card(store, caller)
    assert found is not None
    return found


def test_a_call_becomes_facts_messages_the_call_and_last_the_card(store: EmbeddedOpenMemory) -> None:
    process(store, sample("transcription_returning_caller"))
    kinds_written = [memory.kind for memory in reversed(store.memories(MAYA))]
    assert kinds_written == ["fact"] * 4 + ["message"] * 3 + ["call", "card"]
    assert card(store, MAYA).user_name == "Maya"


def in_language(name: str, main_language: str | None, of_agent: str | None = None) -> dict[str, Any]:
    event = sample(name)
    event["data"]["metadata"]["main_language"] = main_language
    override = event["data"]["conversation_initiation_client_data"].setdefault("conversation_config_override", {})
    override["agent"] = {**(override.get("agent") or {}), "language": of_agent}
    return event


@pytest.mark.parametrize(
    ("main_language", "of_agent", "language"),
    [("de", None, "de"), ("de", "fr", "de"), (None, "fr", "fr"), ("xx", "pt_BR", "pt-br"), (None, None, "")],
)
def test_the_card_is_written_in_the_language_of_the_call_else_in_that_of_the_agent(
    store: EmbeddedOpenMemory, main_language: str | None, of_agent: str | None, language: str
) -> None:
    process(store, in_language("transcription_returning_caller", main_language, of_agent))
    assert card(store, MAYA).language == language
    assert ("Am Telefon ist Maya" in card(store, MAYA).summary) == (language == "de")


def test_the_card_changes_its_language_when_staff_correct_it(store: EmbeddedOpenMemory) -> None:
    process(store, in_language("transcription_returning_caller", "de"))
    correct(store, MAYA, "preferred language", "Italian")
    assert card(store, MAYA).summary.startswith("Al telefono c’è Maya")


@pytest.mark.parametrize(("kind", "salience"), [("fact", 0.9), ("message", 0.8), ("call", 0.85), ("card", 1.0)])
def test_every_memory_is_permanent_and_has_the_salience_of_its_kind(
    store: EmbeddedOpenMemory, kind: str, salience: float
) -> None:
    process(store, sample("transcription_returning_caller"))
    for memory in store.memories(MAYA):
        if memory.kind == kind:
            assert (memory.salience, memory.decay_lambda) == (salience, 0.0)
            assert (memory.metadata["salience"], memory.metadata["decay_lambda"]) == (salience, 0.0)


def test_the_receipt_names_every_memory_and_holds_no_text(store: EmbeddedOpenMemory) -> None:
    receipt = process(store, sample("transcription_returning_caller"))
    written = {(memory.key, memory.id) for memory in store.memories(MAYA) if memory.kind != kinds.CARD}
    assert {(memory.key, memory.id) for memory in receipt.memories} == written
    assert receipt.caller == MAYA
    raw = receipt_path("conv_example_returning").read_text()
    assert "Maya" not in raw
    assert "Duluth" not in raw


def test_the_same_call_again_changes_nothing(store: EmbeddedOpenMemory) -> None:
    event = sample("transcription_returning_caller")
    process(store, event)
    before = store.memories(MAYA)
    assert remember(deliver(event), store) == "already done"
    receipt_path("conv_example_returning").unlink()
    assert remember("conv_example_returning", store) == "done"
    assert store.memories(MAYA) == before


def test_an_old_call_that_arrives_late_does_not_overwrite_newer_facts(store: EmbeddedOpenMemory) -> None:
    process(store, transcription(MAYA, "x", facts={"city": "Duluth"}, started_at=1_790_100_000, summary="Newer."))
    process(store, transcription(MAYA, "x", facts={"city": "St Paul"}, started_at=1_790_000_000, summary="Older."))
    assert card(store, MAYA).facts == {"city": "Duluth"}
    assert card(store, MAYA).last_call_summary.endswith("Newer.")
    assert card(store, MAYA).call_count == 2
    assert "City: St Paul" in contents(store, MAYA, kinds.FACT), "the older value stays as history"


def test_two_callers_who_say_the_same_do_not_share_it(store: EmbeddedOpenMemory) -> None:
    for caller in (MAYA, PEPE):
        process(store, transcription(caller, "Yes please."))
    for caller in (MAYA, PEPE):
        assert contents(store, caller, kinds.MESSAGE) == ["Yes please."]


@pytest.mark.parametrize("caller", [None, "anonymous", "+266696687", "sip:maya@example.com", ""])
def test_a_stranger_leaves_no_memory_and_a_receipt_that_says_so(store: EmbeddedOpenMemory, caller: str | None) -> None:
    receipt = process(store, transcription(caller, "Yes please.", facts={"city": "Duluth"}))
    assert receipt.caller is None
    assert receipt.memories == []
    assert contents(store, MAYA) == contents(store, "+266696687") == []


def test_a_silent_call_counts_but_leaves_the_last_call_summary(store: EmbeddedOpenMemory) -> None:
    process(store, transcription(MAYA, "x", started_at=1_790_000_000, summary="Moved the appointment."))
    process(store, transcription(MAYA, started_at=1_790_100_000, summary="Nobody spoke."))
    assert card(store, MAYA).call_count == 2
    assert card(store, MAYA).last_call_summary.endswith("Moved the appointment.")


class Interrupted(EmbeddedOpenMemory):
    """A store that is pulled from under the worker after so many writes."""

    def __init__(self, writes: int) -> None:
        self.writes = writes

    def put_all(self, user_id: str, entries: Sequence[Entry]) -> list[Put]:
        puts = super().put_all(user_id, entries[: self.writes])
        if len(entries) > self.writes:
            raise OpenMemoryError("gone")
        self.writes -= len(entries)
        return puts


@pytest.mark.parametrize("writes", [0, 1, 20, 40, 41, 42])
def test_an_interrupted_run_is_completed_by_the_next_and_nothing_is_duplicated(
    store: EmbeddedOpenMemory, writes: int
) -> None:
    event = transcription(MAYA, *(f"Sentence {number}." for number in range(40)), facts={"city": "Duluth"})
    conversation_id = deliver(event)
    with pytest.raises(OpenMemoryError):
        remember(conversation_id, Interrupted(writes))
    assert not is_done(conversation_id, read_receipt(conversation_id))
    remember(conversation_id, store)
    assert sorted(contents(store, MAYA, kinds.MESSAGE)) == sorted(f"Sentence {number}." for number in range(40))
    assert len(store.memories(MAYA)) == 40 + 1 + 1 + 1


def test_a_corrected_transcription_changes_and_removes_memories(store: EmbeddedOpenMemory) -> None:
    first = transcription(MAYA, "One.", "Two.", "Three.", facts={"city": "St Paul", "dog": "Biscuit"})
    process(store, first)
    kept = {memory.id for memory in store.memories(MAYA) if memory.content in ("One.", "Three.")}
    second = json.loads(json.dumps(first))
    second["event_timestamp"] += 1
    second["data"]["transcript"][3]["message"] = "Two and a half."
    second["data"]["analysis"]["data_collection_results"] = {"city": {"value": "Duluth"}}
    process(store, second)
    assert contents(store, MAYA, kinds.FACT) == ["City: Duluth"]
    assert set(contents(store, MAYA, kinds.MESSAGE)) == {"One.", "Two and a half.", "Three."}
    assert kept <= {memory.id for memory in store.memories(MAYA)}
    assert card(store, MAYA).facts == {"city": "Duluth"}


def test_when_the_caller_of_a_call_changes_the_former_caller_keeps_nothing(store: EmbeddedOpenMemory) -> None:
    first = transcription(MAYA, "Yes please.")
    process(store, first)
    second = json.loads(json.dumps(first).replace(MAYA, PEPE))
    second["event_timestamp"] += 1
    process(store, second)
    assert contents(store, MAYA) == []
    assert contents(store, PEPE, kinds.MESSAGE) == ["Yes please."]


def test_even_an_interrupted_run_for_a_wrong_caller_leaves_nothing_behind(store: EmbeddedOpenMemory) -> None:
    first = transcription(MAYA, "One.", "Two.")
    with pytest.raises(OpenMemoryError):
        remember(deliver(first), Interrupted(1))
    second = json.loads(json.dumps(first).replace(MAYA, PEPE))
    second["event_timestamp"] += 1
    process(store, second)
    assert contents(store, MAYA) == []


def test_a_version_that_arrives_while_processing_stays_pending(store: EmbeddedOpenMemory) -> None:
    first = transcription(MAYA, "One.")
    second = json.loads(json.dumps(first).replace("One.", "Uno."))
    second["event_timestamp"] += 1
    conversation_id = deliver(first)

    class Slow(EmbeddedOpenMemory):
        def put_all(self, user_id: str, entries: Sequence[Entry]) -> list[Put]:
            if "One." in [entry.content for entry in entries]:
                deliver(second)
            return super().put_all(user_id, entries)

    assert remember(conversation_id, Slow()) == "changed meanwhile"
    assert not is_done(conversation_id, read_receipt(conversation_id))
    assert remember(conversation_id, store) == "done"
    assert contents(store, MAYA, kinds.MESSAGE) == ["Uno."]


def test_a_call_that_is_deleted_meanwhile_does_not_come_back(
    store: EmbeddedOpenMemory, payloads: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    conversation_id = deliver(transcription(MAYA, "One."))

    @contextmanager
    def lock_that_was_waited_for(*callers: str, call: str, wait: bool) -> Iterator[None]:  # noqa: ARG001
        shutil.rmtree(payloads / conversation_id)
        store.forget(MAYA)
        yield

    monkeypatch.setattr("conversations.memories.remember.caller_lock", lock_that_was_waited_for)
    with pytest.raises(FileNotFoundError):
        remember(conversation_id, store)
    assert contents(store, MAYA) == []
    assert not (payloads / conversation_id).exists()


def test_what_staff_deleted_stays_deleted(store: EmbeddedOpenMemory) -> None:
    event = transcription(MAYA, "One.", "Two.")
    receipt = process(store, event)
    deleted = next(memory for memory in store.memories(MAYA) if memory.content == "One.")
    store.delete(MAYA, deleted.id)
    receipt.withheld = [memory.content_sha256 for memory in receipt.memories if memory.id == deleted.id]
    receipt.reprocess = True
    conversation_id = event["data"]["conversation_id"]
    write_receipt(conversation_id, receipt)
    assert remember(conversation_id, store) == "done"
    assert contents(store, MAYA, kinds.MESSAGE) == ["Two."]


def opt_out(store: EmbeddedOpenMemory, caller: str) -> None:
    store.put(caller, "preference:opt_out", "", metadata={"kind": kinds.PREFERENCE, "preference": kinds.OPT_OUT})


def test_nothing_more_is_remembered_of_a_caller_who_opted_out(store: EmbeddedOpenMemory) -> None:
    opt_out(store, MAYA)
    receipt = process(store, transcription(MAYA, "Yes please.", facts={"city": "Duluth"}))
    assert receipt.memories == []
    assert [memory.kind for memory in store.memories(MAYA)] == [kinds.CARD, kinds.PREFERENCE]
    assert card(store, MAYA) == Card(opted_out=True)


def test_an_unreadable_transcription_raises_another_error_than_a_failing_store(
    store: EmbeddedOpenMemory, payloads: Path
) -> None:
    folder = payloads / "conv_broken"
    folder.mkdir(parents=True)
    transcription_path("conv_broken").write_bytes(b"{")
    with pytest.raises(NotReadable):
        remember("conv_broken", store)


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b"{}", b'{"payload": 1}', b"\xff"])
def test_a_damaged_receipt_counts_as_missing(store: EmbeddedOpenMemory, damage: bytes) -> None:
    event = transcription(MAYA, "One.")
    process(store, event)
    receipt_path(event["data"]["conversation_id"]).write_bytes(damage)
    assert remember(event["data"]["conversation_id"], store) == "done"
    assert contents(store, MAYA, kinds.MESSAGE) == ["One."]


def test_a_message_holds_the_question_that_it_answers(store: EmbeddedOpenMemory) -> None:
    process(store, transcription(MAYA, "My dog is called Biscuit."))
    (found,) = (memory for memory in store.memories(MAYA) if memory.kind == kinds.MESSAGE)
    assert isinstance(found, Memory)
    assert found.metadata["asked"] == "Question 0?"


def test_a_version_with_another_caller_that_another_worker_processes_meanwhile_leaves_nothing_behind(
    store: EmbeddedOpenMemory,
) -> None:
    first = transcription(MAYA, "Yes please.")
    second = json.loads(json.dumps(first).replace(MAYA, PEPE))
    second["event_timestamp"] += 1
    conversation_id = deliver(first)

    class Overtaken(EmbeddedOpenMemory):
        def add_all(self, user_id: str, entries: Sequence[Entry], instead_of: Sequence[str] = ()) -> list[Put]:
            deliver(second)
            with suppress(Busy):
                remember(conversation_id, store, wait=False)
            return super().add_all(user_id, entries, instead_of)

    remember(conversation_id, Overtaken())
    for _ in range(2):
        remember(conversation_id, store)
    assert contents(store, MAYA) == []
    assert contents(store, PEPE, kinds.MESSAGE) == ["Yes please."]
