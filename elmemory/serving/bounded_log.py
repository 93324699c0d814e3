"""Logs events that strangers can cause, at a bounded rate."""

import time
from typing import Any

import structlog

_SECONDS = 60


class BoundedLog:
    """Writes at most one warning a minute for each event and reason, with the count since the last line."""

    def __init__(self, name: str) -> None:
        self._log = structlog.get_logger(name)
        self._times: dict[tuple[str, str], int] = {}
        self._written_at: dict[tuple[str, str], float] = {}

    def warning(self, event: str, reason: str, **details: Any) -> None:
        """Log or count the event. `reason` is one of a few constants, never text from a request."""
        key, now = (event, reason), time.monotonic()
        self._times[key] = self._times.get(key, 0) + 1
        if now - self._written_at.get(key, float("-inf")) >= _SECONDS:
            self._written_at[key] = now
            self._log.warning(event, reason=reason, times=self._times.pop(key), **details)
