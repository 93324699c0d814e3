"""Batches blocking work for which many items take hardly longer than one, such as flushing files."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from threading import Thread

type _Submission[T, R] = tuple[T, asyncio.Future[R]]


class Batcher[T, R]:
    """Runs `work` on batches of submitted items, one batch at a time, in its own thread.

    Items that are submitted during a batch form the next one. `work` returns one result per item, or the exception that
    the item caused. Only one event loop at a time may use a batcher.
    """

    def __init__(self, work: Callable[[Sequence[T]], Sequence[R | Exception]], name: str) -> None:
        self._work = work
        self._name = name
        self._thread: Thread | None = None
        self._batches: SimpleQueue[list[_Submission[T, R]]] = SimpleQueue()
        self._waiting: list[_Submission[T, R]] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_working = False

    def submit(self, item: T) -> asyncio.Future[R]:
        """A future for the item's result. Cancelling the future does not stop the work."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._loop, self._waiting, self._is_working = loop, [], False
        if self._thread is None:
            thread = Thread(target=self._run, name=self._name, daemon=True)
            thread.start()
            self._thread = thread
        future: asyncio.Future[R] = loop.create_future()
        self._waiting.append((item, future))
        if not self._is_working:
            self._is_working = True
            loop.call_soon(self._start_batch)  # deferred, so that all items of this loop iteration share a batch
        return future

    def _start_batch(self) -> None:
        batch, self._waiting = self._waiting, []
        self._is_working = bool(batch)
        if batch:
            self._batches.put(batch)

    def _run(self) -> None:
        while True:
            batch = self._batches.get()
            results: Sequence[R | BaseException]
            try:
                results = self._work([item for item, _ in batch])
            except BaseException as error:
                results = [error] * len(batch)
            loop = batch[0][1].get_loop()
            with contextlib.suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(self._finish_batch, loop, batch, results)

    def _finish_batch(
        self, loop: asyncio.AbstractEventLoop, batch: list[_Submission[T, R]], results: Sequence[R | BaseException]
    ) -> None:
        if loop is self._loop:
            self._start_batch()
        for (_, future), result in zip(batch, results, strict=True):
            if future.done():
                continue
            if isinstance(result, BaseException):
                future.set_exception(result)
            else:
                future.set_result(result)
