"""Digits in texts, masked for staff who may not see whole numbers.

Masked are the caller's own number in any spelling and its parts of four or more digits, the keys that the caller
pressed (three or more), and every other row of seven or more digits: phone numbers of others, cards, accounts. Blanks
and punctuation may stand between the digits. Dates, times, years and prices stay readable. An order number looks like
a phone number, so it is masked too. Numbers that are written as words, and shorter numbers, are not masked.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any

import phonenumbers

from conversations.admin.numbers import masked
from conversations.files.paths import is_conversation_id
from conversations.files.receipts import read_receipt
from conversations.files.stored import transcription_of
from conversations.index.excerpt import excerpt
from conversations.models import Conversation
from conversations.payloads.transcription import Transcription
from elmemory.memory.caches import kept_briefly
from elmemory.memory.redaction import PAUSES

MASK = "••••"

_FEWEST_DIGITS = 7
_FEWEST_OF_OWN = 4
# One or two keys choose from a menu; such numbers are everywhere.
_FEWEST_KEYS = 3
# Entries that are no texts: ids, which make addresses, and our own figures.
_NO_TEXTS = frozenset(
    "id conversation_id agent_id agent field files clock length dollars salience latencies caller_ref speakers".split()
)

_BLANK = " \u00a0\u2000-\u200f\u202a-\u202f\u2060\u2066-\u2069"
# No line break: the numbers of a JSON list, one on each line, are not one number.
_SEPARATOR = rf"[{_BLANK}():;/\\_*'’{PAUSES}]"
_DIGITS = re.compile(rf"\+?\(?\d(?:{_SEPARATOR}{{0,5}}\d){{{_FEWEST_OF_OWN - 1},}}")
_SOME_DIGITS = re.compile(rf"\d(?:{_SEPARATOR}{{0,5}}\d){{{_FEWEST_KEYS - 1}}}")

_DAY, _MONTH, _YEAR = "(?:0?[1-9]|[12][0-9]|3[01])", "(?:0?[1-9]|1[0-2])", "(?:19|20)[0-9]{2}"
_DATE = (
    rf"(?:{_YEAR}-{_MONTH}-{_DAY}|{_YEAR}/{_MONTH}/{_DAY}|{_YEAR}\.{_MONTH}\.{_DAY}"
    rf"|(?:{_DAY}\.?[-–])?{_DAY}\. ?{_MONTH}\. ?{_YEAR}"
    rf"|{_DAY}/{_MONTH}/{_YEAR}|{_MONTH}/{_DAY}/{_YEAR}|{_DAY}-{_MONTH}-{_YEAR}|{_MONTH}-{_DAY}-{_YEAR})"
)
_CLOCK = "(?:[01]?[0-9]|2[0-3])(?:{colon}[0-5][0-9]){{1,2}}"
_PRICE = r"(?:[0-9]{1,3}(?:,[0-9]{3})+\.[0-9]{2}|[0-9]{1,3}(?:[.'’][0-9]{3})+,[0-9]{2}|[0-9]{1,6}[.,][0-9]{2})"


def _or_ranges(*patterns: str) -> str:
    return "|".join(f"{pattern}(?: ?[-–/] ?{pattern})?" for pattern in patterns)


# A part of a row of digits. "12.30" may be a time or a price.
_PART = re.compile(
    rf"(?:(?P<readable>{_or_ranges(_DATE, _CLOCK.format(colon=':') + '(?:[.,][0-9]{1,9})?')})"
    rf"|(?P<unsure>{_or_ranges(_CLOCK.format(colon='[.]'), _PRICE)}))(?=[:;,.)]*(?:[{_BLANK}]|$))"
    rf"|[^{_BLANK}]+"
)
_DIGIT, _NO_DIGIT = re.compile(r"\d"), re.compile(r"\D+")
_YEARS = re.compile(rf"{_YEAR}(?:(?:, ?| ?[-–/] ?){_YEAR})*")
_CURRENCY = "[$€£¥₹₽₺₩₪]|(?:USD|EUR|GBP|CHF|JPY|CAD|AUD|INR|SEK|NOK|DKK|PLN|BRL|MXN|CZK)"
_AFTER_CURRENCY = re.compile(rf"(?:{_CURRENCY})[{_BLANK}]?$")
_BEFORE_CURRENCY = re.compile(rf"[{_BLANK}]?(?:{_CURRENCY}|(?:euros?|dollars?|pounds?)\b)", re.IGNORECASE)
_AMOUNT = re.compile(rf"(?!0[0-9])(?:[0-9]{{1,3}}(?:[.,'’{_BLANK}][0-9]{{3}})+|[0-9]+)(?:[.,][0-9]{{1,2}})?")


def mask(value: Any, number: str = "", keys: re.Pattern[str] | None = None) -> Any:
    """The value with the digits in all of its texts masked, also in nested lists and dictionaries.

    `number` is the caller key; `keys` finds the keys that the caller pressed (see `keys_in`).
    """
    match value:
        case str():
            return _masked_text(value, number, keys)
        case dict():
            return {key: item if key in _NO_TEXTS else mask(item, number, keys) for key, item in value.items()}
        case list() | tuple():
            return [mask(item, number, keys) for item in value]
    return value


def mask_of_call(text: str, call: Conversation) -> str:
    """A text of this call, masked. The payload is read only if the text has digits that may be pressed keys."""
    text = _masked_text(text, call.caller, None)
    if may_hold_keys(text) and (keys := keys_of([call.pk])):
        return _masked_text(text, call.caller, keys)
    return text


def mask_of_unknown(text: str) -> str:
    """A text of an unknown caller, masked: three or more digits may be pressed keys, or a part of a number."""
    return _masked_text(text, "", _SOME_DIGITS)


def excerpt_of_call(words: str, parts: Sequence[str], call: Conversation, *, reveal: bool) -> str:
    """The excerpt of a call's texts, which without `reveal` are masked first, since an excerpt may cut a number."""
    if reveal or not words:
        return excerpt(words, parts)
    parts = mask(parts, call.caller)
    found = excerpt(words, parts)
    if may_hold_keys(found) and (keys := keys_of([call.pk])):
        return excerpt(words, mask(parts, call.caller, keys))
    return found


def may_hold_keys(text: str) -> bool:
    """Whether the text has enough digits in a row to be pressed keys, which are masked."""
    return _SOME_DIGITS.search(text) is not None


def keys_of(conversation_ids: Iterable[str]) -> re.Pattern[str] | None:
    """A pattern of the keys that callers pressed in these calls, and perhaps other digits; None without keys."""
    runs: set[str] = set()
    for conversation_id in filter(is_conversation_id, conversation_ids):
        if call := transcription_of(conversation_id):
            runs |= _runs(call)
        elif (receipt := read_receipt(conversation_id)) and receipt.call.get("pressed_keys"):
            return _SOME_DIGITS  # retention has removed what was pressed: it may be any digits
    return _finding(runs)


def keys_in(call: Transcription) -> re.Pattern[str] | None:
    """A pattern of the keys that the caller pressed, for texts that repeat them; None without keys."""
    return _finding(_runs(call))


def _runs(call: Transcription) -> set[str]:
    """The rows of pressed keys: of each turn, and of consecutive turns together."""
    pressed = [turn.message for turn in call.all_turns if turn.kind == "keypad"]
    of_turns = [re.sub("[ -]", "", run) for run in re.findall(r"[0-9](?:[ -]?[0-9])*", " ".join(pressed))]
    over_turns = re.findall("[0-9]+", re.sub("[^0-9#*]", "", "".join(pressed)))
    return {run for run in (*of_turns, *over_turns) if len(run) >= _FEWEST_KEYS}


def _finding(runs: Iterable[str]) -> re.Pattern[str] | None:
    spellings = [rf"{_SEPARATOR}{{0,5}}".join(map(_in_scripts, run)) for run in sorted(runs, key=len, reverse=True)]
    return re.compile(rf"(?<!\d)(?:{'|'.join(spellings)})(?!\d)") if spellings else None


def _in_scripts(digit: str) -> str:
    """The digit in Latin, full-width, Arabic, Persian and Devanagari scripts."""
    return f"[{''.join(chr(ord(zero) + int(digit)) for zero in '0０٠۰०')}]"


def _masked_text(text: str, number: str, keys: re.Pattern[str] | None) -> str:
    if number:
        text = _spellings(number).sub(masked(number), text)
    if keys:
        text = keys.sub(MASK, text)
    return _DIGITS.sub(lambda found: _masked_digits(found, number), text)


def _masked_digits(found: re.Match[str], number: str) -> str:
    """A row of digits with what is between them: unchanged, masked, or masked except its dates, times and prices."""
    text = found[0]
    digits = _only_digits(text)
    if len(digits) < _FEWEST_DIGITS:
        if digits not in number:
            return text
    elif _YEARS.fullmatch(text) or _is_amount_of_money(found):
        return text
    parts = [(part, part["readable"], part["unsure"]) for part in _PART.finditer(text)]
    others = _only_digits("".join(part[0] for part, readable, unsure in parts if not readable and not unsure))
    # Beside other digits, "12.34" is a part of their number rather than a time or a price.
    if _FEWEST_KEYS <= len(others) < _FEWEST_DIGITS and any(unsure for _, _, unsure in parts):
        parts = [(part, readable, None) for part, readable, _ in parts]
        others = _only_digits("".join(part[0] for part, readable, _ in parts if not readable))
    if len(others) < _FEWEST_DIGITS and (len(others) < _FEWEST_OF_OWN or others not in number):
        return text
    if len(others) == len(digits):
        return MASK
    pieces, end = [], 0
    for part, readable, unsure in parts:
        is_kept = readable or unsure or not _DIGIT.search(part[0])
        pieces += [text[end : part.start()], part[0] if is_kept else MASK]
        end = part.end()
    return "".join((*pieces, text[end:]))


def _is_amount_of_money(found: re.Match[str]) -> bool:
    before = found.string[max(0, found.start() - 4) : found.start()]
    is_money = _AFTER_CURRENCY.search(before) or _BEFORE_CURRENCY.match(found.string, found.end())
    return bool(is_money and _AMOUNT.fullmatch(found[0]))


def _only_digits(text: str) -> str:
    """The text's digits of any script, as ASCII."""
    digits = _NO_DIGIT.sub("", text)
    return digits if digits.isascii() else "".join(str(int(digit)) for digit in digits)


@kept_briefly(maxsize=256)
def _spellings(number: str) -> re.Pattern[str]:
    """A pattern of the number with or without its country code, and with a zero that is dialled before it."""
    parsed = phonenumbers.parse(number)
    between = r"[\s().-]*"
    country, national = (between.join(str(part)) for part in (parsed.country_code, parsed.national_number))
    return re.compile(rf"\+?\(?(?:{country}{between})?(?:(?<!\d)0{between}|(?<={parsed.country_code})0)?{national}")
