"""Filler numbers: what networks send in place of a number that is withheld or not known."""

import phonenumbers

_WORDS = "anonymous", "restricted", "unknown", "private", "unavailable", "blocked"
# Spelled on a keypad, these too are as long as a number of some country, and none of them is valid there.
_RARER_WORDS = *_WORDS, "withheld", "outofarea", "notavailable", "undefined", "unbekannt", "desconocido", "sconosciuto"
_KEYPAD = str.maketrans("abcdefghijklmnopqrstuvwxyz", "22233344455566677778889999")
_SHORTEST_WORD = 7

_SPELLED_WORDS = frozenset(word.translate(_KEYPAD) for word in _RARER_WORDS)
# With a 1 before them, cut off, or both: but a 1 and ten digits are a North American number.
_SPELLED_PARTS = frozenset(
    first + digits[:length]
    for digits in _SPELLED_WORDS
    for length in range(_SHORTEST_WORD, len(digits) + 1)
    for first in ("", "1")
    if len(first + digits[:length]) != len("14155550100") or digits == first + digits[:length]
)

_UP, _DOWN = "1234567890" * 2, "0987654321" * 2
_ALL_TEN_DIGITS = "1234567890", "9876543210", "0987654321"
_NORTH_AMERICA = "1"
_ZERO_SUBSCRIBER = 6


def spells_a_word(digits: str) -> bool:
    """Whether the digits of an id, all of them, are a network's word for a withheld number, typed on a keypad."""
    return digits.lstrip("+0") in _SPELLED_WORDS or digits.removeprefix("+") in _SPELLED_PARTS


def is_filler(country: str, national: str) -> bool:
    """Whether this number, a country code and a national number that the plan has room for, is a filler.

    One digit repeated, digits that count up or down, a subscriber number of zeros, an area that cannot be. Numbers that
    are valid by their plan and only look like one are callers: +48 12 345 67 89 is a number in Krakow.
    """
    if len(set(national)) == 1:
        return True
    if country == _NORTH_AMERICA and _is_impossible_in_north_america(national):
        return True
    digits = country + national
    if (_counts(digits) and len(digits) >= len(_ALL_TEN_DIGITS[0])) or national in _ALL_TEN_DIGITS:
        return True
    counts, zeros = _counts(national) or _counts(digits), len(national) - len(national.rstrip("0"))
    if not counts and zeros < _ZERO_SUBSCRIBER:
        return False
    number = phonenumbers.parse(f"+{digits}", None)
    valid = phonenumbers.is_valid_number(number)
    return not valid if counts else _is_zero_subscriber(number, len(national), zeros, valid=valid)


def _counts(digits: str) -> bool:
    return digits in _UP or digits in _DOWN


def _is_impossible_in_north_america(national: str) -> bool:
    """No area begins with 0 or 1, none is a service such as 911, and no subscriber number begins with 000."""
    if national[0] in "01":
        return True
    if len(national) != len("4155550100"):
        return False
    area, rest = national[:3], national[3:]
    return rest.startswith("000") or area.endswith("11")


def _is_zero_subscriber(number: phonenumbers.PhoneNumber, length: int, zeros: int, *, valid: bool) -> bool:
    if number.country_code == int(_NORTH_AMERICA):
        return False  # 000 is an exchange that cannot be; 200 0000 is a number
    if not valid:
        return True
    if area := phonenumbers.length_of_geographical_area_code(number):
        return area + zeros >= length
    # Without areas +47 22 00 00 00 is a number like others; seven zeros after the first digits are not.
    return zeros > _ZERO_SUBSCRIBER and phonenumbers.length_of_national_destination_code(number) + zeros >= length
