"""Who is calling: raw ids, as ElevenLabs and its models send them, become a caller key or nobody.

A caller key is an E.164 number (`+14155550100`), which is also the user id in OpenMemory.
"""

import re
from collections.abc import Iterable
from functools import lru_cache

import phonenumbers
from django.conf import settings

# What networks send in place of a number, and the same words typed on a keypad.
_WITHHELD_WORDS = "anonymous", "restricted", "unknown", "private", "unavailable", "blocked"
_KEYPAD = str.maketrans("abcdefghijklmnopqrstuvwxyz", "22233344455566677778889999")
_WITHHELD_NUMBERS = frozenset(word.translate(_KEYPAD) for word in _WITHHELD_WORDS)

_PREFIXED = re.compile(r"(?:sips?|whatsapp|tel):(\+[0-9]+)(?:[@;].*)?", re.IGNORECASE | re.DOTALL)
_SPELLED_NUMBER = re.compile(r"\+?[0-9(][0-9 ()./\u00a0-]*")
_LONGEST_ID = 256


def caller_key(raw: object) -> str | None:
    """The caller key of one raw id, or None where it identifies nobody.

    `raw` is whatever stood in the payload; anything but text and whole numbers is nobody.
    """
    if isinstance(raw, int) and not isinstance(raw, bool):
        raw = str(raw) if raw.bit_length() < 64 else ""
    if not isinstance(raw, str) or len(raw) > _LONGEST_ID:
        return None
    return _caller_key(raw.strip(), settings.DEFAULT_REGION)


def other_party(*raw_ids: object) -> str | None:
    """The first of the raw ids that is a caller and not one of our own numbers (`AGENT_NUMBERS`)."""
    ours = agent_numbers()
    return next((key for raw in raw_ids if (key := caller_key(raw)) and key not in ours), None)


def caller_of_ring(caller_id: object, called_number: object) -> str | None:
    """The customer of a call that is being set up.

    That is the calling party, except where it is one of our own numbers (an outbound call): then it
    is the called one. A stranger who rings us stays a stranger.
    """
    caller = caller_key(caller_id)
    if caller is not None and caller in agent_numbers():
        return other_party(called_number)
    return caller


def caller_of_call(*, outbound: bool, external_number: object, caller_id: object, called_number: object) -> str | None:
    """The customer of a finished call, from what its payload says of the two parties."""
    # What is no text and no number says nothing; a text that is no caller says that it is nobody.
    if external_number != "" and isinstance(external_number, str | int) and not isinstance(external_number, bool):
        return other_party(external_number)
    if outbound:
        return other_party(called_number)
    return caller_of_ring(caller_id, called_number)


def agent_numbers() -> frozenset[str]:
    raw_ids = settings.AGENT_NUMBERS
    return _caller_keys(tuple(raw_ids), settings.DEFAULT_REGION) if raw_ids else frozenset()


@lru_cache(maxsize=8)
def _caller_keys(raw_ids: Iterable[str], region: str) -> frozenset[str]:
    return frozenset(key for raw in raw_ids if (key := _caller_key(raw.strip(), region)))


@lru_cache(maxsize=4096)
def _caller_key(raw: str, region: str) -> str | None:
    if prefixed := _PREFIXED.fullmatch(raw):
        raw = prefixed[1]
    if not _SPELLED_NUMBER.fullmatch(raw):
        return None
    digits = re.sub(r"[^0-9]", "", raw)
    if digits in _WITHHELD_NUMBERS:
        return None
    if raw.startswith("+"):
        return _e164(raw, None)
    if region and (national := _e164(raw, region)):
        return national
    return _e164(f"+{digits}", None)


def _e164(spelled: str, region: str | None) -> str | None:
    try:
        number = phonenumbers.parse(spelled, region)
    except phonenumbers.NumberParseException:
        return None
    plausible = phonenumbers.is_valid_number(number) if region else phonenumbers.is_possible_number(number)
    if not plausible:
        return None
    key = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    if key[1:] in _WITHHELD_NUMBERS:
        return None
    # A row of zeros loses one with each reading: what has no stable form is nobody's number.
    return key if key == spelled or _e164(key, None) == key else None
