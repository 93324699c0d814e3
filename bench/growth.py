"""Larger callers, larger stores, and a long life."""

import random
import statistics
from pathlib import Path

from bench.callers import remember
from bench.live import answer_of, rings, searches
from bench.load import Requests, as_fast_as_it_goes
from bench.processes import port_of, resident_mb, server
from bench.report import Report, Row, spread

_ROUNDS = 3
_MEMORIES_OF_OTHERS = 25


def larger_callers(report: Report, folder: Path, quick: bool) -> None:
    sizes = (10, 1000) if quick else (10, 100, 1000, 10_000)
    with server(folder) as ours:
        for caller, size in enumerate(sizes):
            remember(folder / "memory.sqlite3", [caller], size)
        rows: list[Row] = []
        for caller, size in enumerate(sizes):
            ring, search = rings(port_of(ours), [caller]), searches(port_of(ours), [caller])
            assert answer_of(port_of(ours), ring)["conversation_config_override"]
            first = as_fast_as_it_goes(search, 1, 1).longest
            rows.append((f"{size:,}", *_p50s(ring, quick), *_p50s(search, quick), f"{first:.0f}"))
    report.table(
        "By the memories of the caller",
        ("memories", "ring p50 ms", "search p50 ms", "longest search, ms"),
        rows,
        "One connection. The longest search is the first one, which prepares the caller unless the ring has.",
    )


def larger_stores(report: Report, folder: Path, quick: bool) -> None:
    sizes = (1000, 10_000) if quick else (1000, 10_000, 100_000, 1_000_000)
    rows: list[Row] = []
    middle: dict[int, float] = {}
    with server(folder) as ours:
        callers = 0
        for size in sizes:
            remember(folder / "memory.sqlite3", range(callers, size // _MEMORIES_OF_OTHERS), _MEMORIES_OF_OTHERS)
            callers = size // _MEMORIES_OF_OTHERS
            anybody = random.Random(size).sample(range(callers), min(callers, 1000))
            ring = rings(port_of(ours), anybody)
            assert answer_of(port_of(ours), ring)["conversation_config_override"]
            as_fast_as_it_goes(ring, 1, 1)
            times = [as_fast_as_it_goes(ring, 1, 1 if quick else 2).p50 for _ in range(1 if quick else _ROUNDS)]
            middle[size] = statistics.median(times)
            search = _p50s(searches(port_of(ours), anybody[:20]), quick)
            rows.append(
                (f"{size:,}", f"{callers:,}", spread(times, 2), f"{middle[size] / middle[sizes[0]]:.2f} ×", *search)
            )
    report.table(
        "By the memories in the store",
        ("memories", "callers", "ring p50 ms", "to the smallest", "search p50 ms"),
        rows,
        f"One connection; callers with {_MEMORIES_OF_OTHERS} memories each, up to 1,000 of them at random.",
    )
    ratio = middle[sizes[-1]] / middle[sizes[0]]
    report.bar(
        f"ring, {sizes[-1]:,} memories in the store", "≤ 1.5 × the time at 1,000", f"{ratio:.2f} ×", met=ratio <= 1.5
    )


def many_rings(report: Report, folder: Path, quick: bool) -> None:
    wanted = 5000 if quick else 200_000
    with server(folder) as ours:
        remember(folder / "memory.sqlite3", range(400), 20)
        ring = rings(port_of(ours), range(400))
        as_fast_as_it_goes(ring, 16, 1 if quick else 5)
        before, done = resident_mb(ours.process.pid), 0
        while done < wanted:
            done += as_fast_as_it_goes(ring, 16, 1 if quick else 5).requests
        after = resident_mb(ours.process.pid)
    report.table(
        "Memory of the server process",
        ("rings", "MB before", "MB after"),
        [(f"{done:,}", f"{before:.1f}", f"{after:.1f}")],
    )


def _p50s(requests: Requests, quick: bool) -> tuple[str]:
    times = [as_fast_as_it_goes(requests, 1, 1).p50 for _ in range(1 if quick else _ROUNDS)]
    return (spread(times, 2),)
