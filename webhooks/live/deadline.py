"""Reads for live calls: in time, or not at all."""

import asyncio
from collections.abc import Callable

from webhooks.live.breaker import Breaker
from webhooks.live.threads import Overloaded, Threads


class NotNow(Exception):
    """The store is known to be down or hanging, or has more to do than it can: it was not asked."""


class LiveReads:
    """Reads of one kind, such as rings. Each runs in a thread and is given up at its deadline.

    What is late but has not begun never does; what has begun ends by itself, for a thread cannot be stopped.
    So late work cannot pile up beyond the threads, and soon the breaker keeps new work from joining it.
    """

    def __init__(self, threads: Threads, breaker: Breaker) -> None:
        self._threads = threads
        self._breaker = breaker

    async def within[T](self, seconds: float, work: Callable[[], T]) -> T:
        """The result of `work`; raises TimeoutError past the deadline, NotNow, or what `work` raises."""
        if seconds <= 0:
            raise TimeoutError
        if (attempt := self._breaker.attempt()) is None:
            raise NotNow
        try:
            future = self._threads.submit(work)
        except Overloaded:
            raise NotNow from None
        timer = asyncio.get_running_loop().call_later(seconds, _expire, future)
        try:
            result = await future
        except asyncio.CancelledError:
            raise
        except BaseException:
            self._breaker.failed(attempt)
            raise
        else:
            self._breaker.succeeded()
            return result
        finally:
            timer.cancel()
            future.cancel()


def _expire[T](future: "asyncio.Future[T]") -> None:
    if not future.done():
        future.set_exception(TimeoutError())
