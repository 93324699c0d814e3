"""`GET /health`: whether calls can be answered, payloads be stored and memories be written."""

import asyncio
import os
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import orjson
from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse

from conversations import index, storage
from conversations.spool import free_bytes, spool
from elmemory.memory.openmemory import open_memory

_CACHED_SECONDS = 1.0
_LONGEST_SECONDS = 5.0

_pool = ThreadPoolExecutor(1, thread_name_prefix="health")
_last: tuple[float, int, bytes] = (float("-inf"), 503, b"")


async def health(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
    """503 only when payloads cannot be stored; "degraded" when OpenMemory is away or calls were parked."""
    global _last
    if time.monotonic() - _last[0] > _CACHED_SECONDS:
        checked = asyncio.get_running_loop().run_in_executor(_pool, report)
        done, _ = await asyncio.wait([checked], timeout=_LONGEST_SECONDS)
        state: dict[str, Any] = (
            checked.result() if done else {"status": "degraded", "detail": "the checks take too long"}
        )
        status = 503 if state.get("payloads", {}).get("ok") is False else 200
        _last = time.monotonic(), status, orjson.dumps(state)
    return HttpResponse(
        _last[2], status=_last[1], content_type="application/json", headers={"Cache-Control": "no-store"}
    )


def report() -> dict[str, Any]:
    """`{"status", "openmemory", "payloads", "queue"}`."""
    store, payloads = open_memory().ping(), _payloads()
    try:
        queue = index.queue()
    except (DatabaseError, OSError):
        queue = None
    well = store.ok and payloads["ok"] and queue is not None and not queue.failed
    return {
        "status": "ok" if well else "degraded",
        "openmemory": {"mode": store.mode, "ok": store.ok, "detail": store.detail},
        "payloads": payloads,
        "queue": queue._asdict() if queue else {"pending": None, "failed": None, "oldest_seconds": None},
    }


def _payloads() -> dict[str, Any]:
    try:
        with spool() as spooled:
            spooled.file.write(b"x")
            spooled.file.flush()
            os.fsync(spooled.file.fileno())
        free = free_bytes()
    except OSError as error:
        return {"ok": False, "detail": error.strerror or type(error).__name__, "refused": storage.refused}
    state: dict[str, Any] = {"ok": True, "free_mb": free // 2**20, "refused": storage.refused}
    if free < settings.MIN_FREE_MB * 2**20:
        state |= {"ok": False, "detail": "the disk is nearly full"}
    return state
