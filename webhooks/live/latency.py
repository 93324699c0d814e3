"""Measures the latency of reads. It decides whether the event loop may read without a thread."""

import time
from collections.abc import Callable

QUICK_SECONDS = 0.002
FORGOTTEN_AFTER_SECONDS = 1.0
_UNKNOWN_SECONDS = 1.0
_WEIGHT_OF_LAST = 0.1


class ReadLatency:
    """A moving average of the duration of reads, in seconds; reads are quick while it is below QUICK_SECONDS.

    The latency is unknown at first, and when no read ended for FORGOTTEN_AFTER_SECONDS, because a cache may have gone
    cold. Then some sixty quick reads in threads are needed before reads count as quick.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._average = _UNKNOWN_SECONDS
        self._measured_at = float("-inf")

    @property
    def is_quick(self) -> bool:
        return self._average < QUICK_SECONDS and self._clock() - self._measured_at < FORGOTTEN_AFTER_SECONDS

    def start(self) -> float:
        """The time at which a read starts, for `stop`."""
        return self._clock()

    def stop(self, started: float) -> None:
        """Add the duration of the read that started at `started` to the average."""
        now = self._clock()
        if now - self._measured_at >= FORGOTTEN_AFTER_SECONDS:
            self._average = _UNKNOWN_SECONDS
        self._average += _WEIGHT_OF_LAST * (now - started - self._average)
        self._measured_at = now
