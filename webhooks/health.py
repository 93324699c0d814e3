"""`GET /health`: whether calls can be answered, payloads stored and memories written."""

import asyncio
import os
import re
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import orjson
from django.conf import settings
from django.db import DatabaseError
from django.http import HttpResponse
from django.utils.crypto import salted_hmac

from conversations.files.spool import free_bytes, spool
from conversations.index.queue import queue_status
from elmemory.memory.openmemory import open_memory
from elmemory.serving.lean import LeanRequest
from webhooks.metrics import refusals
from webhooks.receive import receiver

PROOF_HEADER = "Elmemory-Proof"

_NONCE = re.compile(rb"nonce=([0-9a-f]{32})")
_CACHED_SECONDS = 1.0
_LONGEST_SECONDS = 5.0


class HealthEndpoint:
    """The view and its cached report, which is renewed in a thread when it is older than a second."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="health")
        self._reported_at = float("-inf")
        self._status = 503
        self._content = b""

    async def get(self, request: LeanRequest) -> HttpResponse:
        """Answer 503 only if payloads cannot be stored; "degraded" also if memory or index fail or calls are parked.

        With `?nonce=<32 hex digits>`, the header Elmemory-Proof proves that this server has our SECRET_KEY.
        """
        if time.monotonic() - self._reported_at > _CACHED_SECONDS:
            await self._refresh()
        return HttpResponse(
            self._content,
            status=self._status,
            content_type="application/json",
            headers={"Cache-Control": "no-store", **_proof_header(request.scope["query_string"])},
        )

    async def _refresh(self) -> None:
        reporting = asyncio.get_running_loop().run_in_executor(self._thread, report)
        done, _ = await asyncio.wait([reporting], timeout=_LONGEST_SECONDS)
        state: dict[str, Any] = {"status": "degraded", "detail": "the checks take too long"}
        if done:
            state = reporting.result()
        self._status = 503 if state.get("payloads", {}).get("ok") is False else 200
        self._content = orjson.dumps(state)
        self._reported_at = time.monotonic()


def proof(nonce: str) -> str:
    """Return what only a server with this SECRET_KEY can answer to a nonce."""
    return salted_hmac("webhooks.health.proof", nonce, algorithm="sha256").hexdigest()


def _proof_header(query: bytes) -> dict[str, str]:
    asked = _NONCE.fullmatch(query)
    return {PROOF_HEADER: proof(asked[1].decode())} if asked else {}


def report() -> dict[str, Any]:
    """Return `{"status", "openmemory", "payloads", "queue"}` as they are now. Blocks on OpenMemory, disk and index."""
    store, payloads = open_memory().ping(), _payloads()
    try:
        queue = queue_status()
    except (DatabaseError, OSError):
        queue = None
    is_ok = store.ok and payloads["ok"] and queue is not None and not queue.failed
    return {
        "status": "ok" if is_ok else "degraded",
        "openmemory": {"mode": store.mode, "ok": store.ok, "detail": store.detail},
        "payloads": payloads,
        "queue": queue._asdict() if queue else {"pending": None, "failed": None, "oldest_seconds": None},
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
