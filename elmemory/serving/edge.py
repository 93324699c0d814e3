"""uvicorn's HTTP protocol with limits on size and time, for servers that no proxy protects.

A connection waits for its client while it is idle or a request is incomplete. uvicorn's `limit_concurrency` is not
used: it counts idle connections too, and would refuse rings.
"""

import asyncio
from collections import OrderedDict
from itertools import chain
from typing import Any, NamedTuple

import httptools
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from elmemory.serving.bounded_log import BoundedLog

_MOST_HEAD_BYTES = 2**15
_MOST_HEADERS = 100
# Data are parsed in pieces of this size, so that a head of two pieces is within the limit.
_PIECE = _MOST_HEAD_BYTES // 2
_BODY_BYTES_PER_SECOND = 1024
_TICKS_PER_SECOND = 10

log = BoundedLog(__name__)


class BoundedProtocol(HttpToolsProtocol):
    """A connection that limits a request's head to 10 s, 100 headers and 32 KB.

    A body may take 30 s, plus one second per KiB. If the answer was sent before the end of the body, the rest is read
    for 5 s. Times are measured by the calls of `close_if_overdue`. Beyond 512 open connections, one that waits for its
    client is closed: the one silent for longest.
    """

    most_open = 512
    head_seconds: float = 10
    body_seconds: float = 30
    linger_seconds: float = 5

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        # All connections of the server, the one silent for longest first.
        self._open: OrderedDict[BoundedProtocol, None] = vars(self.server_state).setdefault("open", OrderedDict())
        self._head: Any = None
        self._head_bytes = 0
        self._body_bytes = 0
        self._is_in_trailers = False
        self._wait: _Wait | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._open[self] = None
        if len(self._open) > self.most_open and (oldest := next(filter(BoundedProtocol._is_waiting, self._open), None)):
            log.warning("closed a connection", "too many are open")
            del self._open[oldest]
            oldest.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._open.pop(self, None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._open.move_to_end(self)
        if len(data) <= _PIECE and not self._head_bytes:
            super().data_received(data)
            if self.cycle is None or self.cycle.scope is not self.scope or self._is_in_trailers:
                self._count_head_bytes(data)
            return
        for start in range(0, len(data), _PIECE):
            piece = data[start : start + _PIECE]
            super().data_received(piece)
            if self.transport.is_closing():
                return
            self._count_head_bytes(piece)

    def _count_head_bytes(self, piece: bytes) -> None:
        """Add up the bytes of an incomplete head. Its first piece may begin with the end of the previous request."""
        if not self._is_in_head():
            self._head_bytes = 0
            return
        if self._head is not self.scope:
            self._head, self._head_bytes = self.scope, 0
        self._head_bytes += len(piece)
        if self._head_bytes > _MOST_HEAD_BYTES + _PIECE:
            self._refuse_head()

    def _is_in_head(self) -> bool:
        """Whether a request's head, or the trailers of a chunked body, are incomplete."""
        return self._is_in_trailers or (
            self.scope is not None and (self.cycle is None or self.cycle.scope is not self.scope)
        )

    def on_headers_complete(self) -> None:
        if len(self.headers) > _MOST_HEADERS or (
            self._head_bytes and sum(map(len, chain.from_iterable(self.headers)), len(self.url)) > _MOST_HEAD_BYTES
        ):
            raise httptools.HttpParserError
        self._body_bytes = 0
        super().on_headers_complete()

    def on_chunk_header(self) -> None:
        """Count what follows as a head: after the last chunk's header, trailers follow."""
        self._is_in_trailers = True

    def on_body(self, body: bytes) -> None:
        self._is_in_trailers = False
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._is_in_trailers = False
        super().on_message_complete()
        if self.cycle:
            self.cycle.more_body = False  # uvicorn leaves it true if the answer was sent first

    def on_response_complete(self) -> None:
        """Continue like uvicorn's method, but without a timer per idle connection: see `close_if_overdue`."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())

    @property
    def is_idle(self) -> bool:
        """Whether no request is being received or answered."""
        return (self.cycle is None or self.cycle.response_complete) and not self._is_in_head()

    @property
    def is_fresh(self) -> bool:
        """Whether the connection's first request has not arrived yet."""
        return self.cycle is None

    def close_if_overdue(self, now: float) -> None:
        """Close the connection if its client is too slow. `now` is the event loop's time."""
        if not self._is_waiting():
            self._wait = None
            return
        seconds = self._patience()
        if self._wait is None or self._wait.request is not self.scope or self._wait.seconds != seconds:
            self._wait = _Wait(self.scope, seconds, now)
        elif now - self._wait.since > seconds + self._body_bytes / _BODY_BYTES_PER_SECOND:
            log.warning("closed a connection", "the client is too slow")
            self.transport.abort()

    def _is_waiting(self) -> bool:
        """Whether the client, not the application, has to act next."""
        return self.cycle is None or self.cycle.response_complete or self.cycle.more_body

    def _patience(self) -> float:
        """Return how many seconds the client has for its present step, without those for the bytes of a body."""
        if self.cycle is None or self._is_in_head():
            return self.head_seconds
        if self.cycle.more_body:
            return self.linger_seconds if self.cycle.response_complete else self.body_seconds
        return self.timeout_keep_alive

    def _refuse_head(self) -> None:
        log.warning("refused a request", "its head is too large")
        self.send_400_response("Request header fields too large.")


class _Wait(NamedTuple):
    """A wait for a client: the request, the seconds that the client has, and the start of the wait."""

    request: Any
    seconds: float
    since: float


class BoundedServer(uvicorn.Server):
    """A server that closes the connections whose clients are too slow."""

    async def on_tick(self, counter: int) -> bool:
        if counter % _TICKS_PER_SECOND == 0:
            now = asyncio.get_running_loop().time()
            for connection in list(self.server_state.connections):
                if isinstance(connection, BoundedProtocol):
                    connection.close_if_overdue(now)
        return await super().on_tick(counter)
