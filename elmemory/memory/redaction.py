"""Numbers that must not be remembered: card numbers, US social security numbers, and what REDACT_PATTERNS adds.

They are replaced in memories only; payloads stay as they arrived. Digits spoken as words are not found.
"""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache

from django.conf import settings

OFF = "off"

# For a character class: dashes, stops, commas, dots and pauses of any script, and marks that take no room.
PAUSES = (
    r"\-\u00ad\u2010-\u2015\u2212\u301c\u30fc\uff0d\uff5e"
    r".,\u00b7\u060c\u066b\u066c\u06d4\u0964\u2022\u2026\u2027\u3001\u3002\u30fb\uff0c\uff0e\uff61\uff64\uff65"
    r"\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff"
)
# Between the digits of a number: blanks, and what speech recognition writes for pauses.
_GAP = rf"[\s/_{PAUSES}]{{0,5}}"
_NUMBER = rf"\d(?:{_GAP}\d)"
# Excludes phone numbers with a plus, IBANs and parts of ids.
_NOT_AFTER = r"(?<![A-Za-z0-9_+])(?<!\+ )(?<![A-Z][A-Z]\d\d )"
_MAYBE_CARD = re.compile(rf"{_NOT_AFTER}{_NUMBER}{{12,}}(?![A-Za-z0-9_])")
_GROUP = re.compile(r"\d+")
_CARD_LENGTHS = range(19, 12, -1)
# First digits by length, from the networks' published ranges. Sixteen digits may begin with any but zero.
_NETWORKS = {
    13: re.compile("4"),
    14: re.compile("30[0-5]|3[689]"),
    15: re.compile("3[47]|1800|2131"),
    16: re.compile("[1-9]"),
    17: re.compile("3|5[0678]|6|220"),
    18: re.compile("3|5[0678]|6|220"),
    19: re.compile("[3-6]|220"),
}
_DOUBLED = [0, 2, 4, 6, 8, 1, 3, 5, 7, 9]

_SSN = r"(?!000|666|9\d\d)\d{3}%s(?!00)\d\d%s(?!0000)\d{4}"
_DASH = r" ?[-\u2010-\u2015\u2212] ?"
_WRITTEN_SSN = re.compile(rf"(?<![\w+-]){_SSN % (_DASH, _DASH)}(?![\w-])", re.ASCII)
_BARE_SSN = re.compile(_SSN % ("", ""))
_NINE_DIGITS = re.compile(rf"{_NOT_AFTER}{_NUMBER}{{8}}(?![A-Za-z0-9_]|{_GAP}\d)")
_ABOUT_SSN = re.compile(r"(?<![^\W_])(?:ssns?|socials?|ss ?#)(?![^\W_])", re.IGNORECASE)
_WORDS_AROUND = 80
_CARD_MARK, _SSN_MARK = "[card number]", "[social security number]"

type Redact = Callable[[str, str], str]


def redacted(text: str, context: str = "") -> str:
    """Replace what REDACT and REDACT_PATTERNS name by marks: "[card number]", "[social security number]".

    `context` helps to recognise numbers: the agent's question, or the field's label.
    """
    return _replaced(text, context, tuple(settings.REDACT))


def fully_redacted(text: str, context: str = "") -> str:
    """Replace numbers like `redacted`, but of all kinds, as if REDACT were not set."""
    return _replaced(text, context, ())


def _replaced(text: str, context: str, names: tuple[str, ...]) -> str:
    for redact in _redactions(names, tuple(settings.REDACT_PATTERNS.items())):
        text = redact(text, context)
    return text


def _without_cards(text: str, context: str) -> str:  # noqa: ARG001
    return _MAYBE_CARD.sub(lambda found: _without_cards_among(found.group()), text)


def _without_cards_among(numbers: str) -> str:
    """Replace card numbers, which consist of whole groups of digits; an expiry date may be next to one."""
    groups = list(_GROUP.finditer(numbers))
    result, written, at = "", 0, 0
    while at < len(groups):
        end = _end_of_card(groups, at)
        if end is None:
            at += 1
            continue
        result += numbers[written : groups[at].start()] + _CARD_MARK
        written, at = groups[end].end(), end + 1
    return result + numbers[written:]


def _end_of_card(groups: list[re.Match[str]], start: int) -> int | None:
    """Return the index of the last group of the longest card number that begins with this group; None for none."""
    digits, ends = "", dict[int, int]()
    for at in range(start, len(groups)):
        digits += groups[at].group()
        if len(digits) > _CARD_LENGTHS[0]:
            break
        ends[len(digits)] = at
    return next((ends[length] for length in _CARD_LENGTHS if length in ends and _is_card(digits[:length])), None)


def _is_card(digits: str) -> bool:
    numbers = [int(digit) for digit in digits]  # of any script
    if not _NETWORKS[len(numbers)].match("".join(map(str, numbers))):
        return False
    return (sum(numbers[-1::-2]) + sum(_DOUBLED[number] for number in numbers[-2::-2])) % 10 == 0


def _without_ssns(text: str, context: str) -> str:
    text = _WRITTEN_SSN.sub(_SSN_MARK, text)
    if not _ABOUT_SSN.search(context) and not _ABOUT_SSN.search(text):
        return text

    def replaced(found: re.Match[str]) -> str:
        around = f"{context} {text[max(0, found.start() - _WORDS_AROUND) : found.end() + _WORDS_AROUND]}"
        digits = "".join(str(int(char)) for char in found.group() if char.isdecimal())
        return _SSN_MARK if _ABOUT_SSN.search(around) and _BARE_SSN.fullmatch(digits) else found.group()

    return _NINE_DIGITS.sub(replaced, text)


_KNOWN: Mapping[str, Redact] = {"cards": _without_cards, "ssn": _without_ssns}
KNOWN = frozenset(_KNOWN)


@lru_cache(maxsize=8)
def _redactions(names: tuple[str, ...], patterns: tuple[tuple[str, str], ...]) -> list[Redact]:
    wanted = [name.casefold() for name in names] or list(_KNOWN)
    if wanted == [OFF]:
        return []
    return [*(_KNOWN[name] for name in wanted if name in _KNOWN), *(_of_pattern(*pattern) for pattern in patterns)]


def _of_pattern(name: str, pattern: str) -> Redact:
    compiled = re.compile(pattern)

    def redact(text: str, context: str) -> str:  # noqa: ARG001
        return compiled.sub(lambda _: f"[{name}]", text)

    return redact
