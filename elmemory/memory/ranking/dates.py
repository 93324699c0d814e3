"""The days that a text names: "yesterday", "last Friday", "in May 2026", "two weeks ago"."""

import re
from calendar import monthrange
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import NamedTuple

_MONTHS = "january february march april may june july august september october november december".split()
_WEEKDAYS = "monday tuesday wednesday thursday friday saturday sunday".split()
_SEASONS = {"spring": 3, "summer": 6, "fall": 9, "autumn": 9, "winter": 12}
_NUMBERS = {
    word: number
    for number, word in enumerate("zero one two three four five six seven eight nine ten eleven twelve".split())
} | {"a": 1, "an": 1, "couple": 2, "few": 3}
_UNIT_DAYS = {"day": 1, "week": 7, "month": 30, "year": 365}
_LONGEST_AGO = 40_000

# No text names a day without one of these words.
DAY_WORDS = frozenset(
    [*_MONTHS, *_WEEKDAYS, *_SEASONS, *map(str, range(1900, 2100))]
    + "yesterday today tonight tomorrow last past next this ago day days week weeks weekend month months year years".split()
)


_NEAR = re.compile(
    r"\b(?:(?P<before>day before )?(?P<yesterday>yesterday|last night)|(?P<after>day after )?(?P<tomorrow>tomorrow)"
    r"|(?P<today>today|tonight|this (?:morning|afternoon|evening))"
    rf"|(?:(?P<which>last|past|next|this) )?(?P<weekday>{'|'.join(_WEEKDAYS)})"
    r"|(?P<period_which>last|past|next|this) (?P<period>weekend|week|month|year|spring|summer|fall|autumn|winter)"
    rf"|(?P<ahead>in )?(?P<number>\d{{1,3}}|{'|'.join(_NUMBERS)})(?: of)? (?P<unit>day|week|month|year)s?(?P<ago> ago| back)?"
    r")\b"
)
_ABSOLUTE = re.compile(
    r"\b(?:(?P<iso>(?:19|20)\d\d-\d\d-\d\d)"
    rf"|(?:(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?: of)? )?(?P<month>{'|'.join(_MONTHS)})"
    r"(?: (?:the )?(?P<day_after>\d{1,2})(?:st|nd|rd|th)?(?!\d))?(?:,? (?P<year>(?:19|20)\d\d))?"
    r"|(?P<year_alone>(?:19|20)\d\d)"
    r")\b"
)


class Days(NamedTuple):
    """From the first to the last day, both among them, as `date.toordinal` counts."""

    first: int
    last: int

    def gap(self, day: int) -> int:
        """How many days the day is away; 0 within."""
        return max(self.first - day, day - self.last, 0)

    def holds(self, other: "Days") -> bool:
        """Whether the other days are among these, give or take the one that time zones make."""
        return self.first - 1 <= other.first and other.last <= self.last + 1


def days_named(text: str, said_on: date | None, years: Sequence[int] = ()) -> list[Days]:
    """The days that the lower-case text names.

    Relative ones count from the day it was said; without it they are left out. A month without a year is
    the one nearest that day, and that of each of `years`.
    """
    named = list(_absolute(text, said_on, years))
    return named + list(_relative(text, said_on.toordinal(), said_on)) if said_on else named


def _absolute(text: str, said_on: date | None, years: Sequence[int]) -> Iterator[Days]:
    for found in _ABSOLUTE.finditer(text):
        if found["iso"]:
            yield from _span(*map(int, found["iso"].split("-")))
        elif found["year_alone"]:
            yield Days(date(int(found["year_alone"]), 1, 1).toordinal(), date(int(found["year_alone"]), 12, 31).toordinal())
        else:
            month, day = _MONTHS.index(found["month"]) + 1, int(found["day"] or found["day_after"] or 0)
            if found["month"] in ("may", "march") and not (day or found["year"] or _is_month(text, found.start())):
                continue
            if found["year"]:
                yield from _span(int(found["year"]), month, day)
                continue
            if said_on:
                around = [days for year in (-1, 0, 1) for days in _span(said_on.year + year, month, day)]
                yield from sorted(around, key=lambda days: days.gap(said_on.toordinal()))[:1]
            for year in years:
                yield from _span(year, month, day)


def _relative(text: str, today: int, said_on: date) -> Iterator[Days]:
    for found in _NEAR.finditer(text):
        if found["yesterday"]:
            day = today - (2 if found["before"] else 1)
        elif found["tomorrow"]:
            day = today + (2 if found["after"] else 1)
        elif found["today"]:
            day = today
        elif found["weekday"]:
            ahead = (_WEEKDAYS.index(found["weekday"]) - said_on.weekday()) % 7
            if found["which"] not in ("last", "past"):
                yield Days(today + ahead, today + ahead)
            if found["which"] not in ("next", "this"):
                yield Days(today + ahead - 7, today + ahead - 7)
            continue
        elif found["period"]:
            yield _period(found["period"], {"this": 0, "next": 1}.get(found["period_which"], -1), said_on)
            continue
        else:
            if not found["ago"] and not found["ahead"]:
                continue
            number = int(found["number"]) if found["number"].isdigit() else _NUMBERS[found["number"]]
            length = _UNIT_DAYS[found["unit"]]
            day = today + (-1 if found["ago"] else 1) * min(number * length, _LONGEST_AGO)
            yield Days(day - length // 2, day + length // 2)
            continue
        yield Days(day, day)


def _period(name: str, step: int, said_on: date) -> Days:
    monday = said_on.toordinal() - said_on.weekday()
    match name:
        case "week":
            return Days(monday + 7 * step, monday + 7 * step + 6)
        case "weekend":
            return Days(monday + 7 * step + 5, monday + 7 * step + 6)
        case "month":
            month = said_on.year * 12 + said_on.month - 1 + step
            return next(_span(month // 12, month % 12 + 1, 0))
        case "year":
            return Days(date(said_on.year + step, 1, 1).toordinal(), date(said_on.year + step, 12, 31).toordinal())
    start = date(said_on.year + step, _SEASONS[name], 1)
    if step < 0 and date(said_on.year, _SEASONS[name], 1) + timedelta(days=92) <= said_on:
        start = date(said_on.year, _SEASONS[name], 1)
    return Days(start.toordinal(), start.toordinal() + 91)


def _span(year: int, month: int, day: int) -> Iterator[Days]:
    """The day, or the whole month where it is 0; nothing where the calendar has none."""
    try:
        last = monthrange(year, month)[1]
        yield Days(date(year, month, day or 1).toordinal(), date(year, month, day or last).toordinal())
    except ValueError:
        return


def _is_month(text: str, at: int) -> bool:
    """Whether "may" or "march" is a month here: after a word that only comes before a time."""
    return bool(re.search(r"\b(?:in|of|since|during|until|till|by|last|next|this|early|late|mid)[ -]$", text[max(at - 10, 0) : at]))
