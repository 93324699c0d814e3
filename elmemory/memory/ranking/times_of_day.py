"""Finds the times of day that a text names: "09:00", "9 pm", "half past nine", "um neun Uhr"."""

import re
from functools import cache

from elmemory.memory.caches import kept_briefly
from elmemory.memory.ranking.time_words import spoken_hours
from elmemory.memory.ranking.words import folded

_HALF_A_DAY = 12 * 60
_ENGLISH = "one two three four five six seven eight nine ten eleven twelve".split()
_HOURS = dict(zip(_ENGLISH, range(1, 13), strict=True))
_CHINESE_HOURS = dict(zip("一 二 三 四 五 六 七 八 九 十 十一 十二".split(), range(1, 13), strict=True))
_PARTS = {
    "half past": 30, "quarter past": 15, "quarter after": 15, "quarter to": -15, "quarter of": -15,
    "viertel nach": 15, "viertel vor": -15, "halb": -30,
}  # fmt: skip
_MINUTES = {"fifteen": 15, "thirty": 30, "forty five": 45, "forty-five": 45}
# "At one point", "as one of the first": no time.
_AFTER_NUMBERS = "of|point|time|stage|another|others?|thing|place"
_BEFORE = r"\b(?:at|by|until|till|um|gegen|a las?|alle|as|om|kl\.?|klo|godzinie|saat|الساعة|в)\s"
_AFTER = r"\s?(?:[ap]\.?m\b\.?|uhr\b|h\b|heures?\b|horas?\b|uur\b|o\s?['’]?clock\b|часов\b|часа\b|[時点點时]|시)"


@kept_briefly(maxsize=1 << 12)
def times_named(text: str) -> tuple[set[int], str]:
    """Return the times of day in a text, and the folded text without them.

    A time is in minutes after midnight or noon, since "at nine" is 9:00 or 21:00.
    """
    found: set[int] = set()

    def take(match: re.Match[str]) -> str:
        named = match.groupdict()
        hour = _hour(named["hour"] or named["after"] or named["before"])
        minutes = int(named["minute"] or named["dotted"] or _MINUTES.get(named["spoken"] or "", 0))
        found.add((hour * 60 + minutes + _PARTS.get(named["part"] or "", 0)) % _HALF_A_DAY)
        return " "

    return found, _time().sub(take, folded(text))


@cache
def _time() -> re.Pattern[str]:
    words = "|".join(sorted((*_HOURS, *spoken_hours()), key=len, reverse=True))
    chinese = "|".join(reversed(_CHINESE_HOURS))
    hour = (
        rf"(?:(?<![\d.,:/+-])(?:[01]?\d|2[0-4])(?!\d)|(?<![^\W\d_])(?:{words})|(?<![二十])(?:{chinese})(?=[時点點时]))"
    )
    part, spoken = "|".join(_PARTS), "|".join(_MINUTES)
    minutes = (
        rf"\s?[:h時點点时시]\s?(?P<minute>[0-5]\d)(?!\d)|\.(?P<dotted>[0-5]\d)(?={_AFTER})|\s(?P<spoken>{spoken})\b"
    )
    return re.compile(
        rf"(?:{_BEFORE})?(?:(?P<part>\b(?:{part}))\s)?(?P<hour>{hour})(?:{minutes}|(?(part)\b|(?!)))(?:{_AFTER})?"
        rf"|(?:{_BEFORE})?(?P<after>{hour}){_AFTER}"
        rf"|{_BEFORE}(?P<before>{hour})\b(?!\s?%|[.,:/]\d|\s(?:{_AFTER_NUMBERS})\b)"
    )


@cache
def _hour(text: str) -> int:
    if text.isdecimal():
        return int(text)
    spoken = _HOURS | _CHINESE_HOURS
    return spoken.get(text) or next(hour for words, hour in spoken_hours().items() if re.fullmatch(words, text))
