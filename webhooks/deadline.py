"""Work for a live call: in a thread, within a deadline, and never more of it than the threads can carry."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

_THREADS = 16
_WAITING = 64

_pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="live")
_under_way = 0


async def within[T](seconds: float, work: Callable[[], T]) -> T:
    """The result of `work`. Raises TimeoutError past the deadline, or at once when too much work is late already.

    Late work that has begun is left to end by itself: a thread cannot be stopped.
    """
    global _under_way
    if seconds <= 0 or _under_way >= _THREADS + _WAITING:
        raise TimeoutError
    _under_way += 1
    future = _pool.submit(work)
    loop = asyncio.get_running_loop()
    future.add_done_callback(lambda _: loop.call_soon_threadsafe(_done))
    return await asyncio.wait_for(asyncio.wrap_future(future), seconds)


def _done() -> None:
    global _under_way
    _under_way -= 1
