"""Measures rings beside a hanging store, large bodies and the admin; then deliveries, and the start of the server."""

import asyncio
import base64
import os
import statistics
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import httpx2
import orjson
import uvloop

from bench.callers import remember
from bench.live import CALLERS, Round, rings
from bench.load import Measured, at_a_pace, one_after_the_other
from bench.processes import (
    LOAD,
    cpu_seconds,
    on_core,
    port_of,
    resident_mb,
    server,
    server_anywhere,
    slow_openmemory,
)
from bench.report import Report, Row, spread
from tests.harness.server import SECRET, Server
from tests.harness.staff import logged_in
from webhooks.signature import signed

DEADLINE_MS = 800
AUDIO_MB = 60
_AT_A_TIME = 1, 8, 64
_PLACE = "conv_of_the_delivery"


def hanging(report: Report, folder: Path, quick: bool) -> None:
    per_second, seconds = 200, 3 if quick else 20
    with (
        slow_openmemory(-1) as upstream,
        server(folder, OPENMEMORY_PORT=str(upstream), OPENMEMORY_KEY="bench") as ours,
        on_core(LOAD),
    ):
        asyncio.run(at_a_pace(rings(port_of(ours)), 50, 2))
        before = resident_mb(ours.process.pid)
        measured, answers = asyncio.run(at_a_pace(rings(port_of(ours)), per_second, seconds))
        after = resident_mb(ours.process.pid)
    neutral = sum(b'"returning_caller":"no"' in answer for answer in answers)
    report.table(
        f"{per_second} rings a second while OpenMemory hangs",
        ("rings", "neutral answers", "errors", "p50 ms", "p99 ms", "longest ms", "memory before → after, MB"),
        [
            (
                str(measured.requests),
                str(neutral),
                str(measured.errors),
                f"{measured.p50:.1f}",
                f"{measured.p99:.0f}",
                f"{measured.longest:.0f}",
                f"{before:.0f} → {after:.0f}",
            )
        ],
    )
    report.bar(
        "ring while OpenMemory hangs, 200/s",
        f"all neutral, within {DEADLINE_MS} + 50 ms, memory flat",
        f"{neutral} of {int(per_second * seconds)}, longest {measured.longest:.0f} ms, {after - before:+.1f} MB",
        met=neutral == int(per_second * seconds) and measured.longest <= DEADLINE_MS + 50 and after - before < 5,
    )


def audio_and_admin(report: Report, folder: Path, quick: bool) -> None:
    per_second, seconds = 100, 2 if quick else 10
    rows: list[Row] = []
    worst: list[Measured] = []
    with server_anywhere(folder) as ours:
        remember(folder / "memory.sqlite3", range(CALLERS), 100)
        with logged_in(ours) as browser:
            admin = dict(browser.cookies)

        def measured(what: str, *tasks: str) -> None:
            result, peak = asyncio.run(_rings_beside(ours, admin, tasks, per_second, seconds))
            worst.append(result)
            rows.append((what, f"{result.p50:.2f}", f"{result.p99:.1f}", f"{result.longest:.0f}", f"{peak:.0f}"))

        measured("nothing")
        measured(f"{AUDIO_MB} MB of audio, again and again", "audio")
        measured("an admin page, again and again", "admin")
        measured("both", "audio", "admin")
    report.table(
        f"{per_second} rings a second beside other work",
        ("beside", "p50 ms", "p99 ms", "longest ms", "most memory so far, MB"),
        rows,
    )
    report.bar(
        f"ring while {AUDIO_MB} MB of audio arrive and an admin page renders",
        "p99 < 25 ms",
        f"{worst[-1].p99:.1f} ms",
        met=worst[-1].p99 < 25 and not worst[-1].errors,
    )


def deliveries(report: Report, folder: Path, quick: bool) -> None:
    seconds, rounds = (1, 1) if quick else (3, 5)
    bare: list[float] = []
    careful: list[float] = []
    taken: dict[str, list[Round]] = {}
    most = _AT_A_TIME[-1]
    with server_anywhere(folder / "alone") as alone, server_anywhere(folder / "worker", worker=True) as working:
        for number in range(rounds):
            bare.append(_bare_loop(folder / f"bare{number}", seconds, with_folders=False))
            careful.append(_bare_loop(folder / f"careful{number}", seconds, with_folders=True))
            for at_a_time in _AT_A_TIME:
                taken.setdefault(f"{at_a_time} at a time", []).append(_delivered(alone, at_a_time, seconds))
            beside = f"{most} at a time while the worker remembers them, on the same disk"
            taken.setdefault(beside, []).append(_delivered(working, most, seconds))
    rates = {way: [one.measured.per_second for one in these] for way, these in taken.items()}
    report.table(
        "Deliveries acknowledged, 20 KB each",
        ("", "per second", "p50 ms", "p99 ms", "CPU µs", "of the bare loop"),
        [
            ("bare loop: write, fsync, rename", spread(bare), "", "", "", ""),
            ("bare loop with the server's three fsyncs", spread(careful), "", "", "", _shares(careful, bare)),
            *(
                (
                    f"ours, {way}",
                    spread(rates[way]),
                    spread([one.measured.p50 for one in these], 1),
                    spread([one.measured.p99 for one in these], 1),
                    spread([one.cpu_us for one in these]),
                    _shares(rates[way], bare),
                )
                for way, these in taken.items()
            ),
        ],
        "The server fsyncs the file, its new folder and the parent of that folder, of deliveries that arrive together"
        " four at a time. The loop flushes one file after the other, so the server exceeds it on a busy disk; on a"
        " quick one, the CPU time of the server process is what counts.",
    )
    share = statistics.median(mine / floor for mine, floor in zip(rates[f"{most} at a time"], bare, strict=True))
    report.bar(
        "deliveries acknowledged",
        "≥ 70 % of the bare loop",
        f"{100 * share:.0f} % at {most} at a time",
        met=share >= 0.7,
    )


def _shares(taken: Sequence[float], bare: Sequence[float]) -> str:
    return spread([100 * mine / floor for mine, floor in zip(taken, bare, strict=True)]) + " %"


def cold_start(report: Report, folder: Path, quick: bool) -> None:
    fresh: list[float] = []
    again: list[float] = []
    for number in range(1 if quick else 3):
        running = server(folder / str(number))
        for times in (fresh, again):
            began = time.monotonic()
            running.start()
            running.ring("anonymous")
            times.append(time.monotonic() - began)
            running.stop()
        running.client.close()
    report.table(
        "Start, until the first ring is answered",
        ("", "seconds"),
        [("with new databases", spread(fresh, 1)), ("with those of before", spread(again, 1))],
    )


async def _rings_beside(
    ours: Server, admin: dict[str, str], tasks: tuple[str, ...], per_second: int, seconds: float
) -> tuple[Measured, float]:
    loop = asyncio.get_running_loop()
    work = {"audio": partial(_send_audio, ours.url, seconds), "admin": partial(_show_page, ours.url, admin, seconds)}
    # In separate processes, so that they do not delay the sending of rings.
    with ProcessPoolExecutor(2, get_context("spawn")) as processes:
        await asyncio.gather(*(loop.run_in_executor(processes, time.sleep, 0.3) for _ in range(2)))
        others = [loop.run_in_executor(processes, work[task]) for task in tasks]
        measured, answers = await at_a_pace(rings(port_of(ours)), per_second, seconds)
        await asyncio.gather(*others)
    assert all(b'"returning_caller":"yes"' in answer for answer in answers)
    return measured, resident_mb(ours.process.pid, "VmHWM")


def _send_audio(url: str, seconds: float) -> None:
    client, until = httpx2.Client(base_url=url, timeout=30), time.monotonic() + seconds
    audio = base64.b64encode(os.urandom(AUDIO_MB * 3 * 2**18)).decode()
    while time.monotonic() < until:
        data = {"agent_id": "agent_bench", "conversation_id": f"conv_{time.time_ns()}", "full_audio": audio}
        event = {"type": "post_call_audio", "event_timestamp": int(time.time()), "data": data}
        body = orjson.dumps(event)
        headers = {"elevenlabs-signature": signed(body, SECRET, int(time.time()))}
        assert client.post("/webhook/post-call", content=body, headers=headers).json()["status"] == "received"


def _show_page(url: str, cookies: dict[str, str], seconds: float) -> None:
    client, until = httpx2.Client(base_url=url, timeout=30, cookies=cookies), time.monotonic() + seconds
    while time.monotonic() < until:
        assert client.get("/admin/conversations/conversation/").status_code == 200


class _Deliveries:
    """Signed transcriptions of one conversation each."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._name = time.time_ns()
        self._body = _delivery(_PLACE)

    def raw(self, number: int) -> bytes:
        body = self._body.replace(_PLACE.encode(), b"conv_%d_%d" % (self._name, number))
        head = (
            f"POST /webhook/post-call HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nContent-Type: application/json\r\n"
            f"ElevenLabs-Signature: {signed(body, SECRET, int(time.time()))}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


def _delivery(conversation_id: str) -> bytes:
    turns = [
        {
            "role": "user" if number % 2 else "agent",
            "message": "This is what was said. " * 8,
            "time_in_call_secs": number,
        }
        for number in range(80)
    ]
    data = {"agent_id": "agent_bench", "conversation_id": conversation_id, "status": "done", "transcript": turns}
    return orjson.dumps({"type": "post_call_transcription", "event_timestamp": int(time.time()), "data": data})


def _bare_loop(folder: Path, seconds: float, *, with_folders: bool) -> float:
    """Write, fsync and rename files. `with_folders`: each in a new folder, which is fsynced too, as by the server."""
    folder.mkdir(parents=True)
    content, count, began = _delivery("conv_bare"), 0, time.monotonic()
    while time.monotonic() - began < seconds:
        temporary, place = folder / "temporary", folder
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if with_folders:
            place = folder / str(count)
            place.mkdir()
            _fsync(folder)
        temporary.replace(place / f"{count}.json")
        if with_folders:
            _fsync(place)
        count += 1
    return count / (time.monotonic() - began)


def _fsync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


def _delivered(ours: Server, at_a_time: int, seconds: float) -> Round:
    before = cpu_seconds(ours.process.pid)
    measured = uvloop.run(one_after_the_other(_Deliveries(port_of(ours)), at_a_time, seconds))
    assert measured.requests, "nothing was answered"
    assert not measured.errors, f"{measured.errors} errors"
    return Round(measured, 1e6 * (cpu_seconds(ours.process.pid) - before) / measured.requests)
