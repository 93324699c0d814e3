"""uvicorn's HTTP protocol with limits on what a client may send and how long it may take: nothing may stand before us.

A connection waits for its client while it is idle and while a request has not arrived completely. uvicorn limits the
idle time (`timeout_keep_alive`). Its `limit_concurrency` counts idle connections too, and would refuse rings.
"""

import asyncio
from collections import OrderedDict
from itertools import chain
from math import inf
from typing import Any

import httptools
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from elmemory.serving.bounded_log import BoundedLog

_MOST_HEAD_BYTES = 2**15
_MOST_HEADERS = 100
# A head whose last byte is in the first or second piece is small enough.
_PIECE = _MOST_HEAD_BYTES // 2
_BODY_BYTES_PER_SECOND = 1024
_TICKS_PER_SECOND = 10

log = BoundedLog(__name__)


class BoundedProtocol(HttpToolsProtocol):
    """A connection on which a request's head is complete within 10 s and holds at most 100 headers and 32 KB.

    A body may take 30 s, and one second more for each KiB. After an answer that was sent before the end of the body,
    the rest is read for 5 s. Of all connections that wait for their clients, the 512 last heard from are kept.
    """

    most_waiting = 512
    head_seconds: float = 10
    body_seconds: float = 30
    linger_seconds: float = 5

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        # Of the whole server; the one heard from longest ago comes first.
        self._waiting: OrderedDict[BoundedProtocol, None] = vars(self.server_state).setdefault("waiting", OrderedDict())
        self._is_in_head = False
        self._head_bytes = 0
        self._due = inf
        self._now = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._due = self.loop.time() + self.head_seconds
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._waiting.pop(self, None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._waiting.pop(self, None)
        self._now = self.loop.time()
        for start in range(0, len(data), _PIECE):
            was_in_head = self._is_in_head
            piece = data[start : start + _PIECE]
            super().data_received(piece)
            if self.transport.is_closing():
                return
            if was_in_head and self._is_in_head:
                self._head_bytes += len(piece)
                if self._head_bytes > _MOST_HEAD_BYTES:
                    self._refuse_head()
                    return
        if self.cycle is None or self.cycle.response_complete or self.cycle.more_body:
            if self._due == inf:
                self._due = self._now + self.head_seconds  # line ends before a head
            self._wait()

    def close_if_overdue(self, now: float) -> None:
        if now > self._due:
            log.warning("closed a connection", "the client is too slow")
            self.transport.abort()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._is_in_head, self._head_bytes = True, 0
        self._due = min(self._due, self._now + self.head_seconds)

    def on_headers_complete(self) -> None:
        self._is_in_head = False
        self._due = self._now + self.body_seconds
        if len(self.headers) > _MOST_HEADERS or (
            self._head_bytes and sum(map(len, chain.from_iterable(self.headers)), len(self.url)) > _MOST_HEAD_BYTES
        ):
            raise httptools.HttpParserError
        super().on_headers_complete()

    def on_chunk_header(self) -> None:
        """What follows the last chunk's header are trailers, which count as a head."""
        self._is_in_head, self._head_bytes = True, 0

    def on_body(self, body: bytes) -> None:
        self._is_in_head = False
        if not self.cycle.response_complete:
            self._due += len(body) / _BODY_BYTES_PER_SECOND
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._is_in_head = False
        # uvicorn sets no keep-alive timer if the answer was sent before.
        self._due = self._now + self.timeout_keep_alive if self.cycle and self.cycle.response_complete else inf
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.transport.is_closing():
            return
        if self.cycle.response_complete and self.cycle.more_body:
            self._due = self.loop.time() + self.linger_seconds
        self._wait()

    def _wait(self) -> None:
        self._waiting[self] = None
        if len(self._waiting) > self.most_waiting:
            oldest, _ = self._waiting.popitem(last=False)
            log.warning("closed a connection", "too many are open")
            oldest.transport.abort()

    def _refuse_head(self) -> None:
        log.warning("refused a request", "its head is too large")
        self.send_400_response("Request header fields too large.")


class BoundedServer(uvicorn.Server):
    """A server that closes the connections whose clients are too slow."""

    async def on_tick(self, counter: int) -> bool:
        if counter % _TICKS_PER_SECOND == 0:
            now = asyncio.get_running_loop().time()
            for connection in list(self.server_state.connections):
                if isinstance(connection, BoundedProtocol):
                    connection.close_if_overdue(now)
        return await super().on_tick(counter)
