import pytest

from tests.harness.clock import Clock
from webhooks.live.breaker import FAILURES, FIRST_PAUSE, LONGEST_PAUSE, Attempt, Breaker


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(clock)


def begin(breaker: Breaker) -> Attempt:
    attempt = breaker.attempt()
    assert attempt is not None
    return attempt


def trip(breaker: Breaker) -> None:
    for _ in range(FAILURES):
        breaker.failed(begin(breaker))


def test_it_stays_closed_below_the_limit(breaker: Breaker) -> None:
    for _ in range(FAILURES - 1):
        breaker.failed(begin(breaker))
    assert breaker.attempt() is not None


def test_failures_in_a_row_open_it(breaker: Breaker) -> None:
    trip(breaker)
    assert breaker.attempt() is None


def test_a_success_between_failures_keeps_it_closed(breaker: Breaker) -> None:
    for _ in range(3 * FAILURES):
        breaker.failed(begin(breaker))
        breaker.succeeded()
    assert not breaker.is_open


def test_after_the_pause_one_attempt_is_allowed(breaker: Breaker, clock: Clock) -> None:
    trip(breaker)
    clock.pass_by(FIRST_PAUSE)
    assert breaker.attempt() is not None
    assert breaker.attempt() is None


def test_a_probe_that_succeeds_closes_it(breaker: Breaker, clock: Clock) -> None:
    trip(breaker)
    clock.pass_by(FIRST_PAUSE)
    begin(breaker)
    breaker.succeeded()
    assert all(breaker.attempt() is not None for _ in range(3))


def test_the_pause_doubles_with_each_probe_that_fails_up_to_a_limit(breaker: Breaker, clock: Clock) -> None:
    trip(breaker)
    pauses = []
    for _ in range(6):
        began = clock.now
        while (probe := breaker.attempt()) is None:
            clock.pass_by(FIRST_PAUSE)
        breaker.failed(probe)
        pauses.append(clock.now - began)
    assert pauses == [FIRST_PAUSE, 2 * FIRST_PAUSE, 4 * FIRST_PAUSE, 8 * FIRST_PAUSE, LONGEST_PAUSE, LONGEST_PAUSE]


def test_attempts_from_before_it_opened_do_not_lengthen_the_pause(breaker: Breaker, clock: Clock) -> None:
    early = [begin(breaker) for _ in range(50)]
    for attempt in early:
        breaker.failed(attempt)
    clock.pass_by(FIRST_PAUSE)
    assert breaker.attempt() is not None


def test_after_a_probe_that_never_reports_another_is_allowed(breaker: Breaker, clock: Clock) -> None:
    trip(breaker)
    clock.pass_by(FIRST_PAUSE)
    begin(breaker)
    clock.pass_by(FIRST_PAUSE)
    assert breaker.attempt() is not None


def test_after_a_recovery_the_pause_starts_short(breaker: Breaker, clock: Clock) -> None:
    trip(breaker)
    for _ in range(3):
        clock.pass_by(LONGEST_PAUSE)
        breaker.failed(begin(breaker))
    clock.pass_by(LONGEST_PAUSE)
    begin(breaker)
    breaker.succeeded()
    trip(breaker)
    clock.pass_by(FIRST_PAUSE)
    assert breaker.attempt() is not None
