"""`GET /health` and its parts for balancers."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import orjson
import pytest
from asgiref.sync import async_to_sync

from conversations.files.last_runs import note_run
from elmemory.serving.lean import LeanRequest
from tests.harness.server import Server
from webhooks.health import HealthEndpoint, current_report


def request() -> LeanRequest:
    scope = {"type": "http", "method": "GET", "path": "/health", "query_string": b"", "headers": []}
    return LeanRequest(scope, lambda: asyncio.sleep(0, {}), 0)


def test_rings_are_answered_while_payloads_cannot_be_stored() -> None:
    state = {"status": "degraded", "openmemory": {"ok": True}, "payloads": {"ok": False, "detail": "full"}}
    health = HealthEndpoint(lambda: state)
    assert async_to_sync(health.ring)(request()).status_code == 200
    assert async_to_sync(health.deliveries)(request()).status_code == 503
    assert async_to_sync(health.get)(request()).status_code == 503


def test_deliveries_are_stored_while_openmemory_is_down() -> None:
    state = {"status": "degraded", "openmemory": {"ok": False, "detail": "away"}, "payloads": {"ok": True}}
    health = HealthEndpoint(lambda: state)
    ring = async_to_sync(health.ring)(request())
    assert (ring.status_code, orjson.loads(ring.content)["status"]) == (200, "degraded")
    assert async_to_sync(health.deliveries)(request()).status_code == 200
    assert async_to_sync(health.get)(request()).status_code == 200


def test_checks_that_hang_are_not_started_again() -> None:
    started, released = [], threading.Event()

    def hanging() -> dict[str, Any]:
        started.append(1)
        released.wait(10)
        return {"status": "ok", "payloads": {"ok": True}}

    health = HealthEndpoint(hanging)
    health.longest_seconds = 0.05

    async def ask() -> list[bytes]:
        asked = [await health.get(request()) for _ in range(3)]
        released.set()
        return [answer.content for answer in asked]

    assert all(b"take too long" in content for content in asyncio.run(ask()))
    assert len(started) == 1


def test_a_server_answers_each_of_them(server: Server) -> None:
    for path in ("/health", "/health/ring", "/health/deliveries"):
        answer = server.client.get(path)
        assert answer.status_code == 200, path
        assert answer.headers["cache-control"] == "no-store"
        assert answer.json()["status"] in ("ok", "degraded")
    assert server.client.get("/health/other").status_code == 404


@pytest.mark.django_db(transaction=True, databases=["memory", "index"])
def test_the_last_backup_and_verification_are_in_it_and_close_nothing(payloads: Path) -> None:
    before = current_report()
    assert (before["backup"], before["verified"]) == (None, None)
    note_run("backup", ok=True, detail="3 files")
    note_run("verify", ok=False, detail="2 × memories missing")
    answer = async_to_sync(HealthEndpoint().get)(request())
    state = orjson.loads(answer.content)
    assert (answer.status_code, state["status"]) == (200, "ok"), payloads
    assert state["backup"]["ok"]
    assert state["verified"]["detail"] == "2 × memories missing"
