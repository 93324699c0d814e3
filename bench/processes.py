"""Starts the processes of a measurement on loopback: the server, floors, slow stores."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.harness.server import ROOT, Server, free_port, wait_until

_TICKS = os.sysconf("SC_CLK_TCK")
_CORES = sorted(os.sched_getaffinity(0))
# Measured process and load have separate cores, because the figures would depend on the scheduler otherwise.
MEASURED, LOAD = _CORES[0], _CORES[-1]


@contextmanager
def on_core(core: int) -> Iterator[None]:
    """Pin processes that are started in this block to this core."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


class _OnItsCore(Server):
    def start(self) -> None:
        with on_core(MEASURED):
            super().start()


def server(folder: Path, **environment: str) -> Server:
    """A server without a worker, pinned to its own core."""
    return _OnItsCore(_made(folder), "--no-worker", **_QUIET, **environment)


def server_anywhere(folder: Path, *, worker: bool = False) -> Server:
    """A server that is not pinned to a core, as in production."""
    return Server(_made(folder), *(() if worker else ("--no-worker",)), **_QUIET)


# Without the encoder, which may be installed: it multiplies the time of remembering.
_QUIET = {"LOG_LEVEL": "WARNING", "DJANGO_SUPERUSER_PASSWORD": "bench", "EMBEDDINGS": "off"}


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def port_of(running: Server) -> int:
    return int(running.environment["PORT"])


@contextmanager
def floor(name: str, **environment: str) -> Iterator[tuple[int, int]]:
    """Start a floor; yields its port and process id."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", f"bench.floors:{name}", "--port", str(port)]
    command += ["--no-access-log", "--lifespan", "off", "--log-level", "error", "--no-server-header"]
    with serving(command, port, environment) as pid:
        yield port, pid


@contextmanager
def slow_openmemory(delay_ms: int) -> Iterator[int]:
    port = free_port()
    command = [sys.executable, "-m", "bench.slow_openmemory", str(port), str(delay_ms)]
    with serving(command, port, {}, core=LOAD):
        yield port


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def resident_mb(pid: int, what: str = "VmRSS") -> float:
    """The process's memory in MB: `VmRSS` is the present value, `VmHWM` the peak."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(what):
            return int(line.split()[1]) / 1024
    raise KeyError(what)


@contextmanager
def serving(
    command: list[str],
    port: int,
    environment: dict[str, str],
    folder: Path = ROOT,
    core: int = MEASURED,
    output: int | None = None,
) -> Iterator[int]:
    """The id of a process that listens on the port."""
    with on_core(core):
        process = subprocess.Popen(
            command, cwd=folder, env={"PATH": os.environ["PATH"], **environment}, stdout=output, stderr=output
        )

    def listens() -> bool:
        assert process.poll() is None, command
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    try:
        wait_until(listens)
        yield process.pid
    finally:
        process.terminate()
        process.wait(10)
