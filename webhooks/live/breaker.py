"""A circuit breaker: refuses attempts after repeated failures, and probes from time to time."""

import time
from collections.abc import Callable

FAILURES = 5
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 5.0

type Attempt = int


class Breaker:
    """Opens after FAILURES in a row; then it allows one attempt, the probe, after each pause.

    A probe that succeeds closes the breaker; one that fails doubles the pause, up to LONGEST_PAUSE. Pauses are in
    seconds. Not thread-safe.
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
        """A token for reporting a failure, or None if the attempt is refused."""
        if self.is_open:
            if self._clock() < self._probe_at:
                return None
            self._schedule_probe()  # the next probe, in case this one never reports
        return self._current

    def succeeded(self) -> None:
        self._failures = 0
        self._pause = FIRST_PAUSE

    def failed(self, attempt: Attempt) -> None:
        """Count a failure. Attempts from before the breaker opened, or before the last probe, are ignored."""
        if attempt != self._current:
            return
        if self.is_open:
            self._pause = min(2 * self._pause, LONGEST_PAUSE)
        self._failures += 1
        if self.is_open:
            self._schedule_probe()

    def _schedule_probe(self) -> None:
        self._probe_at = self._clock() + self._pause
        self._current += 1
