"""Who is calling: a raw id, as ElevenLabs and its models send it, becomes a caller key or None.

A caller key is an E.164 number (`+14155550100`), which is also the user id in OpenMemory.
"""

from functools import lru_cache
from typing import NamedTuple

from django.conf import settings

from elmemory.memory.caches import kept_briefly, read_once
from elmemory.memory.fillers import is_filler
from elmemory.memory.numbers import LONGEST_ID, Conventions, Number, other_spellings, read_number

_SPARED, _RANGE = "!", "*"


def caller_key(raw: object) -> str | None:
    """Return the caller key of a raw id; None if it identifies no caller.

    `raw` is any value from a payload. Only texts and whole numbers can identify a caller.
    """
    return _key(raw, _rules().conventions)


def number_key(raw: object) -> str | None:
    """Return the E.164 form of the number in a raw id, even of a filler; None if it is no number."""
    number = _number(_text(raw), _rules().conventions)
    return number.e164 if number else None


def other_party(*raw_ids: object) -> str | None:
    """Return the first caller key of these raw ids that is not one of our own numbers (`AGENT_NUMBERS`)."""
    conventions = _rules().conventions
    others = (raw for raw in raw_ids if not _is_ours(raw, conventions))
    return next((key for raw in others if (key := _key(raw, conventions))), None)


def is_agent_number(raw: object) -> bool:
    """Whether a raw id is one of our own numbers (`AGENT_NUMBERS`)."""
    return _is_ours(raw, _rules().conventions)


def caller_of_ring(caller_id: object, called_number: object) -> str | None:
    """Return the caller key of the customer of a call that is being set up.

    The customer is the calling party; or the called party, if the calling party is one of our own numbers (an outbound
    call). A stranger who rings us stays a stranger.
    """
    conventions = _rules().conventions
    if _is_ours(caller_id, conventions):
        return other_party(called_number)
    return _key(caller_id, conventions)


def caller_of_call(*, outbound: bool, external_number: object, caller_id: object, called_number: object) -> str | None:
    """Return the caller key of the customer of a finished call, from the parties in its payload.

    `external_number` is the customer by the section of the call's channel (`phone_call`, `whatsapp`, `sms`). Raw ids
    may be of any type: what is neither text nor number counts as absent, an unusable text as a stranger.
    """
    if external_number != "" and isinstance(external_number, str | int) and not isinstance(external_number, bool):
        return other_party(external_number)
    if outbound:
        return other_party(called_number)
    return caller_of_ring(caller_id, called_number)


def former_keys(key: str) -> list[str]:
    """Return the keys that this caller may have had before spellings of their number were merged."""
    conventions = _rules().conventions
    number = _number(key, conventions)
    return other_spellings(number, conventions.separate) if number else []


def unreadable_not_callers() -> list[str]:
    """Return the entries of `NOT_CALLERS` that are neither a number nor a range."""
    return [entry for entry in _rules().not_callers if not _entry(entry, _rules().conventions).start]


def spared_and_excluded() -> tuple[set[str], set[str]]:
    """The entries of `NOT_CALLERS` with and without "!": numbers in E.164, ranges with * at their end."""
    spared, excluded = set[str](), set[str]()
    for entry in _entries(_rules().not_callers, _rules().conventions):
        if entry.start:
            (spared if entry.spared else excluded).add(entry.start + (_RANGE if entry.is_range else ""))
    return spared, excluded


def _text(raw: object) -> str:
    """Return the id as stripped text; empty if it has another type, or is longer than any id."""
    if isinstance(raw, int) and not isinstance(raw, bool):
        raw = str(raw) if raw.bit_length() < 64 else ""
    return raw.strip() if isinstance(raw, str) and len(raw) <= LONGEST_ID else ""


class _Rules(NamedTuple):
    conventions: Conventions
    not_callers: tuple[str, ...]
    agent_numbers: tuple[str, ...]


@read_once
def _rules() -> _Rules:
    """Return the settings for callers."""
    conventions = Conventions(
        settings.DEFAULT_REGION, tuple(settings.TRUSTED_SIP_HOSTS), tuple(settings.SEPARATE_SPELLINGS)
    )
    return _Rules(conventions, tuple(settings.NOT_CALLERS), tuple(settings.AGENT_NUMBERS))


def _key(raw: object, conventions: Conventions) -> str | None:
    return _caller_key(_text(raw), conventions, _rules().not_callers)


def _is_ours(raw: object, conventions: Conventions) -> bool:
    if not (agent_numbers := _rules().agent_numbers):
        return False
    number = _number(_text(raw), conventions)
    return number is not None and number in _numbers(agent_numbers, conventions)


@lru_cache(maxsize=64)
def _numbers(raw_ids: tuple[str, ...], conventions: Conventions) -> frozenset[Number]:
    return frozenset(number for raw in raw_ids if (number := _number(raw.strip(), conventions)))


@kept_briefly(maxsize=4096)
def _caller_key(raw: str, conventions: Conventions, not_callers: tuple[str, ...]) -> str | None:
    number = _number(raw, conventions)
    if number is None:
        return None
    key = number.e164
    listed = [entry.spared for entry in _entries(not_callers, conventions) if entry.names(key)]
    if listed:
        return key if any(listed) else None
    return None if is_filler(number.country, number.national) else key


@kept_briefly(maxsize=4096)
def _number(raw: str, conventions: Conventions) -> Number | None:
    return read_number(raw, conventions)


class _Entry(NamedTuple):
    """One entry of NOT_CALLERS: a number, or all numbers with this start. `spared` numbers are always callers."""

    start: str
    is_range: bool
    spared: bool

    def names(self, key: str) -> bool:
        return bool(self.start) and (key.startswith(self.start) if self.is_range else key == self.start)


@lru_cache(maxsize=8)
def _entries(not_callers: tuple[str, ...], conventions: Conventions) -> tuple[_Entry, ...]:
    return tuple(_entry(each, conventions) for each in not_callers)


def _entry(text: str, conventions: Conventions) -> _Entry:
    spared, text = text.startswith(_SPARED), text.removeprefix(_SPARED).strip()
    if text.endswith(_RANGE):
        digits = "".join(filter(str.isdecimal, text)).lstrip("0")
        return _Entry(f"+{digits}" if digits else "", is_range=True, spared=spared)
    number = _number(text, conventions)
    return _Entry(number.e164 if number else "", is_range=False, spared=spared)
