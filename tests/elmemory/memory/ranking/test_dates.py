"""The days that a text names, said on Wednesday 7 October 2026."""

from datetime import date

import pytest

from elmemory.memory.ranking.dates import Days, days_named

SAID_ON = date(2026, 10, 7)


def days(text: str, said_on: date | None = SAID_ON, years: tuple[int, ...] = ()) -> list[str]:
    """As "2026-10-07", or "2026-10-05..2026-10-11" where they are several."""
    return [
        "..".join(dict.fromkeys(date.fromordinal(day).isoformat() for day in named))
        for named in days_named(text, said_on, years)
    ]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("today", ["2026-10-07"]),
        ("this morning", ["2026-10-07"]),
        ("last night", ["2026-10-06"]),
        ("the day before yesterday", ["2026-10-05"]),
        ("tomorrow", ["2026-10-08"]),
        ("day after tomorrow", ["2026-10-09"]),
        ("last friday", ["2026-10-02"]),
        ("next friday", ["2026-10-09"]),
        ("last wednesday", ["2026-09-30"]),
        ("on friday", ["2026-10-02", "2026-10-09"]),
        ("last week", ["2026-09-28..2026-10-04"]),
        ("this weekend", ["2026-10-10..2026-10-11"]),
        ("next month", ["2026-11-01..2026-11-30"]),
        ("last year", ["2025-01-01..2025-12-31"]),
        ("last summer", ["2026-06-01..2026-08-31"]),
        ("next spring", ["2027-03-01..2027-05-31"]),
        ("two days ago", ["2026-10-05"]),
        ("three weeks ago", ["2026-09-13..2026-09-19"]),
        ("in a week", ["2026-10-11..2026-10-17"]),
        ("two months from now", ["2026-11-21..2026-12-21"]),
        ("a few weeks back", ["2026-09-13..2026-09-19"]),
    ],
)
def test_relative_days_count_from_the_day_it_was_said(text: str, named: list[str]) -> None:
    assert days(text) == named


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("on 7 may 2023", ["2023-05-07"]),
        ("on may 7th, 2023", ["2023-05-07"]),
        ("the 7th of may 2023", ["2023-05-07"]),
        ("2023-05-07", ["2023-05-07"]),
        ("in february 2024", ["2024-02-01..2024-02-29"]),
        ("in 2023", ["2023-01-01..2023-12-31"]),
    ],
)
def test_absolute_days_need_no_day_to_count_from(text: str, named: list[str]) -> None:
    assert days(text, None) == named


def test_a_month_without_a_year_is_the_one_nearest() -> None:
    assert days("in december") == ["2026-12-01..2026-12-31"]
    assert days("in december", date(2026, 1, 20)) == ["2025-12-01..2025-12-31"]


def test_a_month_without_a_year_is_also_that_of_each_year_asked_about() -> None:
    assert days("in may", None, (2025, 2026)) == ["2025-05-01..2025-05-31", "2026-05-01..2026-05-31"]


@pytest.mark.parametrize("text", ["you may come", "they march on", "31 february 2026", "call 555 0134", "one day", ""])
def test_what_is_no_day_names_none(text: str) -> None:
    assert days(text) == []


def test_nothing_relative_is_known_without_the_day_it_was_said() -> None:
    assert days("yesterday, last friday, two weeks ago", None) == []


def test_a_gap_is_the_days_between() -> None:
    week = Days(10, 16)
    assert [week.gap(day) for day in (8, 10, 16, 20)] == [2, 0, 0, 4]
