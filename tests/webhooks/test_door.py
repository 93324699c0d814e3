"""A stranger, who has no secret, cannot keep signed deliveries or rings waiting."""

import asyncio
import socket
import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

from elmemory.serving.channel import BodyReader, TooManyBytes
from tests.harness.samples import new_number, transcription
from tests.harness.server import Server, wait_until


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("attacked"), "--no-worker", MAX_PAYLOAD_MB="4") as running:
        yield running


@pytest.fixture
def strangers() -> Iterator[ExitStack]:
    with ExitStack() as connections:
        yield connections


def begin(strangers: ExitStack, server: Server, length: int, body: bytes) -> socket.socket:
    """A delivery with a signature that could be right, of which only this much is sent."""
    connection = strangers.enter_context(socket.create_connection(("127.0.0.1", int(server.environment["PORT"]))))
    head = (
        f"POST /webhook/post-call HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n"
        f"ElevenLabs-Signature: t={int(time.time())},v0={'0' * 64}\r\n\r\n"
    )
    with suppress(ConnectionError):  # displaced meanwhile
        connection.sendall(head.encode() + body)
    return connection


def spooled(server: Server) -> int:
    return sum(path.stat().st_size for path in (server.payloads / "_spool").glob("*") if path.exists())


@pytest.mark.parametrize("count", [64, 200])
def test_slow_senders_keep_no_signed_delivery_and_no_ring_waiting(
    attacked: Server, strangers: ExitStack, count: int
) -> None:
    for _ in range(count):
        begin(strangers, attacked, 20_000, b"x")
    waits = []
    for _ in range(50):
        answer = attacked.post_call(transcription(new_number(), "Hello."))
        assert answer.json()["status"] == "received", answer.text
        began = time.monotonic()
        attacked.ring(new_number())
        waits.append(time.monotonic() - began)
    assert statistics.median(waits) < 0.05


@pytest.mark.parametrize("announced", [10_000_000, 3_000_000])
def test_large_unverified_bodies_take_a_bounded_part_of_the_disk(
    attacked: Server, strangers: ExitStack, announced: int
) -> None:
    for _ in range(30):
        begin(strangers, attacked, announced, b"x" * 1_000_000)
        wait_until(lambda: spooled(attacked) <= 4 * 4 * 2**20)  # files are deleted in a thread
        assert attacked.post_call(transcription(new_number(), "Hello.")).json()["status"] == "received"


def test_deliveries_that_were_turned_away_are_counted_and_logged(attacked: Server, strangers: ExitStack) -> None:
    connections = [begin(strangers, attacked, 20_000, b"x") for _ in range(70)]
    assert connections[0].recv(4096).startswith(b"HTTP/1.1 503")

    def turned_away() -> int:
        state: dict[str, int] = attacked.client.get("/health").json()["payloads"]
        assert (state["refused"], state["too_slow"]) == (0, 0)
        return state["too_many"]

    assert wait_until(turned_away) >= 6
    assert "refused a delivery" in attacked.output
    lines = [line for line in attacked.output.splitlines() if "reason=too_many" in line]
    assert len(lines) <= 2, "not one for each"


def test_a_header_that_cannot_be_right_is_refused_before_the_body_is_read(attacked: Server) -> None:
    with socket.create_connection(("127.0.0.1", int(attacked.environment["PORT"])), timeout=5) as connection:
        connection.sendall(b"POST /webhook/post-call HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900\r\n\r\n")
        assert connection.recv(4096).startswith(b"HTTP/1.1 401")


def test_a_page_takes_no_large_body(attacked: Server) -> None:
    form = b"csrfmiddlewaretoken=x&username=" + b"x" * 2**21
    assert attacked.client.post("/admin/login/", content=form).status_code == 413
    assert attacked.client.post("/admin/login/", content=form[:1000]).status_code == 403


KEYED = [("/webhook/client-data", "client-data-key"), ("/webhook/search-data", "search-data-key")]


@pytest.mark.parametrize(("path", "key"), KEYED)
def test_a_wrong_key_is_refused_before_the_body_comes(attacked: Server, path: str, key: str) -> None:
    address = "127.0.0.1", int(attacked.environment["PORT"])
    with socket.create_connection(address, timeout=3) as connection, connection.makefile("rb") as answer:
        head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\nX-Api-Key: {{}}\r\n\r\n"
        connection.sendall(head.format("wrong").encode())
        assert answer.readline().startswith(b"HTTP/1.1 401")
        while answer.readline().strip():
            pass
        assert answer.read(25) == b'{"detail":"Unauthorized"}'
        # What is sent nevertheless is skipped, and the connection serves the next request.
        connection.sendall(b"x" * 1_000_000 + head.replace("1000000", "2").format(key).encode() + b"{}")
        assert answer.readline().split()[1] in (b"200", b"422")


def memory_kb(server: Server) -> int:
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


@pytest.mark.parametrize("path", [path for path, _ in KEYED] + ["/webhook/other", "/health", "/admin/login/"])
def test_the_slow_bodies_of_strangers_take_little_memory(attacked: Server, strangers: ExitStack, path: str) -> None:
    before = memory_kb(attacked)
    for _ in range(150):
        connection = strangers.enter_context(socket.create_connection(("127.0.0.1", int(attacked.environment["PORT"]))))
        connection.settimeout(10)
        with suppress(ConnectionError):
            connection.sendall(f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1048576\r\n\r\n".encode())
            connection.sendall(b"x" * 1_000_000)
    attacked.ring(new_number())
    assert memory_kb(attacked) < before + 80_000


def test_large_bodies_that_arrive_in_pieces_take_a_bounded_part_of_the_memory_and_no_ring_is_refused() -> None:
    reader = BodyReader(2**20, 2**21)
    piece: dict[str, Any] = {"type": "http.request", "body": b"x" * 2**19, "more_body": True}
    small = {"type": "http.request", "body": b"{", "more_body": True}

    async def more() -> dict[str, Any]:
        await asyncio.sleep(0)
        return piece

    async def end() -> dict[str, Any]:
        return {"type": "http.request", "body": b"}"}

    async def stalled() -> dict[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError

    async def received() -> None:
        waiting = [asyncio.ensure_future(reader.rest(piece, stalled)) for _ in range(4)]
        await asyncio.sleep(0)
        with pytest.raises(TooManyBytes):
            await reader.rest(piece, more)
        assert await reader.rest(small, end) == b"{}"
        for one in waiting:
            one.cancel()
        await asyncio.wait(waiting)
        assert await reader.rest(piece, end) == piece["body"] + b"}"

    asyncio.run(received())
