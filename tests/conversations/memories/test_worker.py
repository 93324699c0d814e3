import json
import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.db import connections

from conversations.files.paths import AUDIO, TRANSCRIPTION, transcription_path
from conversations.files.placing import Delivery, accept
from conversations.files.receipts import read_receipt, write_receipt
from conversations.files.spool import spool
from conversations.index.queue import due_conversations, make_all_due, queue_status, record_failure
from conversations.index.rows import fingerprint, row_values
from conversations.index.sync import reconcile, record_deliveries, refresh_row, refresh_stale_rows
from conversations.memories.worker import Worker
from conversations.models import Conversation, MemoryState
from elmemory.memory.openmemory import NotStorable, OpenMemoryError
from elmemory.memory.openmemory.embedded.store import EmbeddedOpenMemory
from elmemory.memory.openmemory.remote.store import RemoteOpenMemory
from tests.harness.openmemory_servers import stub_server
from tests.harness.samples import raw_sample, transcription
from tests.harness.server import Server, free_port, wait_until

pytestmark = [
    pytest.mark.django_db(transaction=True, databases=["memory", "index"]),
    pytest.mark.usefixtures("payloads", "index_schema"),
]

MAYA, PEPE, ZOE = "+14155550100", "+14155550101", "+14155550102"


def deliver(event: dict[str, Any] | bytes) -> str:
    with spool() as spooled:
        spooled.file.write(event if isinstance(event, bytes) else json.dumps(event).encode())
        conversation_id = accept(spooled).conversation_id
    refresh_row(conversation_id)
    return conversation_id


def row(conversation_id: str) -> Conversation:
    return Conversation.objects.get(pk=conversation_id)


class Away(EmbeddedOpenMemory):
    def put_all(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ARG002
        raise OpenMemoryError("away")


class AwayForAll(EmbeddedOpenMemory):
    """Tells so many calls at the same moment that it is away."""

    def __init__(self, calls: int) -> None:
        self._together = threading.Barrier(calls, timeout=30)

    def put_all(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ARG002
        self._together.wait()
        raise OpenMemoryError("away")


class NotFor(EmbeddedOpenMemory):
    """Fails at one caller."""

    def __init__(self, caller: str) -> None:
        self.caller = caller

    def put_all(self, user_id: str, *args: Any, **kwargs: Any) -> Any:
        if user_id == self.caller:
            raise OpenMemoryError("away")
        return super().put_all(user_id, *args, **kwargs)


class Fickle(EmbeddedOpenMemory):
    away = True

    def put_all(self, *args: Any, **kwargs: Any) -> Any:
        if self.away:
            raise OpenMemoryError("away")
        return super().put_all(*args, **kwargs)


@contextmanager
def threads(count: int) -> Iterator[ThreadPoolExecutor]:
    """Threads that close their databases at the end."""
    together = threading.Barrier(count, timeout=30)

    def leave(_: int) -> None:
        together.wait()
        connections.close_all()

    with ThreadPoolExecutor(count) as pool:
        yield pool
        list(pool.map(leave, range(count)))


def all_due() -> None:
    Conversation.objects.update(next_attempt_at=0)


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
        all_due()
        Worker(Away()).work_off()
        assert row(conversation_id).memory_state == MemoryState.PENDING
        assert row(conversation_id).attempts == attempt
        assert 2 ** (attempt - 1) / 2 <= row(conversation_id).next_attempt_at - before <= 2 ** (attempt - 1) + 5
    assert due_conversations() == []
    all_due()
    Worker(store).work_off()
    assert row(conversation_id).memory_state == MemoryState.WRITTEN
    assert row(conversation_id).error == ""


def test_calls_that_fail_together_lengthen_the_pause_once(store: EmbeddedOpenMemory) -> None:  # noqa: ARG001
    for caller in (MAYA, PEPE, ZOE):
        deliver(transcription(caller, "Yes please."))
    worker = Worker(AwayForAll(3))
    with threads(3) as pool:
        worker.work_off(pool)
    assert [conversation.attempts for conversation in Conversation.objects.all()] == [1, 1, 1]
    assert worker.pause == 1


def test_the_pause_doubles_with_every_round_that_finds_openmemory_away_up_to_half_a_minute(
    store: EmbeddedOpenMemory,  # noqa: ARG001
) -> None:
    deliver(transcription(MAYA, "Yes please."))
    worker = Worker(Away())
    pauses = []
    for _ in range(7):
        all_due()
        worker.work_off()
        pauses.append(worker.pause)
    assert pauses == [1, 2, 4, 8, 16, 30, 30]


def test_once_openmemory_is_found_away_what_has_not_begun_stays_due_and_has_not_failed(
    store: EmbeddedOpenMemory,  # noqa: ARG001
) -> None:
    for _ in range(5):
        deliver(transcription(MAYA, "Yes please."))
    Worker(Away()).work_off()
    assert Conversation.objects.filter(attempts=1).count() == 1
    assert Conversation.objects.filter(attempts=0, next_attempt_at=0).count() == 4


def test_while_openmemory_is_away_one_call_a_round_asks_for_it(store: EmbeddedOpenMemory) -> None:  # noqa: ARG001
    for caller in (MAYA, PEPE, ZOE):
        deliver(transcription(caller, "Yes please."))
    worker = Worker(Away())
    worker.work_off()
    with threads(3) as pool:
        worker.work_off(pool)
    assert sorted(conversation.attempts for conversation in Conversation.objects.all()) == [0, 1, 1]


def test_when_openmemory_is_back_everything_is_due_at_once(store: EmbeddedOpenMemory) -> None:  # noqa: ARG001
    ids = {deliver(transcription(caller, "Yes please.")) for caller in (MAYA, PEPE, ZOE)}
    fickle = Fickle()
    worker = Worker(fickle)
    for _ in range(2):
        worker.work_off()
    fickle.away = False
    assert worker.work_off() == 1
    assert worker.pause == 0
    assert len(due_conversations()) == 2
    assert worker.work_off() == 2
    assert set(Conversation.objects.filter(memory_state=MemoryState.WRITTEN).values_list("pk", flat=True)) == ids


def test_a_server_that_adds_and_drops_the_connection_holds_each_memory_once_in_the_end(
    store: EmbeddedOpenMemory,  # noqa: ARG001
) -> None:
    conversation_id = deliver(transcription(MAYA, "Yes please."))
    with stub_server() as (stub, url), closing(RemoteOpenMemory(url)) as server:
        stub.faults = {("POST", "/memory/add"): "commit, drop reused"}
        worker = Worker(server)
        for _ in range(4):
            all_due()
            worker.work_off()
        kinds = sorted(memory["metadata"].get("kind", "unfinished") for memory in stub.of(MAYA))
    assert row(conversation_id).memory_state == MemoryState.WRITTEN
    assert kinds == ["call", "card", "message"]


def test_a_call_that_openmemory_alone_refuses_makes_no_pause(store: EmbeddedOpenMemory) -> None:  # noqa: ARG001
    deliver(transcription(MAYA, "Yes please."))
    refused = deliver(transcription(PEPE, "Yes please."))
    Conversation.objects.filter(pk=refused).update(next_attempt_at=1)
    worker = Worker(NotFor(PEPE))
    assert worker.work_off() == 1
    assert worker.pause == 0
    assert row(refused).attempts == 1


def test_after_openmemory_was_away_what_failed_most_is_tried_last(store: EmbeddedOpenMemory) -> None:  # noqa: ARG001
    often, once, never = (deliver(transcription(caller, "Yes please.")) for caller in (MAYA, PEPE, ZOE))
    for failing in (often, often, once):
        record_failure(failing, "away", parked=False)
    make_all_due()
    assert due_conversations() == [never, once, often]


def test_a_call_of_nobody_does_not_tell_that_openmemory_is_back(store: EmbeddedOpenMemory) -> None:  # noqa: ARG001
    deliver(transcription(MAYA, "Yes please."))
    worker = Worker(Away())
    worker.work_off()
    deliver(transcription("anonymous", "Yes please."))
    assert worker.work_off() == 1
    assert worker.pause == 1


def test_the_delay_never_grows_beyond_an_hour(store: EmbeddedOpenMemory) -> None:  # noqa: ARG001
    conversation_id = deliver(transcription(MAYA, "Yes please."))
    Conversation.objects.update(attempts=5000)
    assert 1800 <= record_failure(conversation_id, "away", parked=False) <= 3600


def test_a_clock_that_is_put_back_keeps_nothing_waiting(
    store: EmbeddedOpenMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    conversation_id = deliver(transcription(MAYA, "Yes please."))
    worker = Worker(store)
    worker.mind_the_clock()
    record_failure(conversation_id, "away", parked=False)
    worker.mind_the_clock()
    assert due_conversations() == []
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now - 3600)
    worker.mind_the_clock()
    assert due_conversations() == [conversation_id]


def test_a_payload_that_cannot_be_read_is_parked_with_its_reason(store: EmbeddedOpenMemory) -> None:
    conversation_id = deliver(transcription(MAYA, "Yes please."))
    transcription_path(conversation_id).write_bytes(b"{")
    Worker(store).work_off()
    assert row(conversation_id).memory_state == MemoryState.FAILED
    assert row(conversation_id).error == "the payload is not JSON"
    assert queue_status() == (0, 1, 0)


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
    queue = queue_status()
    assert (queue.pending, queue.failed) == (2, 0)
    assert queue.oldest_seconds == pytest.approx(100, abs=2)


@pytest.mark.sqlite
def test_the_index_is_no_memory_that_processes_share(store: EmbeddedOpenMemory) -> None:  # noqa: ARG001
    reconcile()
    database = Path(connections["index"].settings_dict["NAME"])
    assert not database.with_name(f"{database.name}-shm").exists()


def arrived(event: dict[str, Any] | bytes) -> str:
    """As a delivery leaves it: the file, and a thin row."""
    with spool() as spooled:
        spooled.write(event if isinstance(event, bytes) else json.dumps(event).encode())
        delivery = accept(spooled)
    record_deliveries([delivery])
    return delivery.conversation_id


def test_a_delivery_is_seen_before_it_is_read(store: EmbeddedOpenMemory) -> None:  # noqa: ARG001
    conversation_id = arrived(transcription(MAYA, "Yes please."))
    thin = row(conversation_id)
    assert (thin.has_transcription, thin.has_audio, thin.memory_state) == (True, False, MemoryState.PENDING)
    assert thin.started_on is not None
    assert queue_status().pending == 1
    assert due_conversations() == [conversation_id]


def test_catching_up_makes_the_row_say_what_the_files_say(store: EmbeddedOpenMemory) -> None:  # noqa: ARG001
    conversation_id = arrived(raw_sample("transcription_returning_caller"))
    assert refresh_stale_rows() == 1
    assert row(conversation_id).title == "Appointment moved to Friday"
    assert refresh_stale_rows() == 0


def test_what_a_row_says_stays_until_it_is_caught_up(store: EmbeddedOpenMemory) -> None:  # noqa: ARG001
    conversation_id = deliver(raw_sample("transcription_returning_caller"))
    assert arrived(raw_sample("audio")) == conversation_id
    assert (row(conversation_id).title, row(conversation_id).has_audio) == ("Appointment moved to Friday", False)
    refresh_stale_rows()
    assert (row(conversation_id).title, row(conversation_id).has_audio) == ("Appointment moved to Friday", True)


def test_many_deliveries_are_noted_at_once_even_of_one_conversation(
    store: EmbeddedOpenMemory,  # noqa: ARG001
) -> None:
    deliveries = [Delivery("received", kind, f"conv_{n}") for n in range(3) for kind in (AUDIO, TRANSCRIPTION)]
    record_deliveries(deliveries)
    assert Conversation.objects.count() == 3


def test_a_delivery_that_comes_while_its_row_is_made_is_not_missed(
    store: EmbeddedOpenMemory,  # noqa: ARG001
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    conversation_id = arrived(raw_sample("transcription_returning_caller"))
    made = row_values

    def made_while_the_recording_comes(conversation_id: str) -> Any:
        told = made(conversation_id)
        monkeypatch.setattr("conversations.index.sync.row_values", made)
        arrived(raw_sample("audio"))
        return told

    monkeypatch.setattr("conversations.index.sync.row_values", made_while_the_recording_comes)
    refresh_stale_rows()
    assert row(conversation_id).has_audio


def test_what_cannot_be_read_is_left_to_reconciling(store: EmbeddedOpenMemory, payloads: Path) -> None:  # noqa: ARG001
    bad, good = arrived(transcription(MAYA, "One.")), arrived(transcription(MAYA, "Two."))
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
def test_whatever_a_failure_says_it_is_shown(store: EmbeddedOpenMemory, code: object) -> None:  # noqa: ARG001
    conversation_id = arrived(never_connected("conv_1", code))
    refresh_stale_rows()
    assert row(conversation_id).title.startswith("Never connected: the line was busy (SIP ")


def test_what_the_database_does_not_take_keeps_nobody_else_waiting(
    store: EmbeddedOpenMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = arrived(transcription(MAYA, "One.")), arrived(transcription(MAYA, "Two."))
    made = row_values

    def made_badly(conversation_id: str) -> Any:
        columns, text = made(conversation_id)
        return (columns | {"title": "\ud800"} if conversation_id == bad else columns), text

    monkeypatch.setattr("conversations.index.sync.row_values", made_badly)
    refresh_stale_rows()
    assert (row(good).caller, row(bad).caller) == (MAYA, "")
    Worker(store).work_off()
    assert row(good).memory_state == MemoryState.WRITTEN
    assert read_receipt(bad), "it is remembered all the same"
    assert due_conversations() == []


def test_a_delivery_that_comes_while_its_folder_is_seen_empty_keeps_its_row(
    store: EmbeddedOpenMemory,  # noqa: ARG001
    payloads: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    event = raw_sample("transcription_returning_caller")
    seen = fingerprint
    (payloads / "conv_example_returning").mkdir(parents=True)

    def seen_before_it_comes(conversation_id: str) -> str:
        files = seen(conversation_id)
        if not files:
            monkeypatch.setattr("conversations.index.sync.fingerprint", seen)
            arrived(event)
        return files

    monkeypatch.setattr("conversations.index.sync.fingerprint", seen_before_it_comes)
    reconcile()
    assert row("conv_example_returning").title == "Appointment moved to Friday"


def test_a_folder_that_cannot_be_listed_does_not_end_the_reconciling(
    store: EmbeddedOpenMemory,  # noqa: ARG001
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bad, good = deliver(transcription(MAYA, "One.")), deliver(transcription(MAYA, "Two."))
    Conversation.objects.update(files="of before")
    seen = fingerprint

    def denied(conversation_id: str) -> str:
        if conversation_id == bad:
            raise PermissionError(13, "Permission denied")
        return seen(conversation_id)

    monkeypatch.setattr("conversations.index.sync.fingerprint", denied)
    reconcile()
    assert row(good).files == seen(good)


def test_while_openmemory_is_away_deliveries_are_still_seen(tmp_path: Path) -> None:
    with Server(tmp_path, OPENMEMORY_PORT=str(free_port()), OPENMEMORY_KEY="key") as server:
        server.post_call(transcription(MAYA, "Yes please."))
        wait_until(lambda: "OpenMemory is away" in server.output)
        server.post_call(raw_sample("transcription_returning_caller"))
        with closing(sqlite3.connect(tmp_path / "index.sqlite3")) as database:
            state = "SELECT memory_state FROM conversation WHERE title = 'Appointment moved to Friday'"
            wait_until(lambda: database.execute(state).fetchall() == [("pending",)])


def test_reconciling_finds_what_the_index_missed(store: EmbeddedOpenMemory) -> None:
    conversation_id = deliver(transcription(MAYA, "Yes please."))
    Conversation.objects.all().delete()
    assert reconcile() == 1
    assert row(conversation_id).memory_state == MemoryState.PENDING
    Worker(store).work_off()
    assert reconcile() == 0


def test_reconciling_drops_the_rows_of_what_is_gone(store: EmbeddedOpenMemory, payloads: Path) -> None:  # noqa: ARG001
    conversation_id = deliver(transcription(MAYA, "Yes please."))
    transcription_path(conversation_id).unlink()
    (payloads / conversation_id).rmdir()
    assert reconcile() == 1
    assert not Conversation.objects.exists()


def test_one_folder_that_cannot_be_read_does_not_keep_the_others_waiting(
    store: EmbeddedOpenMemory, payloads: Path
) -> None:
    transcription_path("conv_bad").mkdir(parents=True)
    good = deliver(transcription(MAYA, "Yes please."))
    Conversation.objects.all().delete()
    reconcile()
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
    reconcile()
    assert due_conversations() == [conversation_id]


def test_an_index_that_was_deleted_while_in_use_heals(store: EmbeddedOpenMemory) -> None:
    conversation_id = deliver(transcription(MAYA, "Yes please."))
    with connections["index"].schema_editor() as editor:
        editor.delete_model(Conversation)
    assert due_conversations() == []
    reconcile()
    Worker(store).work_off()
    assert row(conversation_id).memory_state == MemoryState.WRITTEN


class Refusing(EmbeddedOpenMemory):
    def put_all(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ARG002
        raise NotStorable("too long for it")


def test_a_memory_that_the_store_can_never_take_parks_its_call(store: EmbeddedOpenMemory) -> None:  # noqa: ARG001
    conversation_id = deliver(transcription(MAYA, "Yes please."))
    Worker(Refusing()).work_off()
    assert (row(conversation_id).memory_state, row(conversation_id).error) == (MemoryState.FAILED, "too long for it")
