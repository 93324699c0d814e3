"""Measures callers with more memories, larger stores, and memory leaks over many rings."""

import random
import statistics
from contextlib import ExitStack
from pathlib import Path

from bench.callers import TURNS_PER_CALL, remember, remember_more
from bench.live import answer_of, rings, searches
from bench.load import Requests, as_fast_as_it_goes
from bench.processes import port_of, resident_mb, server
from bench.report import Report, spread

_ROUNDS = 5
_MEMORIES_OF_OTHERS = 25


def larger_callers(report: Report, folder: Path, quick: bool) -> None:
    sizes = (10, 1000) if quick else (10, 100, 1000, 10_000, 31_000)
    with server(folder) as ours:
        port = port_of(ours)
        for caller, size in enumerate(sizes):
            remember(folder / "memory.sqlite3", [caller], size)
        asked: dict[int, tuple[Requests, Requests]] = {}
        first: dict[int, float] = {}
        for caller, size in enumerate(sizes):
            asked[size] = rings(port, [caller]), searches(port, [caller])
            assert answer_of(port, asked[size][0])["conversation_config_override"]
            first[size] = as_fast_as_it_goes(asked[size][1], 1, 1).longest
        taken = _in_turn(asked, quick)
        again: dict[int, list[float]] = {size: [] for size in sizes}
        for caller, size in enumerate(sizes):
            # Not in turns: the cache does not hold the two largest callers together.
            as_fast_as_it_goes(asked[size][1], 1, 1)
            for number in range(1 if quick else _ROUNDS):
                remember_more(folder / "memory.sqlite3", caller, size + TURNS_PER_CALL * number)
                again[size].append(as_fast_as_it_goes(asked[size][1], 1, 1).longest)
    report.table(
        "By the memories of the caller",
        ("memories", "ring p50 ms", "search p50 ms", "longest search, ms", "after one more call, ms"),
        [
            (f"{size:,}", *(spread(times, 2) for times in taken[size]), f"{first[size]:.0f}", spread(again[size], 1))
            for size in sizes
        ],
        "One connection. The longest search is the first one, which prepares the caller unless a ring has done so."
        " After one more call: the longest search in the second after it was remembered.",
    )


def larger_stores(report: Report, folder: Path, quick: bool) -> None:
    sizes = (25, 1000, 10_000) if quick else (25, 1000, 10_000, 100_000, 1_000_000)
    with ExitStack() as servers:
        asked: dict[int, tuple[Requests, Requests]] = {}
        for size in sizes:
            ours = servers.enter_context(server(folder / str(size)))
            callers = size // _MEMORIES_OF_OTHERS
            remember(folder / str(size) / "memory.sqlite3", range(callers), _MEMORIES_OF_OTHERS)
            sample = random.Random(size).sample(range(callers), min(callers, 1000))
            asked[size] = rings(port_of(ours), sample), searches(port_of(ours), sample[:20])
            assert answer_of(port_of(ours), asked[size][0])["conversation_config_override"]
        taken = _in_turn(asked, quick)
    ratios = {
        size: [larger / smaller for larger, smaller in zip(taken[size][0], taken[1000][0], strict=True)]
        for size in sizes
    }
    report.table(
        "By the memories in the store",
        ("memories", "callers", "ring p50 ms", "to 1,000", "search p50 ms"),
        [
            (
                f"{size:,}",
                f"{size // _MEMORIES_OF_OTHERS:,}",
                spread(taken[size][0], 3),
                spread(ratios[size], 2) + " ×",
                spread(taken[size][1], 2),
            )
            for size in sizes
        ],
        f"One connection; callers with {_MEMORIES_OF_OTHERS} memories each, up to 1,000 of them at random.",
    )
    ratio = statistics.median(ratios[sizes[-1]])
    report.bar(
        f"ring, {sizes[-1]:,} memories in the store", "≤ 1.5 × the time at 1,000", f"{ratio:.2f} ×", met=ratio <= 1.5
    )


def _in_turn(asked: dict[int, tuple[Requests, Requests]], quick: bool) -> dict[int, tuple[list[float], list[float]]]:
    """The median times of ring and search in ms, per round. In a round, the sizes take turns, as do ring and search."""
    for ring, search in asked.values():
        as_fast_as_it_goes(ring, 1, 1)
        as_fast_as_it_goes(search, 1, 1)
    taken: dict[int, tuple[list[float], list[float]]] = {size: ([], []) for size in asked}
    for _ in range(1 if quick else _ROUNDS):
        for size, both in asked.items():
            for times, requests in zip(taken[size], both, strict=True):
                times.append(as_fast_as_it_goes(requests, 1, 1).p50)
    return taken


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
