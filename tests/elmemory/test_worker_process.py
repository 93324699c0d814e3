"""The worker that a server runs beside itself."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from elmemory.management.commands.serve import _WorkerProcess
from tests.harness.server import wait_until


def test_a_worker_that_cannot_be_restarted_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    program = tmp_path / "program.py"
    program.write_text("")  # ends at once
    monkeypatch.setattr(sys, "argv", [str(program)])
    worker = _WorkerProcess()
    with monkeypatch.context() as moved:
        moved.setattr(sys, "executable", "/nonexistent/python")
        wait_until(lambda: "the worker cannot be started" in caplog.text, 20)
        program.write_text(f"import sys; open({str(tmp_path / 'runs')!r}, 'x'); sys.stdin.read()")
    wait_until((tmp_path / "runs").exists, 20)
    worker.stop()
    assert not worker._watcher.is_alive()


def test_a_worker_that_is_started_again_while_the_server_stops_ends_too(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []

    def start(worker: _WorkerProcess) -> "subprocess.Popen[bytes]":
        if started:
            worker._stopping.set()  # while the next one is started
        command, given = ("cat", subprocess.PIPE) if started else ("false", subprocess.DEVNULL)
        started.append(subprocess.Popen([command], stdin=given))
        return started[-1]

    monkeypatch.setattr(_WorkerProcess, "_start", start)
    worker = _WorkerProcess()
    stopping = threading.Thread(target=worker._watcher.join)
    stopping.start()
    stopping.join(20)
    assert not stopping.is_alive()
    assert [process.poll() is not None for process in started] == [True, True]
