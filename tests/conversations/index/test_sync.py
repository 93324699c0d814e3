"""Rows of the index: written at delivery, refreshed and reconciled with the files."""

from datetime import UTC, datetime
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from django.db import connections

from conversations.files.deletion import delete_conversation
from conversations.files.paths import AUDIO, TRANSCRIPTION, transcription_path
from conversations.files.placing import Delivery
from conversations.files.receipts import read_receipt, write_receipt
from conversations.index.queue import due_conversations, queue_status
from conversations.index.references import caller_reference
from conversations.index.rows import fingerprint, row_values
from conversations.index.sync import reconcile, reconcile_in_steps, record_deliveries, refresh_row, refresh_stale_rows
from conversations.memories.worker import Worker
from conversations.models import Caller, CallerCalls, Conversation, MemoryState
from elmemory.memory.openmemory.embedded.store import EmbeddedOpenMemory
from tests.harness.samples import raw_sample, transcription
from tests.harness.stored import deliver, place, receive, row

pytestmark = [
    pytest.mark.django_db(transaction=True, databases=["memory", "index"]),
    pytest.mark.usefixtures("payloads", "index_schema"),
]

MAYA = "+14155550100"


def test_a_row_holds_the_values_of_its_payload(store: EmbeddedOpenMemory) -> None:
    conversation_id = deliver(raw_sample("transcription_returning_caller"))
    deliver(raw_sample("audio"))
    Worker(store).process_due()
    found = row(conversation_id)
    assert (found.caller, found.agent_id, found.title) == (MAYA, "agent_0001example", "Appointment moved to Friday")
    assert (found.duration_seconds, found.successful, found.has_audio) == (37, "success", True)


def test_reconciling_that_was_interrupted_goes_on_with_the_rows_that_are_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("conversations.index.sync._BATCH", 2)
    for _ in range(7):
        place(transcription(MAYA, "Yes please."))
    interrupted = reconcile_in_steps()
    assert [next(interrupted), next(interrupted)] == [2, 2]
    assert reconcile() == 3
    assert reconcile() == 0


@pytest.mark.sqlite
def test_the_index_uses_no_shared_memory() -> None:
    reconcile()
    database = Path(connections["index"].settings_dict["NAME"])
    assert not database.with_name(f"{database.name}-shm").exists()


def test_a_delivery_has_a_thin_row_before_it_is_read() -> None:
    conversation_id = receive(transcription(MAYA, "Yes please."))
    thin = row(conversation_id)
    assert (thin.has_transcription, thin.has_audio, thin.memory_state) == (True, False, MemoryState.PENDING)
    assert thin.started_on is not None
    assert queue_status().pending == 1
    assert due_conversations() == [conversation_id]


def test_refreshing_completes_a_thin_row() -> None:
    conversation_id = receive(raw_sample("transcription_returning_caller"))
    assert refresh_stale_rows() == 1
    assert row(conversation_id).title == "Appointment moved to Friday"
    assert refresh_stale_rows() == 0


def test_a_complete_row_keeps_its_values_until_it_is_refreshed() -> None:
    conversation_id = deliver(raw_sample("transcription_returning_caller"))
    assert receive(raw_sample("audio")) == conversation_id
    assert (row(conversation_id).title, row(conversation_id).has_audio) == ("Appointment moved to Friday", False)
    refresh_stale_rows()
    assert (row(conversation_id).title, row(conversation_id).has_audio) == ("Appointment moved to Friday", True)


def test_a_batch_may_hold_several_deliveries_of_one_conversation() -> None:
    deliveries = [Delivery("received", kind, f"conv_{n}") for n in range(3) for kind in (AUDIO, TRANSCRIPTION)]
    record_deliveries(deliveries)
    assert Conversation.objects.count() == 3


def test_a_delivery_that_arrives_while_its_row_is_refreshed_is_not_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    conversation_id = receive(raw_sample("transcription_returning_caller"))
    made = row_values

    def made_while_the_recording_comes(conversation_id: str, read: object) -> Any:  # noqa: ARG001
        output = made(conversation_id)
        monkeypatch.setattr("conversations.index.sync.row_values", made)
        receive(raw_sample("audio"))
        return output

    monkeypatch.setattr("conversations.index.sync.row_values", made_while_the_recording_comes)
    refresh_stale_rows()
    assert row(conversation_id).has_audio


def test_an_unreadable_folder_is_left_to_reconciling(payloads: Path) -> None:
    bad, good = receive(transcription(MAYA, "One.")), receive(transcription(MAYA, "Two."))
    transcription_path(bad).unlink()
    transcription_path(bad).mkdir()
    assert refresh_stale_rows() == 2
    assert refresh_stale_rows() == 0
    assert row(good).caller == MAYA
    transcription_path(bad).rmdir()
    (payloads / bad).rmdir()
    reconcile()
    assert not Conversation.objects.filter(pk=bad).exists()


def never_connected(conversation_id: str, code: object) -> dict[str, Any]:
    body = {"to_number": MAYA, "sip_status_code": code}
    data = {"conversation_id": conversation_id, "failure_reason": "busy", "metadata": {"type": "sip", "body": body}}
    return {"type": "call_initiation_failure", "event_timestamp": 1790000000, "data": data}


@pytest.mark.parametrize("code", ["48\ud800", "48\x00", [486], {"a": 1}, 486])
def test_a_failure_has_a_title_whatever_its_status_code(code: object) -> None:
    conversation_id = receive(never_connected("conv_1", code))
    refresh_stale_rows()
    assert row(conversation_id).title.startswith("Never connected: the line was busy (SIP ")


def test_a_row_that_the_database_refuses_does_not_block_the_others(
    store: EmbeddedOpenMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = receive(transcription(MAYA, "One.")), receive(transcription(MAYA, "Two."))
    made = row_values

    def made_badly(conversation_id: str, read: object) -> Any:  # noqa: ARG001
        found = made(conversation_id)
        return found._replace(columns=found.columns | {"title": "\ud800"}) if conversation_id == bad else found

    monkeypatch.setattr("conversations.index.sync.row_values", made_badly)
    refresh_stale_rows()
    assert (row(good).caller, row(bad).caller) == (MAYA, "")
    Worker(store).process_due()
    assert row(good).memory_state == MemoryState.WRITTEN
    assert read_receipt(bad), "it is processed all the same"
    assert due_conversations() == []


def test_a_delivery_that_arrives_after_its_folder_was_seen_empty_keeps_its_row(
    payloads: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = raw_sample("transcription_returning_caller")
    seen = fingerprint
    (payloads / "conv_example_returning").mkdir(parents=True)

    def seen_before_it_comes(conversation_id: str) -> str:
        current = seen(conversation_id)
        if not current:
            monkeypatch.setattr("conversations.index.sync.fingerprint", seen)
            receive(event)
        return current

    monkeypatch.setattr("conversations.index.sync.fingerprint", seen_before_it_comes)
    reconcile()
    assert row("conv_example_returning").title == "Appointment moved to Friday"


def test_reconciling_goes_on_after_a_folder_that_cannot_be_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    bad, good = deliver(transcription(MAYA, "One.")), deliver(transcription(MAYA, "Two."))
    Conversation.objects.update(fingerprint="of before")
    seen = fingerprint

    def denied(conversation_id: str) -> str:
        if conversation_id == bad:
            raise PermissionError(13, "Permission denied")
        return seen(conversation_id)

    monkeypatch.setattr("conversations.index.sync.fingerprint", denied)
    reconcile()
    assert row(good).fingerprint == seen(good)


def test_reconciling_adds_missing_rows(store: EmbeddedOpenMemory) -> None:
    conversation_id = deliver(transcription(MAYA, "Yes please."))
    Conversation.objects.all().delete()
    assert reconcile() == 1
    assert row(conversation_id).memory_state == MemoryState.PENDING
    Worker(store).process_due()
    assert reconcile() == 0


def test_reconciling_deletes_rows_without_files(payloads: Path) -> None:
    conversation_id = deliver(transcription(MAYA, "Yes please."))
    transcription_path(conversation_id).unlink()
    (payloads / conversation_id).rmdir()
    assert reconcile() == 1
    assert not Conversation.objects.exists()


def test_reconciling_goes_on_after_an_unreadable_folder(store: EmbeddedOpenMemory, payloads: Path) -> None:
    transcription_path("conv_bad").mkdir(parents=True)
    good = deliver(transcription(MAYA, "Yes please."))
    Conversation.objects.all().delete()
    reconcile()
    Worker(store).process_due()
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
    Worker(store).process_due()
    found = row(conversation_id)
    assert found.memory_state == MemoryState.WRITTEN
    for field in Conversation._meta.fields:
        if field.max_length:
            assert len(getattr(found, field.name)) <= field.max_length
    assert found.duration_seconds in (30, None)


def test_reconciling_finds_a_requested_reprocessing(store: EmbeddedOpenMemory) -> None:
    conversation_id = deliver(transcription(MAYA, "Yes please."))
    Worker(store).process_due()
    receipt = read_receipt(conversation_id)
    assert receipt is not None
    receipt.reprocess = True
    write_receipt(conversation_id, receipt)
    reconcile()
    assert due_conversations() == [conversation_id]


def test_a_table_that_is_dropped_while_in_use_is_created_again(store: EmbeddedOpenMemory) -> None:
    conversation_id = deliver(transcription(MAYA, "Yes please."))
    with connections["index"].schema_editor() as editor:
        editor.delete_model(Conversation)
    assert due_conversations() == []
    reconcile()
    Worker(store).process_due()
    assert row(conversation_id).memory_state == MemoryState.WRITTEN


def test_callers_are_counted_with_their_calls() -> None:
    maya = "+14155550100"
    for number in range(3):
        deliver(transcription(maya, "Hello.", conversation_id=f"conv_{number}", started_at=1_790_000_000 + number))
    caller = Caller.objects.get()
    assert (caller.number, caller.calls) == (maya, 3)
    assert caller.last_call is not None
    assert int(caller.last_call.timestamp()) == 1_790_000_002
    for number in range(3):
        delete_conversation(f"conv_{number}")
        refresh_row(f"conv_{number}")
        assert [caller.calls for caller in Caller.objects.all()] == ([2 - number] if number < 2 else [])


def test_a_call_that_is_refreshed_again_is_counted_once() -> None:
    for _ in range(2):
        deliver(transcription("+14155550100", "Hello.", conversation_id="conv_1"))
        refresh_row("conv_1")
    assert Caller.objects.get().calls == 1


def test_a_call_of_another_caller_by_now_is_counted_there() -> None:
    for caller, seconds in (("+14155550100", 0), ("+14155550101", 1)):
        event = transcription(caller, "Hello.", conversation_id="conv_1")
        event["event_timestamp"] += seconds
        deliver(event)
    assert [(caller.number, caller.calls) for caller in Caller.objects.all()] == [("+14155550101", 1)]


def test_what_a_caller_has_is_the_same_in_whatever_order_calls_arrive() -> None:
    found = set()
    for order in permutations(range(3)):
        Conversation.objects.all().delete()
        CallerCalls.objects.all().delete()
        for number in order:
            facts = {"first_name": ("Maya", "Tom", "Maya")[number]}
            name = f"conv_{number}"
            deliver(
                transcription(
                    "+14155550100", "Hello.", conversation_id=name, started_at=1_790_000_000 + number, facts=facts
                )
            )
        caller = Caller.objects.get()
        words = " ".join(sorted(caller.name_words.split()))
        found.add((caller.calls, caller.first_call, caller.last_call, words))
    ((calls, _, _, words),) = found
    assert (calls, words) == (3, "maya tom")


@pytest.mark.skipif(connections["index"].vendor != "sqlite", reason="the steps of SQLite are counted")
def test_one_more_call_reads_no_more_rows_of_a_caller_with_a_long_history() -> None:
    def steps(calls: int) -> int:
        reference = caller_reference("+14155550100")
        rows = (
            Conversation(
                conversation_id=f"old_{calls}_{number}",
                sort_key=number + 1,
                caller="+14155550100",
                caller_ref=reference,
                started_at=datetime(2026, 1, 1, tzinfo=UTC),
                outcome="done",
                is_returning=number > 0,
                fingerprint="-",
            )
            for number in range(calls)
        )
        Conversation.objects.all().delete()
        Conversation.objects.bulk_create(rows, batch_size=500)
        conversation_id = place(transcription("+14155550100", "Hello.", conversation_id=f"new_{calls}")).conversation_id
        counted = 0

        def count() -> None:
            nonlocal counted
            counted += 1

        connection = connections["index"].connection
        connection.set_progress_handler(count, 100)
        refresh_row(conversation_id)
        connection.set_progress_handler(None, 100)
        return counted

    assert steps(5_000) < 2 * steps(20)
