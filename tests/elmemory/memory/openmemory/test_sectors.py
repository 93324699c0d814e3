"""The sectors of our own kinds of text are those that a server of v1.2.3 gives them."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from elmemory.memory.openmemory.http_api import OpenMemoryApi
from elmemory.memory.openmemory.sectors import sectors_of
from tests.harness.openmemory_servers import KEY, new_caller, wire_server
from tests.harness.samples import DATA

RECORDED = json.loads((DATA / "wire_v1.2.3.json").read_text(encoding="utf-8"))
ADDED = {
    exchange["request_body"]["content"]: exchange["response_body"]
    for exchange in RECORDED
    if exchange["path"] == "/memory/add" and "sectors" in (exchange["response_body"] or {})
    if isinstance(exchange["request_body"]["content"], str)
}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx2.Client]:
    headers = {"x-api-key": KEY}
    with (
        wire_server(tmp_path_factory.mktemp("sectors")) as url,
        httpx2.Client(base_url=url, headers=headers, trust_env=False) as client,
    ):
        yield client


@pytest.mark.parametrize("content", ADDED)
def test_a_recorded_text_has_the_sectors_that_the_server_gave_it(content: str) -> None:
    assert list(sectors_of(content)) == ADDED[content]["sectors"]


# As v1.2.3 answered for facts, calls and sentences of callers.
@pytest.mark.parametrize(
    ("content", "sectors"),
    [
        ("First name: Imke", ["procedural"]),
        ("Email: imke@example.com", ["semantic"]),
        ("Party size: 4", ["semantic"]),
        ("On 21 September 2026: Moved the appointment.", ["semantic"]),
        ("Call on Monday: asked for the data of the study.", ["episodic", "semantic"]),
        ("I think I met you at 10:30, and then I felt happy!!", ["emotional", "episodic", "procedural"]),
        ("First press one, then enter the code.", ["procedural"]),
        ("Why did it happen? I should have called.", ["reflective"]),
        ("Really?!", ["emotional"]),
        ("Mir geht es gut, danke.", ["semantic"]),
        ("予約を変更したい", ["semantic"]),
        ("", ["semantic"]),
    ],
)
def test_our_own_kinds_of_text_have_the_servers_sectors(content: str, sectors: list[str]) -> None:
    assert list(sectors_of(content)) == sectors


def test_the_metadata_decide_where_they_name_a_sector() -> None:
    assert sectors_of("I felt awful.", "procedural") == ("procedural",)
    assert sectors_of("I felt awful.", "culinary") == sectors_of("I felt awful.")


def test_the_sectors_are_listed_with_their_counts(client: httpx2.Client) -> None:
    before = {stat["sector"]: stat["count"] for stat in client.get("/sectors").json()["stats"]}
    caller = new_caller()
    for content in ("Dog: Biscuit", "City: Duluth", "I felt awful."):
        client.post("/memory/add", json={"content": content, "user_id": caller, "salience": 0.9})
    answer = client.get("/sectors").json()
    assert answer["sectors"] == ["episodic", "semantic", "procedural", "emotional", "reflective"]
    assert list(answer["configs"]) == answer["sectors"]
    counts = {stat["sector"]: stat["count"] - before.get(stat["sector"], 0) for stat in answer["stats"]}
    assert counts == {"semantic": 2, "emotional": 1}
    assert all(0 < stat["avg_salience"] <= 1 for stat in answer["stats"])


# Pages of other origins


def _cross_origin(answer: httpx2.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name.startswith("access-control-")}


ALLOWED = {
    "access-control-allow-origin": "*",
    "access-control-allow-methods": "GET,POST,PUT,PATCH,DELETE,OPTIONS",
    "access-control-allow-headers": "Content-Type,Authorization,x-api-key",
}


def test_a_browser_may_ask_before_it_sends_the_key(client: httpx2.Client) -> None:
    answer = httpx2.request(
        "OPTIONS",
        f"{client.base_url}/memory/query",
        headers={"origin": "https://app.example.com", "access-control-request-method": "POST"},
        trust_env=False,
    )
    assert (answer.status_code, answer.content) == (200, b"")
    assert _cross_origin(answer) == ALLOWED


@pytest.mark.parametrize(("key", "status"), [(KEY, 200), ("wrong", 403), ("", 401)])
def test_every_answer_may_be_read_by_other_origins(client: httpx2.Client, key: str, status: int) -> None:
    answer = client.get("/sectors", headers={"x-api-key": key, "origin": "https://app.example.com"})
    assert (answer.status_code, _cross_origin(answer)) == (status, ALLOWED)


def test_without_a_key_no_page_of_another_origin_may_read_the_store() -> None:
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b""}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "OPTIONS", "path": "/memory/query", "headers": []}
    asyncio.run(OpenMemoryApi("")(scope, receive, send))
    assert sent[0]["status"] == 200
    assert [name for name, _ in sent[0]["headers"] if name.startswith(b"access-control-")] == []


def test_a_request_that_offers_another_protocol_is_read(client: httpx2.Client) -> None:
    offer = {"connection": "Upgrade", "upgrade": "h2c"}
    answer = client.post("/memory/add", json={"content": "Hi.", "user_id": new_caller()}, headers=offer)
    assert answer.json()["primary_sector"] == "semantic"
