"""An ASGI handler for Django views without middleware, thread context and database signals.

It saves time for live calls. Views must use databases in other threads.
"""

import re
import time
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
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

from elmemory.serving.channel import BodyReader, Receive, Send, TooManyBytes

log = structlog.get_logger(__name__)

MAX_BODY = 2**20
_MAX_BODIES = 32 * MAX_BODY

_JSON = b"Content-Type", b"application/json"
_SLASHES = re.compile(r"//+")

type View = Callable[..., Awaitable[HttpResponseBase]]
type Guard = Callable[["LeanRequest"], bool]


class LeanRequest(ASGIRequest):
    """A Django request with path and method. META and the other attributes are created on first access.

    `receive` is the raw ASGI channel, `received_at` the monotonic time of arrival in seconds. On streamed paths the
    body can only be read from `receive`, and `body` raises RawPostDataException. There is no `user` and no `session`.
    `auth` is the result of the guard that accepted the request.
    """

    auth: object = None

    def __init__(self, scope: dict[str, Any], receive: Receive, received_at: float) -> None:
        self.scope = scope
        self.method = scope["method"]
        self.path = self.path_info = scope["path"]
        self.receive = receive
        self.received_at = received_at

    def __getattr__(self, name: str) -> Any:
        """An attribute that Django's constructor sets, which runs on the first access to one of them."""
        own = self.__dict__.copy()
        if "META" in own or "scope" not in own or name.startswith("__"):
            raise AttributeError(f"a webhook's request has no {name}: no middleware has run", name=name, obj=self)
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
        _ = self.META  # runs Django's constructor, which reads the encoding from the Content-Type
        encoding: str | None = self.__dict__.get("_encoding")
        return encoding

    def shown(self, header: bytes) -> Iterator[bytes]:
        """Return the values of a header. `header` is its name in lower case."""
        return (value for name, value in self.scope["headers"] if name == header)


class LeanResponse(HttpResponse):
    """A Django response of JSON bytes. Headers, cookies and other attributes are created on first access."""

    def __init__(self, raw: bytes = b"", status: int = 200) -> None:
        self.raw = raw
        self.status_code = status

    def __getattr__(self, name: str) -> Any:
        """An attribute that Django's constructor sets, which runs on the first access to one of them."""
        own = self.__dict__.copy()
        if "headers" in own or "raw" not in own or name.startswith("__"):
            raise AttributeError(f"a response has no {name}", name=name, obj=self)
        super().__init__(self.raw, content_type="application/json", status=self.status_code)
        self.__dict__ |= own
        return getattr(self, name)

    @property
    def is_bare(self) -> bool:
        """Whether only `raw` and `status_code` are set."""
        return len(self.__dict__) == _BARE


_BARE = len(LeanResponse().__dict__)


class JsonAnswer(LeanResponse):
    """A response with this value as JSON."""

    def __init__(self, content: Any, status: int = 200) -> None:
        super().__init__(orjson.dumps(content), status)


class LeanHandler:
    """An ASGI application that calls Django views whose paths never use the `default` database.

    Bodies are cut after 1 MiB; views of the `streamed` paths read theirs from `request.receive`. If a path's guard does
    not accept the request, the body is not read, and the view must refuse the request. Superfluous slashes in a path
    are ignored. All errors are answered in JSON.
    """

    def __init__(self, streamed: Collection[str] = (), guards: Mapping[str, Guard] | None = None) -> None:
        self._streamed = frozenset(streamed)
        self._guards = guards or {}
        self._bodies = BodyReader(MAX_BODY, _MAX_BODIES)
        self._views: dict[str, View] = {}

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        request = LeanRequest(scope, receive, time.monotonic())
        path = request.path
        try:
            view = self._views.get(path)
            if view is None:
                # A redirect would lose the body of a POST.
                path = request.path = request.path_info = _SLASHES.sub("/", path).rstrip("/")
                view = self._views.get(path) or self._view(path)
            guard = self._guards.get(path)
            if guard(request) if guard else path not in self._streamed:
                message = await receive()
                if message["type"] == "http.request" and not message.get("more_body", False):
                    body = message.get("body", b"")[: MAX_BODY + 1]
                else:
                    body = await self._bodies.rest(message, receive)
                    if body is None:
                        return
                request._body = body
            response = await view(request)
            if response.status_code >= 400:
                response = _as_json(response)
            headers, content = _sendable(response)
        except Exception as error:
            headers, content = _sendable(response := _answer_to(error, path))
        # The response need not be closed: it holds only its body, and the signals have no receivers.
        await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    def _view(self, path: str) -> View:
        """Return the view of a path. Cached, except for paths with arguments, whose number is unbounded."""
        match = resolve(path)
        view: View = match.func if iscoroutinefunction(match.func) else sync_to_async(match.func)
        if not match.args and not match.kwargs:
            self._views[path] = view
            return view
        return lambda request: view(request, *match.args, **match.kwargs)


def _sendable(response: HttpResponseBase) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """Return headers and body for ASGI. Raises TypeError for a streaming response."""
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
    """Return an error response as JSON."""
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
    if isinstance(error, TooManyBytes):
        return JsonAnswer({"detail": "too many large requests are under way"}, 503)
    log.error("a request failed", path=path, error=type(error).__name__)
    return JsonAnswer({"detail": "Internal Server Error"}, 500)
