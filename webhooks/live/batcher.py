"""Batches blocking work for which many items take hardly longer than one, such as flushing files."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

from webhooks.live.threads import Threads


class Batcher[T, R]:
    """Runs `work` on batches of submitted items, one batch at a time, in its own thread.

    Items that are submitted during a batch form the next one. `work` returns one result per item, or the exception that
    the item caused. Only one event loop at a time may use a batcher.
    """

    def __init__(self, work: Callable[[Sequence[T]], Sequence[R | Exception]], name: str) -> None:
        self._work = work
        self._thread = Threads(1, 1, 1, name)
        self._waiting: list[tuple[T, asyncio.Future[R]]] = []
        self._working: asyncio.Task[None] | None = None

    def submit(self, item: T) -> asyncio.Future[R]:
        """A future for the item's result. Cancelling the future does not stop the work."""
        loop = asyncio.get_running_loop()
        if self._working is None or self._working.done() or self._working.get_loop() is not loop:
            self._waiting = []
            self._working = loop.create_task(self._work_off())
        future: asyncio.Future[R] = loop.create_future()
        self._waiting.append((item, future))
        return future

    async def _work_off(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            results: Sequence[R | Exception]
            try:
                results = await self._thread.submit(partial(self._work, [item for item, _ in batch]))
            except Exception as error:
                results = [error] * len(batch)
            for (_, future), result in zip(batch, results, strict=True):
                if future.done():
                    continue
                if isinstance(result, Exception):
                    future.set_exception(result)
                else:
                    future.set_result(result)
