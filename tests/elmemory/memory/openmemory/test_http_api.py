"""The embedded store over HTTP: as an OpenMemory server, but for what docs/openmemory.md lists."""

import asyncio
import json
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import httpx2
import pytest
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from elmemory.environment.checks import environment
from elmemory.memory.openmemory import OpenMemoryError
from elmemory.memory.openmemory.embedded.store import EmbeddedOpenMemory
from elmemory.memory.openmemory.http_api import OpenMemoryApi
from tests.harness.openmemory_servers import KEY, new_caller, wire_server
from tests.harness.samples import DATA

RECORDED: list[dict[str, Any]] = json.loads((DATA / "wire_v1.2.3.json").read_text(encoding="utf-8"))

# Where we differ on purpose: (method, path, note of the recording) -> our status and keys.
DIFFERENCES: dict[tuple[str, str, str], tuple[int, set[str]]] = {
    ("GET", "/health", ""): (200, {"ok", "version"}),
    ("GET", "/memory/all", "x-api-key header"): (400, {"err"}),
    ("GET", "/memory/all", "ApiKey scheme"): (400, {"err"}),
    ("GET", "/memory/all", ""): (400, {"err"}),
    ("GET", "/memory/all?user_id=", "empty user_id"): (400, {"err"}),
    ("GET", "/memory/all?sector=semantic&l=1", ""): (400, {"err"}),
    ("GET", "/memory/all?l=abc", ""): (400, {"err"}),
    ("POST", "/memory/query", "no user at all"): (400, {"err"}),
    ("POST", "/memory/query", "EMPTY user_id"): (400, {"err"}),
    ("POST", "/memory/query", "camelCase userId (ignored)"): (400, {"err"}),
    ("POST", "/memory/query", "no query"): (400, {"err"}),
    ("POST", "/memory/add", "same content, same user"): (200, {"id", "primary_sector", "sectors", "chunks"}),
    ("POST", "/memory/add", "SAME CONTENT, OTHER USER"): (200, {"id", "primary_sector", "sectors", "chunks"}),
    ("POST", "/memory/add", "content not a string"): (400, {"err"}),
    ("POST", "/memory/add", "content a list"): (400, {"err"}),
    ("GET", "/users/%2B15550199/summary", ""): (404, {"error"}),
    ("GET", "/users/%2B15550101/summary", "user row survives"): (404, {"error"}),
}
ALSO_IN_MATCHES = {"tags", "metadata"}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with wire_server(tmp_path_factory.mktemp("wire")) as url:
        yield url


@pytest.fixture
def client(url: str) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=url, headers={"x-api-key": KEY}, timeout=30, trust_env=False) as client:
        yield client


@pytest.fixture
def caller() -> str:
    return new_caller()


def add(client: httpx2.Client, user_id: str, content: str, **more: Any) -> str:
    answer = client.post("/memory/add", json={"content": content, "user_id": user_id, **more})
    assert answer.status_code == 200, answer.text
    memory_id: str = answer.json()["id"]
    return memory_id


def memories(client: httpx2.Client, user_id: str) -> list[dict[str, Any]]:
    answer: dict[str, Any] = client.get(f"/users/{user_id.replace('+', '%2B')}/memories").json()
    items: list[dict[str, Any]] = answer["items"]
    return items


def test_the_recorded_exchanges_have_the_same_status_and_keys(tmp_path: Path) -> None:
    ids: dict[str, str] = {}
    differing: list[Any] = []
    seen: set[tuple[str, str, str]] = set()
    with wire_server(tmp_path) as url, httpx2.Client(base_url=url, timeout=30, trust_env=False) as client:
        for recorded in RECORDED:
            path: str = recorded["path"]
            body = recorded["request_body"]
            content = body if isinstance(body, str) or body is None else json.dumps(body)
            for theirs, ours in ids.items():
                path = path.replace(theirs, ours)
                content = content and content.replace(theirs, ours)
            answer = client.request(recorded["method"], path, headers=recorded["request_headers"], content=content)
            value: Any = answer.json() if answer.headers["content-type"] == "application/json" else answer.text
            if recorded["path"] == "/memory/add" and "id" in recorded["response_body"] and answer.status_code == 200:
                ids.setdefault(recorded["response_body"]["id"], value["id"])
            expected = recorded["status"], _keys(recorded["response_body"])
            case = recorded["method"], recorded["path"], recorded.get("note") or ""
            if case in DIFFERENCES:
                seen.add(case)
                expected = DIFFERENCES[case]
            if (answer.status_code, _keys(value)) != expected or not _same_items(recorded["response_body"], value):
                differing.append((recorded["method"], path, recorded.get("note"), answer.status_code, value))

    assert differing == []
    assert seen == DIFFERENCES.keys()


def _keys(value: Any) -> set[str] | None:
    return set(value) if isinstance(value, dict) else None


def _same_items(theirs: Any, ours: Any) -> bool:
    """Whether what is listed in both answers has the same keys."""
    for name in ("items", "matches"):
        if isinstance(theirs, dict) and isinstance(ours, dict) and theirs.get(name) and ours.get(name):
            extra = ALSO_IN_MATCHES if name == "matches" else set()
            return set(theirs[name][0]) | extra == set(ours[name][0])
    return True


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"x-api-key": KEY}, 200),
        ({"authorization": f"Bearer {KEY}"}, 200),
        ({"authorization": f"ApiKey {KEY}"}, 200),
        ({}, 401),
        ({"x-api-key": ""}, 401),
        ({"authorization": KEY}, 401),
        ({"x-api-key": "k-tesX"}, 403),
        ({"x-api-key": "kéytst"}, 403),
    ],
)
def test_only_who_has_the_key_is_served(url: str, headers: dict[str, str], status: int) -> None:
    sent = [(name.encode(), value.encode()) for name, value in headers.items()]

    assert httpx2.get(f"{url}/users/x/memories", headers=sent, trust_env=False).status_code == status


def test_health_is_open(url: str) -> None:
    assert httpx2.get(f"{url}/health", trust_env=False).json()["ok"] is True


@pytest.mark.parametrize(
    "request_line",
    [
        b"GET /users/%zz/memories HTTP/1.1",
        b"GET /users/%/memories HTTP/1.1",
        b"GET /users/%ff%fe/memories HTTP/1.1",
        b"GET /memory/%00 HTTP/1.1",
        b"GET //// HTTP/1.1",
        b"GET /memory/all?user_id=%zz&l=%ff HTTP/1.1",
        b"BREW /memory/add HTTP/1.1",
    ],
)
def test_no_request_line_ends_the_server(url: str, client: httpx2.Client, request_line: bytes) -> None:
    host, _, port = url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        key = f"x-api-key: {KEY}".encode()
        connection.sendall(request_line + b"\r\nhost: x\r\n" + key + b"\r\nconnection: close\r\n\r\n")
        status = connection.recv(65536).split(b" ")[1]

    assert status in (b"200", b"400", b"404")
    assert client.get("/health").json()["ok"] is True


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/memory/query", b"{not json"),
        ("/memory/query", b"[]"),
        ("/memory/query", b'{"query": 5, "user_id": "u"}'),
        ("/memory/query", b'{"query": "x", "user_id": {"a": 1}}'),
        ("/memory/query", b'{"query": "x", "user_id": true}'),
        ("/memory/query", b'{"query": "x", "user_id": "u", "k": "many"}'),
        ("/memory/query", b'{"query": "x", "user_id": " "}'),
        ("/memory/add", b"\xff\xfe"),
        ("/memory/add", b'{"content": "x"}'),
        ("/memory/add", b'{"content": "x", "user_id": null}'),
        ("/memory/reinforce", b"null"),
    ],
)
def test_a_body_that_asks_nothing_sensible_is_refused(client: httpx2.Client, path: str, body: bytes) -> None:
    answer = client.post(path, content=body)

    assert answer.status_code == 400
    assert set(answer.json()) == {"err"}


def test_a_body_too_large_is_refused(client: httpx2.Client) -> None:
    assert client.post("/memory/add", content=b" " * (5 * 2**20)).status_code == 413


def test_weights_are_kept(client: httpx2.Client, caller: str) -> None:
    add(client, caller, "City: Duluth", salience=0.9, decay_lambda=0.0)

    (item,) = memories(client, caller)

    assert (item["salience"], item["decay_lambda"]) == (0.9, 0.0)


def test_the_same_words_are_another_memory_each_time(client: httpx2.Client, caller: str) -> None:
    other = new_caller()
    ids = {add(client, who, "Yes please.") for who in (caller, caller, other)}

    assert len(ids) == 3
    assert len(memories(client, caller)) == 2


@pytest.mark.parametrize(("key", "status"), [("", b"401"), ("X-Api-Key: wrong\r\n", b"403")])
def test_who_has_no_key_is_refused_before_the_body_comes(url: str, key: str, status: bytes) -> None:
    with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), timeout=3) as connection:
        connection.sendall(f"POST /memory/add HTTP/1.1\r\nHost: localhost\r\n{key}Content-Length: 999\r\n\r\n".encode())
        assert connection.recv(4096).split()[1] == status


def test_the_same_key_is_the_same_memory(client: httpx2.Client, caller: str) -> None:
    first = add(client, caller, "City: Duluth", metadata={"key": "fact:city"})
    second = add(client, caller, "City: St Paul", metadata={"key": "fact:city"})

    assert first == second
    assert [item["content"] for item in memories(client, caller)] == ["City: St Paul"]


def test_a_memory_without_a_key_gets_nothing_into_its_metadata(client: httpx2.Client, caller: str) -> None:
    add(client, caller, "City: Duluth", metadata={"source": "sms"})

    assert memories(client, caller)[0]["metadata"] == {"source": "sms"}


def test_a_memory_patched_to_a_key_that_is_taken_takes_its_place(client: httpx2.Client, caller: str) -> None:
    add(client, caller, "City: Duluth", metadata={"key": "fact:city"})
    nonce = add(client, caller, "0123456789abcdef")

    body = {"content": "City: St Paul", "metadata": {"key": "fact:city"}, "user_id": caller}
    assert client.patch(f"/memory/{nonce}", json=body).json() == {"id": nonce, "updated": True}

    assert [(item["id"], item["content"]) for item in memories(client, caller)] == [(nonce, "City: St Paul")]


def test_reinforcing_raises_the_salience_up_to_one(client: httpx2.Client, caller: str) -> None:
    memory_id = add(client, caller, "City: Duluth", salience=0.5)

    client.post("/memory/reinforce", json={"id": memory_id, "boost": 0.3})
    assert memories(client, caller)[0]["salience"] == pytest.approx(0.8)
    client.post("/memory/reinforce", json={"id": memory_id, "boost": 0.3})
    assert memories(client, caller)[0]["salience"] == 1


def test_matches_bring_their_metadata_and_are_the_users_own(client: httpx2.Client, caller: str) -> None:
    add(client, caller, "My dog is called Biscuit.", metadata={"kind": "message"}, tags=["message"])
    add(client, new_caller(), "My dog is called Rex.")

    answer = client.post("/memory/query", json={"query": "dog", "k": 5, "user_id": caller}).json()

    (match,) = answer["matches"]
    assert (match["content"], match["metadata"], match["tags"]) == (
        "My dog is called Biscuit.",
        {"kind": "message"},
        ["message"],
    )


def test_pages_follow_each_other_by_either_name(client: httpx2.Client, caller: str) -> None:
    for number in range(5):
        add(client, caller, f"Number {number}")
    path = f"/users/{caller.replace('+', '%2B')}/memories"

    for size, offset in (("l", "u"), ("limit", "offset")):
        items = client.get(path, params={size: 2, offset: 1}).json()["items"]
        assert [item["content"] for item in items] == ["Number 3", "Number 2"]


def test_a_fault_of_the_store_is_an_error_and_not_emptiness(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OpenMemoryError("the disk is gone")

    monkeypatch.setattr(EmbeddedOpenMemory, "query", fail)
    wire = OpenMemoryApi("")

    async def ask() -> httpx2.Response:
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(cast(Any, wire)), base_url="http://x") as client:
            return await client.post("/memory/query", json={"query": "dog", "user_id": "u"})

    answer = asyncio.run(ask())

    assert (answer.status_code, answer.json()) == (503, {"err": "the store is away"})


def test_the_command_wants_a_key(settings: Settings) -> None:
    settings.OPENMEMORY_KEY, settings.DEBUG = "", False

    with pytest.raises(CommandError, match="OPENMEMORY_KEY is not set"):
        call_command("openmemory")


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"OPENMEMORY_PORT": "localhost"}, "elmemory.E011"),
        ({"OPENMEMORY_CLIENT": "grpc"}, "elmemory.E012"),
        ({"OPENMEMORY_KEY": "schlüssel"}, "elmemory.E013"),
        ({"OPENMEMORY_PORT": "8080", "OPENMEMORY_KEY": ""}, "elmemory.E014"),
        ({"OPENMEMORY_PORT": "8080", "OPENMEMORY_KEY": "", "DEBUG": True}, "elmemory.W014"),
    ],
)
def test_settings_that_cannot_work_are_reported(settings: Settings, changed: dict[str, Any], fault: str) -> None:
    for name, value in changed.items():
        setattr(settings, name, value)

    assert fault in [message.id for message in environment()]


def test_a_client_that_is_not_installed_is_reported(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openmemory", None)
    settings.OPENMEMORY_PORT, settings.OPENMEMORY_KEY, settings.OPENMEMORY_CLIENT = "8080", "k", "sdk"

    (fault,) = [message for message in environment() if message.id == "elmemory.E015"]

    assert "folder sdk-py of the OpenMemory repository" in fault.msg
