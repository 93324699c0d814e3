"""Types for the arguments of commands. A text that they cannot read ends the command before it does anything."""

import re
from argparse import ArgumentTypeError
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.management.base import CommandError
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.timezone import make_aware


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number within bounds, in digits. Bounds of commands are generous: they refuse what makes no sense."""

    least: int
    most: int

    def __call__(self, text: str) -> int:
        if text.isascii() and text.isdecimal() and len(text) <= 12 and self.least <= int(text) <= self.most:
            return int(text)
        raise ArgumentTypeError(f"write a whole number from {self.least} to {self.most}")


PORT = Whole(1, 65535)
JOBS = Whole(1, 64)


def per_second(text: str) -> float:
    """Return a number of calls or requests per second; 0 is no limit."""
    if not re.fullmatch(r"[0-9]{1,6}(?:\.[0-9]{1,3})?", text):
        raise ArgumentTypeError("write a number per second, such as 5 or 0.5; 0 is no limit")
    return float(text)


def day_or_time(text: str) -> datetime:
    """Return the time of a text like 2026-11-01 or 2026-11-01T09:30, in TIME_ZONE unless it has an offset."""
    try:
        when = parse_datetime(text)
        if when is None and (day := parse_date(text)):
            when = datetime(day.year, day.month, day.day)
    except ValueError:
        when = None
    if when is None:
        raise ArgumentTypeError(f"{text!r} is not a day or time; write it as 2026-11-01 or 2026-11-01T09:30")
    return when if when.tzinfo else make_aware(when)


def refuse_idle(options: Mapping[str, Any], unless: bool, *names: str, only: str) -> None:
    """Raise CommandError if one of these options is given without what gives it an effect, which `only` names."""
    for name in () if unless else names:
        if options[name] not in (None, False, []):
            raise CommandError(f"--{name.replace('_', '-')} has an effect only {only}")


def period(since: datetime | None, until: datetime | None) -> tuple[datetime | None, datetime | None]:
    """Return both times. Raises CommandError if no time lies between them."""
    if since and until and since >= until:
        raise CommandError("--until must be later than --since")
    return since, until
