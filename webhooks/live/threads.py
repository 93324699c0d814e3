"""Threads for blocking work whose result a live call waits for."""

import asyncio
import contextlib
from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

PATIENCE = 0.02

type _Job = tuple["asyncio.Future[Any]", Callable[[], Any]]


class Overloaded(Exception):
    """So much work waits already that more would only be late."""


class Threads:
    """`usual` threads do the work. While some of it waits for longer than PATIENCE, up to `most` do.

    Work that costs CPU time only goes through one thread faster than through many, which take the interpreter
    from each other; work that waits for a server wants many. The threads are daemons: one that hangs for ever
    must not keep the process from ending.
    """

    def __init__(self, usual: int, most: int, waiting: int) -> None:
        self._jobs = SimpleQueue[_Job]()
        self._calls_for_help = SimpleQueue[None]()
        self._waiting = waiting
        self._helpers = most - usual
        self._helping = False
        self._submitted = 0
        self._look: tuple[asyncio.AbstractEventLoop, int] | None = None
        for _ in range(usual):
            Thread(target=self._work, name="live", daemon=True).start()

    def submit[T](self, work: Callable[[], T]) -> "asyncio.Future[T]":
        """Have the work done. Whoever no longer wants it cancels the future: what has not begun then never does."""
        if self._jobs.qsize() >= self._waiting:
            raise Overloaded
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._submitted += 1
        self._jobs.put((future, work))
        if self._look is None or self._look[0] is not loop:
            self._look_again(loop)
        return future

    def _work(self) -> None:
        while True:
            _do(self._jobs.get())

    def _help(self) -> None:
        while True:
            self._calls_for_help.get()
            with contextlib.suppress(Empty):
                while True:
                    _do(self._jobs.get_nowait())

    def _call_for_help(self, helpers: int) -> None:
        if not self._helping:
            self._helping = True
            for _ in range(self._helpers):
                Thread(target=self._help, name="live-help", daemon=True).start()
        for _ in range(helpers):
            self._calls_for_help.put(None)

    def _look_again(self, loop: asyncio.AbstractEventLoop) -> None:
        self._look = loop, self._submitted
        loop.call_later(PATIENCE, self._look_after)

    def _look_after(self) -> None:
        """Call for help when work waits that was waiting at the last look."""
        if self._look is None:
            return
        loop, submitted_then = self._look
        waiting = self._jobs.qsize()
        waiting_since_then = waiting - (self._submitted - submitted_then)
        if waiting_since_then > 0 and self._calls_for_help.empty():
            self._call_for_help(min(waiting_since_then, self._helpers))
        if waiting:
            self._look_again(loop)
        else:
            self._look = None


def _do(job: _Job) -> None:
    future, work = job
    if future.done():
        return
    try:
        result = work()
    except BaseException as error:
        _tell(future, _fail, error)
    else:
        _tell(future, _succeed, result)


def _tell(future: "asyncio.Future[Any]", how: Callable[["asyncio.Future[Any]", Any], None], what: Any) -> None:
    with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
        future.get_loop().call_soon_threadsafe(how, future, what)


def _succeed(future: "asyncio.Future[Any]", result: Any) -> None:
    if not future.done():
        future.set_result(result)


def _fail(future: "asyncio.Future[Any]", error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)
