"""Threads for blocking work whose result a live call is waiting for."""

import asyncio
import contextlib
from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

LONGEST_WAIT_SECONDS = 0.02

type _Job = tuple["asyncio.Future[Any]", Callable[[], Any]]


class Overloaded(Exception):
    """Too many jobs are waiting. Another one would only be late."""


class Threads:
    """Runs jobs in `usual` threads, and in up to `most` while a job waits for longer than LONGEST_WAIT_SECONDS.

    For work that uses the CPU one thread is faster than many, because threads compete for the GIL; work that waits for
    a server needs many. At most `waiting` jobs wait. The threads are daemons, so a hanging thread does not keep the
    process from exiting.
    """

    def __init__(self, usual: int, most: int, waiting: int) -> None:
        self._jobs = SimpleQueue[_Job]()
        self._wake_ups = SimpleQueue[None]()
        self._most_waiting = waiting
        self._extra_threads = most - usual
        self._has_extra_threads = False
        self._submitted = 0
        self._watch: tuple[asyncio.AbstractEventLoop, int] | None = None
        for _ in range(usual):
            Thread(target=self._work, name="live", daemon=True).start()

    def submit[T](self, work: Callable[[], T]) -> "asyncio.Future[T]":
        """A future for the result of `work`, which never runs if the future is cancelled before it begins.

        Raises Overloaded.
        """
        if self._jobs.qsize() >= self._most_waiting:
            raise Overloaded
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._submitted += 1
        self._jobs.put((future, work))
        if self._watch is None or self._watch[0] is not loop:
            self._check_later(loop)
        return future

    def _work(self) -> None:
        while True:
            _run(self._jobs.get())

    def _work_when_woken(self) -> None:
        while True:
            self._wake_ups.get()
            with contextlib.suppress(Empty):
                while True:
                    _run(self._jobs.get_nowait())

    def _wake_up(self, threads: int) -> None:
        if not self._has_extra_threads:
            self._has_extra_threads = True
            for _ in range(self._extra_threads):
                Thread(target=self._work_when_woken, name="live-extra", daemon=True).start()
        for _ in range(threads):
            self._wake_ups.put(None)

    def _check_later(self, loop: asyncio.AbstractEventLoop) -> None:
        self._watch = loop, self._submitted
        loop.call_later(LONGEST_WAIT_SECONDS, self._check)

    def _check(self) -> None:
        """Wake extra threads for jobs that have been waiting since the previous check."""
        if self._watch is None:
            return
        loop, submitted_then = self._watch
        waiting = self._jobs.qsize()
        waiting_since_then = waiting - (self._submitted - submitted_then)
        if waiting_since_then > 0 and self._wake_ups.empty():
            self._wake_up(min(waiting_since_then, self._extra_threads))
        if waiting:
            self._check_later(loop)
        else:
            self._watch = None


def _run(job: _Job) -> None:
    future, work = job
    if future.done():
        return
    try:
        result = work()
    except BaseException as error:
        _settle(future, _set_exception, error)
    else:
        _settle(future, _set_result, result)


def _settle(future: "asyncio.Future[Any]", setter: Callable[["asyncio.Future[Any]", Any], None], value: Any) -> None:
    with contextlib.suppress(RuntimeError):  # the loop is closed
        future.get_loop().call_soon_threadsafe(setter, future, value)


def _set_result(future: "asyncio.Future[Any]", result: Any) -> None:
    if not future.done():
        future.set_result(result)


def _set_exception(future: "asyncio.Future[Any]", error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)
