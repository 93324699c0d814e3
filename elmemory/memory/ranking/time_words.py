"""Words of time in languages other than English, from `time_words.json`: days, "last time", "first call", "now".

The file has regular expressions for folded text, by language. `months` and `weekdays` are in order, the others are
alternatives: `last`, `this` and `next` are beside a weekday or unit; `before` and `after` mean "ago", before or after
"two weeks"; a month alone counts after a word of `in` or before one of `month_after`; `people` are people other than
the caller. A wrong day is worse than none, so possible names and amounts are no days.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

import orjson

from elmemory.memory.ranking.dates import (
    Days,
    days_away,
    days_named,
    days_of_month,
    days_of_period,
    days_of_weekday,
    whole_year,
)
from elmemory.memory.ranking.languages import ENGLISH, language_of, spoken_words
from elmemory.memory.ranking.words import MARKS, folded

_LONGEST = 1000
_STEPS = {"last": -1, "this": 0, "next": 1}
_YEARS = range(1900, 2100)
_LONGEST_MONTH = 31
_HOURS = 12
# Between two words of a phrase: only blanks; or up to two short words, such as "de la".
_TOGETHER = re.compile(r"[\s'’-]*")
_NEAR = re.compile(r"[\s'’,-]*(?:\w{1,5}[\s'’-]+){0,2}|[のは的]?")
_PREPOSITION_LENGTH = 24
_CHINESE_DIGITS = {digit: number for number, digit in enumerate("一二三四五六七八九", start=1)} | {"两": 2, "〇": 0}
_NUMERALS = "一二三四五六七八九十两"
_NUMERIC = re.compile(
    r"(?<![\d.,/-])(?:(?P<year>(?:19|20)\d\d)[./年-] ?(?P<month>\d{1,2})[./月-] ?(?P<day>\d{1,2})(?:日|号|日)?"
    r"|(?P<day_first>\d{1,2})[./-](?P<month_second>\d{1,2})[./-](?P<year_last>(?:19|20)\d\d))(?![\d/-])"
)
_DOTTED = re.compile(r"(?<![\d.,])(?P<day_first>\d{1,2})\.\s?(?P<month_second>\d{1,2})\.(?!\s?\d)")
_WITH_DOTS = frozenset(("de", "pl", "ru", "tr"))
# Required before the short name of a Portuguese weekday, which is also an ordinal.
_ON = re.compile(r"(?:^|\s)(?:na|nesta) $")
_YEAR_AFTER = re.compile(r",?\s?(?:(?:de|del|di|des|van|года?)\s)?((?:19|20)\d\d)(?!\d)")
_YEAR_BEFORE = re.compile(r"((?:19|20)\d\d)(?:年|년)\s?$")
_WHOLE_YEAR = re.compile(r"(?<![\d.,/-])(?:19|20)\d\d(?![\d/-])")


class _Word(NamedTuple):
    """A word of time in a text. `value` is a month, a weekday, a step, a number or a number of units."""

    kind: str
    value: int
    unit: str
    start: int
    end: int


class TimeWords:
    """The words of time of one language."""

    def __init__(self, language: str, entries: dict[str, Any]) -> None:
        self._entries = {name: _folded(value) for name, value in entries.items()}
        self._unspaced = bool(entries.get("unspaced"))
        self._has_dots = language in _WITH_DOTS
        self._meanings: dict[str, tuple[str, int, str]] = {}
        self.now, self.last_time, self.first_time = (
            re.compile(self._bounded(self._entries[name])) for name in ("now", "last_time", "first_time")
        )
        people = self._entries.get("people")
        # None: people and names cannot be distinguished in this language.
        self.people = re.compile(self._bounded(people)) if people else None
        self._numbers: dict[re.Pattern[str], int] = {
            re.compile(pattern): number for pattern, number in _folded(entries.get("numbers") or {}).items()
        }
        self.names_days = "months" in entries
        words = list(self._words()) if self.names_days else []
        self._word = re.compile("|".join(words)) if words else None
        self._before_month = re.compile(rf"(?:^|\W)(?:{self._entries.get('in') or '(?!)'})\W?$")
        self._month_ending = re.compile(rf"(?:{self._entries.get('month_suffix') or '(?!)'})$")
        self._after_month = re.compile(rf"\s?(?:{self._entries.get('month_after') or '(?!)'})(?!\w)")

    def days(self, text: str, said_on: date | None, years: Sequence[int] = ()) -> list[Days]:
        """Return the days that the folded text names, without doubtful ones. For English see `days_named`."""
        text = text[:_LONGEST]
        named = list(self._numeric(text, said_on, years))
        if self._word is None:
            return named
        found = [self._read(match) for match in self._word.finditer(text)]
        if found:
            named += self._spoken(text, list(self._with_periods(text, found)), said_on, years)
        if not named:
            named += (whole_year(int(year)) for year in _WHOLE_YEAR.findall(text))
        return named

    def _words(self) -> Iterator[str]:
        entries = self._entries
        for offset, pattern in (entries.get("days") or {}).items():
            yield self._group("day", int(offset), "", pattern)
        for period, pattern in (entries.get("periods") or {}).items():
            unit, step = period.split()
            yield self._group("period", int(step), unit, pattern)
        for number, pattern in enumerate(entries["weekdays"]):
            yield self._group("weekday", number, "", pattern)
        for number, pattern in enumerate(entries.get("weekdays_with") or ()):
            yield self._group("part of a weekday", number, "", pattern)
        suffix = f"(?:{entries['month_suffix']})?" if "month_suffix" in entries else ""
        for number, pattern in enumerate(entries["months"], start=1):
            yield self._group("month", number, "", f"(?:{pattern}){suffix}")
        for name, step in _STEPS.items():
            if name in entries:
                yield self._group("step", step, "", entries[name])
        for unit, pattern in entries["units"].items():
            count, _, name = unit.rpartition(" ")
            yield self._group("unit", int(count or 1), name, pattern)
        for kind in ("before", "after"):
            if kind in entries:
                yield self._group(kind, 0, "", entries[kind])
        numbers = "|".join(entries.get("numbers") or ("(?!)",))
        if self._unspaced:
            digits = rf"(?<!\d)\d{{1,4}}(?!\d)|[{_NUMERALS}]+"
            yield self._group("number", 0, "", f"{digits}|{numbers}")
        else:
            digits = r"(?<![\w.,:/-])\d{1,4}(?:\.(?!\d)|er|º|ª|[oe]|-?го|-?е|ste|de)?(?![\w:/]|,\d)"
            yield self._group("number", 0, "", numbers)
            yield self._group("number", 0, "", digits, bounded=False)

    def _group(self, kind: str, value: int, unit: str, pattern: str, *, bounded: bool = True) -> str:
        name = f"g{len(self._meanings)}"
        self._meanings[name] = kind, value, unit
        return f"(?P<{name}>{self._bounded(pattern) if bounded else pattern})"

    def _bounded(self, pattern: str) -> str:
        if self._unspaced:
            return f"(?:{pattern})"
        prefix = self._entries.get("prefix") or ""
        return rf"(?<![\w{MARKS}-]){prefix}(?:{pattern})(?![\w{MARKS}-])"

    def _read(self, match: re.Match[str]) -> _Word:
        kind, value, unit = self._meanings[str(match.lastgroup)]
        if kind == "number":
            value = self._number(match.group())
            if value in _YEARS:
                kind = "year"
        return _Word(kind, value, unit, match.start(), match.end())

    def _number(self, written: str) -> int:
        if digits := re.match(r"\d+", written):
            return int(digits.group())
        for pattern, number in self._numbers.items():
            if pattern.fullmatch(written):
                return number
        tens, ten, ones = written.rpartition("十")
        return (_CHINESE_DIGITS.get(tens, 1) * 10 if ten else 0) + _CHINESE_DIGITS.get(ones, 0)

    def _with_periods(self, text: str, words: list[_Word]) -> Iterator[_Word]:
        """Yield the words, with "last" and "week" joined."""
        at = 0
        while at < len(words):
            word, after = words[at], words[at + 1] if at + 1 < len(words) else None
            if after and {word.kind, after.kind} == {"step", "unit"} and _between(text, word, after, _TOGETHER):
                step, unit = (word, after) if word.kind == "step" else (after, word)
                yield _Word("period", step.value, unit.unit, word.start, after.end)
                at += 2
            else:
                yield word
                at += 1

    def _spoken(self, text: str, words: list[_Word], said_on: date | None, years: Sequence[int]) -> Iterator[Days]:
        for at, word in enumerate(words):
            before = words[at - 1] if at and _between(text, words[at - 1], word, _NEAR) else None
            after = words[at + 1] if at + 1 < len(words) and _between(text, word, words[at + 1], _NEAR) else None
            around = [one for one in (before, after) if one]
            if word.kind == "month":
                yield from self._month(text, word, around, said_on, years)
            elif said_on is None:
                continue
            elif word.kind == "day":
                day = said_on.toordinal() + word.value
                yield Days(day, day)
            elif word.kind in ("weekday", "part of a weekday"):
                yield from self._weekday(text, word, around, said_on)
            elif word.kind == "period" and word.unit != "day":
                if not (word.unit == "week" and any("weekday" in one.kind for one in around)):
                    yield from days_of_period(word.unit, word.value, said_on)
            elif word.kind == "unit" and (number := self._ago(text, words, at)):
                yield days_away(-number, word.unit, said_on)

    def _month(
        self,
        text: str,
        word: _Word,
        around: list[_Word],
        said_on: date | None,
        years: Sequence[int],
    ) -> Iterator[Days]:
        """Return the month or its day; nothing if the word may be a name or something else."""
        day = next((one.value for one in around if self._is_day(text, one, word)), 0)
        written = _YEAR_AFTER.match(text, word.end) or _YEAR_BEFORE.search(text, 0, word.start)
        year = int(written.group(1)) if written else 0
        is_month = (
            day
            or year
            or self._unspaced
            or any(one.kind == "step" for one in around)
            or self._before_month.search(text[max(word.start - _PREPOSITION_LENGTH, 0) : word.start])
            or self._after_month.match(text, word.end)
            or self._month_ending.search(text, word.start, word.end)
        )
        if is_month:
            yield from days_of_month(word.value, day, year, said_on, years)

    def _is_day(self, text: str, one: _Word, month: _Word) -> bool:
        """Whether the number is the day of the month: it precedes it, or follows it in Chinese, Japanese and Korean."""
        if one.kind != "number" or not 1 <= one.value <= _LONGEST_MONTH:
            return False
        if one.start > month.start:
            return self._unspaced and re.match(self._entries["day"], text[one.end :]) is not None
        return not self._unspaced

    def _weekday(self, text: str, word: _Word, around: list[_Word], said_on: date) -> Iterator[Days]:
        step = next((one.value for one in around if one.kind == "step"), None)
        week = next((one.value for one in around if one.kind == "period" and one.unit == "week"), None)
        if week is not None:
            day = next(days_of_period("week", week, said_on)).first + word.value
            yield Days(day, day)
        elif word.kind == "weekday" or step is not None or _ON.search(text, 0, word.start):
            yield from days_of_weekday(word.value, step, said_on)

    def _ago(self, text: str, words: list[_Word], at: int) -> int:
        """Return how many units ago it is; 0 if the text does not place it in the past."""
        unit, first = words[at], at
        number = unit.value
        if at and words[at - 1].kind == "number" and _between(text, words[at - 1], unit, _TOGETHER):
            first, number = at - 1, words[at - 1].value
        elif unit.value == 1 and not self._entries.get("bare_ago"):
            return 0
        is_ago = (
            first > 0
            and words[first - 1].kind == "before"
            and _between(text, words[first - 1], words[first], _TOGETHER)
        )
        following = words[at + 1] if at + 1 < len(words) else None
        is_ago |= bool(following and following.kind == "after" and _between(text, unit, following, _TOGETHER))
        return number if is_ago else 0

    def _numeric(self, text: str, said_on: date | None, years: Sequence[int]) -> Iterator[Days]:
        for found in _NUMERIC.finditer(text):
            if found["year"]:
                yield from days_of_month(int(found["month"]), int(found["day"]), int(found["year"]), said_on)
            else:
                day, month = int(found["day_first"]), int(found["month_second"])
                yield from days_of_month(month, day, int(found["year_last"]), said_on)
        for found in _DOTTED.finditer(text) if self._has_dots else ():
            yield from days_of_month(int(found["month_second"]), int(found["day_first"]), 0, said_on, years)


def days_in(language: str, text: str, said_on: date | None, years: Sequence[int] = ()) -> list[Days]:
    """Return the days that the folded text names. Languages without words of time are read as English."""
    words = time_words(language)
    return words.days(text, said_on, years) if words.names_days else days_named(text, said_on, years)


def language_of_time(question: str, language: str) -> str:
    """Return the language of the words of time in a question, which is assumed to be in `language`.

    The assumption may be wrong, above all for English: the words decide if they indicate another language.
    """
    return language_of(set(spoken_words(question)), otherwise=language) if language == ENGLISH else language


@cache
def time_words(language: str) -> TimeWords:
    """Return the words of time of this language; the English ones if it has none.

    The first call for a language takes some 20 ms, so it is made while a caller is prepared.
    """
    written = _written()
    return TimeWords(language, written[language]) if language in written else time_words(ENGLISH)


def spoken_hours() -> dict[str, int]:
    """Return patterns for the hours of a clock face in words, in all languages but English."""
    numbers = (_folded(entries.get("numbers") or {}) for entries in _written().values())
    return {pattern: hour for words in numbers for pattern, hour in words.items() if hour <= _HOURS}


@cache
def _written() -> dict[str, dict[str, Any]]:
    written: dict[str, dict[str, Any]] = orjson.loads((files(__package__) / "time_words.json").read_bytes())
    return written


def _folded(value: Any) -> Any:
    """Return the JSON value with its texts folded like questions."""
    if isinstance(value, str):
        return folded(value)
    if isinstance(value, list):
        return [_folded(one) for one in value]
    return {folded(name): _folded(one) for name, one in value.items()} if isinstance(value, dict) else value


def _between(text: str, first: _Word, second: _Word, what: re.Pattern[str]) -> bool:
    return what.fullmatch(text, first.end, second.start) is not None
