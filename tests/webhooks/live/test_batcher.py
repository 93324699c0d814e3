import asyncio
import threading
from collections.abc import Sequence
from typing import Any

import pytest

from webhooks.live.batcher import Batcher


class Recorder:
    """Work that notes its groups; each waits until it may go on."""

    def __init__(self) -> None:
        self.groups: list[list[str]] = []
        self.begun = threading.Semaphore(0)
        self.may_end = threading.Semaphore(0)

    def __call__(self, things: Sequence[str]) -> list[str | Exception]:
        self.groups.append(list(things))
        self.begun.release()
        self.may_end.acquire()
        return [ValueError(thing) if thing.startswith("bad") else thing.upper() for thing in things]

    async def has_begun(self) -> None:
        await asyncio.to_thread(self.begun.acquire)


def test_what_comes_while_it_works_goes_together() -> None:
    work = Recorder()
    batcher = Batcher(work, "test")

    async def five() -> list[Any]:
        first = batcher.submit("a")
        await work.has_begun()
        others = [batcher.submit(thing) for thing in "bcde"]
        work.may_end.release(2)
        return await asyncio.gather(first, *others)

    assert asyncio.run(five()) == ["A", "B", "C", "D", "E"]
    assert work.groups == [["a"], ["b", "c", "d", "e"]]


def test_what_comes_at_the_same_time_goes_together() -> None:
    work = Recorder()
    work.may_end.release()
    batcher = Batcher(work, "test")

    async def three() -> list[Any]:
        return await asyncio.gather(*(batcher.submit(thing) for thing in "abc"))

    asyncio.run(three())
    assert work.groups == [["a", "b", "c"]]


def test_each_has_an_outcome_of_its_own() -> None:
    work = Recorder()
    work.may_end.release()
    batcher = Batcher(work, "test")

    async def two() -> Any:
        return await asyncio.gather(batcher.submit("bad"), batcher.submit("good"), return_exceptions=True)

    bad, good = asyncio.run(two())
    assert isinstance(bad, ValueError)
    assert good == "GOOD"


def test_what_breaks_the_work_is_told_to_all_and_ends_nothing() -> None:
    def work(things: Sequence[str]) -> list[str | Exception]:
        if "fatal" in things:
            raise RuntimeError
        return list(things)

    batcher = Batcher(work, "test")

    async def two_and_one() -> Any:
        both = await asyncio.gather(batcher.submit("a"), batcher.submit("fatal"), return_exceptions=True)
        assert [type(each) for each in both] == [RuntimeError, RuntimeError]
        return await batcher.submit("b")

    assert asyncio.run(two_and_one()) == "b"


def test_a_loop_that_ended_meanwhile_keeps_nobody_waiting() -> None:
    work = Recorder()
    batcher = Batcher(work, "test")

    async def abandoned() -> None:
        batcher.submit("a")
        await work.has_begun()

    asyncio.run(abandoned())
    work.may_end.release(2)

    async def another() -> str:
        return await batcher.submit("b")

    assert asyncio.run(another()) == "B"


def test_whoever_no_longer_wants_the_result_harms_nobody() -> None:
    work = Recorder()
    batcher = Batcher(work, "test")

    async def one_gone() -> str:
        gone, other = batcher.submit("a"), batcher.submit("b")
        await work.has_begun()
        gone.cancel()
        work.may_end.release()
        with pytest.raises(asyncio.CancelledError):
            await gone
        return await other

    assert asyncio.run(one_gone()) == "B"
