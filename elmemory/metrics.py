"""`GET /metrics` for Prometheus.

With METRICS_KEY it is open to whoever shows it as a Bearer token. Without, to this machine alone, and only while
there is no PUBLIC_URL: behind a proxy everybody seems to come from this machine.
"""

import asyncio
import hmac
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.conf import settings
from django.db import DatabaseError
from prometheus_client import REGISTRY, make_asgi_app
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from conversations import index
from elmemory.client_address import is_on_this_machine
from elmemory.lean import Receive, Send

_CACHED_SECONDS = 5.0
_LONGEST_SECONDS = 2.0
_REFUSAL = b'{"detail": "Unauthorized"}'

_pool = ThreadPoolExecutor(1, thread_name_prefix="metrics")
_exposition = make_asgi_app()


class _Queue(Collector):
    """The worker's queue, as the index knows it; nothing while the index cannot tell."""

    def __init__(self) -> None:
        self._known: index.Queue | None = None
        self._asked_at = float("-inf")

    async def refresh(self) -> None:
        if time.monotonic() - self._asked_at > _CACHED_SECONDS:
            self._asked_at = time.monotonic()
            await asyncio.wait([asyncio.get_running_loop().run_in_executor(_pool, self._ask)], timeout=_LONGEST_SECONDS)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        if queue := self._known:
            yield GaugeMetricFamily("elmemory_queue_pending", "Calls that wait to be remembered", queue.pending)
            yield GaugeMetricFamily("elmemory_queue_failed", "Calls that were parked", queue.failed)
            yield GaugeMetricFamily(
                "elmemory_queue_oldest_seconds", "How long the oldest has waited", queue.oldest_seconds
            )

    def _ask(self) -> None:
        try:
            self._known = index.queue()
        except (DatabaseError, OSError):
            self._known = None


_queue = _Queue()
REGISTRY.register(_queue)


async def metrics_application(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    if not _may_see(scope):
        headers = [(b"content-type", b"application/json"), (b"www-authenticate", b"Bearer")]
        await send({"type": "http.response.start", "status": 401, "headers": headers})
        await send({"type": "http.response.body", "body": _REFUSAL})
        return
    await _queue.refresh()
    await _exposition(scope, receive, send)


def _may_see(scope: dict[str, Any]) -> bool:
    if key := settings.METRICS_KEY:
        shown = [value for name, value in scope["headers"] if name == b"authorization"]
        return any(hmac.compare_digest(b"Bearer " + key.encode(), value) for value in shown)
    peer, _ = scope.get("client") or (None, 0)
    return not settings.PUBLIC_URL and is_on_this_machine(peer, (name for name, _ in scope["headers"]))
