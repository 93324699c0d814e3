"""Runs reads with a deadline. For a live call a late result is useless."""

import asyncio
from collections.abc import Callable

from webhooks.live.breaker import Breaker
from webhooks.live.threads import NotNow, Threads


class LiveReads:
    """Runs reads of one kind, such as rings, in threads, and abandons each at its deadline.

    An abandoned read that has not begun never runs. One that has begun runs to its end, because a thread cannot be
    stopped. Therefore there are never more of these than threads, and the breaker soon refuses new reads.
    """

    def __init__(self, threads: Threads, breaker: Breaker) -> None:
        self._threads = threads
        self._breaker = breaker

    async def within[T](self, seconds: float, work: Callable[[], T]) -> T:
        """The result of `work`. Raises TimeoutError after `seconds`, NotNow, or the error of `work`."""
        if seconds <= 0:
            raise TimeoutError
        if (attempt := self._breaker.attempt()) is None:
            raise NotNow
        future = self._threads.submit(work)
        try:
            async with asyncio.timeout(seconds):
                result = await future
        except Exception:
            self._breaker.failed(attempt)
            raise
        self._breaker.succeeded()
        return result
