"""Phone numbers on pages: masked, and whole only for those who may see them."""

import re
from functools import lru_cache
from typing import Any

import phonenumbers
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

_BETWEEN_DIGITS = r"[\s().-]*"


def may_reveal(request: HttpRequest) -> bool:
    return request.user.has_perm("conversations.reveal_number")


def masked(number: str) -> str:
    """`+14155550100` as `+14•••••••00`."""
    return f"{number[:3]}{'•' * max(3, len(number) - 5)}{number[-2:]}" if number else ""


@lru_cache(maxsize=4096)
def spelled(number: str) -> str:
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return number
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def number_element(number: str, *, reveal: bool) -> SafeString:
    """The masked number; a button that shows the whole one where that is allowed."""
    if not number:
        return SafeString("")
    if not reveal:
        return format_html('<span class="number">{}</span>', masked(number))
    return format_html(
        '<button type="button" class="number" data-number="{}" title="Show the number">{}</button>',
        spelled(number),
        masked(number),
    )


def without_number(value: Any, number: str) -> Any:
    """The value with this caller's number masked in all of its texts, however it is spelled there."""
    return replaced_in(value, _spellings(number), masked(number)) if number else value


def replaced_in(value: Any, pattern: re.Pattern[str], replacement: str) -> Any:
    """The value with what the pattern finds replaced in all of its texts, also in nested lists and dictionaries."""
    match value:
        case str():
            return pattern.sub(replacement, value)
        case dict():
            return {key: replaced_in(item, pattern, replacement) for key, item in value.items()}
        case list() | tuple():
            return [replaced_in(item, pattern, replacement) for item in value]
    return value


@lru_cache(maxsize=256)
def _spellings(number: str) -> re.Pattern[str]:
    parsed = phonenumbers.parse(number)
    national = str(parsed.national_number)
    country = _BETWEEN_DIGITS.join(str(parsed.country_code))
    return re.compile(rf"\+?\(?(?:{country}{_BETWEEN_DIGITS})?{_BETWEEN_DIGITS.join(national)}")
