"""Reads with a deadline: for live calls, a result that is late is worth nothing."""

import asyncio
from collections.abc import Callable

from webhooks.live.breaker import Breaker
from webhooks.live.threads import Overloaded, Threads


class NotNow(Exception):
    """The read was not attempted: the breaker is open, or too many reads are waiting."""


class LiveReads:
    """Runs reads of one kind, such as rings, in threads, and abandons each at its deadline.

    An abandoned read that has not begun never runs. One that has begun runs to its end, since a thread cannot be
    stopped. Abandoned reads therefore never outnumber the threads, and the breaker soon refuses new ones.
    """

    def __init__(self, threads: Threads, breaker: Breaker) -> None:
        self._threads = threads
        self._breaker = breaker

    async def within[T](self, seconds: float, work: Callable[[], T]) -> T:
        """Return the result of `work`; raise TimeoutError after `seconds`, NotNow, or what `work` raises."""
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
