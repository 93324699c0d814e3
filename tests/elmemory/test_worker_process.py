"""The worker that a server runs beside itself."""

import subprocess
import threading

import pytest

from elmemory.management.commands.serve import _WorkerProcess


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
