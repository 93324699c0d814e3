"""Measures rings and searches, and compares them with their floors."""

import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import httpx2
import orjson

from bench.callers import number_of, remember
from bench.load import Measured, Requests, as_fast_as_it_goes
from bench.processes import cpu_seconds, floor, port_of, server, slow_openmemory
from bench.report import Report, Row, spread
from tests.harness.server import Server

CALLERS = 20
MEMORIES = 600
CONNECTIONS = 1, 16, 64
UPSTREAM_MS = 5
QUESTIONS = (
    "Which dog?",
    "When is the appointment with the doctor?",
    "Did my sister pay the invoice?",
    "Who is Biscuit?",
)


class Round(NamedTuple):
    measured: Measured
    cpu_us: float


def rings(port: int, callers: Sequence[int] = range(CALLERS)) -> Requests:
    bodies = [
        f'{{"caller_id":"{number_of(caller)}","called_number":"+14155550199","agent_id":"agent_bench","call_sid":"CA1"}}'
        for caller in callers
    ]
    return Requests(port, "/webhook/client-data", "client-data-key", bodies)


def searches(port: int, callers: Sequence[int] = range(CALLERS)) -> Requests:
    bodies = [
        orjson.dumps({"query": question, "user_id": number_of(caller), "agent_id": "agent_bench"}).decode()
        for caller in callers
        for question in QUESTIONS
    ]
    return Requests(port, "/webhook/search-data", "search-data-key", bodies)


def ring_embedded(report: Report, folder: Path, quick: bool) -> None:
    with server(folder) as ours:
        store = folder / "memory.sqlite3"
        remember(store, range(CALLERS), MEMORIES)
        with floor("embedded", OPENMEMORY_DB_PATH=str(store)) as raw:
            _against_floor(
                report,
                f"Ring, embedded store, callers with {MEMORIES} memories",
                (port_of(ours), ours.process.pid),
                raw,
                most_p99=2.5,
                quick=quick,
            )


def ring_remote(report: Report, folder: Path, quick: bool) -> None:
    with (
        slow_openmemory(UPSTREAM_MS) as upstream,
        server(folder, OPENMEMORY_PORT=str(upstream), OPENMEMORY_KEY="bench") as ours,
        floor("remote", OPENMEMORY_PORT=str(upstream)) as raw,
    ):
        _against_floor(
            report,
            f"Ring, remote store that answers after {UPSTREAM_MS} ms",
            (port_of(ours), ours.process.pid),
            raw,
            most_p99=2.0,
            quick=quick,
        )


def search(report: Report, folder: Path, quick: bool) -> None:
    rows: list[Row] = []

    def measured(ours: Server, store: str, connections: Sequence[int], times: int) -> dict[int, list[Round]]:
        port = port_of(ours)
        _check_search(port)
        rounds: dict[int, list[Round]] = {each: [] for each in connections}
        for _ in range(1 if quick else times):
            for each, taken in rounds.items():
                taken.append(load(ours.process.pid, searches(port), each, quick))
        rows.extend((store, str(each), *figures(taken)) for each, taken in rounds.items())
        return rounds

    with server(folder / "embedded") as ours:
        remember(folder / "embedded" / "memory.sqlite3", range(CALLERS), MEMORIES)
        four = [one.measured for one in measured(ours, "embedded", (1, 4, 16), 5)[4]]
        per_second, p99 = (statistics.median(getattr(one, name) for one in four) for name in ("per_second", "p99"))
        report.bar(
            f"search, embedded, {MEMORIES} memories",
            "≥ 300/s; p99 < 20 ms at 4 connections",
            f"{per_second:,.0f}/s; {p99:.1f} ms",
            met=per_second >= 300 and p99 < 20,
        )
    with (
        slow_openmemory(UPSTREAM_MS) as upstream,
        server(folder / "remote", OPENMEMORY_PORT=str(upstream), OPENMEMORY_KEY="bench") as ours,
    ):
        measured(ours, f"remote, {UPSTREAM_MS} ms", (1, 4), 3)
    report.table(
        f"Search, callers with {MEMORIES} memories",
        ("store", "connections", "per second", "p50 ms", "p99 ms", "CPU µs"),
        rows,
    )


def answer_of(port: int, requests: Requests) -> dict[str, object]:
    """The answer to the first of the requests."""
    headers = {"x-api-key": requests.key, "content-type": "application/json"}
    answer = httpx2.post(
        f"http://127.0.0.1:{port}{requests.path}", content=requests.bodies[0], headers=headers, timeout=30
    )
    assert answer.status_code == 200, answer.text
    value: dict[str, object] = answer.json()
    return value


def _against_floor(
    report: Report, title: str, ours: tuple[int, int], raw: tuple[int, int], *, most_p99: float, quick: bool
) -> None:
    """Compare two processes, each given by port and id."""
    (port, pid), (raw_port, raw_pid) = ours, raw
    answer, raw_answer = answer_of(port, rings(port)), answer_of(raw_port, rings(raw_port))
    assert answer["conversation_config_override"], answer
    assert answer == raw_answer, (answer, raw_answer)
    load(pid, rings(port), 16, quick=True)
    rounds: dict[int, list[tuple[Round, Round]]] = {connections: [] for connections in CONNECTIONS}
    for _ in range(1 if quick else 5):
        for connections, taken in rounds.items():
            floor_round = load(raw_pid, rings(raw_port), connections, quick)
            taken.append((floor_round, load(pid, rings(port), connections, quick)))
    rows: list[Row] = []
    ratios: dict[int, tuple[float, float]] = {}
    for connections, taken in rounds.items():
        speed = [mine.measured.per_second / theirs.measured.per_second for theirs, mine in taken]
        tail = [mine.measured.p99 / theirs.measured.p99 for theirs, mine in taken]
        ratios[connections] = statistics.median(speed), statistics.median(tail)
        compared = spread([100 * ratio for ratio in speed]) + " %", spread(tail, 1) + " ×"
        rows.append((str(connections), "floor", *figures([theirs for theirs, _ in taken]), "", ""))
        rows.append((str(connections), "ours", *figures([mine for _, mine in taken]), *compared))
    report.table(
        title,
        ("connections", "", "per second", "p50 ms", "p99 ms", "CPU µs", "of the floor's rate", "p99 to the floor's"),
        rows,
    )
    report.bar(
        title,
        f"≥ 60 % of the floor's rate; p99 at 16 connections ≤ {most_p99} × the floor's",
        ", ".join(f"{100 * speed:.0f} % at {connections}" for connections, (speed, _) in ratios.items())
        + f"; {ratios[16][1]:.1f} ×",
        met=min(speed for speed, _ in ratios.values()) >= 0.6 and ratios[16][1] <= most_p99,
    )


def load(pid: int, requests: Requests, connections: int, quick: bool) -> Round:
    before = cpu_seconds(pid)
    measured = as_fast_as_it_goes(requests, connections, 1 if quick else 3)
    assert measured.requests, "nothing was answered"
    assert not measured.errors, f"{measured.errors} errors"
    return Round(measured, 1e6 * (cpu_seconds(pid) - before) / measured.requests)


def _check_search(port: int) -> None:
    answer = answer_of(port, searches(port))
    assert answer["profile"], answer
    found = answer["memories"]
    assert isinstance(found, list)
    assert len(found) == 8, found
    assert all("dog" in memory["content"] for memory in found[:3]), found


def figures(rounds: Sequence[Round]) -> Row:
    """Requests per second, p50, p99 and CPU time per request of these rounds."""
    return (
        spread([one.measured.per_second for one in rounds]),
        spread([one.measured.p50 for one in rounds], 2),
        spread([one.measured.p99 for one in rounds], 2),
        spread([one.cpu_us for one in rounds]),
    )
