"""Measures a large payload folder: `python -m bench.year [CALLS ...]`, or as part of `make bench`.

The calls are small: a transcription of about 1 KB with its receipt, eight calls and ten memories per caller. Files and
memories are written straight to their places, without flushing. The commands and the server do everything else, each
in a process of its own, and only these are measured.
"""

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import orjson

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

from bench.callers import number_of, remember
from bench.processes import cpu_seconds, resident_mb
from bench.report import Report
from tests.harness.samples import transcription
from tests.harness.server import ROOT, Server, wait_until

_A_YEAR = 365 * 5000
_CALLS_OF_ONE = 8
_MEMORIES_OF_ONE = 10
_RINGS = 300
_DELIVERIES = 20


class Cost(NamedTuple):
    """The cost of one process: time, CPU time, and its peak of memory."""

    seconds: float
    cpu: float
    mb: float

    def __str__(self) -> str:
        return f"{self.seconds:.1f} s ({self.cpu:.1f} s CPU, {self.mb:.0f} MB)"


def year(report: Report, folder: Path, quick: bool) -> None:
    small, large = (500, 2000) if quick else (15_000, 60_000)
    of_small, of_large = _measure(folder / "small", small), _measure(folder / "large", large)
    rows = []
    for name, cost in of_large.items():
        before = of_small[name]
        expected = "as measured"
        if isinstance(cost, Cost) and isinstance(before, Cost):
            seconds = cost.seconds + (_A_YEAR - large) * (cost.seconds - before.seconds) / (large - small)
            # Small sizes (--quick) may differ by less than they vary.
            expected = f"{seconds / 60:.0f} min" if seconds > cost.seconds else "–"
        rows.append((name, str(before), str(cost), expected))
    report.table(
        "A year of calls",
        ("", f"{small:,} calls", f"{large:,} calls", f"{_A_YEAR:,}, extrapolated"),
        rows,
        "Small calls in one folder, eight per caller. Elapsed time, and in brackets the CPU time and the most memory of"
        " the process. A year of 5,000 calls a day is not measured: the last column continues the line through the two"
        " sizes, which holds while the operating system keeps the folder's entries in memory.",
    )


def _measure(folder: Path, size: int) -> dict[str, Cost | str]:
    os.umask(0o077)  # as in every command
    folder.mkdir(parents=True)
    backups = folder / "backups"
    server = Server(folder, LOG_LEVEL="WARNING", DJANGO_SUPERUSER_PASSWORD="bench")
    found: dict[str, Cost | str] = {}
    server.start()
    server.stop()
    _fill(server, size)
    found["rebuilding the index (reindex)"] = _command(server, "reindex", "--quiet")
    server.start()
    server.stop()
    began = time.monotonic()
    server.start()
    server.ring(number_of(1))
    found["start, until the first ring is answered"] = f"{time.monotonic() - began:.1f} s"
    try:
        found["reconciling when nothing has changed, by the worker"] = _reconciling(server)
        callers = random.Random(1).sample(range(size // _CALLS_OF_ONE - 1), min(_RINGS, size // _CALLS_OF_ONE - 1))
        found["ring, median"] = _median_ms(lambda at: server.ring(number_of(callers[at])), len(callers))
        events = [transcription(number_of(at), "One more call.") for at in range(_DELIVERIES)]
        found["delivery, median"] = _median_ms(lambda at: server.post_call(events[at]), _DELIVERIES)
        found["memory of the server"] = f"{resident_mb(server.process.pid):.0f} MB"
        found["first backup"] = _command(server, "backup", str(backups), "--quiet")
        found["next backup, nothing has changed"] = _command(server, "backup", str(backups), "--quiet")
        found["verify"] = _command(server, "verify", "--quiet", accept=(0, 1))
        forgotten = number_of(size // _CALLS_OF_ONE - 1)
        found["forgetting a caller with files"] = _command(server, "forget_caller", forgotten, "--payloads", "--yes")
    finally:
        server.stop()
        server.client.close()
    return found


def _fill(server: Server, size: int) -> None:
    store = Path(server.environment["OPENMEMORY_DB_PATH"])
    # The last caller is forgotten, so their sentences must differ from those of others.
    remember(store, range(size // _CALLS_OF_ONE - 1), _MEMORIES_OF_ONE)
    first = int(time.time()) - 365 * 86_400
    for call in range(size):
        conversation_id = f"conv_{sha256(str(call).encode()).hexdigest()[:26]}"
        folder = server.payloads / conversation_id
        folder.mkdir(mode=0o700)
        caller, started_at = number_of(call % (size // _CALLS_OF_ONE)), first + call * 365 * 86_400 // size
        event = transcription(
            caller,
            f"I would like to move appointment {call}.",
            conversation_id=conversation_id,
            started_at=started_at,
            summary=f"The caller moved appointment {call}.",
        )
        raw = orjson.dumps(event)
        path = folder / f"{conversation_id}_transcription.json"
        path.write_bytes(raw)
        stat = path.stat()
        receipt = {
            "arrived_at": datetime.fromtimestamp(started_at + 60, UTC).isoformat(),
            "payload": {"sha256": sha256(raw).hexdigest(), "size": stat.st_size, "mtime_ns": stat.st_mtime_ns},
            "caller": caller,
            "callers": [caller],
            "memories": [],
        }
        (folder / f"{conversation_id}_memory.json").write_bytes(orjson.dumps(receipt))


def _command(server: Server, *arguments: str, accept: tuple[int, ...] = (0,)) -> Cost:
    """Run a command and return its cost."""
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "manage.py", *arguments], cwd=ROOT, env=server.environment, stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode in accept, arguments
    return Cost(time.monotonic() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def _reconciling(server: Server) -> Cost:
    """The cost of the worker's first reconciling."""
    [worker] = wait_until(server.workers)
    began, last, since = time.monotonic(), -1.0, time.monotonic()
    while time.monotonic() - since < 3:
        now = cpu_seconds(worker)
        if now - last > 0.2:
            last, since = now, time.monotonic()
        time.sleep(0.2)
    return Cost(since - began, last, resident_mb(worker, "VmHWM"))


def _median_ms(ask: Callable[[int], object], times: int) -> str:
    taken = []
    for at in range(times):
        began = time.perf_counter()
        ask(at)
        taken.append(time.perf_counter() - began)
    return f"{statistics.median(taken) * 1000:.1f} ms"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sizes", metavar="CALLS", nargs="*", type=int)
    sizes = parser.parse_args().sizes or [50_000]
    with tempfile.TemporaryDirectory(prefix="elmemory-year-") as name:
        for size in sizes:
            for what, figure in _measure(Path(name) / str(size), size).items():
                print(f"{what}: {figure}", flush=True)
