"""Filler numbers: what networks send for a withheld or unknown number."""

import phonenumbers

_WORDS = "anonymous", "restricted", "unknown", "private", "unavailable", "blocked"
# Typed on a keypad, these words have the length of a phone number in some country, but are not valid there.
_RARER_WORDS = *_WORDS, "withheld", "outofarea", "notavailable", "undefined", "unbekannt", "desconocido", "sconosciuto"
_KEYPAD = str.maketrans("abcdefghijklmnopqrstuvwxyz", "22233344455566677778889999")
_SHORTEST_WORD = 7

_SPELLED_WORDS = frozenset(word.translate(_KEYPAD) for word in _RARER_WORDS)
# Words cut off or with a leading 1. A 1 and ten digits are excluded: they may be a North American number.
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
    """Whether the id's digits are a network's word for a withheld number, typed on a keypad."""
    return digits.lstrip("+0") in _SPELLED_WORDS or digits.removeprefix("+") in _SPELLED_PARTS


def is_filler(country: str, national: str) -> bool:
    """Whether this number, a country code and a national number of possible length, is a filler.

    Fillers are one repeated digit, digits that count up or down, a subscriber number of zeros, an impossible area code.
    A number that counts but is valid in its plan is a caller: +48 12 345 67 89 is a number in Krakow.
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
    """Whether the area code begins with 0 or 1 or is a service (911), or the subscriber number begins with 000."""
    if national[0] in "01":
        return True
    if len(national) != len("4155550100"):
        return False
    area, rest = national[:3], national[3:]
    return rest.startswith("000") or area.endswith("11")


def _is_zero_subscriber(number: phonenumbers.PhoneNumber, length: int, zeros: int, *, valid: bool) -> bool:
    if number.country_code == int(_NORTH_AMERICA):
        return False  # 000 is no exchange, but 200 0000 is a number
    if not valid:
        return True
    if area := phonenumbers.length_of_geographical_area_code(number):
        return area + zeros >= length
    # In a plan without area codes +47 22 00 00 00 is an ordinary number; with seven zeros it is a filler.
    return zeros > _ZERO_SUBSCRIBER and phonenumbers.length_of_national_destination_code(number) + zeros >= length
