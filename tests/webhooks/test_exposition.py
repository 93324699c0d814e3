"""`/metrics`: who may read it, and what it holds."""

import asyncio
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from tests.harness.samples import new_number, transcription
from tests.harness.server import Server
from webhooks.exposition import MetricsApplication, QueueCollector


def status(client: str = "127.0.0.1", **headers: str) -> int:
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "path": "/metrics", "query_string": b"", "client": (client, 1), "headers": raw}
    asyncio.run(MetricsApplication(QueueCollector())(scope, receive, send))
    status: int = sent[0]["status"]
    return status


@pytest.mark.parametrize("client", ["127.0.0.1", "::1", "127.8.8.8"])
def test_this_machine_may_read_metrics_without_a_key(client: str) -> None:
    assert status(client) == 200


@pytest.mark.parametrize("client", ["192.0.2.7", "10.0.0.1", "2001:db8::1"])
def test_another_machine_may_not_without_a_key(client: str) -> None:
    assert status(client) == 401


@pytest.mark.parametrize("header", ["forwarded", "x_forwarded_for", "x_real_ip", "via"])
def test_requests_through_a_proxy_on_this_machine_are_refused(header: str) -> None:
    assert status(**{header: "127.0.0.1"}) == 401


def test_with_a_public_address_a_key_is_needed(settings: Settings) -> None:
    settings.PUBLIC_URL = "https://memory.example.com"
    assert status() == 401


def test_a_request_with_the_key_is_answered(settings: Settings) -> None:
    settings.METRICS_KEYS = ["metrics-key"]
    settings.PUBLIC_URL = "https://memory.example.com"
    assert status("192.0.2.7", authorization="Bearer metrics-key") == 200


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer other"}, {"authorization": "metrics-key"}])
def test_a_request_without_the_right_key_is_refused(settings: Settings, headers: dict[str, str]) -> None:
    settings.METRICS_KEYS = ["metrics-key"]
    assert status("127.0.0.1", **headers) == 401


def test_rings_searches_deliveries_and_the_queue_are_counted(server: Server) -> None:
    caller = new_number()
    server.deliver(transcription(caller, "My dog is called Biscuit."))
    server.ring(caller)
    server.search("dog", caller)
    exposition = server.client.get("/metrics").text
    for name in (
        'elmemory_ring_seconds_count{outcome="answered"}',
        'elmemory_ring_seconds_count{outcome="late"}',
        'elmemory_search_seconds_count{outcome="neutral"}',
        'elmemory_deliveries_total{status="received",type="post_call_transcription"}',
        "elmemory_queue_pending",
    ):
        assert name in exposition
    assert caller[1:] not in exposition
