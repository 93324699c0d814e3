"""Days and times as people write them on a command line."""

from datetime import datetime

from django.core.management.base import CommandError
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.timezone import make_aware


def day_or_time(text: str | None) -> datetime | None:
    """2026-11-01 or 2026-11-01T09:30, in TIME_ZONE where it names none. CommandError for anything else."""
    if text is None:
        return None
    try:
        when = parse_datetime(text)
        if when is None and (day := parse_date(text)):
            when = datetime(day.year, day.month, day.day)
    except ValueError:
        when = None
    if when is None:
        raise CommandError(f"{text!r} is no day or time; write it as 2026-11-01 or 2026-11-01T09:30")
    return when if when.tzinfo else make_aware(when)
