"""The server and what stands beside it, each a process of its own on loopback."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.server import ROOT, Server, free_port, wait_until

_TICKS = os.sysconf("SC_CLK_TCK")


def server(folder: Path, *, worker: bool = False, **environment: str) -> Server:
    folder.mkdir(parents=True, exist_ok=True)
    options = () if worker else ("--no-worker",)
    return Server(folder, *options, LOG_LEVEL="WARNING", DJANGO_SUPERUSER_PASSWORD="bench", **environment)


def port_of(running: Server) -> int:
    return int(running.environment["PORT"])


@contextmanager
def floor(name: str, **environment: str) -> Iterator[tuple[int, int]]:
    """The port and process id of a floor."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", f"bench.floors:{name}", "--port", str(port)]
    command += ["--no-access-log", "--lifespan", "off", "--log-level", "error", "--no-server-header"]
    with _process(command, port, environment) as pid:
        yield port, pid


@contextmanager
def slow_openmemory(delay_ms: int, memories: int = 600) -> Iterator[int]:
    port = free_port()
    command = [sys.executable, "-m", "bench.slow_openmemory", str(port), str(delay_ms), str(memories)]
    with _process(command, port, {}):
        yield port


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def resident_mb(pid: int, what: str = "VmRSS") -> float:
    """`VmRSS` now, or `VmHWM` at most."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(what):
            return int(line.split()[1]) / 1024
    raise KeyError(what)


@contextmanager
def _process(command: list[str], port: int, environment: dict[str, str]) -> Iterator[int]:
    process = subprocess.Popen(command, cwd=ROOT, env={"PATH": os.environ["PATH"], **environment})

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
