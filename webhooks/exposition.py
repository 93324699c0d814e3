"""`GET /metrics` for Prometheus.

With METRICS_KEY, clients send it as a Bearer token. Without it only this machine may read the metrics, and only while
PUBLIC_URL is empty: behind a proxy every client seems to be this machine.
"""

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.conf import settings
from django.db import DatabaseError
from prometheus_client import REGISTRY, make_asgi_app
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from conversations.index.queue import QueueStatus, queue_status
from elmemory.serving.channel import Receive, Send
from elmemory.serving.client_address import is_on_this_machine
from webhooks.authentication import bearer, is_one_of

_CACHED_SECONDS = 5.0
_LONGEST_SECONDS = 2.0
_REFUSAL = b'{"detail": "Unauthorized"}'


class QueueCollector(Collector):
    """Gauges of the worker's queue, read at most every five seconds; none while the index cannot be read."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="metrics")
        self._status: QueueStatus | None = None
        self._read_at = float("-inf")

    async def refresh(self) -> None:
        """Read the queue's status in a thread; after two seconds, keep the previous status until the read ends."""
        if time.monotonic() - self._read_at > _CACHED_SECONDS:
            self._read_at = time.monotonic()
            read = asyncio.get_running_loop().run_in_executor(self._thread, self._read)
            await asyncio.wait([read], timeout=_LONGEST_SECONDS)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        if queue := self._status:
            yield GaugeMetricFamily("elmemory_queue_pending", "Calls that wait for the worker", queue.pending)
            yield GaugeMetricFamily("elmemory_queue_failed", "Calls that cannot be processed", queue.failed)
            yield GaugeMetricFamily(
                "elmemory_queue_oldest_seconds", "Age of the oldest waiting call", queue.oldest_seconds
            )

    def _read(self) -> None:
        try:
            self._status = queue_status()
        except (DatabaseError, OSError):
            self._status = None


class MetricsApplication:
    """An ASGI application that checks access and answers with the metrics."""

    def __init__(self, queue: QueueCollector) -> None:
        self._queue = queue
        self._exposition = make_asgi_app()

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if not _is_allowed(scope):
            headers = [(b"content-type", b"application/json"), (b"www-authenticate", b"Bearer")]
            await send({"type": "http.response.start", "status": 401, "headers": headers})
            await send({"type": "http.response.body", "body": _REFUSAL})
            return
        await self._queue.refresh()
        await self._exposition(scope, receive, send)


def metrics_application() -> MetricsApplication:
    """Return the application, with the queue's gauges in the default registry. Call it once in a process."""
    queue = QueueCollector()
    REGISTRY.register(queue)
    return MetricsApplication(queue)


def _is_allowed(scope: dict[str, Any]) -> bool:
    if keys := settings.METRICS_KEYS:
        return any(name == b"authorization" and is_one_of(bearer(value), keys) for name, value in scope["headers"])
    peer, _ = scope.get("client") or (None, 0)
    return not settings.PUBLIC_URL and is_on_this_machine(peer, (name for name, _ in scope["headers"]))
