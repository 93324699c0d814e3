import asyncio
import subprocess
import sys
import threading
from collections.abc import Sequence
from typing import Any

import pytest

from webhooks.live.batcher import Batcher


class Recorder:
    """Work that records its batches, each of which ends when the test lets it."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.begun = threading.Semaphore(0)
        self.may_end = threading.Semaphore(0)

    def __call__(self, items: Sequence[str]) -> list[str | Exception]:
        self.batches.append(list(items))
        self.begun.release()
        self.may_end.acquire()
        return [ValueError(item) if item.startswith("bad") else item.upper() for item in items]

    async def has_begun(self) -> None:
        await asyncio.to_thread(self.begun.acquire)


def test_items_submitted_while_a_batch_runs_form_the_next_batch() -> None:
    work = Recorder()
    batcher = Batcher(work, "test")

    async def five() -> list[Any]:
        first = batcher.submit("a")
        await work.has_begun()
        others = [batcher.submit(item) for item in "bcde"]
        work.may_end.release(2)
        return await asyncio.gather(first, *others)

    assert asyncio.run(five()) == ["A", "B", "C", "D", "E"]
    assert work.batches == [["a"], ["b", "c", "d", "e"]]


def test_items_submitted_together_form_one_batch() -> None:
    work = Recorder()
    work.may_end.release()
    batcher = Batcher(work, "test")

    async def three() -> list[Any]:
        return await asyncio.gather(*(batcher.submit(item) for item in "abc"))

    asyncio.run(three())
    assert work.batches == [["a", "b", "c"]]


def test_each_item_has_its_own_result_or_exception() -> None:
    work = Recorder()
    work.may_end.release()
    batcher = Batcher(work, "test")

    async def two() -> Any:
        return await asyncio.gather(batcher.submit("bad"), batcher.submit("good"), return_exceptions=True)

    bad, good = asyncio.run(two())
    assert isinstance(bad, ValueError)
    assert good == "GOOD"


def test_an_exception_of_the_work_reaches_all_items_and_the_next_batch_runs() -> None:
    def work(items: Sequence[str]) -> list[str | Exception]:
        if "fatal" in items:
            raise RuntimeError
        return list(items)

    batcher = Batcher(work, "test")

    async def two_and_one() -> Any:
        both = await asyncio.gather(batcher.submit("a"), batcher.submit("fatal"), return_exceptions=True)
        assert [type(each) for each in both] == [RuntimeError, RuntimeError]
        return await batcher.submit("b")

    assert asyncio.run(two_and_one()) == "b"


def test_a_batcher_serves_another_loop_after_one_that_ended() -> None:
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


def test_a_cancelled_item_does_not_affect_the_others() -> None:
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


def test_work_that_hangs_does_not_keep_the_process_from_ending() -> None:
    program = """
import asyncio, threading
from webhooks.live.batcher import Batcher

async def submitted():
    hanging = Batcher(lambda items: threading.Event().wait(), "hanging")
    await asyncio.wait([hanging.submit("a")], timeout=0.1)

asyncio.run(submitted())
"""
    assert subprocess.run([sys.executable, "-c", program], timeout=20, check=False).returncode == 0
