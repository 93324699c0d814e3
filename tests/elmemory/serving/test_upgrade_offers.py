"""A request may offer another protocol; it is answered as if it offered none (RFC 9110, 7.8)."""

import json
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.harness.samples import new_number, transcription
from tests.harness.server import SECRET, Server
from webhooks.signature import signed

H2C = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"
WEBSOCKET = "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
OFFERS = [H2C, WEBSOCKET, "Upgrade: TLS/1.2\r\nConnection: upgrade\r\n"]


class Connection:
    """A connection whose packets and pipelined answers the test has under its control."""

    def __init__(self, port: str) -> None:
        self.socket = socket.create_connection(("127.0.0.1", int(port)), timeout=20)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.incoming = self.socket.makefile("rb")

    def send(self, *packets: bytes) -> None:
        for packet in packets:
            self.socket.sendall(packet)

    def answer(self) -> tuple[int, dict[str, Any]]:
        status = int(self.incoming.readline().split()[1])
        headers = dict(line.lower().split(b": ", 1) for line in iter(self.incoming.readline, b"\r\n"))
        return status, json.loads(self.incoming.read(int(headers[b"content-length"])))


@pytest.fixture
def connection(server: Server) -> Iterator[Connection]:
    connected = Connection(server.environment["PORT"])
    with connected.socket, connected.incoming:
        yield connected


def head(path: str, *headers: str, method: str = "POST") -> bytes:
    return f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n{''.join(headers)}\r\n".encode()


def delivery(size: int = 0) -> tuple[bytes, str]:
    """A body and its signature header."""
    event = transcription(new_number(), "Hello.", "x" * size)
    body = json.dumps(event).encode()
    return body, f"ElevenLabs-Signature: {signed(body, SECRET, int(time.time()))}\r\n"


@pytest.mark.parametrize("offer", OFFERS)
def test_a_ring_that_offers_another_protocol_is_read(server: Server, connection: Connection, offer: str) -> None:
    caller = new_number()
    server.deliver(transcription(caller, "Hi.", facts={"first_name": "Imke"}))
    body = json.dumps({"caller_id": caller, "called_number": "+14155550199"}).encode()
    connection.send(
        head("/webhook/client-data", offer, "X-Api-Key: client-data-key\r\n", f"Content-Length: {len(body)}\r\n") + body
    )
    status, output = connection.answer()
    assert status == 200
    assert output["dynamic_variables"]["user_name"] == "Imke"


@pytest.mark.parametrize("size", [0, 5_000_000])
@pytest.mark.parametrize("offer", OFFERS)
def test_a_delivery_that_offers_another_protocol_is_received(connection: Connection, offer: str, size: int) -> None:
    body, signature = delivery(size)
    connection.send(head("/webhook/post-call", signature, offer, f"Content-Length: {len(body)}\r\n"))
    connection.send(body)
    assert connection.answer()[1]["status"] == "received"


def test_the_head_of_an_offer_may_come_in_many_packets(connection: Connection) -> None:
    body, signature = delivery()
    for byte in head("/webhook/post-call", signature, H2C, f"Content-Length: {len(body)}\r\n"):
        connection.send(bytes([byte]))
    connection.send(body)
    assert connection.answer()[1]["status"] == "received"


def test_an_offer_may_have_a_body_in_chunks(connection: Connection) -> None:
    body, signature = delivery(200_000)
    chunks = [body[start : start + 9999] for start in range(0, len(body), 9999)] + [b""]
    connection.send(head("/webhook/post-call", signature, H2C, "Transfer-Encoding: chunked\r\n"))
    for chunk in chunks:
        connection.send(b"%x\r\n%s\r\n" % (len(chunk), chunk))
    assert connection.answer()[1]["status"] == "received"


def test_an_offer_that_waits_for_leave_to_send_its_body_gets_it(connection: Connection) -> None:
    body, signature = delivery()
    connection.send(
        head("/webhook/post-call", signature, H2C, "Expect: 100-continue\r\n", f"Content-Length: {len(body)}\r\n")
    )
    assert connection.incoming.read(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
    connection.send(body)
    assert connection.answer()[1]["status"] == "received"


def test_requests_before_and_after_an_offer_on_one_connection_are_answered_in_order(connection: Connection) -> None:
    def request(body: bytes, offer: str) -> bytes:
        length = f"Content-Length: {len(body)}\r\n"
        return head("/webhook/search-data", "X-Api-Key: search-data-key\r\n", offer, length) + body

    plain, offers = request(b"{}", ""), request(b'{"query": "dog"}', H2C)
    connection.send(plain + offers + offers + plain + head("/health", WEBSOCKET, method="GET"))
    assert [connection.answer()[0] for _ in range(5)] == [422, 200, 200, 422, 200]


def test_a_tunnel_is_refused(connection: Connection) -> None:
    connection.send(b"CONNECT localhost:443 HTTP/1.1\r\nHost: localhost\r\n\r\nGET / HTTP/1.1\r\n\r\n")
    assert connection.incoming.read(12) == b"HTTP/1.1 400"
