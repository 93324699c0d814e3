"""What Django code may do to a webhook's request and response has the effect that it has in Django."""

import asyncio
import copy
import pickle
from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest
from django.core.exceptions import DisallowedHost
from django.http import (
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    JsonResponse,
    RawPostDataException,
    StreamingHttpResponse,
)
from django.template import engines
from django.template.response import SimpleTemplateResponse
from django.test import AsyncClient
from django.urls import path
from ninja import NinjaAPI
from pytest_django.fixtures import Settings

from elmemory.serving.lean import JsonAnswer, LeanHandler, LeanRequest
from webhooks.api import Api

type View = Callable[[LeanRequest], Awaitable[HttpResponseBase]]

urlpatterns: list[Any] = []


@pytest.fixture(autouse=True)
def _routes_of_the_test(settings: Settings) -> None:
    settings.ROOT_URLCONF = __name__
    urlpatterns.clear()


def answered(
    view: View, body: bytes = b"", *, streamed: bool = False, method: str = "POST", **headers: str
) -> tuple[int, list[tuple[str, str]], bytes]:
    """Status, headers and body of what the lean handler sends for this view."""
    urlpatterns[:] = [path("a", cast(Any, view))]
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": "/a",
        "raw_path": b"/a",
        "query_string": b"q=1&q=2",
        "headers": [
            (name.replace("_", "-").encode(), value.encode())
            for name, value in {"host": "localhost", **headers}.items()
        ],
        "http_version": "1.1",
        "scheme": "http",
        "client": ("192.0.2.7", 1),
        "server": ("127.0.0.1", 8000),
    }
    asyncio.run(LeanHandler(["/a"] if streamed else [])(scope, receive, send))
    start, content = sent
    output = [(name.decode().lower(), value.decode("latin-1")) for name, value in start["headers"]]
    return start["status"], output, content["body"]


def seen(ask: Callable[[LeanRequest], object], body: bytes = b"", **options: Any) -> object:
    """What a view sees when it asks its request this."""
    found: list[object] = []

    async def view(request: LeanRequest) -> JsonAnswer:
        try:
            found.append(ask(request))
        except Exception as error:
            found.append(error)
        return JsonAnswer({})

    assert answered(view, body, **options)[0] == 200
    return found[0]


FORM = "application/x-www-form-urlencoded"
UPLOAD = (
    b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n"
    b'--x\r\nContent-Disposition: form-data; name=f; filename="f.txt"\r\n\r\nabc\r\n--x--\r\n'
)


@pytest.mark.parametrize(
    ("ask", "output"),
    [
        (lambda request: request.META["REMOTE_ADDR"], "192.0.2.7"),
        (lambda request: request.META["CONTENT_TYPE"], f"{FORM}; charset=utf-8"),
        (lambda request: request.headers["Cookie"], "c=d"),
        (lambda request: request.GET.getlist("q"), ["1", "2"]),
        (lambda request: request.POST["a"], "1"),
        (lambda request: (request.POST["a"], request.body), ("1", b"a=1")),
        (lambda request: request.COOKIES, {"c": "d"}),
        (lambda request: request.FILES.dict(), {}),
        (lambda request: request.get_host(), "localhost"),
        (lambda request: request.get_port(), "8000"),
        (lambda request: request.build_absolute_uri(), "http://localhost/a?q=1&q=2"),
        (lambda request: request.build_absolute_uri("/b"), "http://localhost/b"),
        (lambda request: request.get_full_path(), "/a?q=1&q=2"),
        (lambda request: request.is_secure(), False),
        (lambda request: request.content_type, FORM),
        (lambda request: request.content_params, {"charset": "utf-8"}),
        (lambda request: request.encoding, "utf-8"),
        (lambda request: request.read(), b"a=1"),
        (lambda request: request.readlines(), [b"a=1"]),
        (lambda request: request.resolver_match.route, "a"),
        (lambda request: request.get_preferred_type(["text/html", "application/json"]), "application/json"),
        (lambda request: repr(request), "<LeanRequest: POST '/a?q=1&q=2'>"),
        (lambda request: copy.copy(request).body, b"a=1"),
        (lambda request: getattr(request, "user", "nobody"), "nobody"),
    ],
)
def test_a_request_tells_what_djangos_own_tells(ask: Callable[[LeanRequest], object], output: object) -> None:
    headers = {"content_type": f"{FORM}; charset=utf-8", "cookie": "c=d", "accept": "application/json"}
    assert seen(ask, b"a=1", **headers) == output


def test_uploaded_files_are_read() -> None:
    found = seen(
        lambda request: (request.POST["a"], request.FILES["f"].read()),  # type: ignore[union-attr]
        UPLOAD,
        content_type="multipart/form-data; boundary=x",
        content_length=str(len(UPLOAD)),
    )
    assert found == ("1", b"abc")


@pytest.mark.parametrize("name", ["user", "session", "csrf_cookie_needs_reset"])
def test_what_middleware_would_have_set_is_missed_by_name(name: str) -> None:
    error = seen(lambda request: getattr(request, name))
    assert isinstance(error, AttributeError)
    assert str(error) == f"a webhook's request has no {name}: no middleware has run"


def test_a_host_that_is_not_ours_is_refused() -> None:
    assert isinstance(seen(lambda request: request.get_host(), host="evil.example.com"), DisallowedHost)


def test_the_body_of_a_streamed_path_is_not_taken_for_an_empty_one() -> None:
    assert isinstance(seen(lambda request: request.body, b"x", streamed=True), RawPostDataException)
    assert isinstance(seen(lambda request: (request.META, request.body), b"x", streamed=True), RawPostDataException)


# Responses


def _cookie(response: HttpResponse) -> None:
    response.set_cookie("a", "b", httponly=True)
    response.delete_cookie("old")


def _content(response: HttpResponse) -> None:
    response.content = "ä"


def _charset(response: HttpResponse) -> None:
    response.charset = "latin-1"
    _content(response)


@pytest.mark.parametrize(
    ("change", "headers", "body"),
    [
        (JsonAnswer.getvalue, {}, b'{"a":1}'),
        (lambda response: response.__setitem__("Cache-Control", "no-store"), {"cache-control": "no-store"}, b'{"a":1}'),
        (lambda response: response.setdefault("X-One", "1"), {"x-one": "1"}, b'{"a":1}'),
        (lambda response: response.headers.setdefault("Retry-After", "3"), {"retry-after": "3"}, b'{"a":1}'),
        (lambda response: response.__setitem__("Content-Type", "text/x"), {"content-type": "text/x"}, b'{"a":1}'),
        (lambda response: response.write(" "), {}, b'{"a":1} '),
        (_content, {}, "ä".encode()),
        (_charset, {}, b"\xe4"),
    ],
)
def test_what_is_done_to_an_answer_is_sent(
    change: Callable[[HttpResponse], object], headers: dict[str, str], body: bytes
) -> None:
    async def view(request: LeanRequest) -> HttpResponse:  # noqa: ARG001
        answer = JsonAnswer({"a": 1})
        change(answer)
        return answer

    expected = {"content-type": "application/json", "content-length": str(len(body)), **headers}
    status, output, content = answered(view)
    assert (status, dict(output), content) == (200, expected, body)
    assert len(output) == len(expected)


def test_cookies_are_sent() -> None:
    async def view(request: LeanRequest) -> HttpResponse:  # noqa: ARG001
        answer = JsonAnswer({})
        _cookie(answer)
        return answer

    cookies = [value for name, value in answered(view)[1] if name == "set-cookie"]
    assert cookies[0] == "a=b; HttpOnly; Path=/"
    assert cookies[1].startswith('old=""; expires=Thu, 01 Jan 1970')


@pytest.mark.parametrize("change", [lambda answer: answer.headers, lambda answer: answer.cookies, JsonAnswer.getvalue])
def test_the_status_may_be_changed_before_and_after(change: Callable[[JsonAnswer], object]) -> None:
    async def view(request: LeanRequest) -> HttpResponse:  # noqa: ARG001
        answer = JsonAnswer({}, 201)
        change(answer)
        answer.status_code = 202
        change(answer)
        return answer

    assert answered(view)[0] == 202


def test_an_error_keeps_its_headers() -> None:
    async def view(request: LeanRequest) -> HttpResponse:  # noqa: ARG001
        answer = JsonAnswer({"detail": "later"}, 503)
        answer["Retry-After"] = "7"
        return answer

    status, output, _ = answered(view)
    assert (status, dict(output)["retry-after"]) == (503, "7")


def test_an_answer_shows_what_it_is() -> None:
    answer = JsonAnswer({"a": 1}, 404)
    assert answer.reason_phrase == "Not Found"
    assert list(answer.items()) == [("Content-Type", "application/json")]
    assert (answer.charset, answer.content, answer.text, list(answer)) == ("utf-8", b'{"a":1}', '{"a":1}', [b'{"a":1}'])
    assert answer.has_header("content-type")
    assert answer.streaming is False
    assert pickle.loads(pickle.dumps(JsonAnswer({"b": 2}))).content == b'{"b":2}'  # noqa: S301
    with pytest.raises(AttributeError, match="a response has no nonsense"):
        _ = answer.nonsense


@pytest.mark.parametrize(
    ("response", "status", "body"),
    [
        (lambda: HttpResponse("ä", headers={"X-One": "1"}), 200, "ä".encode()),
        (lambda: JsonResponse({"a": 1}), 200, b'{"a": 1}'),
        (lambda: HttpResponseRedirect("/b"), 302, b""),
        (lambda: SimpleTemplateResponse(engines["django"].from_string("a{{ b }}"), {"b": 1}), 200, b"a1"),
        (lambda: StreamingHttpResponse([b"a"]), 500, b'{"detail":"Internal Server Error"}'),
    ],
)
def test_other_responses_are_sent_or_refused(
    response: Callable[[], HttpResponseBase], status: int, body: bytes
) -> None:
    async def view(request: LeanRequest) -> HttpResponseBase:  # noqa: ARG001
        return response()

    output = answered(view)
    assert (output[0], output[2]) == (status, body)


# The response that Ninja makes for each request


def test_two_requests_at_the_same_time_share_no_response(settings: Settings) -> None:
    settings.MIDDLEWARE = []  # as on the lean path
    api: NinjaAPI = Api(urls_namespace="two-at-once")
    both_are_here = asyncio.Event()
    here: list[HttpResponse] = []

    @api.get("/a")
    async def view(request: LeanRequest, response: HttpResponse, name: str) -> dict[str, str]:  # noqa: ARG001
        response[f"To-{name}"] = name
        response.set_cookie(name, name)
        here.append(response)
        if len(here) == 2:
            both_are_here.set()
        await both_are_here.wait()
        return {"name": name}

    urlpatterns[:] = [path("", api.urls)]

    async def both() -> list[Any]:
        client = AsyncClient()
        return list(await asyncio.gather(client.get("/a?name=one"), client.get("/a?name=two")))

    for name, answer in zip(("one", "two"), asyncio.run(both()), strict=True):
        assert answer.json() == {"name": name}
        assert [header for header in answer.headers if header.startswith("To-")] == [f"To-{name}"]
        assert list(answer.cookies) == [name]
