"""A circuit breaker: while something is known to be down nobody waits for it, and now and then one asks again."""

import time
from collections.abc import Callable

FAILURES = 5
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 5.0

type Attempt = int


class Breaker:
    """Opens after FAILURES in a row. Then one attempt is let through after each pause, the probe: when it
    succeeds the breaker closes, when it fails the next pause is twice as long. To be used from one thread.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures = 0
        self._pause = FIRST_PAUSE
        self._probe_at = 0.0
        self._current: Attempt = 1

    @property
    def is_open(self) -> bool:
        return self._failures >= FAILURES

    def attempt(self) -> Attempt | None:
        """What to tell the outcome with; None where it should not be attempted now."""
        if self.is_open:
            if self._clock() < self._probe_at:
                return None
            self._wait()  # for the next one, should this one never tell
        return self._current

    def succeeded(self) -> None:
        self._failures = 0
        self._pause = FIRST_PAUSE

    def failed(self, attempt: Attempt) -> None:
        """Failures of attempts that began before the breaker opened, or before the last probe, tell nothing new."""
        if attempt != self._current:
            return
        if self.is_open:
            self._pause = min(2 * self._pause, LONGEST_PAUSE)
        self._failures += 1
        if self.is_open:
            self._wait()

    def _wait(self) -> None:
        self._probe_at = self._clock() + self._pause
        self._current += 1
