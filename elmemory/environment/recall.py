"""Checks of the settings that limit what is remembered and what is disclosed."""

import re
import time
from collections.abc import Iterator
from itertools import pairwise

from django.conf import settings
from django.core.checks import CheckMessage, Error

from elmemory.environment.greetings import SWITCHED_OFF
from elmemory.memory.disclosure import ALL, NONE
from elmemory.memory.fields import canonical_field
from elmemory.memory.names import NAME_FIELDS
from elmemory.memory.redaction import KNOWN, OFF

_SEPARATOR = re.compile("[,;|、，；]")
_MARK = re.compile(r"[^\W_][\w -]{0,39}")
_UNITS = "a", "A", "1", " ", "-", ".", "@", "a ", "1 ", "1-", "a1", "a.", "a@", "é"
# Short texts first: they are enough to find an exponential pattern, which longer ones would block on.
_LENGTHS = (*range(8, 36, 4), 64, 128, 256, 512, 1024, 2048, 4096)
_SLOW_SECONDS = 0.05
_MOST_UNITS = 60


def unusable_recall() -> Iterator[CheckMessage]:
    for variable in ("SPOKEN_FACTS", "SEARCHABLE_FACTS"):
        names = getattr(settings, variable)
        words = {name.casefold() for name in names} & {ALL, NONE}
        if words and len(names) > 1:
            problem = "all and none cannot be combined with other entries"
        elif unusable := _positions(names, [bool(canonical_field(name)) for name in names]):
            problem = f"entry {unusable} is no field"
        else:
            continue
        hint = "Write names of data-collection fields, separated by commas: first_name, preferred_time; or none."
        yield Error(f"{variable}: {problem}.", hint=hint, id="elmemory.E050")
    if (field := settings.OPT_OUT_FIELD) and (
        _SEPARATOR.search(field)
        or not canonical_field(field)
        or canonical_field(field) in NAME_FIELDS
        or field.casefold() in SWITCHED_OFF
    ):
        hint = "Write the name of one boolean data-collection field, such as do_not_remember; or leave it empty."
        yield Error("OPT_OUT_FIELD: this is not the name of such a field.", hint=hint, id="elmemory.E053")
    names = [name.casefold() for name in settings.REDACT]
    if names != [OFF] and (unknown := _positions(names, [name in KNOWN for name in names])):
        problem = f"{OFF} cannot be combined with other entries" if OFF in names else f"entry {unknown} is unknown"
        hint = f"Write some of {', '.join(sorted(KNOWN))}, separated by commas, or {OFF}."
        yield Error(f"REDACT: {problem}.", hint=hint, id="elmemory.E051")
    for position, (name, pattern) in enumerate(settings.REDACT_PATTERNS.items(), start=1):
        if fault := _fault(name, pattern):
            problem, hint = fault
            yield Error(f"REDACT_PATTERNS: entry {position} {problem}.", hint=hint, id="elmemory.E052")


def _positions(names: list[str], usable: list[bool]) -> str:
    return ", ".join(str(position) for position, (_, good) in enumerate(zip(names, usable, strict=True), 1) if not good)


def _fault(name: str, pattern: str) -> tuple[str, str] | None:
    """Return the fault and the remedy for a pattern of REDACT_PATTERNS; None for a valid one."""
    if not _MARK.fullmatch(name):
        return "has no usable name", "Name it by letters, digits and blanks: memories show it in brackets."
    try:
        compiled = re.compile(pattern)
    except (re.error, OverflowError, RecursionError):
        return "is no regular expression", "Write one of Python's; in JSON a backslash is written twice."
    if compiled.search("") or compiled.fullmatch(" "):
        return "matches where nothing is", "Let it match at least one letter or digit."
    if _is_slow(compiled):
        return "takes too long on long texts", "Bound its repeats, such as {1,20} for +, and nest none."
    return None


def _is_slow(pattern: re.Pattern[str]) -> bool:
    """Whether the pattern takes more than 50 ms for one of the texts tried, of up to 4,096 characters.

    The texts repeat characters and adjacent pairs of the pattern. This finds nested and adjacent repeats, but not all.
    """
    written = [char for char in pattern.pattern if char.isprintable()]
    units = dict.fromkeys((*_UNITS, *written, *map("".join, pairwise(written))))
    for unit in list(units)[:_MOST_UNITS]:
        for length in _LENGTHS:
            text = (unit * length)[:length] + "\n!"
            began = time.perf_counter()
            pattern.search(text)
            if time.perf_counter() - began > _SLOW_SECONDS:
                return True
    return False
