"""Puts load on a server: wrk as fast as it can, or our own client at a steady pace."""

import asyncio
import itertools
import re
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import uvloop

from bench.processes import LOAD, on_core

WRK = shutil.which("wrk")


@dataclass(frozen=True, slots=True)
class Measured:
    """The latencies of requests, in ms."""

    requests: int
    per_second: float
    p50: float
    p99: float
    longest: float
    errors: int = 0


class Messages(Protocol):
    """HTTP messages for a port, which are created by number."""

    @property
    def port(self) -> int: ...

    def raw(self, number: int) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Requests:
    """POST requests that send these bodies in turn."""

    port: int
    path: str
    key: str
    bodies: Sequence[str]

    def raw(self, number: int) -> bytes:
        body = self.bodies[number % len(self.bodies)].encode()
        head = (
            f"POST {self.path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nX-Api-Key: {self.key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


def as_fast_as_it_goes(requests: Requests, connections: int, seconds: int) -> Measured:
    if WRK:
        return _wrk(requests, connections, seconds)
    with on_core(LOAD):
        return uvloop.run(one_after_the_other(requests, connections, seconds))


async def at_a_pace(requests: Requests, per_second: int, seconds: float) -> tuple[Measured, list[bytes]]:
    """Send each request at its scheduled time, from which its latency counts; also returns the answers."""
    began = time.perf_counter()
    pool: list[_Connection] = []
    latencies: list[float] = []
    answers: list[bytes] = []
    errors = 0

    async def one(number: int, due: float) -> None:
        nonlocal errors
        connection = pool.pop() if pool else _Connection(requests.port)
        try:
            status, body = await connection.exchange(requests.raw(number))
        except (OSError, asyncio.IncompleteReadError, ValueError):
            errors += 1
            return
        latencies.append(1000 * (time.perf_counter() - due))
        answers.append(body)
        errors += status != 200
        pool.append(connection)

    async with asyncio.TaskGroup() as group:
        for number in range(int(per_second * seconds)):
            due = began + number / per_second
            if (early := due - time.perf_counter()) > 0:
                await asyncio.sleep(early)
            group.create_task(one(number, due))
    for connection in pool:
        connection.close()
    return _measured(latencies, time.perf_counter() - began, errors), answers


class _Connection:
    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def exchange(self, request: bytes) -> tuple[int, bytes]:
        await self.send(request)
        return await self.answer()

    async def send(self, request: bytes) -> None:
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        self._streams[1].write(request)

    async def answer(self) -> tuple[int, bytes]:
        assert self._streams
        reader = self._streams[0]
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: (\d+)", head)
        return int(head[9:12]), await reader.readexactly(int(length[1]) if length else 0)

    def close(self) -> None:
        if self._streams:
            self._streams[1].close()


async def one_after_the_other(messages: Messages, connections: int, seconds: float) -> Measured:
    """Send as fast as possible. Each connection sends its next message after the answer to the previous one."""
    latencies: list[float] = []
    errors = 0
    numbers = itertools.count()
    began = time.perf_counter()

    async def client() -> None:
        nonlocal errors
        connection, message = _Connection(messages.port), messages.raw(next(numbers))
        while (sent := time.perf_counter()) - began < seconds:
            await connection.send(message)
            message = messages.raw(next(numbers))  # while the server is busy
            status, _ = await connection.answer()
            latencies.append(1000 * (time.perf_counter() - sent))
            errors += status != 200
        connection.close()

    await asyncio.gather(*(client() for _ in range(connections)))
    return _measured(latencies, time.perf_counter() - began, errors)


def _measured(latencies: list[float], seconds: float, errors: int) -> Measured:
    latencies.sort()
    if not latencies:
        return Measured(0, 0, 0, 0, 0, errors)
    p99 = latencies[min(len(latencies) - 1, int(0.99 * len(latencies)))]
    return Measured(len(latencies), len(latencies) / seconds, statistics.median(latencies), p99, latencies[-1], errors)


def _wrk(requests: Requests, connections: int, seconds: int) -> Measured:
    bodies = ",".join(f"[=[{body}]=]" for body in requests.bodies)
    script = f"""
        wrk.method = "POST"
        wrk.headers["X-Api-Key"] = "{requests.key}"
        wrk.headers["Content-Type"] = "application/json"
        local bodies, n = {{{bodies}}}, 0
        function request()
            n = n % #bodies + 1
            return wrk.format(nil, "{requests.path}", nil, bodies[n])
        end
        function done(summary, latency)
            local e = summary.errors
            print(string.format("RESULT %d %f %f %f %f %d", summary.requests, summary.duration / 1e6,
                latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, latency.max / 1e3,
                e.connect + e.read + e.write + e.status + e.timeout))
        end
    """
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        Path(file.name).write_text(script)
        command = [str(WRK), "-t1", f"-c{connections}", f"-d{seconds}", "--timeout", "10s", "-s", file.name]
        command.append(f"http://127.0.0.1:{requests.port}")
        with on_core(LOAD):
            output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    result = re.search(r"RESULT (\d+) (\S+) (\S+) (\S+) (\S+) (\d+)", output)
    assert result, output
    count, duration, p50, p99, longest = int(result[1]), *(float(result[part]) for part in range(2, 6))
    return Measured(count, count / duration, p50, p99, longest, int(result[6]))
