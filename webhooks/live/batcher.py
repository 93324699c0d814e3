"""Blocking work that costs many things together hardly more than one."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from threading import Thread

type _Asked[T, R] = tuple[T, asyncio.Future[R]]


class Batcher[T, R]:
    """Does the work in a thread of its own. What comes while it is under way waits for the next go, and all of that
    goes together.

    `work` gives a result for each thing, or the exception that it met with. To be used from one event loop at a time.
    """

    def __init__(self, work: Callable[[Sequence[T]], Sequence[R | Exception]], name: str) -> None:
        self._work = work
        self._name = name
        self._thread: Thread | None = None
        self._groups: SimpleQueue[list[_Asked[T, R]]] = SimpleQueue()
        self._waiting: list[_Asked[T, R]] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_working = False

    def submit(self, thing: T) -> asyncio.Future[R]:
        """The result to be. Cancelling it does not keep the work from being done."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._loop, self._waiting, self._is_working = loop, [], False
        if self._thread is None:
            thread = Thread(target=self._run, name=self._name, daemon=True)
            thread.start()
            self._thread = thread
        future: asyncio.Future[R] = loop.create_future()
        self._waiting.append((thing, future))
        if not self._is_working:
            self._is_working = True
            loop.call_soon(self._go)  # with all that come in the same turn of the loop
        return future

    def _go(self) -> None:
        group, self._waiting = self._waiting, []
        self._is_working = bool(group)
        if group:
            self._groups.put(group)

    def _run(self) -> None:
        while True:
            group = self._groups.get()
            results: Sequence[R | BaseException]
            try:
                results = self._work([thing for thing, _ in group])
            except BaseException as error:
                results = [error] * len(group)
            loop = group[0][1].get_loop()
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(self._tell, loop, group, results)

    def _tell(
        self, loop: asyncio.AbstractEventLoop, group: list[_Asked[T, R]], results: Sequence[R | BaseException]
    ) -> None:
        if loop is self._loop:
            self._go()
        for (_, future), result in zip(group, results, strict=True):
            if future.done():
                continue
            if isinstance(result, BaseException):
                future.set_exception(result)
            else:
                future.set_result(result)
