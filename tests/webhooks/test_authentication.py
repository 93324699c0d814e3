"""Header keys: one value, or two while one is being replaced."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.server import Server

ENDPOINTS = {"/webhook/client-data": "ring", "/webhook/search-data": "search"}


@pytest.fixture(scope="module")
def replacing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with two values of each key."""
    folder: Path = tmp_path_factory.mktemp("replacing")
    with Server(
        folder,
        ELEVENLABS_CLIENT_DATA_KEY="new-ring-key-0123, old-ring-key-0123",
        ELEVENLABS_SEARCH_DATA_KEY="new-search-key-0123,old-search-key-0123,",
        METRICS_KEY="new-metrics-key-0123,old-metrics-key-0123",
    ) as server:
        yield server


def status(server: Server, path: str, **headers: str) -> int:
    return server.client.post(path, json={"query": "anything"}, headers=headers).status_code


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize("age", ["old", "new"])
def test_both_values_of_a_key_are_accepted(replacing: Server, path: str, age: str) -> None:
    key = f"{age}-{ENDPOINTS[path]}-key-0123"
    assert status(replacing, path, **{"x-api-key": key}) == 200
    assert status(replacing, path, authorization=f"Bearer {key}") == 200


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize(
    "key",
    [
        ",",
        "new-ring-key-0123, old-ring-key-0123",
        "new-search-key-0123,old-search-key-0123",
        "new-metrics-key-0123",
        "new-ring-key-012",
    ],
)
def test_anything_else_is_refused(replacing: Server, path: str, key: str) -> None:
    assert status(replacing, path, **{"x-api-key": key}) == 401
    assert status(replacing, path, authorization=f"Bearer {key}") == 401


def test_a_key_opens_its_own_endpoint_only(replacing: Server) -> None:
    assert status(replacing, "/webhook/client-data", **{"x-api-key": "new-search-key-0123"}) == 401
    assert status(replacing, "/webhook/search-data", **{"x-api-key": "old-ring-key-0123"}) == 401


@pytest.mark.parametrize(
    ("key", "answer"), [("new-metrics-key-0123", 200), ("old-metrics-key-0123", 200), ("other", 401)]
)
def test_both_values_of_the_metrics_key_are_accepted(replacing: Server, key: str, answer: int) -> None:
    assert replacing.client.get("/metrics", headers={"authorization": f"Bearer {key}"}).status_code == answer


def test_the_simulator_sends_the_first_value(replacing: Server) -> None:
    done = replacing.manage("simulate", "--url", replacing.url)
    assert done.returncode == 0, done.stderr
