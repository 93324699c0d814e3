"""Parses days and times in the arguments of commands."""

from datetime import datetime

from django.core.management.base import CommandError
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.timezone import make_aware


def day_or_time(text: str | None) -> datetime | None:
    """The time of a text like 2026-11-01 or 2026-11-01T09:30, in TIME_ZONE unless it has an offset; None for None.

    Raises CommandError for any other text.
    """
    if text is None:
        return None
    try:
        when = parse_datetime(text)
        if when is None and (day := parse_date(text)):
            when = datetime(day.year, day.month, day.day)
    except ValueError:
        when = None
    if when is None:
        raise CommandError(f"{text!r} is not a day or time; write it as 2026-11-01 or 2026-11-01T09:30")
    return when if when.tzinfo else make_aware(when)
