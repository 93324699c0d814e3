"""Django without what a webhook has no use for: no middleware, no thread context, no database signals.

A live call waits for these answers. Database work behind this handler runs in threads of its own.
"""

import time
from collections.abc import Awaitable, Callable, Collection
from io import BytesIO
from typing import Any

import orjson
from django.core.handlers.asgi import ASGIHandler, ASGIRequest, get_script_prefix
from django.core.handlers.exception import convert_exception_to_response
from django.http import HttpResponse, HttpResponseBadRequest
from django.http.response import HttpResponseBase
from django.urls import set_script_prefix

MAX_BODY = 2**20


class LeanRequest(ASGIRequest):
    """`receive` is the raw ASGI channel, `received_at` the monotonic time of arrival in seconds."""

    receive: Callable[[], Awaitable[dict[str, Any]]]
    received_at: float


class LeanHandler(ASGIHandler):
    """An ASGI handler for paths that never touch the `default` database.

    Bodies are read up to 1 MiB and cut there; views of the `streamed` paths read theirs from
    `request.receive`. Errors are JSON, whoever made them.
    """

    request_class = LeanRequest

    def __init__(self, streamed: Collection[str] = ()) -> None:
        super().__init__()
        self._streamed = frozenset(streamed)

    def load_middleware(self, is_async: bool = False) -> None:  # noqa: ARG002
        self._view_middleware: list[Any] = []
        self._template_response_middleware: list[Any] = []
        self._exception_middleware: list[Any] = []
        self._middleware_chain = convert_exception_to_response(self._get_response_async)  # type: ignore[attr-defined]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        received_at = time.monotonic()
        set_script_prefix(get_script_prefix(scope))
        streamed = scope["path"] in self._streamed
        body = b"" if streamed else await _read_body(receive)
        if body is None:
            return
        request, error = self.create_request(scope, BytesIO())
        if isinstance(request, LeanRequest):
            # The body is bounded already; the limit of Django would answer with a page.
            request._body = body
            request.receive = receive
            request.received_at = received_at
            response = _as_json(await self.get_response_async(request))
        else:
            response = _as_json(error or HttpResponseBadRequest())
        if isinstance(response, HttpResponse):
            response.headers["Content-Length"] = str(len(response.content))
        # Nothing is closed afterwards: there is but a body in memory, and nobody listens for the signals.
        await self.send_response(response, send)


async def _read_body(receive: Any) -> bytes | None:
    """The body, at most MAX_BODY + 1 bytes of it; None where the client has gone."""
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        if size <= MAX_BODY:
            chunks.append(message.get("body", b""))
            size += len(chunks[-1])
        if not message.get("more_body", False):
            return b"".join(chunks)[: MAX_BODY + 1]


def _as_json(response: HttpResponseBase) -> HttpResponseBase:
    """Machines read these errors: Django's own pages and texts are put as JSON."""
    if response.status_code < 400 or response.headers.get("Content-Type", "").startswith("application/json"):
        return response
    body = orjson.dumps({"detail": response.reason_phrase})
    answer = HttpResponse(body, content_type="application/json", status=response.status_code)
    if "Allow" in response.headers:
        answer.headers["Allow"] = response.headers["Allow"]
    return answer
