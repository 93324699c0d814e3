"""Finds the days that a text names: "yesterday", "last Friday", "in May 2026", "two weeks ago"."""

import re
from calendar import monthrange
from collections.abc import Iterator, Sequence
from datetime import date
from typing import NamedTuple

_MONTHS = "january february march april may june july august september october november december".split()
_WEEKDAYS = "monday tuesday wednesday thursday friday saturday sunday".split()
# The month in which each season begins.
_SEASONS = {"spring": 3, "summer": 6, "fall": 9, "autumn": 9, "winter": 12}
_SEASON_DAYS = 91
_NUMBERS = {
    **{word: number for number, word in enumerate("one two three four five six seven eight nine ten".split(), start=1)},
    "a": 1,
    "an": 1,
    "couple": 2,
    "few": 3,
}
_DAYS_OF_UNIT = {"day": 1, "week": 7, "month": 30, "year": 365}
_STEPS = {"last": -1, "past": -1, "this": 0, "next": 1}

# A text without one of these words names no day.
DAY_WORDS = frozenset(
    [
        *_MONTHS,
        *_WEEKDAYS,
        *_SEASONS,
        *map(str, range(1900, 2100)),
        *"yesterday today tonight tomorrow last past next this ago day days week weeks weekend".split(),
        *"month months year years".split(),
    ]
)

_RELATIVE = re.compile(
    r"\b(?:"
    r"(?P<two_before>day before )?(?P<yesterday>yesterday|last night)"
    r"|(?P<two_after>day after )?(?P<tomorrow>tomorrow)"
    r"|(?P<today>today|tonight|this (?:morning|afternoon|evening))"
    rf"|(?:(?P<which_day>last|past|next|this) )?(?P<weekday>{'|'.join(_WEEKDAYS)})"
    rf"|(?P<which>last|past|next|this) (?P<period>weekend|week|month|year|{'|'.join(_SEASONS)})"
    rf"|(?P<ahead>in )?(?P<number>\d{{1,3}}|{'|'.join(_NUMBERS)})(?: of)? (?P<unit>{'|'.join(_DAYS_OF_UNIT)})s?"
    r"(?P<ago> ago| back)?(?P<from_now> from now)?"
    r")\b"
)
_ABSOLUTE = re.compile(
    r"\b(?:"
    r"(?P<iso>(?:19|20)\d\d-\d\d-\d\d)"
    rf"|(?:(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?: of)? )?(?P<month>{'|'.join(_MONTHS)})"
    r"(?: (?:the )?(?P<day_after>\d{1,2})(?:st|nd|rd|th)?(?!\d))?(?:,? (?P<year>(?:19|20)\d\d))?"
    r"|(?P<whole_year>(?:19|20)\d\d)"
    r")\b"
)
# Without day or year, "may" and "march" are months only after one of these words.
_PREPOSITION = re.compile(r"\b(?:in|of|since|during|until|till|by|last|next|this|early|late|mid)[ -]$")
_LONGEST_PREPOSITION = 8


class Days(NamedTuple):
    """A span of days from `first` to `last`, inclusive, as ordinals (`date.toordinal`)."""

    first: int
    last: int

    def gap(self, day: int) -> int:
        """Return the distance of the day from the span in days; 0 within it."""
        return max(self.first - day, day - self.last, 0)

    def holds(self, other: "Days") -> bool:
        """Whether the other span is within this one, allowing a day for time zones."""
        return self.first - 1 <= other.first and other.last <= self.last + 1


def days_named(text: str, said_on: date | None, years: Sequence[int] = ()) -> list[Days]:
    """Return the days that the lower-case text names.

    Relative days count from `said_on`, and are left out without it. A month without a year is the one nearest to
    `said_on`, and that month in each of `years`.
    """
    named = [days for found in _ABSOLUTE.finditer(text) for days in _absolute(found, said_on, years)]
    if said_on:
        named += [days for found in _RELATIVE.finditer(text) for days in _relative(found, said_on)]
    return named


def _absolute(found: re.Match[str], said_on: date | None, years: Sequence[int]) -> Iterator[Days]:
    if found["iso"]:
        year, month, day = map(int, found["iso"].split("-"))
        yield from _days(year, month, day)
    elif found["whole_year"]:
        yield whole_year(int(found["whole_year"]))
    else:
        month, day = _MONTHS.index(found["month"]) + 1, int(found["day"] or found["day_after"] or 0)
        if found["month"] in ("may", "march") and not (day or found["year"] or _is_after_preposition(found)):
            return
        yield from days_of_month(month, day, int(found["year"] or 0), said_on, years)


def days_of_month(month: int, day: int, year: int, said_on: date | None, years: Sequence[int] = ()) -> Iterator[Days]:
    """Return the day of the month; with day=0, the whole month.

    With year=0, the one nearest to `said_on` and that in each of `years`.
    """
    if year:
        yield from _days(year, month, day)
        return
    if said_on:
        around = [days for year in (-1, 0, 1) for days in _days(said_on.year + year, month, day)]
        yield from sorted(around, key=lambda days: days.gap(said_on.toordinal()))[:1]
    for year in years:
        yield from _days(year, month, day)


def _relative(found: re.Match[str], said_on: date) -> Iterator[Days]:
    today = said_on.toordinal()
    if found["weekday"]:
        yield from days_of_weekday(_WEEKDAYS.index(found["weekday"]), _STEPS.get(found["which_day"]), said_on)
    elif found["period"]:
        yield from days_of_period(found["period"], _STEPS[found["which"]], said_on)
    elif found["number"]:
        number = _NUMBERS.get(found["number"]) or int(found["number"])
        if found["ago"]:
            yield days_away(-number, found["unit"], said_on)
        elif found["ahead"] or found["from_now"]:
            yield days_away(number, found["unit"], said_on)
    else:
        day = today - bool(found["yesterday"]) - bool(found["two_before"])
        day += bool(found["tomorrow"]) + bool(found["two_after"])
        yield Days(day, day)


def days_of_weekday(weekday: int, step: int | None, said_on: date) -> Iterator[Days]:
    """Return the last (-1), this (0) or next (1) such weekday from `said_on`, for None both. Monday is 0."""
    ahead = said_on.toordinal() + (weekday - said_on.weekday()) % 7
    # "Friday" alone may be the last one or the next one.
    yield from (Days(day, day) for day in ([ahead - 7] if step == -1 else [ahead] if step else [ahead - 7, ahead]))


def days_away(number: int, unit: str, said_on: date) -> Days:
    """Return the days about so many days, weeks, months or years away."""
    length = _DAYS_OF_UNIT[unit]
    day = said_on.toordinal() + number * length
    return Days(day - length // 2, day + length // 2)


def days_of_period(name: str, step: int, said_on: date) -> Iterator[Days]:
    """Return the week, weekend, month, year or season so many of them away."""
    monday = said_on.toordinal() - said_on.weekday() + 7 * step
    match name:
        case "week":
            yield Days(monday, monday + 6)
        case "weekend":
            yield Days(monday + 5, monday + 6)
        case "month":
            year, month = divmod(said_on.year * 12 + said_on.month - 1 + step, 12)
            yield from _days(year, month + 1)
        case "year":
            yield whole_year(said_on.year + step)
        case _:
            begin = date(said_on.year, _SEASONS[name], 1).toordinal()
            over = begin + _SEASON_DAYS <= said_on.toordinal()
            # In autumn, "last summer" is this year's.
            year = said_on.year + (0 if step < 0 and over else step)
            begin = date(year, _SEASONS[name], 1).toordinal()
            yield Days(begin, begin + _SEASON_DAYS)


def whole_year(year: int) -> Days:
    return Days(date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal())


def _days(year: int, month: int, day: int = 0) -> Iterator[Days]:
    """Return the day; with day=0, the whole month; nothing for an impossible date."""
    try:
        last = monthrange(year, month)[1]
        yield Days(date(year, month, day or 1).toordinal(), date(year, month, day or last).toordinal())
    except ValueError:
        return


def _is_after_preposition(found: re.Match[str]) -> bool:
    before = found.string[max(found.start() - _LONGEST_PREPOSITION, 0) : found.start()]
    return bool(_PREPOSITION.search(before))
