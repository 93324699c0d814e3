"""`GET /metrics` for Prometheus.

If METRICS_KEY is set, clients send it as a Bearer token. If not, only this machine may read the metrics, and only while
PUBLIC_URL is empty: behind a proxy every client seems to be this machine.
"""

import asyncio
import contextlib
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

from django.conf import settings
from prometheus_client import REGISTRY, make_asgi_app
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from conversations.files.heartbeat import last_heartbeat
from conversations.files.last_runs import Task, last_run
from conversations.files.spool import free_bytes
from conversations.files.tally import totals
from elmemory import __version__
from elmemory.logs import ErrorCount
from elmemory.serving.channel import Receive, Send
from elmemory.serving.client_address import is_on_this_machine
from webhooks.authentication import bearer, is_one_of
from webhooks.health import current_report

_CACHED_SECONDS = 5.0
_LONGEST_SECONDS = 2.0
_RESULTS = "remembered; parked: cannot be processed; failed: will be tried again"
_REFUSAL = b'{"detail": "Unauthorized"}'


class StateCollector(Collector):
    """Gauges of the state in `/health`, and counts of what workers and other processes have done.

    The state is read at most every five seconds. While the index cannot be read, there are no gauges of the queue.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="metrics")
        self._families: list[Metric] = []
        self._read_at = float("-inf")

    async def refresh(self) -> None:
        """Read the state in a thread. If that takes two seconds, the previous state is kept until the read ends."""
        if time.monotonic() - self._read_at > _CACHED_SECONDS:
            self._read_at = time.monotonic()
            read = asyncio.get_running_loop().run_in_executor(self._thread, self._read)
            await asyncio.wait([read], timeout=_LONGEST_SECONDS)

    def collect(self) -> Iterable[Metric]:
        yield _info()
        yield CounterMetricFamily("elmemory_errors", "Errors that this process has logged", ErrorCount.total)
        yield from self._families

    def _read(self) -> None:
        report = current_report()
        self._families = [*_state(report), *_queue(report["queue"]), *_worker(), *_last_runs()]


def _info() -> Metric:
    info = GaugeMetricFamily("elmemory_info", "The version of this server", labels=["version"])
    info.add_metric([__version__], 1)
    return info


def _state(report: dict[str, Any]) -> Iterator[Metric]:
    store, payloads, queue = report["openmemory"], report["payloads"], report["queue"]
    up = GaugeMetricFamily("elmemory_up", "1 while a part works; payloads: storing them", labels=["part"])
    up.add_metric(["openmemory"], store["ok"])
    up.add_metric(["payloads"], payloads["ok"])
    up.add_metric(["index"], queue["pending"] is not None)
    yield up
    with contextlib.suppress(OSError):
        yield GaugeMetricFamily("elmemory_free_bytes", "Free space on the disk of the payload folder", free_bytes())
    least = settings.MIN_FREE_MB * 2**20
    yield GaugeMetricFamily("elmemory_least_free_bytes", "Free space below which deliveries are refused", least)


def _queue(queue: dict[str, Any]) -> Iterator[Metric]:
    if queue["pending"] is not None:
        yield GaugeMetricFamily("elmemory_queue_pending", "Calls that wait for the worker", queue["pending"])
        yield GaugeMetricFamily("elmemory_queue_failed", "Calls that cannot be processed", queue["failed"])
        yield GaugeMetricFamily(
            "elmemory_queue_oldest_seconds", "Age of the oldest waiting call", queue["oldest_seconds"]
        )


def _worker() -> Iterator[Metric]:
    """The counts of all workers. All servers that share a payload folder show the same."""
    done = totals()
    calls = CounterMetricFamily(
        "elmemory_worker_calls", f"Calls that workers processed ({_RESULTS})", labels=["result"]
    )
    for result in ("remembered", "parked", "failed"):
        calls.add_metric([result], done[result])
    yield calls
    yield CounterMetricFamily("elmemory_worker_call_seconds", "Time that workers took for these calls", done["seconds"])
    yield CounterMetricFamily("elmemory_worker_errors", "Errors that workers have logged", done["errors"])
    yield GaugeMetricFamily(
        "elmemory_worker_heartbeat_timestamp_seconds", "When a worker last gave a sign of life", last_heartbeat() or 0
    )


def _last_runs() -> Iterator[Metric]:
    succeeded = GaugeMetricFamily(
        "elmemory_last_success_timestamp_seconds", "When a task last succeeded; 0: never", labels=["task"]
    )
    is_ok = GaugeMetricFamily("elmemory_last_run_ok", "Whether the last run of a task succeeded", labels=["task"])
    tasks: list[Task] = ["backup", "verify"]
    if settings.BACKFILL_EVERY:
        tasks.append("backfill")
    for task in tasks:
        run = last_run(task)
        at = datetime.fromisoformat(run.succeeded_at).timestamp() if run and run.succeeded_at else 0
        succeeded.add_metric([task], at)
        if run:
            is_ok.add_metric([task], run.ok)
    yield succeeded
    yield is_ok


class MetricsApplication:
    """An ASGI application that checks access and answers with the metrics."""

    def __init__(self, state: StateCollector) -> None:
        self._state = state
        self._exposition = make_asgi_app()

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if not _is_allowed(scope):
            headers = [(b"content-type", b"application/json"), (b"www-authenticate", b"Bearer")]
            await send({"type": "http.response.start", "status": 401, "headers": headers})
            await send({"type": "http.response.body", "body": _REFUSAL})
            return
        await self._state.refresh()
        await self._exposition(scope, receive, send)


def metrics_application() -> MetricsApplication:
    """The application, which registers its gauges in the default registry. Call this once per process."""
    state = StateCollector()
    REGISTRY.register(state)
    return MetricsApplication(state)


def _is_allowed(scope: dict[str, Any]) -> bool:
    if keys := settings.METRICS_KEYS:
        return any(name == b"authorization" and is_one_of(bearer(value), keys) for name, value in scope["headers"])
    peer, _ = scope.get("client") or (None, 0)
    return not settings.PUBLIC_URL and is_on_this_machine(peer, (name for name, _ in scope["headers"]))
