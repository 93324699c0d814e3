import json
import time
from pathlib import Path
from typing import Any

import pytest
from django.db import connections

from conversations import index
from conversations.models import Conversation, MemoryState
from conversations.receipts import read_receipt, write_receipt
from conversations.spool import spool
from conversations.storage import accept, transcription_path
from conversations.worker import Worker
from elmemory.memory.openmemory import NotStorable, OpenMemoryError
from elmemory.memory.openmemory.embedded.store import EmbeddedOpenMemory
from tests.samples import raw_sample, transcription

pytestmark = [
    pytest.mark.django_db(transaction=True, databases=["memory", "index"]),
    pytest.mark.usefixtures("payloads", "index_schema"),
]

MAYA = "+14155550100"


def deliver(event: dict[str, Any] | bytes) -> str:
    with spool() as spooled:
        spooled.file.write(event if isinstance(event, bytes) else json.dumps(event).encode())
        conversation_id = accept(spooled).conversation_id
    index.refresh(conversation_id)
    return conversation_id


def row(conversation_id: str) -> Conversation:
    return Conversation.objects.get(pk=conversation_id)


class Away(EmbeddedOpenMemory):
    def put_all(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ARG002
        raise OpenMemoryError("away")


def test_what_was_delivered_is_pending_until_it_is_remembered(store: EmbeddedOpenMemory) -> None:
    conversation_id = deliver(transcription(MAYA, "Yes please."))
    assert row(conversation_id).memory_state == MemoryState.PENDING
    assert Worker(store).work_off() == 1
    assert row(conversation_id).memory_state == MemoryState.WRITTEN
    assert row(conversation_id).memories == 2
    assert Worker(store).work_off() == 0


def test_a_row_says_what_its_payload_says(store: EmbeddedOpenMemory) -> None:
    conversation_id = deliver(raw_sample("transcription_returning_caller"))
    deliver(raw_sample("audio"))
    Worker(store).work_off()
    found = row(conversation_id)
    assert (found.caller, found.agent_id, found.title) == (MAYA, "agent_0001example", "Appointment moved to Friday")
    assert (found.duration_seconds, found.successful, found.has_audio) == (37, "success", True)


def test_while_openmemory_is_away_the_call_waits_and_is_tried_again(store: EmbeddedOpenMemory) -> None:
    conversation_id = deliver(transcription(MAYA, "Yes please."))
    before = time.time()
    for attempt in range(1, 4):
        Conversation.objects.update(next_attempt_at=0)
        Worker(Away()).work_off()
        assert row(conversation_id).memory_state == MemoryState.PENDING
        assert row(conversation_id).attempts == attempt
        assert 2 ** (attempt - 1) / 2 <= row(conversation_id).next_attempt_at - before <= 2 ** (attempt - 1) + 5
    assert index.due() == []
    Conversation.objects.update(next_attempt_at=0)
    Worker(store).work_off()
    assert row(conversation_id).memory_state == MemoryState.WRITTEN
    assert row(conversation_id).error == ""


def test_the_delay_never_grows_beyond_an_hour(store: EmbeddedOpenMemory) -> None:  # noqa: ARG001
    conversation_id = deliver(transcription(MAYA, "Yes please."))
    Conversation.objects.update(attempts=5000)
    assert 1800 <= index.note_failure(conversation_id, "away", parked=False) <= 3600


def test_a_clock_that_is_put_back_keeps_nothing_waiting(
    store: EmbeddedOpenMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    conversation_id = deliver(transcription(MAYA, "Yes please."))
    worker = Worker(store)
    worker.mind_the_clock()
    index.note_failure(conversation_id, "away", parked=False)
    worker.mind_the_clock()
    assert index.due() == []
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now - 3600)
    worker.mind_the_clock()
    assert index.due() == [conversation_id]


def test_a_payload_that_cannot_be_read_is_parked_with_its_reason(store: EmbeddedOpenMemory) -> None:
    conversation_id = deliver(transcription(MAYA, "Yes please."))
    transcription_path(conversation_id).write_bytes(b"{")
    Worker(store).work_off()
    assert row(conversation_id).memory_state == MemoryState.FAILED
    assert row(conversation_id).error == "the payload is not JSON"
    assert index.queue() == (0, 1, 0)


def test_one_bad_call_does_not_keep_the_others_waiting(store: EmbeddedOpenMemory) -> None:
    bad = deliver(transcription(MAYA, "One."))
    good = deliver(transcription(MAYA, "Two."))
    transcription_path(bad).write_bytes(b"{")
    Worker(store).work_off()
    assert row(good).memory_state == MemoryState.WRITTEN


def test_the_queue_tells_how_long_the_oldest_has_waited(store: EmbeddedOpenMemory) -> None:  # noqa: ARG001
    deliver(transcription(MAYA, "One."))
    deliver(transcription(MAYA, "Two."))
    Conversation.objects.update(pending_since=time.time() - 100)
    queue = index.queue()
    assert (queue.pending, queue.failed) == (2, 0)
    assert queue.oldest_seconds == pytest.approx(100, abs=2)


def test_the_index_is_no_memory_that_processes_share(store: EmbeddedOpenMemory) -> None:  # noqa: ARG001
    index.reconcile()
    database = Path(connections["index"].settings_dict["NAME"])
    assert not database.with_name(f"{database.name}-shm").exists()


def test_reconciling_finds_what_the_index_missed(store: EmbeddedOpenMemory) -> None:
    conversation_id = deliver(transcription(MAYA, "Yes please."))
    Conversation.objects.all().delete()
    assert index.reconcile() == 1
    assert row(conversation_id).memory_state == MemoryState.PENDING
    Worker(store).work_off()
    assert index.reconcile() == 0


def test_reconciling_drops_the_rows_of_what_is_gone(store: EmbeddedOpenMemory, payloads: Path) -> None:  # noqa: ARG001
    conversation_id = deliver(transcription(MAYA, "Yes please."))
    transcription_path(conversation_id).unlink()
    (payloads / conversation_id).rmdir()
    assert index.reconcile() == 1
    assert not Conversation.objects.exists()


def test_one_folder_that_cannot_be_read_does_not_keep_the_others_waiting(
    store: EmbeddedOpenMemory, payloads: Path
) -> None:
    transcription_path("conv_bad").mkdir(parents=True)
    good = deliver(transcription(MAYA, "Yes please."))
    Conversation.objects.all().delete()
    index.reconcile()
    Worker(store).work_off()
    assert row(good).memory_state == MemoryState.WRITTEN
    assert (payloads / "conv_bad").exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "x" * 500, "agent_id": "y" * 500},
        {"metadata": {"call_duration_secs": 3 * 10**9}},
        {"metadata": {"call_duration_secs": -1}, "analysis": {"call_successful": "z" * 500}},
        {"analysis": {"call_summary_title": "t\x00" * 500}},
    ],
)
def test_values_of_absurd_size_cost_neither_row_nor_memory(store: EmbeddedOpenMemory, changes: dict[str, Any]) -> None:
    conversation_id = deliver(transcription(MAYA, "Yes please.", **changes))
    Worker(store).work_off()
    found = row(conversation_id)
    assert found.memory_state == MemoryState.WRITTEN
    for field in Conversation._meta.fields:
        if field.max_length:
            assert len(getattr(found, field.name)) <= field.max_length
    assert found.duration_seconds in (30, None)


def test_a_requested_reprocessing_survives_the_index(store: EmbeddedOpenMemory) -> None:
    conversation_id = deliver(transcription(MAYA, "Yes please."))
    Worker(store).work_off()
    receipt = read_receipt(conversation_id)
    assert receipt is not None
    receipt.reprocess = True
    write_receipt(conversation_id, receipt)
    index.reconcile()
    assert index.due() == [conversation_id]


def test_an_index_that_was_deleted_while_in_use_heals(store: EmbeddedOpenMemory) -> None:
    conversation_id = deliver(transcription(MAYA, "Yes please."))
    with connections["index"].schema_editor() as editor:
        editor.delete_model(Conversation)
    assert index.due() == []
    index.reconcile()
    Worker(store).work_off()
    assert row(conversation_id).memory_state == MemoryState.WRITTEN


class Refusing(EmbeddedOpenMemory):
    def put_all(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ARG002
        raise NotStorable("too long for it")


def test_a_memory_that_the_store_can_never_take_parks_its_call(store: EmbeddedOpenMemory) -> None:  # noqa: ARG001
    conversation_id = deliver(transcription(MAYA, "Yes please."))
    Worker(Refusing()).work_off()
    assert (row(conversation_id).memory_state, row(conversation_id).error) == (MemoryState.FAILED, "too long for it")
