"""Compares rings and searches with the nearest peer, which answers the same webhooks from an OpenMemory server.

The peer is no part of this project. Make a checkout with its own environment, and name the folder in PEER. OPENMEMORY
is a checkout of CaviraOSS/OpenMemory:

    git clone https://github.com/webmasterarbez/elaoms peer && cd peer && python -m venv .venv
    .venv/bin/pip install OPENMEMORY/packages/openmemory-py && .venv/bin/pip install -r requirements.txt
    PEER=peer python -m bench --only peer

Both read from the same slow OpenMemory server, which ranks nothing: the peer uses the first memories as they come,
while elmemory ranks all of them.
"""

import os
import statistics
from collections.abc import Callable
from pathlib import Path
from subprocess import DEVNULL

from bench.live import UPSTREAM_MS, answer_of, figures, load, rings, searches
from bench.load import Requests
from bench.processes import port_of, server, serving, slow_openmemory
from bench.report import Report, Row
from tests.harness.server import free_port

CONNECTIONS = 1, 16
_KEYS = {"ELEVENLABS_CLIENT_DATA_KEY": "client-data-key", "ELEVENLABS_SEARCH_DATA_KEY": "search-data-key"}


def peer(report: Report, folder: Path, quick: bool) -> None:
    checkout = Path(os.environ.get("PEER", "")).resolve()
    if not (checkout / ".venv").exists():
        print("The part peer is left out: PEER names no checkout (bench/peers.py says how to make one).")
        return
    port = free_port()
    command = [str(checkout / ".venv/bin/python"), "-m", "uvicorn", "app.main:app", "--port", str(port)]
    command += ["--no-access-log", "--log-level", "error"]
    theirs = {**_KEYS, "OPENMEMORY_KEY": "bench"}
    with (
        slow_openmemory(UPSTREAM_MS) as upstream,
        server(folder, OPENMEMORY_PORT=str(upstream), OPENMEMORY_KEY="bench") as ours,
        serving(command, port, theirs | {"OPENMEMORY_PORT": str(upstream)}, checkout, output=DEVNULL) as pid,
    ):
        for name, requests in (("Ring", rings), ("Search", searches)):
            _side_by_side(report, name, requests, (ours.process.pid, port_of(ours)), (pid, port), quick=quick)


def _side_by_side(
    report: Report,
    name: str,
    requests: Callable[[int], Requests],
    ours: tuple[int, int],
    theirs: tuple[int, int],
    *,
    quick: bool,
) -> None:
    for _, port in (ours, theirs):
        assert answer_of(port, requests(port))
    rows: list[Row] = []
    for connections in CONNECTIONS:
        pairs = [
            tuple(load(pid, requests(port), connections, quick) for pid, port in (theirs, ours))
            for _ in range(1 if quick else 3)
        ]
        ratio = statistics.median(mine.measured.per_second / other.measured.per_second for other, mine in pairs)
        rows.append((str(connections), "peer", *figures([other for other, _ in pairs]), ""))
        rows.append((str(connections), "ours", *figures([mine for _, mine in pairs]), f"{ratio:.0f} ×"))
    report.table(
        f"{name} beside the nearest peer, on the same OpenMemory server that answers after {UPSTREAM_MS} ms",
        ("connections", "", "per second", "p50 ms", "p99 ms", "CPU µs", "of the peer's rate"),
        rows,
    )
