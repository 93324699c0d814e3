"""Values of payloads, read leniently: one reader for each kind of value, whoever asks for it."""

import contextlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

_DECIMAL = re.compile(r"[0-9]{1,15}(\.[0-9]{1,9})?")
_LATEST = 2**34
# Of the year 2001. What is as large as this counts milliseconds since 1970, not seconds.
_FEWEST_MILLISECONDS = 10**12
_LONGEST = 2**31
_LONGEST_CALL = 30 * 24 * 3600


def number(value: object) -> float | None:
    """A number, or one written as text; None for anything else, and for what no time and no duration can be."""
    match value:
        case bool():
            return None
        case int() | float():
            return value if abs(value) < 2**53 else None
        case str() if decimal := _DECIMAL.fullmatch(value.strip()):
            return float(decimal[0]) if decimal[1] else int(decimal[0])
    return None


def seconds(value: object) -> float | None:
    """A duration in seconds, or a time in a call; None where the value is none."""
    duration = number(value)
    return duration if duration is not None and 0 <= duration < _LONGEST else None


def call_seconds(value: object) -> int | None:
    """The length of a call in whole seconds, 30 days at most; None where the value is none."""
    length = seconds(value)
    return int(length) if length is not None and length <= _LONGEST_CALL else None


def unix_seconds(value: object) -> float | None:
    """A moment in seconds since 1970, from seconds or milliseconds (also as text) or an ISO 8601 text (UTC without
    an offset); None where the value is no moment after 1970.
    """
    moment = number(value)
    if moment is not None and moment >= _FEWEST_MILLISECONDS:
        moment /= 1000
    if moment is None and isinstance(value, str):
        with contextlib.suppress(ValueError, OverflowError):
            stated = datetime.fromisoformat(value.strip())
            moment = (stated if stated.tzinfo else stated.replace(tzinfo=UTC)).timestamp()
    return moment if moment is not None and 0 < moment < _LATEST else None


def event_seconds(event: object) -> float | None:
    """When ElevenLabs made the event, in seconds since 1970; None where its `event_timestamp` does not say."""
    return unix_seconds(event.get("event_timestamp")) if isinstance(event, Mapping) else None


def text(value: object) -> str:
    """The value where it is a text, without lone surrogates; empty where it is none."""
    return well_formed(value) if isinstance(value, str) else ""


def is_true(value: object) -> bool:
    """Whether a flag is set: JSON's true, or the word."""
    return value is True or (isinstance(value, str) and value.strip().casefold() == "true")


def dicts(value: object) -> list[dict[str, Any]]:
    """The objects of a JSON list; none where the value is no list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def well_formed(text: str) -> str:
    """The text with lone surrogates, which no database and no wire takes, replaced."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
