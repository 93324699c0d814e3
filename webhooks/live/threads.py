"""Threads for blocking work whose result a request is waiting for."""

import asyncio
import contextlib
from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Semaphore, Thread
from typing import Any

LONGEST_WAIT_SECONDS = 0.02


class NotNow(Exception):
    """The read was not attempted, because the breaker is open or too many reads are waiting."""


class Threads:
    """Runs jobs in `usual` threads, and in up to `most` while a job waits for longer than LONGEST_WAIT_SECONDS.

    The extra threads start when they are first needed. They stay, with their connections to the database.

    For work that uses the CPU one thread is faster than many, because threads compete for the GIL; work that waits for
    a server needs many. At most `waiting` jobs wait. The threads are daemons, so a hanging thread does not keep the
    process from exiting.
    """

    def __init__(self, usual: int, most: int, waiting: int, name: str = "live") -> None:
        self._jobs = SimpleQueue[_Job]()
        self._most_waiting = waiting
        self._extra_not_started = most - usual
        self._extra_idle = Semaphore(0)
        self._wake_ups = SimpleQueue[None]()
        self._name = name
        for _ in range(usual):
            Thread(target=self._work, name=name, daemon=True).start()

    def submit[T](self, work: Callable[[], T]) -> "asyncio.Future[T]":
        """A future for the result of `work`, which never runs if the future is cancelled before it begins.

        Raises NotNow if too many jobs are waiting.
        """
        if self._jobs.qsize() >= self._most_waiting:
            raise NotNow
        loop = asyncio.get_running_loop()
        job = _Job(loop.create_future(), work)
        self._jobs.put(job)
        loop.call_later(LONGEST_WAIT_SECONDS, self._help, job)
        return job.future

    def _work(self) -> None:
        while True:
            self._jobs.get().run()

    def _help(self, job: "_Job") -> None:
        """Have an extra thread work if the job is still waiting."""
        if job.has_begun or job.future.done():
            return
        if self._extra_idle.acquire(blocking=False):
            self._wake_ups.put(None)
        elif self._extra_not_started:
            Thread(target=self._work_when_needed, name=f"{self._name}-extra", daemon=True).start()
            self._extra_not_started -= 1

    def _work_when_needed(self) -> None:
        while True:
            with contextlib.suppress(Empty):
                while True:
                    self._jobs.get_nowait().run()
            self._extra_idle.release()
            self._wake_ups.get()


class _Job:
    def __init__(self, future: "asyncio.Future[Any]", work: Callable[[], Any]) -> None:
        self.future = future
        self.has_begun = False
        self._work = work

    def run(self) -> None:
        self.has_begun = True
        if self.future.done():
            return
        try:
            settle, outcome = self.future.set_result, self._work()
        except BaseException as error:
            settle, outcome = self.future.set_exception, error
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self.future.get_loop().call_soon_threadsafe(self._settle, settle, outcome)

    def _settle(self, settle: Callable[[Any], None], outcome: Any) -> None:
        if not self.future.done():
            settle(outcome)
