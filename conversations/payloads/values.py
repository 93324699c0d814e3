"""Lenient readers of the values in payloads, one for each kind of value."""

import contextlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

_DECIMAL = re.compile(r"[0-9]{1,15}(\.[0-9]{1,9})?")
_LATEST = 2**34
# In September 2001. A larger number counts milliseconds since 1970, not seconds.
_FEWEST_MILLISECONDS = 10**12
_LONGEST = 2**31
_LONGEST_CALL = 30 * 24 * 3600


def number(value: object) -> float | None:
    """The value as a number, which may be written as text; None for other values and from 2**53 on."""
    match value:
        case bool():
            return None
        case int() | float():
            return value if abs(value) < 2**53 else None
        case str() if decimal := _DECIMAL.fullmatch(value.strip()):
            return float(decimal[0]) if decimal[1] else int(decimal[0])
    return None


def seconds(value: object) -> float | None:
    """A duration or a time in a call, in seconds; None if the value is neither."""
    duration = number(value)
    return duration if duration is not None and 0 <= duration < _LONGEST else None


def call_seconds(value: object) -> int | None:
    """The length of a call in whole seconds; None if it is not a number, or longer than 30 days."""
    length = seconds(value)
    return int(length) if length is not None and length <= _LONGEST_CALL else None


def unix_seconds(value: object) -> float | None:
    """A time in seconds since 1970, from seconds or milliseconds (also as text) or ISO 8601 (UTC without an offset).

    None if the value is not a time after 1970.
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
    """The `event_timestamp` in seconds since 1970; None without a usable one."""
    return unix_seconds(event.get("event_timestamp")) if isinstance(event, Mapping) else None


def text(value: object) -> str:
    """The value if it is a string, without NUL and lone surrogates; else an empty string."""
    return well_formed(value) if isinstance(value, str) else ""


def is_true(value: object) -> bool:
    """Whether a flag is set: true, or the string "true"."""
    return value is True or (isinstance(value, str) and value.strip().casefold() == "true")


def dicts(value: object) -> list[dict[str, Any]]:
    """The objects in a JSON list; an empty list for other values."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def well_formed(text: str) -> str:
    """The text without NUL, and with lone surrogates replaced: neither databases nor UTF-8 can hold those.

    No store holds NUL: the digest of a text with NUL would differ from that of the memory made from it.
    """
    text = text.replace("\x00", "")
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
