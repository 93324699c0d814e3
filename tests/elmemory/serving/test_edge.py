"""What a client may send, and for how long the server waits for it."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest
import uvicorn

from elmemory.serving.channel import with_bounded_body
from elmemory.serving.edge import BoundedProtocol, BoundedServer
from elmemory.serving.onepacket import OnePacketProtocol
from tests.harness.server import free_port, wait_until

REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Impatient(OnePacketProtocol):
    head_seconds = 0.5
    body_seconds = 0.5
    linger_seconds = 0.5


class Scaled(Impatient):
    most_open = 8


async def echo_length(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answer with the length of the body, /early without reading it."""
    length, more = 0, scope["path"] != "/early"
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        length, more = length + len(message["body"]), message["more_body"]
    content = b"%d" % length
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(content))]})
    await send({"type": "http.response.body", "body": content})


def served(http: type[BoundedProtocol], application: Any = echo_length) -> Iterator[Callable[[], socket.socket]]:
    """A function that connects to a server with this protocol."""
    port = free_port()
    server = BoundedServer(uvicorn.Config(application, port=port, http=http, log_config=None, lifespan="off"))
    thread = threading.Thread(target=asyncio.run, args=(server.serve(),))
    thread.start()
    wait_until(lambda: server.started)
    with ExitStack() as connections:
        yield lambda: connections.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
    server.should_exit = True
    thread.join()


@pytest.fixture(scope="module")
def connect() -> Iterator[Callable[[], socket.socket]]:
    yield from served(OnePacketProtocol)


@pytest.fixture(scope="module")
def connect_impatient() -> Iterator[Callable[[], socket.socket]]:
    yield from served(Impatient)


@pytest.fixture
def connect_scaled() -> Iterator[Callable[[], socket.socket]]:
    yield from served(Scaled)


def answer(connection: socket.socket, *sent: bytes) -> int:
    """The status of the answer; 0 if the server closes the connection without one."""
    try:
        for piece in sent:
            connection.sendall(piece)
        head = connection.recv(2**16)
    except ConnectionError:
        return 0
    return int(head.split()[1]) if head else 0


def seconds_until_closed(connection: socket.socket) -> float:
    began = time.monotonic()
    with closing(connection):
        try:
            while connection.recv(2**16):
                pass
        except ConnectionError:
            pass
    return time.monotonic() - began


def is_cut_off(connection: socket.socket, sent: list[bytes], pause: float = 0) -> bool:
    """Whether the server closes the connection before it has received all pieces."""
    try:
        for piece in sent:
            connection.sendall(piece)
            time.sleep(pause)
    except ConnectionError:
        return True
    return False


def head_of(*headers: bytes, path: bytes = b"/") -> bytes:
    return b"\r\n".join([b"GET %s HTTP/1.1" % path, b"Host: localhost", *headers, b"", b""])


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (head_of(*[b"a: b"] * 99), 200),
        (head_of(*[b"a: b"] * 100), 400),
        (head_of(*[b"a:"] * 50_000), 400),
        (head_of(b"a: " + b"b" * 32_000), 200),
        (head_of(b"a: " + b"b" * 33_000), 400),
        (head_of(b"a" * 33_000 + b": b"), 400),
        (head_of(*[b"a: " + b"b" * 1_000] * 31), 200),
        (head_of(*[b"a: " + b"b" * 1_000] * 33), 400),
        (head_of(path=b"/" + b"a" * 32_000), 200),
        (head_of(path=b"/" + b"a" * 33_000), 400),
        (head_of(path=b"/?" + b"a" * 33_000), 400),
        (head_of(b"Connection: upgrade", b"Upgrade: h2c", b"a: " + b"b" * 33_000), 400),
    ],
)
@pytest.mark.parametrize("pieces", [1, 7])
def test_a_head_may_hold_32_kb_and_100_headers(
    connect: Callable[[], socket.socket], head: bytes, status: int, pieces: int
) -> None:
    size = len(head) // pieces + 1
    connection = connect()
    assert answer(connection, *(head[start : start + size] for start in range(0, len(head), size))) in (
        {200} if status == 200 else {status, 0}
    )
    if status != 200:
        assert seconds_until_closed(connection) < 5


@pytest.mark.parametrize(
    "start",
    [
        b"GET / HTTP/1.1\r\na: ",
        b"GET /",
        b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 90 + b"a",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\na: ",
    ],
)
def test_an_endless_head_is_cut_off(connect: Callable[[], socket.socket], start: bytes) -> None:
    connection = connect()
    assert is_cut_off(connection, [start, *[b"x" * 2**20] * 60])
    assert answer(connect(), REQUEST) == 200


def test_many_requests_in_one_packet_are_answered(connect: Callable[[], socket.socket]) -> None:
    connection, count = connect(), 2_000
    connection.sendall(head_of(b"a: " + b"b" * 100) * count)
    received = b""
    while received.count(b"HTTP/1.1 200") < count:
        received += connection.recv(2**16)


@pytest.mark.parametrize("size", [2**15, 2**16 + 7, 3_000_000])
def test_a_body_of_any_size_is_read(connect: Callable[[], socket.socket], size: int) -> None:
    connection = connect()
    assert answer(connection, b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % size, b"x" * size) == 200
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in [b"x" * 1000] * (size // 1000))
    assert answer(connection, b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", chunks, b"0\r\na: b\r\n\r\n")


UNFINISHED = [
    b"",
    b"G",
    b"\r\n",
    b"GET / HTTP/1.1\r\na: b\r\n",
    REQUEST + b"GET",
    b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nx",
    b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1;a",
    b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n",
    b"POST /early HTTP/1.1\r\nContent-Length: 9\r\n\r\nx",
]


def test_an_unfinished_request_does_not_stay(connect_impatient: Callable[[], socket.socket]) -> None:
    connections = [connect_impatient() for _ in UNFINISHED]
    for connection, sent in zip(connections, UNFINISHED, strict=True):
        connection.sendall(sent)
    began = time.monotonic()
    for connection in connections:
        seconds_until_closed(connection)
    assert time.monotonic() - began < 5


def test_dripping_does_not_prolong_a_head(connect_impatient: Callable[[], socket.socket]) -> None:
    connection, began = connect_impatient(), time.monotonic()
    assert is_cut_off(connection, [b"GET / HTTP/1.1\r\n", *[b"a: b\r\n"] * 90], pause=0.1)
    assert time.monotonic() - began < 5


def test_an_idle_connection_is_kept(connect_impatient: Callable[[], socket.socket]) -> None:
    connection = connect_impatient()
    for pause in (0, 2):
        time.sleep(pause)
        assert answer(connection, REQUEST) == 200


def test_an_answer_before_the_end_of_the_body_arrives_and_the_connection_can_be_used_again(
    connect_impatient: Callable[[], socket.socket],
) -> None:
    connection = connect_impatient()
    assert answer(connection, b"POST /early HTTP/1.1\r\nContent-Length: 9\r\n\r\nx") == 200
    assert answer(connection, b"x" * 8 + REQUEST) == 200


@pytest.mark.parametrize("sent", [b"", REQUEST, b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nx"])
def test_the_connection_heard_from_longest_ago_makes_room(
    connect_scaled: Callable[[], socket.socket], sent: bytes
) -> None:
    connections = [connect_scaled() for _ in range(8)]
    for connection in connections:
        assert answer(connection, REQUEST) == 200
    assert answer(connections[0], REQUEST) == 200, "heard from last"
    others = [connect_scaled() for _ in range(4)]
    for other in others:
        other.sendall(sent)
    if sent == REQUEST:
        assert all(other.recv(2**16) for other in others)
    for connection in connections[1:5]:
        assert seconds_until_closed(connection) < 5
    assert answer(connections[0], REQUEST) == 200


def test_a_body_larger_than_pages_need_is_refused() -> None:
    serving = served(OnePacketProtocol, with_bounded_body(echo_length, 1000, 2000))
    connect = next(serving)
    for length, status in ((1000, 200), (1001, 413)):
        assert answer(connect(), b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % length, b"x" * length) == status
    connection = connect()
    assert answer(connection, b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n7d0\r\n", b"x" * 2000) == 413
    next(serving, None)
