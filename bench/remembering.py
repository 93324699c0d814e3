"""Measures remembering: one more call of a caller with a history, and a backlog on SQLite and on PostgreSQL."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx2

from bench.callers import remember
from bench.live import CALLERS, MEMORIES, answer_of, load, rings
from bench.processes import port_of, server
from bench.report import Report, Row, spread
from tests.harness.postgres import Cluster, why_there_is_none
from tests.harness.samples import raw_sample
from tests.harness.server import ROOT, Server, wait_until

_CALLS = 20, 200, 2000


def postgres(report: Report, folder: Path, quick: bool) -> None:
    """Rings and the worker on a PostgreSQL server that flushes every commit, compared with SQLite."""
    if reason := why_there_is_none():
        print(f"There is no PostgreSQL: {reason}.", flush=True)
        return
    rounds, calls = (1, 400) if quick else (3, 1000)
    ring: dict[tuple[str, int], list[float]] = {}
    worker: dict[str, list[float]] = {}
    with ExitStack() as stack:
        cluster = stack.enter_context(Cluster(fsync=True))
        stores: dict[str, dict[str, str]] = {"SQLite": {}, "PostgreSQL": cluster.databases()}
        running = {name: stack.enter_context(server(folder / name, **urls)) for name, urls in stores.items()}
        for name, ours in running.items():
            store = stores[name].get("OPENMEMORY_DB_PATH") or folder / name / "memory.sqlite3"
            remember(store, range(CALLERS), MEMORIES)
            assert answer_of(port_of(ours), rings(port_of(ours)))["conversation_config_override"]
        for number in range(rounds):
            for name, ours in running.items():
                one, many = (load(ours.process.pid, rings(port_of(ours)), at_once, quick) for at_once in (1, 16))
                ring.setdefault((name, 1), []).append(one.measured.p50)
                ring.setdefault((name, 16), []).append(many.measured.per_second)
                worker.setdefault(name, []).append(_remembered_per_second(ours, calls, number))
    report.table(
        "Databases",
        ("", "ring p50 ms, 1 connection", "rings per second, 16 connections", "calls remembered per second"),
        [(name, spread(ring[name, 1], 2), spread(ring[name, 16]), spread(worker[name])) for name in running],
        f"Callers with {MEMORIES} memories; every commit of PostgreSQL is flushed. A backlog of {calls} calls,"
        " each made of 8 memories, and a worker with 4 jobs, started when all are delivered.",
    )
    slowest = min(worker["PostgreSQL"])
    report.bar("worker on PostgreSQL", "≥ 100 calls per second", f"{slowest:.0f}/s at least", met=slowest >= 100)


def history(report: Report, folder: Path, quick: bool) -> None:
    """One more call of a caller with more and more calls, in CPU time, so that the disk does not count."""
    sizes = _CALLS[:2] if quick else _CALLS
    rows: list[Row] = []
    for name in ("embedded", "server"):
        command = [sys.executable, "-m", "bench.one_more_call", str(folder / name), name, *map(str, sizes)]
        done = subprocess.run(command, cwd=ROOT, env={"PATH": os.environ["PATH"]}, check=True, stdout=subprocess.PIPE)
        rows += [(name, *line.split()) for line in done.stdout.decode().splitlines() if line[:1].isdigit()]
    report.table("One more call", ("store", "calls before", "CPU ms", "wall ms"), rows)


def _remembered_per_second(ours: Server, calls: int, number: int) -> float:
    """The rate of a worker over a backlog, from the times of its receipts."""
    raw = raw_sample("transcription_returning_caller").decode()
    ids = [f"conv_{number}_{call}" for call in range(calls)]
    for call, conversation_id in enumerate(ids):
        event = raw.replace("conv_example_returning", conversation_id)
        answer = ours.post_call(event.replace("+14155550100", f"+1415556{call % 200:04}").encode())
        assert answer.status_code == 200, answer.text
    with _worker(ours):
        wait_until(lambda: not _pending(ours), 300)
    times = sorted((ours.payloads / one / f"{one}_memory.json").stat().st_mtime for one in ids)
    return (calls - 1) / (times[-1] - times[0])


@contextmanager
def _worker(ours: Server) -> Iterator[None]:
    process = subprocess.Popen([sys.executable, "manage.py", "worker"], cwd=ROOT, env=ours.environment)
    try:
        yield
    finally:
        process.terminate()
        process.wait(20)


def _pending(ours: Server) -> int:
    health = httpx2.get(f"{ours.url}/health", timeout=30).json()
    return int(health["queue"]["pending"])
