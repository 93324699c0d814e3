"""`/metrics`: who may read it, and what it holds."""

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from elmemory import __version__
from tests.harness.samples import new_number, transcription
from tests.harness.server import Server, wait_until
from webhooks.exposition import MetricsApplication, StateCollector


def status(client: str = "127.0.0.1", **headers: str) -> int:
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "path": "/metrics", "query_string": b"", "client": (client, 1), "headers": raw}
    asyncio.run(MetricsApplication(StateCollector())(scope, receive, send))
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


def test_every_series_is_there_from_the_start(tmp_path: Path) -> None:
    """A counter that begins with its first event has never risen, for an alert."""
    with Server(tmp_path, "--no-worker", BACKFILL_EVERY="60") as server:
        values = metrics_of(server)
        assert server.client.post("/webhook/post-call", content=b"{}").status_code == 401
        assert metrics_of(server)['elmemory_deliveries_total{status="refused",type=""}'] == 1
    for name in (
        'elmemory_refused_keys_total{endpoint="client-data"}',
        'elmemory_refused_keys_total{endpoint="search-data"}',
        *(
            f'elmemory_deliveries_total{{status="{status}",type=""}}'
            for status in ("refused", "too_large", "too_many", "too_slow", "broken_off", "not_stored", "unreadable")
        ),
        'elmemory_deliveries_total{status="received",type="post_call_audio"}',
        *(f'elmemory_ring_seconds_count{{outcome="{outcome}"}}' for outcome in ("answered", "neutral", "late")),
        *(f'elmemory_worker_calls_total{{result="{result}"}}' for result in ("remembered", "parked", "failed")),
        "elmemory_worker_call_seconds_total",
        "elmemory_worker_errors_total",
        "elmemory_worker_heartbeat_timestamp_seconds",
        "elmemory_errors_total",
        *(f'elmemory_last_success_timestamp_seconds{{task="{task}"}}' for task in ("backup", "verify", "backfill")),
    ):
        assert values[name] == 0, name
    assert values[f'elmemory_info{{version="{__version__}"}}'] == 1
    for part in ("openmemory", "payloads", "index"):
        assert values[f'elmemory_up{{part="{part}"}}'] == 1
    assert values["elmemory_free_bytes"] > 0


def test_what_the_worker_did_is_counted_and_outlives_it(tmp_path: Path) -> None:
    with Server(tmp_path) as server:
        server.deliver(transcription(new_number(), "Hi."))
        server.stop()
        server.start()
        wait_until((server.payloads / "_worker").exists)
        values = metrics_of(server)
        assert values['elmemory_worker_calls_total{result="remembered"}'] == 1
        assert 0 < values["elmemory_worker_call_seconds_total"] < 60
        assert values["elmemory_worker_heartbeat_timestamp_seconds"] == pytest.approx(time.time(), abs=60)


def metrics_of(server: Server) -> dict[str, float]:
    lines = server.client.get("/metrics").text.splitlines()
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")}


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
