import pytest

from tests.harness.clock import Clock
from webhooks.live.latency import FORGOTTEN_AFTER_SECONDS, ReadLatency


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def latency(clock: Clock) -> ReadLatency:
    return ReadLatency(clock)


def read(latency: ReadLatency, clock: Clock, seconds: float, times: int = 1) -> None:
    for _ in range(times):
        started = latency.start()
        clock.pass_by(seconds)
        latency.stop(started)


def test_reads_are_not_quick_at_first(latency: ReadLatency) -> None:
    assert not latency.is_quick


def test_reads_are_quick_after_many_quick_ones(latency: ReadLatency, clock: Clock) -> None:
    read(latency, clock, 0.0001, times=20)
    assert not latency.is_quick
    read(latency, clock, 0.0001, times=60)
    assert latency.is_quick


def test_one_slow_read_ends_being_quick(latency: ReadLatency, clock: Clock) -> None:
    read(latency, clock, 0.0001, times=100)
    read(latency, clock, 0.1)
    assert not latency.is_quick


def test_a_read_of_ten_milliseconds_does_not_end_it(latency: ReadLatency, clock: Clock) -> None:
    read(latency, clock, 0.0001, times=100)
    read(latency, clock, 0.01)
    assert latency.is_quick


def test_after_a_pause_the_latency_is_unknown(latency: ReadLatency, clock: Clock) -> None:
    read(latency, clock, 0.0001, times=100)
    clock.pass_by(FORGOTTEN_AFTER_SECONDS)
    assert not latency.is_quick
    read(latency, clock, 0.0001)
    assert not latency.is_quick
