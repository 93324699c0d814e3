"""Reads for live calls: results that come in time are returned, late reads are abandoned and do not pile up."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest

from webhooks.live.breaker import FAILURES, Breaker
from webhooks.live.deadline import LiveReads
from webhooks.live.threads import NotNow, Threads

LONG = 30.0
SHORT = 0.05


class Hanging:
    """Work that hangs until `let_go` is called; `begun` counts how often it has begun."""

    def __init__(self) -> None:
        self.begun = 0
        self._go = threading.Event()

    def __call__(self) -> str:
        self.begun += 1
        self._go.wait()
        return "late"

    def let_go(self) -> None:
        self._go.set()


@pytest.fixture
def hanging() -> Iterator[Hanging]:
    work = Hanging()
    yield work
    work.let_go()


def reads(usual: int = 1, most: int = 1, waiting: int = 64, breaker: Breaker | None = None) -> LiveReads:
    return LiveReads(Threads(usual, most, waiting), breaker or Breaker())


def all_at_once(*reading: Coroutine[Any, Any, Any]) -> list[Any]:
    async def gathered() -> list[Any]:
        return await asyncio.gather(*reading, return_exceptions=True)

    return asyncio.run(gathered())


def failing() -> None:
    raise ValueError("no memory")


def test_the_result_is_returned() -> None:
    assert all_at_once(reads().within(LONG, lambda: "card")) == ["card"]


def test_an_exception_of_the_work_is_raised() -> None:
    (fault,) = all_at_once(reads().within(LONG, failing))
    assert isinstance(fault, ValueError)


def test_past_the_deadline_it_times_out(hanging: Hanging) -> None:
    (late,) = all_at_once(reads().within(SHORT, hanging))
    assert isinstance(late, TimeoutError)


def test_without_time_left_the_work_does_not_begin(hanging: Hanging) -> None:
    (late,) = all_at_once(reads().within(0, hanging))
    assert isinstance(late, TimeoutError)
    assert hanging.begun == 0


def test_abandoned_work_that_has_not_begun_never_runs(hanging: Hanging) -> None:
    live = reads()
    all_at_once(*(live.within(SHORT, hanging) for _ in range(4)))
    hanging.let_go()
    assert all_at_once(live.within(LONG, lambda: "next")) == ["next"]
    assert hanging.begun == 1


def test_work_beyond_the_limit_is_refused_at_once(hanging: Hanging) -> None:
    live = reads(waiting=2)
    answers = all_at_once(*(live.within(SHORT, hanging) for _ in range(8)))
    assert sum(isinstance(answer, NotNow) for answer in answers) >= 5


def test_one_slow_read_does_not_delay_the_others(hanging: Hanging) -> None:
    live = reads(usual=1, most=4)

    async def slow_and_quick() -> list[str]:
        slow = asyncio.create_task(live.within(LONG, hanging))
        quick = await asyncio.gather(*(live.within(LONG, lambda: "quick") for _ in range(5)))
        hanging.let_go()
        return [*quick, await slow]

    assert asyncio.run(slow_and_quick()) == ["quick"] * 5 + ["late"]


def test_while_the_store_hangs_reads_are_refused_at_once(hanging: Hanging) -> None:
    live = reads(usual=FAILURES, most=FAILURES)
    all_at_once(*(live.within(SHORT, hanging) for _ in range(FAILURES)))
    answers = all_at_once(*(live.within(LONG, hanging) for _ in range(100)))
    assert all(isinstance(answer, NotNow) for answer in answers)
    assert hanging.begun == FAILURES


@pytest.mark.parametrize("work", [failing, lambda: "card"])
def test_threads_serve_one_loop_after_another(work: Callable[[], Any]) -> None:
    live = reads()
    for _ in range(3):
        all_at_once(live.within(LONG, work))
    assert all_at_once(live.within(LONG, lambda: "card")) == ["card"]


def test_extra_threads_serve_one_burst_after_another_with_their_connections() -> None:
    live, of_thread = reads(usual=1, most=4), threading.local()
    opened: list[str] = []
    together = threading.Barrier(4)

    def read() -> None:
        if not hasattr(of_thread, "connection"):
            of_thread.connection = threading.current_thread().name
            opened.append(of_thread.connection)
        together.wait(LONG)

    for _ in range(3):
        assert all_at_once(*(live.within(LONG, read) for _ in range(4))) == [None] * 4
    assert len(opened) == 4
