"""Backups of a real server under load, restored elsewhere: nothing acknowledged and no decision of staff is lost."""

import json
import shutil
import sqlite3
import stat
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.harness.samples import new_number, transcription
from tests.harness.server import Server, wait_until
from tests.harness.staff import logged_in

LOGIN = {"DJANGO_SUPERUSER_USERNAME": "staff", "DJANGO_SUPERUSER_PASSWORD": "staff-password-1"}


def done(server: Server, *arguments: str, **environment: str) -> str:
    """The output of a command that succeeds."""
    result = server.manage(*arguments, **environment)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def refused(server: Server, *arguments: str, **environment: str) -> str:
    """What a command that fails says."""
    result = server.manage(*arguments, **environment)
    assert result.returncode == 1, result.stdout + result.stderr
    assert "Traceback" not in result.stderr, result.stderr
    return result.stdout + result.stderr


def elsewhere(server: Server, folder: Path, **environment: str) -> Server:
    """Another installation without data, with the same key."""
    folder.mkdir()
    return Server(folder, SECRET_KEY=server.environment["SECRET_KEY"], **environment)


def call_of(caller: str, *says: str, **changes: object) -> dict[str, object]:
    return transcription(caller, *says, facts={"first_name": "Maya"}, **changes)  # type: ignore[arg-type]


class Load:
    """Delivers calls one after the other, until it is stopped; `acknowledged` are their events."""

    def __init__(self, server: Server) -> None:
        self.server, self.acknowledged = server, list[dict[str, object]]()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Load":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            event = call_of(new_number(), "My dog is called Biscuit.", "He is nine.")
            if self.server.post_call(event).status_code == 200:
                self.acknowledged.append(event)


def file_of(server: Server, event: dict[str, object]) -> Path:
    conversation_id = event["data"]["conversation_id"]  # type: ignore[index]
    return server.payloads / conversation_id / f"{conversation_id}_transcription.json"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    (tmp_path / "here").mkdir()
    with Server(tmp_path / "here", **LOGIN) as running:
        yield running
        if running.process.poll() is None:
            running.kill()


@pytest.fixture
def quiet_server(tmp_path: Path) -> Iterator[Server]:
    """One that has a call of Maya."""
    (tmp_path / "here").mkdir()
    with Server(tmp_path / "here", **LOGIN) as running:
        running.deliver(call_of("+14155550100", "My dog is called Biscuit.", conversation_id="conv_maya"))
        yield running


@pytest.mark.parametrize("target", ["backups", "backup.tar.zst"])
def test_after_the_loss_of_a_machine_under_load_every_acknowledged_call_and_every_decision_is_restored(
    server: Server, tmp_path: Path, target: str
) -> None:
    forgotten, opted_out, corrected = (new_number() for _ in range(3))
    for caller in (forgotten, opted_out, corrected):
        server.deliver(call_of(caller, "I prefer Fridays."))
    with Load(server) as load:
        wait_until(lambda: len(load.acknowledged) > 20)
        done(server, "forget_caller", forgotten, "--yes", "--payloads")
        done(server, "opt_out", opted_out, "--yes")
        with logged_in(server) as browser:
            corrects(browser, corrected, "Amara")
        before = list(load.acknowledged)
        done(server, "backup", str(tmp_path / target))
        after = len(load.acknowledged)
    assert after > len(before), "nothing was delivered while the backup was made"
    server.process.kill()

    other = elsewhere(server, tmp_path / "other")
    assert "No fault." in done(other, "restore", str(tmp_path / target), "--yes")
    assert [event for event in before if json.loads(file_of(other, event).read_bytes()) != event] == []
    with other:
        wait_until(lambda: other.client.get("/health").json()["queue"]["pending"] == 0)
        for event in (before[0], before[-1]):
            caller = event["data"]["metadata"]["phone_call"]["external_number"]  # type: ignore[index]
            assert other.ring(caller)["dynamic_variables"]["returning_caller"] == "yes"
        assert other.ring(forgotten)["dynamic_variables"]["returning_caller"] == "no"
        assert other.ring(opted_out)["dynamic_variables"]["returning_caller"] == "no"
        assert other.ring(corrected)["dynamic_variables"]["user_name"] == "Amara"
        with logged_in(other):
            pass  # with the password of the first machine
    assert "No fault." in done(other, "verify")
    assert "restore" in done(other, "audit", "export")
    done(other, "audit", "verify")


def test_a_second_backup_copies_what_has_changed_and_both_can_be_restored(quiet_server: Server, tmp_path: Path) -> None:
    backups = tmp_path / "backups"
    done(quiet_server, "backup", str(backups))
    quiet_server.deliver(call_of("+14155550101", "My cat sleeps.", conversation_id="conv_pepe"))
    assert "2 calls, 4 files" in (second := done(quiet_server, "backup", str(backups)))
    assert " 2 new " in second
    assert " 0 new " in done(quiet_server, "backup", str(backups))
    quiet_server.process.kill()
    first = sorted(backups.glob("2*"))[0]
    other = elsewhere(quiet_server, tmp_path / "other")
    done(other, "restore", str(first), "--yes")
    assert sorted(path.name for path in other.payloads.glob("conv_*")) == ["conv_maya"]
    newest = elsewhere(quiet_server, tmp_path / "newest")
    done(newest, "restore", str(backups), "--yes")
    assert sorted(path.name for path in newest.payloads.glob("conv_*")) == ["conv_maya", "conv_pepe"]


def test_old_backups_go_with_the_files_that_only_they_have(quiet_server: Server, tmp_path: Path) -> None:
    backups = tmp_path / "backups"
    done(quiet_server, "backup", str(backups))
    done(quiet_server, "forget_caller", "+14155550100", "--yes", "--payloads")
    done(quiet_server, "backup", str(backups), "--keep", "1")
    assert len(list(backups.glob("2*"))) == 1
    assert [path for path in (backups / "objects").rglob("*") if path.is_file() and b"Biscuit" in path.read_bytes()] == []


def test_what_an_interrupted_backup_leaves_is_no_backup_and_disturbs_none(quiet_server: Server, tmp_path: Path) -> None:
    backups = tmp_path / "backups"
    done(quiet_server, "backup", str(backups))
    shutil.copytree(next(backups.glob("2*")), backups / ".partial-20991231T000000Z")
    (garbage := next(path for path in (backups / "objects").rglob("*") if path.is_file())).write_bytes(b"cut sh")
    (backups / ".partial-20991231T000000Z" / "manifest.json").unlink()
    assert "damaged" in refused(quiet_server, "verify", "--backup", str(backups))
    (quiet_server.payloads / "conv_maya" / "conv_maya_transcription.json").touch()
    (quiet_server.payloads / "conv_maya" / "conv_maya_memory.json").touch()
    done(quiet_server, "backup", str(backups))
    assert garbage.read_bytes() != b"cut sh"
    assert list(backups.glob(".partial-*")) == []
    done(quiet_server, "verify", "--backup", str(backups))


def test_everything_in_it_is_readable_by_its_owner_alone_and_without_secrets(quiet_server: Server, tmp_path: Path) -> None:
    done(quiet_server, "backup", str(tmp_path / "backups"))
    done(quiet_server, "backup", str(tmp_path / "backup.tar.zst"))
    places = [tmp_path / "backup.tar.zst", tmp_path / "backups", *(tmp_path / "backups").rglob("*")]
    assert [path for path in places if stat.S_IMODE(path.stat().st_mode) & 0o077] == []
    (settings,) = (tmp_path / "backups").glob("*/settings.env")
    assert "SECRET_KEY is set, and left out" in settings.read_text()
    assert quiet_server.environment["SECRET_KEY"] not in settings.read_text()
    done(quiet_server, "backup", str(tmp_path / "whole"), "--secrets")
    (settings,) = (tmp_path / "whole").glob("*/settings.env")
    assert f"SECRET_KEY={quiet_server.environment['SECRET_KEY']}\n" in settings.read_text()


def test_a_corrupt_database_stops_the_backup_and_the_one_before_stays(quiet_server: Server, tmp_path: Path) -> None:
    backups = tmp_path / "backups"
    done(quiet_server, "backup", str(backups))
    quiet_server.process.kill()
    corrupt(quiet_server.folder / "memory.sqlite3")
    assert "damaged" in refused(quiet_server, "backup", str(backups))
    assert len(list(backups.glob("2*"))) == 1
    done(quiet_server, "verify", "--backup", str(backups))


def test_restoring_over_data_is_refused_and_replacing_puts_them_aside(quiet_server: Server, tmp_path: Path) -> None:
    backups = str(tmp_path / "backups")
    done(quiet_server, "backup", backups)
    assert "stop server and worker" in refused(quiet_server, "restore", backups, "--yes")
    quiet_server.stop()
    assert "not empty" in refused(quiet_server, "restore", backups, "--yes")
    assert "add --yes" in refused(quiet_server, "restore", backups, "--replace")
    corrupt(quiet_server.folder / "memory.sqlite3")
    assert "No fault." in done(quiet_server, "restore", backups, "--yes", "--replace")
    assert list(quiet_server.folder.glob("memory.sqlite3.before-*"))
    assert list(quiet_server.folder.glob("payloads.before-*/conv_maya"))
    quiet_server.start()
    assert quiet_server.ring("+14155550100")["dynamic_variables"]["user_name"] == "Maya"


def test_decisions_that_were_taken_after_the_backup_outlive_it(quiet_server: Server, tmp_path: Path) -> None:
    backups = str(tmp_path / "backups")
    quiet_server.deliver(call_of("+14155550101", "My cat sleeps.", conversation_id="conv_pepe"))
    quiet_server.post_call(unreadable := b'{"number": "+14155550100", cut')
    done(quiet_server, "backup", backups)
    done(quiet_server, "forget_caller", "+14155550100", "--yes", "--payloads")
    done(quiet_server, "opt_out", "+14155550101", "--yes")
    quiet_server.stop()
    assert "No fault." in done(quiet_server, "restore", backups, "--yes", "--replace")
    assert not (quiet_server.payloads / "conv_maya").exists()
    assert [path for path in quiet_server.payloads.rglob("*.json") if path.read_bytes() == unreadable] == []
    with closing(sqlite3.connect(quiet_server.folder / "memory.sqlite3")) as connection:
        users = {user for (user,) in connection.execute("SELECT DISTINCT user_id FROM memory")}
    assert not users & {"+14155550100", "+14155550101"}
    quiet_server.start()
    assert quiet_server.ring("+14155550101")["dynamic_variables"]["returning_caller"] == "no"


def test_a_damaged_backup_is_not_restored(quiet_server: Server, tmp_path: Path) -> None:
    archive = tmp_path / "backup.tar.zst"
    done(quiet_server, "backup", str(archive))
    archive.write_bytes(archive.read_bytes()[:-200])
    other = elsewhere(quiet_server, tmp_path / "other")
    assert "damaged" in refused(other, "restore", str(archive), "--yes")
    assert "no finished backup" in refused(other, "restore", str(tmp_path / "nothing"), "--yes")
    assert list(other.payloads.glob("conv_*")) == []


def test_the_target_must_be_a_folder_or_a_new_archive_outside_of_the_payloads(
    quiet_server: Server, tmp_path: Path
) -> None:
    (tmp_path / "there.tar.zst").touch()
    assert "is there already" in refused(quiet_server, "backup", str(tmp_path / "there.tar.zst"))
    assert ".tar.zst" in refused(quiet_server, "backup", str(tmp_path / "backup.zip"))
    assert "must not lie" in refused(quiet_server, "backup", str(quiet_server.payloads / "backups"))


def corrupt(path: Path) -> None:
    """Overwrite a page in the middle of an SQLite file, as a torn copy has it."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        size = connection.execute("PRAGMA page_size").fetchone()[0]
        page = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'memory'").fetchone()[0]
    with path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\x5a" * size)
