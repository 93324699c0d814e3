"""Whether the event loop may read for itself: only what is known to be quick may hold up everybody else."""

import time
from collections.abc import Callable

QUICK_SECONDS = 0.002
REMEMBERED_SECONDS = 1.0
_UNKNOWN_SECONDS = 1.0
_WEIGHT_OF_LAST = 0.1


class Pace:
    """Quick is what has been so lately, on the average of the last reads. At first, after a slow read, and after a
    pause in which a cache may have gone cold, the reading is to be done in threads, until some sixty have been quick.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._average = _UNKNOWN_SECONDS
        self._noted_at = float("-inf")

    @property
    def is_quick(self) -> bool:
        return self._average < QUICK_SECONDS and self._clock() - self._noted_at < REMEMBERED_SECONDS

    def began(self) -> float:
        return self._clock()

    def ended(self, began: float) -> None:
        now = self._clock()
        if now - self._noted_at >= REMEMBERED_SECONDS:
            self._average = _UNKNOWN_SECONDS
        self._average += _WEIGHT_OF_LAST * (now - began - self._average)
        self._noted_at = now
