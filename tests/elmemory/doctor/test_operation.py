"""The doctor says what runs, of which files, and when backup and verification were last made."""

import os
import time
from pathlib import Path

import orjson
import pytest
from pytest_django.fixtures import Settings

from conversations.files.last_runs import Task, note_run
from elmemory.agents.check import Check
from elmemory.doctor import operation
from elmemory.environment.build import build
from tests.harness.server import Server, free_port, wait_until


def checked(name: str) -> Check:
    return next(check for check in operation.checks_of_operation("Here") if check.name == name)


@pytest.fixture(autouse=True)
def nothing_runs(payloads: Path, settings: Settings) -> None:
    payloads.mkdir(exist_ok=True)
    settings.PORT = free_port()


def made_before(payloads: Path, task: Task, days: float) -> None:
    """Let the task have succeeded so many days ago."""
    note_run(task, ok=True, detail="3 files")
    path = payloads / {"backup": "_backup", "verify": "_verified", "backfill": "_backfilled"}[task]
    at = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(time.time() - days * 86_400))
    path.write_bytes(orjson.dumps(orjson.loads(path.read_bytes()) | {"at": at, "succeeded_at": at}))


def test_with_neither_server_nor_worker_all_is_not_well() -> None:
    assert (checked("server").state, checked("worker").state) == ("fault", "fault")
    assert "none answers" in checked("server").detail
    assert "not running" in checked("worker").detail


def test_a_worker_that_died_is_a_fault_with_the_time_it_was_last_seen(payloads: Path) -> None:
    (payloads / "_worker").touch()
    os.utime(payloads / "_worker", (time.time() - 7300,) * 2)
    assert checked("worker").detail == "not running, last seen 2 h ago"


def test_server_and_worker_that_run_are_well(server: Server, payloads: Path, settings: Settings) -> None:
    settings.SECRET_KEY, settings.PORT = server.environment["SECRET_KEY"], int(server.environment["PORT"])
    of_worker = server.payloads / "_worker"
    wait_until(lambda: of_worker.exists() and of_worker.read_text())
    (payloads / "_worker").write_text(of_worker.read_text())
    assert (checked("server").state, checked("worker").state) == ("ok", "ok")


def test_what_runs_other_files_than_those_there_is_a_fault(
    server: Server, payloads: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SECRET_KEY, settings.PORT = server.environment["SECRET_KEY"], int(server.environment["PORT"])
    (payloads / "_worker").write_text(build())
    monkeypatch.setattr(operation, "files_build", lambda: "newer")
    for name in ("server", "worker"):
        assert checked(name).state == "fault"
        assert "another version" in checked(name).detail


def test_another_server_on_the_port_is_a_fault(server: Server, settings: Settings) -> None:
    settings.PORT = int(server.environment["PORT"])
    assert "another server" in checked("server").detail


def test_that_nothing_was_backed_up_or_verified_yet_is_noted() -> None:
    assert (checked("backup").state, checked("verify").state) == ("note", "note")


def test_the_last_backup_and_verification_are_shown(payloads: Path) -> None:
    made_before(payloads, "backup", 1)
    made_before(payloads, "verify", 1)
    assert checked("backup") == Check("Here", "backup", "ok", "24 h ago, 3 files")
    assert checked("verify").state == "ok"


def test_an_attempt_that_fails_after_a_good_backup_of_the_day_is_a_note(payloads: Path) -> None:
    made_before(payloads, "backup", 0.5)
    note_run("backup", ok=False, detail="/backups is full")
    assert checked("backup").state == "note"


def test_a_backup_that_is_late_or_failed_is_a_fault(payloads: Path) -> None:
    made_before(payloads, "backup", 3)
    assert (checked("backup").state, checked("backup").detail) == ("fault", "the last one 3 days ago")
    note_run("backup", ok=False, detail="No space left on device")
    assert checked("backup").state == "fault"
    assert (
        checked("backup").detail == "the last one failed: No space left on device; the last successful one 3 days ago"
    )


def test_what_the_verification_found_is_a_fault_and_that_it_is_late_a_note(payloads: Path) -> None:
    note_run("verify", ok=False, detail="906 × memories missing")
    assert (checked("verify").state, checked("verify").detail) == ("fault", "906 × memories missing")
    made_before(payloads, "verify", 5)
    assert checked("verify").state == "note"
