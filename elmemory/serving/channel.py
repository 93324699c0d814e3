"""The ASGI channel of one HTTP request: its types, and reading a bounded body."""

from collections.abc import Awaitable, Callable
from typing import Any

type Receive = Callable[[], Awaitable[dict[str, Any]]]
type Send = Callable[[dict[str, Any]], Awaitable[None]]
type Application = Callable[[dict[str, Any], Receive, Send], Awaitable[None]]


async def read_body(receive: Receive, most: int) -> bytes | None:
    """The request body, cut after `most` + 1 bytes; None where the client disconnected before its end.

    A body above `most` is still read to its end, so that the connection can be used again.
    """
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body", False):
        body: bytes = message.get("body", b"")
        return body[: most + 1]
    chunks: list[bytes] = []
    size = 0
    while True:
        if message["type"] == "http.disconnect":
            return None
        if size <= most:
            chunks.append(message.get("body", b""))
            size += len(chunks[-1])
        if not message.get("more_body", False):
            return b"".join(chunks)[: most + 1]
        message = await receive()


def with_bounded_body(application: Application, most: int) -> Application:
    """The application, for which a request whose body is larger than `most` bytes is answered with 413."""

    async def bounded(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        left = most

        async def receive_bounded() -> dict[str, Any]:
            nonlocal left
            message = await receive()
            left -= len(message.get("body", b""))
            if left >= 0:
                return message
            await send({"type": "http.response.start", "status": 413, "headers": [(b"content-length", b"0")]})
            await send({"type": "http.response.body", "body": b""})
            return {"type": "http.disconnect"}

        await application(scope, receive_bounded, send)

    return bounded
