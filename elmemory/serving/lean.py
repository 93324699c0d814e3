"""Django without what a webhook has no use for: no middleware, no thread context, no database signals.

A live call waits for these answers. Database work behind this handler runs in threads of its own.
"""

import re
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
from django.http.response import HttpResponseBase
from django.template.response import SimpleTemplateResponse
from django.urls import ResolverMatch, resolve
from django.utils.functional import cached_property

from elmemory.serving.channel import Receive, Send, read_body

log = structlog.get_logger(__name__)

MAX_BODY = 2**20

_JSON = b"Content-Type", b"application/json"
_SLASHES = re.compile(r"//+")

type View = Callable[..., Awaitable[HttpResponseBase]]


class LeanRequest(ASGIRequest):
    """A Django request of which only path and method are made at first; META and the rest when somebody asks for them.

    `receive` is the raw ASGI channel, `received_at` the monotonic time of arrival in seconds. The body of a streamed
    path is read from `receive` alone: `body` raises RawPostDataException there. There is no `user` and no `session`.
    """

    def __init__(self, scope: dict[str, Any], receive: Receive, received_at: float) -> None:
        self.scope = scope
        self.method = scope["method"]
        self.path = self.path_info = scope["path"]
        self.receive = receive
        self.received_at = received_at

    def __getattr__(self, name: str) -> Any:
        """What Django's constructor sets: it is run when the first of it is asked for."""
        own = self.__dict__.copy()
        if "META" in own or "scope" not in own or name.startswith("__"):
            raise AttributeError(f"a webhook's request has no {name}: it passed no middleware", name=name, obj=self)
        super().__init__(self.scope, BytesIO(own.get("_body", b"")))
        del self.resolver_match
        self._read_started = "_body" not in own
        self.__dict__ |= own
        return getattr(self, name)

    @cached_property
    def resolver_match(self) -> ResolverMatch:  # type: ignore[override]
        return resolve(self.path_info)

    @cached_property
    def _encoding(self) -> str | None:
        _ = self.META  # Django's constructor reads it from the Content-Type
        encoding: str | None = self.__dict__.get("_encoding")
        return encoding

    def shown(self, header: bytes) -> Iterator[bytes]:
        """The values of a header, which is named in lower case."""
        return (value for name, value in self.scope["headers"] if name == header)


class LeanResponse(HttpResponse):
    """A Django response of JSON bytes; headers, cookies and the rest are made when somebody asks for them."""

    def __init__(self, raw: bytes = b"", status: int = 200) -> None:
        self.raw = raw
        self.status_code = status

    def __getattr__(self, name: str) -> Any:
        """What Django's constructor sets: it is run when the first of it is asked for."""
        own = self.__dict__.copy()
        if "headers" in own or "raw" not in own or name.startswith("__"):
            raise AttributeError(f"a response has no {name}", name=name, obj=self)
        super().__init__(self.raw, content_type="application/json", status=self.status_code)
        self.__dict__ |= own
        return getattr(self, name)

    @property
    def is_bare(self) -> bool:
        """Whether `raw` and `status_code` are all of it."""
        return len(self.__dict__) == _BARE


_BARE = len(LeanResponse().__dict__)


class JsonAnswer(LeanResponse):
    """A response that is this value in JSON."""

    def __init__(self, content: Any, status: int = 200) -> None:
        super().__init__(orjson.dumps(content), status)


class LeanHandler:
    """An ASGI application for paths that never touch the `default` database: Django's URLs, views and responses.

    Bodies are read up to 1 MiB and cut there; views of the `streamed` paths read theirs from
    `request.receive`. Slashes too many in a path do not count. Errors are JSON, whoever made them.
    """

    def __init__(self, streamed: Collection[str] = ()) -> None:
        self._streamed = frozenset(streamed)
        self._views: dict[str, View] = {}

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        request = LeanRequest(scope, receive, time.monotonic())
        path = request.path
        if path[-1:] == "/" or "//" in path:
            # Redirected, a POST would lose its body.
            path = request.path = request.path_info = _SLASHES.sub("/", path).rstrip("/")
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
            headers, content = _sendable(response)
        except Exception as error:
            headers, content = _sendable(response := _answer_to(error, path))
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


def _sendable(response: HttpResponseBase) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """Headers and body as ASGI takes them. Raises TypeError for a response that has no content of its own."""
    if isinstance(response, LeanResponse) and response.is_bare:
        return [(b"Content-Length", b"%d" % len(response.raw)), _JSON], response.raw
    if not isinstance(response, HttpResponse):
        raise TypeError(f"a webhook cannot answer with a {type(response).__name__}")
    if isinstance(response, SimpleTemplateResponse):
        response.render()
    content = response.content
    response.headers["Content-Length"] = str(len(content))
    headers = [(name.encode("ascii"), value.encode("latin-1")) for name, value in response.items()]
    headers += [(b"Set-Cookie", cookie.OutputString().encode("latin-1")) for cookie in response.cookies.values()]
    return headers, content


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
