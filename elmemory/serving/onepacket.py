"""uvicorn's HTTP protocol, changed to ignore upgrades and to write head and body of an answer in one packet.

Two writes, as in uvicorn, cost a second system call and wake the client twice.
"""

import asyncio
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from elmemory.serving.bounded_log import BoundedLog
from elmemory.serving.edge import BoundedProtocol

log = BoundedLog(__name__)


class UpgradeDecliningProtocol(HttpToolsProtocol):
    """Ignores the offer of another protocol in a request (`Upgrade: h2c`, websocket), see RFC 9110, 7.8.

    httptools would read what follows such a head as the other protocol. So a new parser reads the head without the
    offer, and then the rest.
    """

    def data_received(self, data: bytes) -> None:
        try:
            while data:
                try:
                    self.parser.feed_data(data)
                    return
                except httptools.HttpParserUpgrade as offer:
                    data = data[offer.args[0] :]
                    self._read_head_without_offer()
        except httptools.HttpParserError:
            log.warning("refused a request", "not HTTP")
            self.send_400_response("Invalid HTTP request received.")

    def _read_head_without_offer(self) -> None:
        head = self._head_without_offer()
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self.parser.feed_data(head)

    def _should_upgrade(self) -> bool:
        """Let uvicorn start no application for the head with the offer: it is parsed again without."""
        return True

    def _head_without_offer(self) -> bytes:
        method = self.scope["method"].encode()
        if method == b"CONNECT":
            raise httptools.HttpParserInvalidMethodError("no tunnels here")
        lines = [b"%s %s HTTP/%s" % (method, self.url, self.scope["http_version"].encode())]
        lines += [b"%s: %s" % header for header in self.headers if header[0] != b"upgrade"]
        return b"\r\n".join([*lines, b"", b""])


class OnePacketProtocol(BoundedProtocol, UpgradeDecliningProtocol):
    """The protocol of the server: bounded requests, no upgrades, answers in one packet."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(_OnePacket(transport, self.loop))  # type: ignore[arg-type]


class _OnePacket:
    """A transport that delays the head of an answer until its body, at most until the event loop's next turn."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self.is_closing = transport.is_closing
        self._head = b""

    def write(self, data: bytes) -> None:
        if self._head:
            data, self._head = self._head + data, b""
        elif data.startswith(b"HTTP/1.1 2"):
            self._head = data
            self._loop.call_soon(self._flush)
            return
        self._transport.write(data)

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def _flush(self) -> None:
        if self._head:
            head, self._head = self._head, b""
            self._transport.write(head)
