"""Verifying: each fault is found and named with its remedy, and nothing that is as it should be."""

import gc
import io
import os
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connections

from conversations.files import decisions
from conversations.files.deletion import delete_conversation
from conversations.files.last_runs import last_run, note_run
from conversations.files.locks import caller_lock
from conversations.files.paths import transcription_path
from conversations.files.receipts import PAYLOAD, read_receipt, receipt_path, write_receipt
from conversations.memories import corrections
from conversations.memories.forgetting import Forgetting, forget
from conversations.memories.nightly import NightlyVerification
from conversations.memories.verify import Finding, Verification
from conversations.memories.worker import Worker
from elmemory.memory.openmemory import OpenMemory
from elmemory.memory.openmemory.embedded.store import EmbeddedOpenMemory
from elmemory.memory.openmemory.remote.store import RemoteOpenMemory
from tests.harness.clock import Clock
from tests.harness.damage import tear_page
from tests.harness.openmemory_servers import stub_server
from tests.harness.samples import transcription
from tests.harness.stored import deliver

pytestmark = [
    pytest.mark.django_db(transaction=True, databases=["default", "memory", "index"]),
    pytest.mark.usefixtures("payloads", "index_schema"),
]

MAYA, PEPE = "+14155550100", "+14155550101"


def call_of(caller: str, *says: str, **changes: Any) -> dict[str, Any]:
    return transcription(caller, *says, facts={"first_name": "Maya"}, **changes)


def verify(*arguments: str) -> str:
    """What it says, with the exit code in the first place where there are faults."""
    out = io.StringIO()
    try:
        call_command("verify", *arguments, "--quiet", stdout=out, no_color=True)
    except CommandError as error:
        return f"{error.returncode}: {out.getvalue()}"
    return out.getvalue()


@pytest.fixture
def call(payloads: Path, index_schema: None, store: EmbeddedOpenMemory) -> str:  # noqa: ARG001
    return deliver(call_of(MAYA, "My dog is called Biscuit.", "He is nine."), store)


def test_what_is_as_it_should_be_has_no_fault(call: str, store: EmbeddedOpenMemory) -> None:
    deliver(call_of(PEPE, "My cat sleeps."), store)
    forget(store, PEPE, Forgetting())
    deliver(call_of(MAYA, "I am waiting."))  # pending
    corrections.correct(store, MAYA, "city", "Duluth")
    corrections.delete_memory(store, MAYA, store.of_conversation(MAYA, call)[0])
    assert verify().endswith("\nNo fault.\n")


def test_memories_that_the_store_lacks_are_found_and_repaired(call: str, store: EmbeddedOpenMemory) -> None:
    with connections["memory"].cursor() as cursor:
        cursor.execute("DELETE FROM memory WHERE content = %s", ["He is nine."])
    assert verify().startswith(f"1:   ✗ 1 × memories missing\n      {call}\n      → Process the calls again")
    verify("--repair")
    # Nothing is found twice, and nothing is repaired before the worker runs.
    for options in ((), ("--repair",)):
        again = verify(*options)
        assert again.startswith("1: 1 call and ")
        assert "The worker repairs 1 call." in again
        assert "No fault." not in again
    Worker(store).run_once()
    assert "He is nine." in {memory.content for memory in store.memories(MAYA)}
    assert "No fault." in verify()


def test_a_receipt_of_zeroed_blocks_is_noticed_and_written_again(call: str, store: EmbeddedOpenMemory) -> None:
    path, known = receipt_path(call), store.memories(MAYA)
    stat, entries = path.stat(), read_receipt(call)
    path.write_bytes(b"\0" * stat.st_size)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    Worker(store).run_once()
    assert read_receipt(call) is None  # no file has another size or time
    assert "The worker repairs 1 call." in verify()
    Worker(store).run_once()
    written = read_receipt(call)
    assert written
    assert entries
    assert written.memories == entries.memories
    assert store.memories(MAYA) == known
    assert "No fault." in verify()


def test_a_memory_whose_content_is_another_is_found(call: str) -> None:
    with connections["memory"].cursor() as cursor:
        cursor.execute("UPDATE memory SET content = 'He is ten.' WHERE content = 'He is nine.'")
    assert f"1 × memories missing\n      {call}\n" in verify()


def test_a_call_with_nul_in_its_texts_has_no_fault_and_stays_without_what_staff_deleted(
    store: EmbeddedOpenMemory,
) -> None:
    event = call_of(MAYA, "My \0dog is called Biscuit.")
    event["data"]["analysis"]["transcript_summary"] = "Maya has\0 a dog."
    call = deliver(event, store)
    assert "No fault." in verify()
    (message,) = (memory for memory in store.of_conversation(MAYA, call) if "Biscuit" in memory.content)
    corrections.delete_memory(store, MAYA, message)
    call_command("reprocess", call, "--quiet", stdout=io.StringIO())
    assert not any("Biscuit" in memory.content for memory in store.of_conversation(MAYA, call))
    assert "No fault." in verify()


def test_a_lost_store_is_found_call_by_call_with_the_first_ones_shown(store: EmbeddedOpenMemory) -> None:
    for _ in range(22):
        deliver(call_of(MAYA, "Hello."))
    Worker(store).run_once()
    with connections["memory"].cursor() as cursor:
        cursor.execute("DELETE FROM memory")
    assert "22 × memories missing" in (said := verify())
    assert "and 2 more" in said


def test_memories_on_a_server_are_compared_too(payloads: Path) -> None:  # noqa: ARG001
    with stub_server() as (stub, url), closing(RemoteOpenMemory(url, "k")) as remote:
        call = deliver(call_of(MAYA, "My dog is called Biscuit."), remote)
        assert Verification(remote).call(call) == []
        stub.rows = [row for row in stub.rows if "Biscuit" not in row["content"]]
        assert [finding.kind for finding in Verification(remote).call(call)] == ["memories missing"]


def test_memories_of_a_call_without_its_payload_can_only_come_from_a_backup(call: str) -> None:
    receipt = read_receipt(call)
    assert receipt
    receipt.removed[PAYLOAD] = "2026-01-01T00:00:00+00:00"
    write_receipt(call, receipt)
    transcription_path(call).unlink()
    assert "No fault." in verify()
    with connections["memory"].cursor() as cursor:
        cursor.execute("DELETE FROM memory")
    assert "1 × memories lost" in verify()


def test_a_payload_that_is_gone_is_found(call: str) -> None:
    transcription_path(call).unlink()
    assert "1 × payload missing" in verify()


def test_a_payload_whose_bytes_have_changed_on_the_disk_is_found(call: str) -> None:
    path = transcription_path(call)
    stat, raw = path.stat(), path.read_bytes()
    path.write_bytes(raw[:-40] + b"#" * 40)
    os.utime(path, ns=(stat.st_mtime_ns, stat.st_mtime_ns))
    assert "1 × payload changed" in verify()


def test_a_payload_that_was_cut_short_before_it_was_processed_is_found(payloads: Path) -> None:
    call = deliver(call_of(MAYA, "Hello."))
    path = transcription_path(call)
    path.write_bytes(path.read_bytes()[:100] + b"\0" * 50)
    assert "1 × payload unreadable" in verify(), payloads


def test_an_older_version_that_is_not_what_its_name_says_is_found(call: str) -> None:
    path = transcription_path(call)
    path.with_name(f"{path.stem}.01234567.json").write_bytes(b"{}")
    assert "1 × version changed" in verify()


@pytest.mark.sqlite
@pytest.mark.usefixtures("call")
@pytest.mark.parametrize("alias", ["default", "memory"])
def test_a_torn_database_is_found(alias: str) -> None:
    table = {"default": "audit_entry", "memory": "memory_newest_of_user"}[alias]
    with tear_page(Path(connections[alias].settings_dict["NAME"]), table):
        assert f"× database\n      {alias}: " in verify()


def test_a_deleted_call_that_is_back_is_found_and_deleted_again(call: str) -> None:
    decisions.mark_deleted(call)
    assert "1 × deleted call stored again" in verify()
    verify("--repair")
    assert not transcription_path(call).exists()


@pytest.mark.usefixtures("call")
def test_a_store_that_does_not_keep_to_a_decision_is_found() -> None:
    decisions.decide(MAYA, "opted_out")
    assert "1 × decisions" in verify()


def test_a_call_that_is_being_processed_is_no_finding(call: str, store: EmbeddedOpenMemory) -> None:
    with connections["memory"].cursor() as cursor:
        cursor.execute("DELETE FROM memory")
    with caller_lock(MAYA):
        assert Verification(store).call(call) == []


def test_a_call_that_is_deleted_meanwhile_is_no_finding(call: str, store: EmbeddedOpenMemory) -> None:
    delete_conversation(call)
    (transcription_path(call).parent).mkdir()
    transcription_path(call).parent.rmdir()
    assert Verification(store).call(call) == []


# By the worker, every night


class Ahead(Clock):
    """A clock that runs as the real one does, and which a test sets ahead."""

    real = staticmethod(time.monotonic)

    def __call__(self) -> float:
        return super().__call__() + self.real()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    ahead = Ahead()
    monkeypatch.setattr("conversations.memories.nightly.time.monotonic", ahead)
    return ahead


def nightly(store: OpenMemory, clock: Clock) -> int:
    """How many steps the worker's verification takes, an hour apart, until none is due."""
    verification, steps = NightlyVerification(store), 0
    clock.pass_by(3600)
    while verification.step():
        clock.pass_by(3600)
        steps += 1
    return steps


def test_the_worker_verifies_a_new_installation_at_once_and_notes_the_result(
    call: str, store: EmbeddedOpenMemory, clock: Clock
) -> None:
    nightly(store, clock)
    noted = last_run("verify")
    assert noted
    assert (noted.ok, noted.detail) == (True, "1 call and 4 memories: no fault")
    with connections["memory"].cursor() as cursor:
        cursor.execute("DELETE FROM memory")
    nightly(store, clock)
    assert last_run("verify") == noted, "a day has not passed"
    verify()
    noted = last_run("verify")
    assert noted
    assert (noted.ok, noted.detail) == (False, "1 × memories missing"), call


def test_an_interrupted_pass_goes_on_where_it_was(
    store: EmbeddedOpenMemory, monkeypatch: pytest.MonkeyPatch, payloads: Path, clock: Clock
) -> None:
    from conversations.memories import nightly as module

    for _ in range(4):
        deliver(call_of(MAYA, "Hello."))
    Worker(store).run_once()
    (payloads / "_verified").unlink(missing_ok=True)
    for name, value in (("_SAVED_SECONDS", 0), ("_STEP_SECONDS", 0), ("_CALLS", 1)):
        monkeypatch.setattr(module, name, value)
    asked: list[str] = []
    look = Verification.call

    def asks(verification: Verification, conversation_id: str) -> list[Any]:
        asked.append(conversation_id)
        return look(verification, conversation_id)

    monkeypatch.setattr(Verification, "call", asks)
    first = NightlyVerification(store)
    while len(asked) < 3:
        clock.pass_by(3600)
        assert first.step()
    del first
    gc.collect()
    nightly(store, clock)
    assert len(asked) == 5, "the last one before the interruption is looked at again, and no other"
    noted = last_run("verify")
    assert noted
    assert noted.detail.startswith("4 calls")


def test_checking_the_databases_leaves_the_worker_time(
    store: EmbeddedOpenMemory, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    def takes_long(*, index: bool) -> list[Finding]:  # noqa: ARG001
        time.sleep(0.5)
        return []

    monkeypatch.setattr("conversations.memories.nightly.broken_databases", takes_long)
    assert nightly(store, clock) < 15
    assert last_run("verify")


def test_a_store_that_is_away_ends_the_pass_without_a_result(call: str, clock: Clock) -> None:
    with closing(RemoteOpenMemory("http://127.0.0.1:9")) as away:
        nightly(away, clock)
    assert last_run("verify") is None, call


def test_a_result_that_cannot_be_written_stops_nothing(payloads: Path) -> None:
    payloads.parent.mkdir(exist_ok=True)
    payloads.write_text("no folder")
    note_run("backup", ok=True, detail="")
    assert last_run("backup") is None
