"""Recall over invented calls, a little under what is measured: a change of the ranker may not make search worse.

`bench/recall.py` prints the figures.
"""

import pytest

from tests.harness.recall import Caller, Foreign, foreign_callers, invented_callers, mean_recall, ours, plain_bm25

BARS = {1: 0.54, 3: 0.76, 5: 0.845, 8: 0.94}


@pytest.fixture(scope="module")
def callers() -> list[Caller]:
    return invented_callers()


def test_every_answer_is_a_memory(callers: list[Caller]) -> None:
    for memories, questions, _ in callers:
        ids = {memory.id for memory in memories}
        assert all(asked.answers <= ids for asked in questions)
    assert (len(callers), sum(len(caller.questions) for caller in callers)) == (60, 300)


@pytest.mark.parametrize(("k", "bar"), BARS.items())
def test_answers_are_among_the_first(callers: list[Caller], k: int, bar: float) -> None:
    assert mean_recall(ours, callers, k) >= bar


@pytest.mark.parametrize(("k", "bar"), BARS.items())
def test_plain_bm25_does_not_reach_the_bars(callers: list[Caller], k: int, bar: float) -> None:
    assert mean_recall(plain_bm25, callers, k) < bar - 0.1


@pytest.fixture(scope="module")
def foreign() -> list[Foreign]:
    return list(foreign_callers().values())


@pytest.mark.parametrize(
    ("kind", "at_3", "at_8"), [("own", 0.70, 0.80), ("mistyped", 0.55, 0.72), ("english", 0.26, 0.60)]
)
def test_answers_in_sixteen_other_languages_are_among_the_first(
    foreign: list[Foreign], kind: str, at_3: float, at_8: float
) -> None:
    callers = [getattr(one, kind) for one in foreign]
    assert len(callers) == 16
    assert mean_recall(ours, callers, 3) >= at_3
    assert mean_recall(ours, callers, 8) >= at_8
