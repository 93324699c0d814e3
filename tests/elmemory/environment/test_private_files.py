"""Only the owner may read what elmemory writes, and `check` reports files that others may read."""

import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from elmemory.environment.private_files import data_folders, loose_below
from tests.harness.samples import new_number, transcription
from tests.harness.server import ROOT, NewServer, Server, wait_until


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder with databases and a payload, each with the mode that elmemory gives it."""
    folder = tmp_path / "data"
    conversation = folder / "payloads" / "conv_1"
    for each in (folder, folder / "payloads", conversation):
        each.mkdir(mode=0o700)
    for name in ("default.sqlite3", "index.sqlite3", "memory.sqlite3", "memory.sqlite3-wal", "index.sqlite3-journal"):
        (folder / name).touch(0o600)
    (conversation / "conv_1_transcription.json").touch(0o600)
    return folder


@pytest.fixture
def server(data: Path) -> Iterator[Server]:
    """A server with this data folder, not started."""
    server = Server(data)
    yield server
    server.client.close()


def hints(server: Server, **environment: str) -> list[str]:
    """The commands that `check` gives for loose modes."""
    lines = server.manage("check", **environment).stderr.splitlines()
    positions = [position for position, line in enumerate(lines) if "elmemory.W040" in line]
    return [lines[position + 1].partition("HINT: ")[2] for position in positions]


def others_may_read(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if stat.S_IMODE(path.stat().st_mode) & 0o077]


def test_private_files_are_no_fault(server: Server) -> None:
    assert hints(server) == []


def test_each_database_that_others_may_read_is_reported(server: Server, data: Path) -> None:
    modes = {
        "default.sqlite3": 0o640,
        "index.sqlite3": 0o604,
        "memory.sqlite3": 0o666,
        "memory.sqlite3-wal": 0o644,
        "index.sqlite3-journal": 0o644,
    }
    for name, mode in modes.items():
        (data / name).chmod(mode)
    reported = [path for hint in hints(server) for path in hint.removeprefix("chmod go= ").split()]
    assert sorted(reported) == sorted(str(data / name) for name in modes)


def test_a_data_folder_that_others_may_enter_is_reported(server: Server, data: Path) -> None:
    data.chmod(0o755)
    assert hints(server) == [f"chmod go= {data}"]


def test_payloads_that_others_may_read_are_reported(server: Server) -> None:
    (server.payloads / "conv_1" / "conv_1_transcription.json").chmod(0o644)
    assert hints(server) == [f"chmod -R go= {server.payloads}"]


@pytest.mark.parametrize("name", ["", "conv_1", "conv_1/conv_1_transcription.json"])
def test_a_folder_is_loose_with_any_file_or_folder_in_it(data: Path, name: str) -> None:
    payloads = data / "payloads"
    assert not loose_below(payloads)
    (payloads / name).chmod((payloads / name).stat().st_mode | 0o044)
    assert loose_below(payloads)


def test_an_env_file_that_others_may_read_is_reported(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "settings of ours"
    path.touch()
    path.chmod(0o644)
    assert hints(server, ELMEMORY_ENV_FILE=str(path)) == [f"chmod go= '{path}'"]


def test_the_commands_of_the_hints_correct_the_modes(server: Server, data: Path) -> None:
    for path in (data, *data.rglob("*")):
        path.chmod(0o755)
    for command in hints(server):
        subprocess.run(command, shell=True, check=True)  # noqa: S602
    assert hints(server) == []
    assert others_may_read(data) == []


def test_a_folder_of_everybody_is_no_data_folder(tmp_path: Path) -> None:
    shared, own = tmp_path / "tmp", tmp_path / "data"
    shared.mkdir()
    shared.chmod(0o1777)
    own.mkdir()
    assert data_folders([shared / "one", shared / "two"]) == set()
    assert data_folders([own / "one", own / "two", tmp_path / "three"]) == {own}


@pytest.mark.parametrize("command", ["migrate", "reindex", "reprocess --all", "worker --with-parent"])
def test_what_a_command_makes_is_readable_by_its_owner_alone(tmp_path: Path, command: str) -> None:
    unstarted = Server(tmp_path)
    unstarted.client.close()
    script = f"umask 022; exec {sys.executable} manage.py {command}"
    process = subprocess.Popen(["/bin/sh", "-c", script], cwd=ROOT, env=unstarted.environment, stdin=subprocess.PIPE)
    try:
        wait_until(lambda: process.poll() is not None or (tmp_path / "index.sqlite3").exists())
    finally:
        process.communicate(timeout=30)  # closes its standard input, which ends a worker
    assert list(tmp_path.rglob("*")) != []
    assert others_may_read(tmp_path) == []


def test_what_the_server_and_its_worker_make_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    with NewServer(tmp_path) as running:
        running.deliver(transcription(new_number(), "Hi."))
        assert [path for path in others_may_read(tmp_path) if path.name != "server.log"] == []
