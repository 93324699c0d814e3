"""Types of the ASGI channel of an HTTP request, and readers of bounded bodies."""

from collections.abc import Awaitable, Callable
from typing import Any

# Rings and searches are much smaller.
_SMALL = 2**16

type Receive = Callable[[], Awaitable[dict[str, Any]]]
type Send = Callable[[dict[str, Any]], Awaitable[None]]
type Application = Callable[[dict[str, Any], Receive, Send], Awaitable[None]]


class TooManyBytes(Exception):
    """The bodies that are being received have used up the memory for bodies."""


class BodyReader:
    """Reads request bodies into memory, each cut after `most` + 1 bytes.

    All bodies together hold at most `most_together` bytes; beyond it, bodies above 64 KiB are refused.
    """

    def __init__(self, most: int, most_together: int) -> None:
        self._most = most
        self._most_together = most_together
        self._held = 0

    async def rest(self, message: dict[str, Any], receive: Receive) -> bytes | None:
        """Return the body that begins with this message; None if the client disconnected before its end.

        Raises TooManyBytes. A body that is cut is still read to its end, so that the connection can be reused.
        """
        body = bytearray()
        try:
            while message["type"] != "http.disconnect":
                piece = message.get("body", b"")[: self._most + 1 - len(body)]
                self._held += len(piece)
                body += piece
                if self._held > self._most_together and len(body) > _SMALL:
                    raise TooManyBytes
                if not message.get("more_body", False):
                    return bytes(body)
                message = await receive()
            return None
        finally:
            self._held -= len(body)


def with_bounded_body(application: Application, most: int, most_together: int) -> Application:
    """Wrap the application: a request with a body above `most` bytes is answered with 413.

    If all bodies together hold more than `most_together` bytes, requests with bodies above 64 KiB get 503.
    """
    held = 0

    async def bounded(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        nonlocal held
        size = 0

        async def receive_bounded() -> dict[str, Any]:
            nonlocal size, held
            message = await receive()
            size += (arrived := len(message.get("body", b"")))
            held += arrived
            status = 413 if size > most else 503 if held > most_together and size > _SMALL else 0
            if not status:
                return message
            await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"0")]})
            await send({"type": "http.response.body", "body": b""})
            return {"type": "http.disconnect"}

        try:
            await application(scope, receive_bounded, send)
        finally:
            held -= size

    return bounded
