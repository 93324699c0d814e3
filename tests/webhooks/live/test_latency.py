import pytest

from tests.harness.clock import Clock
from webhooks.live.latency import REMEMBERED_SECONDS, Pace


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pace(clock: Clock) -> Pace:
    return Pace(clock)


def read(pace: Pace, clock: Clock, seconds: float, times: int = 1) -> None:
    for _ in range(times):
        began = pace.began()
        clock.pass_by(seconds)
        pace.ended(began)


def test_nothing_is_known_to_be_quick_at_first(pace: Pace) -> None:
    assert not pace.is_quick


def test_many_quick_reads_are_needed(pace: Pace, clock: Clock) -> None:
    read(pace, clock, 0.0001, times=20)
    assert not pace.is_quick
    read(pace, clock, 0.0001, times=60)
    assert pace.is_quick


def test_one_slow_read_ends_it(pace: Pace, clock: Clock) -> None:
    read(pace, clock, 0.0001, times=100)
    read(pace, clock, 0.1)
    assert not pace.is_quick


def test_a_hiccup_of_a_busy_machine_does_not(pace: Pace, clock: Clock) -> None:
    read(pace, clock, 0.0001, times=100)
    read(pace, clock, 0.01)
    assert pace.is_quick


def test_after_a_pause_nothing_is_known_any_more(pace: Pace, clock: Clock) -> None:
    read(pace, clock, 0.0001, times=100)
    clock.pass_by(REMEMBERED_SECONDS)
    assert not pace.is_quick
    read(pace, clock, 0.0001)
    assert not pace.is_quick
