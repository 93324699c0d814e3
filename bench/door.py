"""Measures signed deliveries and rings beside strangers who hold connections open and send large bodies.

python -m bench.door [seconds]
"""

import argparse
import asyncio
import contextlib
import multiprocessing
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import uvloop

from bench.beside import _Deliveries
from bench.callers import remember
from bench.live import CALLERS, rings
from bench.load import Measured, at_a_pace
from bench.processes import port_of, resident_mb, server_anywhere
from tests.harness.server import Server

_STRENGTHS = 0, 64, 256
_RINGS, _DELIVERIES = 50, 20
_LARGE_SENDERS = 12
_LARGE_BYTES = 200 * 2**20
_LARGE_BYTES_PER_SECOND = 2 * 2**20
_SECONDS_PER_BYTE = 15


def main(seconds: float) -> None:
    print("| connections | acknowledged | ring p50 ms | ring p99 ms | ring longest ms | spool MB | memory MB |")
    print("|---|---|---|---|---|---|---|")
    for strength in _STRENGTHS:
        with tempfile.TemporaryDirectory() as folder, server_anywhere(Path(folder)) as ours:
            remember(Path(folder, "memory.sqlite3"), range(CALLERS), 100)
            attack = multiprocessing.get_context("spawn").Process(target=_attack, args=(port_of(ours), strength))
            attack.start()
            time.sleep(2)
            try:
                deliveries, ringing, spool_bytes = uvloop.run(_measured(ours, seconds))
            finally:
                attack.kill()
                attack.join()
            share = 100 * (deliveries.requests - deliveries.errors) / (_DELIVERIES * seconds)
            print(
                f"| {strength} | {share:.1f} % | {ringing.p50:.1f} | {ringing.p99:.1f} | {ringing.longest:.0f} "
                f"| {spool_bytes / 2**20:.0f} | {resident_mb(ours.process.pid, 'VmHWM'):.0f} |",
                flush=True,
            )


async def _measured(ours: Server, seconds: float) -> tuple[Measured, Measured, int]:
    """Deliveries (refused ones are among the errors), rings, and the greatest number of bytes in the spool."""
    port, most = port_of(ours), 0

    async def watch_spool() -> None:
        nonlocal most
        while True:
            most = max(most, await asyncio.to_thread(_bytes_in, ours.payloads / "_spool"))
            await asyncio.sleep(0.5)

    watching = asyncio.create_task(watch_spool())
    with ThreadPoolExecutor(1) as pool:
        signed = pool.submit(asyncio.run, at_a_pace(_Deliveries(port), _DELIVERIES, seconds))  # type: ignore[arg-type]
        ringing, _ = await at_a_pace(rings(port), _RINGS, seconds)
        deliveries, _ = await asyncio.wrap_future(signed)
    watching.cancel()
    return deliveries, ringing, most


def _bytes_in(folder: Path) -> int:
    total = 0
    with contextlib.suppress(FileNotFoundError):
        for path in folder.iterdir():
            with contextlib.suppress(FileNotFoundError):
                total += path.stat().st_size
    return total


def _attack(port: int, strength: int) -> None:
    async def attack() -> None:
        piece, pause = _LARGE_BYTES_PER_SECOND // 10, 0.1
        async with asyncio.TaskGroup() as group:
            for _ in range(_LARGE_SENDERS if strength else 0):
                group.create_task(_send_for_ever(port, _LARGE_BYTES, piece, pause))
            await asyncio.sleep(0.5)
            for _ in range(strength):
                group.create_task(_send_for_ever(port, 20_000, 1, _SECONDS_PER_BYTE))

    uvloop.run(attack())


async def _send_for_ever(port: int, size: int, piece: int, pause: float) -> None:
    """Send bodies with a plausible but wrong signature, in pieces. Reconnect whenever the server hangs up."""
    while True:
        with contextlib.suppress(OSError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            closed = asyncio.create_task(reader.read())
            head = (
                f"POST /webhook/post-call HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: {size}\r\n"
                f"ElevenLabs-Signature: t={int(time.time())},v0={'0' * 64}\r\n\r\n"
            )
            writer.write(head.encode())
            left = size
            while left > 0 and not closed.done() and not reader.at_eof():
                writer.write(b"x" * min(piece, left))
                left -= piece
                await writer.drain()
                await asyncio.wait([closed], timeout=pause)
            closed.cancel()
            writer.close()
        await asyncio.sleep(0.02)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("seconds", nargs="?", type=float, default=60)
    main(parser.parse_args().seconds)
