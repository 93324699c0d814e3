"""The worker: what it processes, and what it does while OpenMemory is away."""

import sqlite3
import threading
import time
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

from conversations.files.paths import transcription_path
from conversations.files.receipts import is_done, read_receipt
from conversations.index.queue import due_conversations, queue_status, record_failure
from conversations.index.schema import ensure_schema
from conversations.index.sync import reconcile_in_steps
from conversations.memories.worker import Worker
from conversations.models import CallerCard, Conversation, MemoryState
from conversations.payloads.transcription import Transcription
from elmemory.memory.openmemory import NotStorable, OpenMemoryError
from elmemory.memory.openmemory.embedded.store import EmbeddedOpenMemory
from elmemory.memory.openmemory.remote.store import RemoteOpenMemory
from tests.harness.openmemory_servers import stub_server
from tests.harness.samples import raw_sample, transcription
from tests.harness.server import Server, free_port, wait_until
from tests.harness.stored import deliver, place, receive, row

pytestmark = [
    pytest.mark.django_db(transaction=True, databases=["memory", "index"]),
    pytest.mark.usefixtures("payloads", "index_schema"),
]

MAYA, PEPE, ZOE = "+14155550100", "+14155550101", "+14155550102"


class Away(EmbeddedOpenMemory):
    """A store that fails at every write."""

    def put_all(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ARG002
        raise OpenMemoryError("away")


class AwayForAll(EmbeddedOpenMemory):
    """A store that fails at the writes of these callers at the same moment."""

    def __init__(self, callers: Collection[str]) -> None:
        self._callers = callers
        self._together = threading.Barrier(len(callers), timeout=10)

    def add_all(self, user_id: str, *args: Any, **kwargs: Any) -> Any:
        if user_id not in self._callers:
            return super().add_all(user_id, *args, **kwargs)
        self._together.wait()
        raise OpenMemoryError("away")


class NotFor(EmbeddedOpenMemory):
    """A store that fails at the writes of one caller."""

    def __init__(self, caller: str) -> None:
        self.caller = caller

    def put_all(self, user_id: str, *args: Any, **kwargs: Any) -> Any:
        if user_id == self.caller:
            raise OpenMemoryError("away")
        return super().put_all(user_id, *args, **kwargs)


class Fickle(EmbeddedOpenMemory):
    """A store that fails at every write while it is `away`."""

    away = True

    def put_all(self, *args: Any, **kwargs: Any) -> Any:
        if self.away:
            raise OpenMemoryError("away")
        return super().put_all(*args, **kwargs)


@contextmanager
def running(worker: Worker) -> Iterator[None]:
    """The worker runs in a thread."""

    def run() -> None:
        worker.run()
        connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        worker.stop()
        thread.join(20)


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


def test_a_delivered_call_is_pending_until_it_is_processed(store: EmbeddedOpenMemory) -> None:
    conversation_id = deliver(transcription(MAYA, "Yes please."))
    assert row(conversation_id).memory_state == MemoryState.PENDING
    assert Worker(store).process_due() == 1
    assert row(conversation_id).memory_state == MemoryState.WRITTEN
    assert row(conversation_id).memories == 2
    assert Worker(store).process_due() == 0


def test_while_openmemory_is_away_a_call_is_retried_with_backoff(store: EmbeddedOpenMemory) -> None:
    conversation_id = deliver(transcription(MAYA, "Yes please."))
    before = time.time()
    for attempt in range(1, 4):
        all_due()
        Worker(Away()).process_due()
        assert row(conversation_id).memory_state == MemoryState.PENDING
        assert row(conversation_id).attempts == attempt
        assert 2 ** (attempt - 1) / 2 <= row(conversation_id).next_attempt_at - before <= 2 ** (attempt - 1) + 5
    assert due_conversations() == []
    all_due()
    Worker(store).process_due()
    assert row(conversation_id).memory_state == MemoryState.WRITTEN
    assert row(conversation_id).error == ""


def test_calls_that_fail_together_lengthen_the_pause_once() -> None:
    for caller in (MAYA, PEPE, ZOE):
        deliver(transcription(caller, "Yes please."))
    worker = Worker(AwayForAll((MAYA, PEPE, ZOE)))
    with threads(3) as pool:
        worker.process_due(pool)
    assert [(call.attempts, call.error) for call in Conversation.objects.all()] == [(1, "away")] * 3
    assert worker.pause == 1


def test_the_pause_doubles_up_to_30_seconds_while_openmemory_is_away() -> None:
    deliver(transcription(MAYA, "Yes please."))
    worker = Worker(Away())
    pauses = []
    for _ in range(7):
        all_due()
        worker.process_due()
        pauses.append(worker.pause)
    assert pauses == [1, 2, 4, 8, 16, 30, 30]


def test_calls_that_had_not_begun_when_openmemory_was_found_away_stay_due() -> None:
    for _ in range(5):
        deliver(transcription(MAYA, "Yes please."))
    Worker(Away()).process_due()
    assert Conversation.objects.filter(attempts=1).count() == 1
    assert Conversation.objects.filter(attempts=0, next_attempt_at=0).count() == 4


def test_while_openmemory_is_away_one_call_per_round_is_tried() -> None:
    for caller in (MAYA, PEPE, ZOE):
        deliver(transcription(caller, "Yes please."))
    worker = Worker(Away())
    worker.process_due()
    with threads(3) as pool:
        worker.process_due(pool)
    assert sorted(conversation.attempts for conversation in Conversation.objects.all()) == [0, 1, 1]


def test_when_openmemory_is_back_all_calls_are_due_at_once() -> None:
    ids = {deliver(transcription(caller, "Yes please.")) for caller in (MAYA, PEPE, ZOE)}
    fickle = Fickle()
    worker = Worker(fickle)
    for _ in range(2):
        worker.process_due()
    fickle.away = False
    assert worker.process_due() == 1
    assert worker.pause == 0
    assert len(due_conversations()) == 2
    assert worker.process_due() == 2
    assert set(Conversation.objects.filter(memory_state=MemoryState.WRITTEN).values_list("pk", flat=True)) == ids


def test_a_server_that_adds_and_drops_the_connection_holds_each_memory_once_in_the_end() -> None:
    conversation_id = deliver(transcription(MAYA, "Yes please."))
    with stub_server() as (stub, url), closing(RemoteOpenMemory(url)) as server:
        stub.faults = {("POST", "/memory/add"): "commit, drop reused"}
        worker = Worker(server)
        for _ in range(4):
            all_due()
            worker.process_due()
        kinds = sorted(memory["metadata"].get("kind", "unfinished") for memory in stub.of(MAYA))
    assert row(conversation_id).memory_state == MemoryState.WRITTEN
    assert kinds == ["call", "card", "message"]


def test_a_failure_of_one_call_among_others_makes_no_pause() -> None:
    deliver(transcription(MAYA, "Yes please."))
    refused = deliver(transcription(PEPE, "Yes please."))
    Conversation.objects.filter(pk=refused).update(next_attempt_at=1)
    worker = Worker(NotFor(PEPE))
    assert worker.process_due() == 1
    assert worker.pause == 0
    assert row(refused).attempts == 1


def test_a_call_without_a_caller_does_not_end_the_pause() -> None:
    deliver(transcription(MAYA, "Yes please."))
    worker = Worker(Away())
    worker.process_due()
    deliver(transcription("anonymous", "Yes please."))
    assert worker.process_due() == 1
    assert worker.pause == 1


def test_failed_calls_are_due_after_the_clock_was_set_back(
    store: EmbeddedOpenMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    conversation_id = deliver(transcription(MAYA, "Yes please."))
    worker = Worker(store)
    worker.handle_clock_change()
    record_failure(conversation_id, "away", parked=False)
    worker.handle_clock_change()
    assert due_conversations() == []
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now - 3600)
    worker.handle_clock_change()
    assert due_conversations() == [conversation_id]


def test_an_unreadable_payload_is_parked_with_its_reason(store: EmbeddedOpenMemory) -> None:
    conversation_id = deliver(transcription(MAYA, "Yes please."))
    transcription_path(conversation_id).write_bytes(b"{")
    Worker(store).process_due()
    assert row(conversation_id).memory_state == MemoryState.FAILED
    assert row(conversation_id).error == "the payload is not JSON"
    assert queue_status() == (0, 1, 0)


def test_a_parked_call_does_not_block_the_others(store: EmbeddedOpenMemory) -> None:
    bad = deliver(transcription(MAYA, "One."))
    good = deliver(transcription(MAYA, "Two."))
    transcription_path(bad).write_bytes(b"{")
    Worker(store).process_due()
    assert row(good).memory_state == MemoryState.WRITTEN


@pytest.mark.sqlite
def test_while_openmemory_is_away_deliveries_get_complete_rows(tmp_path: Path) -> None:
    with Server(tmp_path, OPENMEMORY_PORT=str(free_port()), OPENMEMORY_KEY="key") as server:
        server.post_call(transcription(MAYA, "Yes please."))
        wait_until(lambda: "OpenMemory is away" in server.output)
        server.post_call(raw_sample("transcription_returning_caller"))
        with closing(sqlite3.connect(tmp_path / "index.sqlite3")) as database:
            state = "SELECT memory_state FROM conversation WHERE title = 'Appointment moved to Friday'"
            wait_until(lambda: database.execute(state).fetchall() == [("pending",)])


class Refusing(EmbeddedOpenMemory):
    def put_all(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ARG002
        raise NotStorable("too long for it")


def test_a_memory_that_the_store_can_never_take_parks_its_call() -> None:
    conversation_id = deliver(transcription(MAYA, "Yes please."))
    Worker(Refusing()).process_due()
    assert (row(conversation_id).memory_state, row(conversation_id).error) == (MemoryState.FAILED, "too long for it")


def test_the_index_is_written_once_for_a_batch_of_calls(store: EmbeddedOpenMemory) -> None:
    asked = []
    for count in (2, 9):
        for number in range(count):
            receive(transcription(f"+1415555{count}{number:03}", "Yes please.", facts={"first_name": "Maya"}))
        with CaptureQueriesContext(connections["index"]) as queries:
            assert Worker(store).process_due() == count
        asked.append(len(queries))
    assert asked[0] == asked[1]
    assert CallerCard.objects.filter(name="Maya").count() == 11


def test_the_transcription_of_a_new_call_is_parsed_once(
    store: EmbeddedOpenMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, parsed = Transcription.read, []

    def counted(raw: bytes) -> Transcription:
        parsed.append(raw)
        return read(raw)

    monkeypatch.setattr(Transcription, "read", counted)
    conversation_id = receive(raw_sample("transcription_returning_caller"))
    Worker(store).process_due()
    found = row(conversation_id)
    assert (found.memory_state, found.title) == (MemoryState.WRITTEN, "Appointment moved to Friday")
    assert len(parsed) == 1


def test_a_call_that_fails_before_its_row_is_complete_stays_failed(store: EmbeddedOpenMemory) -> None:
    bad, good = receive(transcription(MAYA, "One.")), receive(transcription(PEPE, "Two.", summary="Talked."))
    transcription_path(bad).write_bytes(b"{")
    Conversation.objects.filter(pk=bad).update(next_attempt_at=-1)  # the first: after the other, OpenMemory is away
    worker = Worker(NotFor(PEPE))
    worker.process_due()
    worker.refresh_index()
    assert (row(bad).memory_state, row(bad).error) == (MemoryState.FAILED, "the payload is not JSON")
    assert (row(good).memory_state, row(good).attempts, row(good).title) == (MemoryState.PENDING, 1, "Talked.")
    all_due()
    assert Worker(store).process_due() == 1
    assert row(good).memory_state == MemoryState.WRITTEN


def test_a_call_that_comes_in_while_files_and_rows_are_compared_is_remembered(
    store: EmbeddedOpenMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("conversations.index.sync._BATCH", 2)
    before = {place(transcription(MAYA, "Before.")).conversation_id for _ in range(7)}
    comparing = reconcile_in_steps()
    assert next(comparing) == 2
    Conversation.objects.update(next_attempt_at=time.time() + 60)
    comes_in = receive(transcription(PEPE, "Yes please."))
    assert Worker(store).process_due() == 1
    assert row(comes_in).memory_state == MemoryState.WRITTEN
    assert sum(comparing) == 5
    assert set(Conversation.objects.values_list("pk", flat=True)) == before | {comes_in}


def test_a_running_worker_finds_calls_whose_rows_went_with_an_index_that_was_created_again(
    store: EmbeddedOpenMemory,
) -> None:
    first = receive(transcription(MAYA, "Yes please."))
    with running(Worker(store, jobs=1)):
        wait_until(lambda: is_done(first, read_receipt(first)))
        lost = place(transcription(PEPE, "Yes please.")).conversation_id
        with connections["index"].cursor() as cursor:
            cursor.execute("DROP TABLE index_schema")
        ensure_schema()
        wait_until(lambda: is_done(lost, read_receipt(lost)))
    assert {row(one).memory_state for one in (first, lost)} == {MemoryState.WRITTEN}


def test_a_running_worker_compares_files_and_rows_and_remembers_what_it_finds(
    store: EmbeddedOpenMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("conversations.index.sync._BATCH", 2)
    found = [place(transcription(MAYA, "Yes please.")).conversation_id for _ in range(5)]
    with running(Worker(store, jobs=1)):
        wait_until(lambda: all(is_done(one, read_receipt(one)) for one in found))
    assert {row(one).memory_state for one in found} == {MemoryState.WRITTEN}
