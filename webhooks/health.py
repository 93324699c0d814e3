"""`GET /health`: whether calls can be answered, payloads stored and memories written, and parts for load balancers."""

import asyncio
import os
import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import orjson
from django.conf import settings
from django.db import DatabaseError
from django.http import HttpResponse
from django.utils.crypto import constant_time_compare, salted_hmac

from conversations.files.last_runs import last_run
from conversations.files.spool import free_bytes, spool
from conversations.index.queue import queue_status
from elmemory import __version__
from elmemory.environment.build import build
from elmemory.memory.openmemory import open_memory
from elmemory.serving.lean import LeanRequest
from webhooks.metrics import refusals
from webhooks.receive import receiver

PROOF_HEADER = "Elmemory-Proof"
HEALTH_PATHS = "/health", "/health/ring", "/health/deliveries"

_NONCE = re.compile(rb"nonce=([0-9a-f]{32})")
_CACHED_SECONDS = 1.0

build()  # at the start, because the files may change later


class HealthEndpoint:
    """The views and their cached report. A report older than a second is renewed in a thread."""

    longest_seconds = 5.0

    def __init__(self, report: Callable[[], dict[str, Any]] | None = None) -> None:
        self._report = report or current_report
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="health")
        self._reporting: asyncio.Future[dict[str, Any]] | None = None
        self._reported_at = float("-inf")
        self._state: dict[str, Any] = {}

    async def get(self, request: LeanRequest) -> HttpResponse:
        """Answer 503 only if payloads cannot be stored; "degraded" also if memory or index fail or calls are parked.

        With `?nonce=<32 hex digits>`, the header Elmemory-Proof proves that this server has our SECRET_KEY.
        """
        state = await self._current()
        return _answer(state, _status_of_deliveries(state), _proof_header(request.scope["query_string"]))

    async def ring(self, request: LeanRequest) -> HttpResponse:  # noqa: ARG002
        """For the load balancer of rings and searches: 200 while this process answers, with or without memory."""
        state = await self._current()
        is_ok = bool(state.get("openmemory", {}).get("ok"))
        return _answer({"status": "ok" if is_ok else "degraded", "openmemory": state.get("openmemory")}, 200)

    async def deliveries(self, request: LeanRequest) -> HttpResponse:  # noqa: ARG002
        """For the load balancer of deliveries: 503 if payloads cannot be stored."""
        state = await self._current()
        status = _status_of_deliveries(state)
        return _answer({"status": "ok" if status == 200 else "failing", "payloads": state.get("payloads")}, status)

    async def _current(self) -> dict[str, Any]:
        if time.monotonic() - self._reported_at > _CACHED_SECONDS:
            self._state = await self._renewed()
            self._reported_at = time.monotonic()
        return self._state

    async def _renewed(self) -> dict[str, Any]:
        """A new report. If it takes too long, later requests wait for it again instead of starting another."""
        if self._reporting is None:
            self._reporting = asyncio.get_running_loop().run_in_executor(self._thread, self._report)
        done, _ = await asyncio.wait([self._reporting], timeout=self.longest_seconds)
        if not done:
            return {"status": "degraded", "detail": "the checks take too long"}
        reported, self._reporting = self._reporting, None
        return reported.result()


def _status_of_deliveries(state: dict[str, Any]) -> int:
    return 503 if state.get("payloads", {}).get("ok") is False else 200


def _answer(state: dict[str, Any], status: int, headers: dict[str, str] | None = None) -> HttpResponse:
    return HttpResponse(
        orjson.dumps(state),
        status=status,
        content_type="application/json",
        headers={"Cache-Control": "no-store", **(headers or {})},
    )


def proof(nonce: str) -> str:
    """The answer to a nonce that only a server with this SECRET_KEY can give."""
    return salted_hmac("webhooks.health.proof", nonce, algorithm="sha256").hexdigest()


def is_proof(given: str, nonce: str) -> bool:
    return constant_time_compare(given, proof(nonce))


def _proof_header(query: bytes) -> dict[str, str]:
    asked = _NONCE.fullmatch(query)
    return {PROOF_HEADER: proof(asked[1].decode())} if asked else {}


def current_report() -> dict[str, Any]:
    """The current report: `{"status", "version", "build", "openmemory", "payloads", "queue", …}`.

    Blocks on OpenMemory, disk and index. "backup" and "verified" are null until the first of these runs.
    """
    store, payloads = open_memory().ping(), _payloads()
    try:
        queue = queue_status()
    except (DatabaseError, OSError):
        queue = None
    backup, verified = last_run("backup"), last_run("verify")
    is_ok = store.ok and payloads["ok"] and queue is not None and not queue.failed
    return {
        "status": "ok" if is_ok else "degraded",
        "version": __version__,
        "build": build(),
        "openmemory": {"mode": store.mode, "ok": store.ok, "detail": store.detail},
        "payloads": payloads,
        "queue": queue._asdict() if queue else {"pending": None, "failed": None, "oldest_seconds": None},
        "backup": {"ok": backup.ok, "at": backup.at} if backup else None,
        "verified": {"ok": verified.ok, "at": verified.at, "detail": verified.detail} if verified else None,
    }


def _payloads() -> dict[str, Any]:
    counts = {"refused": receiver().refused} | {status: refusals[status] for status in ("too_many", "too_slow")}
    try:
        with spool() as spooled:
            spooled.file.write(b"x")
            spooled.file.flush()
            os.fsync(spooled.file.fileno())
        free = free_bytes()
    except OSError as error:
        return {"ok": False, "detail": error.strerror or type(error).__name__} | counts
    state: dict[str, Any] = {"ok": True, "free_mb": free // 2**20} | counts
    if free < settings.MIN_FREE_MB * 2**20:
        state |= {"ok": False, "detail": "the disk is nearly full"}
    return state
