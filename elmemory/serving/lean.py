"""Django without what a webhook has no use for: no middleware, no thread context, no database signals.

A live call waits for these answers. Database work behind this handler runs in threads of its own.
"""

import time
from collections.abc import Awaitable, Callable, Collection, Iterator
from inspect import iscoroutinefunction
from io import BytesIO
from typing import Any

import orjson
import structlog
from asgiref.sync import sync_to_async
from django.core.exceptions import BadRequest, SuspiciousOperation
from django.core.handlers.asgi import ASGIRequest
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase, ResponseHeaders
from django.urls import resolve
from django.utils.functional import cached_property

from elmemory.serving.channel import Receive, Send, read_body

log = structlog.get_logger(__name__)

MAX_BODY = 2**20

_JSON = b"Content-Type", b"application/json"

type View = Callable[..., Awaitable[HttpResponseBase]]


class LeanRequest(ASGIRequest):
    """A request whose body is read already; META and what follows from it are worked out when they are asked for.

    `receive` is the raw ASGI channel, `received_at` the monotonic time of arrival in seconds.
    """

    def __init__(self, scope: dict[str, Any], receive: Receive, received_at: float) -> None:
        self.scope = scope
        self.method = scope["method"]
        self.path = self.path_info = scope["path"]
        self.resolver_match = None
        self.receive = receive
        self.received_at = received_at
        # The body is bounded already; the limit of Django would answer with a page.
        self._body = b""

    @cached_property
    def META(self) -> dict[str, Any]:  # type: ignore[override]  # noqa: N802
        whole = ASGIRequest(self.scope, BytesIO())
        self._set_content_type_params(whole.META)  # type: ignore[attr-defined]
        return whole.META

    def shown(self, header: bytes) -> Iterator[bytes]:
        """The values of a header, which is named in lower case."""
        return (value for name, value in self.scope["headers"] if name == header)


class JsonAnswer(HttpResponse):
    """A response that is nothing but JSON; its headers are made when somebody asks for them."""

    def __init__(self, content: Any, status: int = 200) -> None:
        self.content = orjson.dumps(content)
        self.status_code = status

    content = b""

    @cached_property
    def headers(self) -> ResponseHeaders:  # type: ignore[override]
        return ResponseHeaders({"Content-Type": "application/json"})


class LeanHandler:
    """An ASGI application for paths that never touch the `default` database: Django's URLs, views and responses.

    Bodies are read up to 1 MiB and cut there; views of the `streamed` paths read theirs from
    `request.receive`. Errors are JSON, whoever made them.
    """

    def __init__(self, streamed: Collection[str] = ()) -> None:
        self._streamed = frozenset(streamed)
        self._views: dict[str, View] = {}

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        request = LeanRequest(scope, receive, time.monotonic())
        path = request.path
        if path not in self._streamed:
            body = await read_body(receive, MAX_BODY)
            if body is None:
                return
            request._body = body
        try:
            view = self._views.get(path) or self._view(path)
            response = await view(request)
            if response.status_code >= 400:
                response = _as_json(response)
        except Exception as error:
            response = _answer_to(error, path)
        content: bytes = response.content  # type: ignore[attr-defined]
        headers = [(b"Content-Length", b"%d" % len(content))]
        if isinstance(response, JsonAnswer):
            headers.append(_JSON)
        else:
            headers += [(name.encode("ascii"), value.encode("latin-1")) for name, value in response.items()]
        # Nothing is closed afterwards: there is but a body in memory, and nobody listens for the signals.
        await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    def _view(self, path: str) -> View:
        """The view of a path; remembered, unless the path holds arguments: those have no end."""
        match = resolve(path)
        view: View = match.func if iscoroutinefunction(match.func) else sync_to_async(match.func)
        if not match.args and not match.kwargs:
            self._views[path] = view
            return view
        return lambda request: view(request, *match.args, **match.kwargs)


def _as_json(response: HttpResponseBase) -> HttpResponseBase:
    """Machines read these errors: texts are put as JSON."""
    if response.headers.get("Content-Type", "").startswith("application/json"):
        return response
    answer = JsonAnswer({"detail": response.reason_phrase}, response.status_code)
    if "Allow" in response.headers:
        answer.headers["Allow"] = response.headers["Allow"]
    return answer


def _answer_to(error: Exception, path: str) -> HttpResponse:
    if isinstance(error, Http404):
        return JsonAnswer({"detail": "Not Found"}, 404)
    if isinstance(error, BadRequest | SuspiciousOperation | UnicodeError):
        return JsonAnswer({"detail": "Bad Request"}, 400)
    log.error("a request failed", path=path, error=type(error).__name__)
    return JsonAnswer({"detail": "Internal Server Error"}, 500)
