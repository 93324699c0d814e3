"""Days and spans of days as conditions on calls. Days are in the server's time zone, as in the rows."""

from datetime import date, datetime, time, timedelta
from typing import NamedTuple

from django.db.models import Q
from django.utils.timezone import get_default_timezone, localdate

_SECOND = 1 << 30  # of a sort key


class Period(NamedTuple):
    """The days from the first to the last, both included; None is open."""

    first: date | None
    last: date | None

    @property
    def condition(self) -> Q:
        """The condition on sort keys, which rise with the start of calls and have an index."""
        found = Q()
        if self.first:
            found &= Q(sort_key__gte=_start(self.first) * _SECOND)
        if self.last and self.last < date.max:
            found &= Q(sort_key__lt=_start(self.last + timedelta(days=1)) * _SECOND)
        return found

    @property
    def days(self) -> Q:
        """The condition on days, for figures: their index begins with the day."""
        bounds = {"started_on__gte": self.first, "started_on__lte": self.last}
        return Q(**{lookup: day for lookup, day in bounds.items() if day})


def today() -> date:
    return localdate(timezone=get_default_timezone())


def last_days(days: int) -> Period:
    """Today and the days before it, `days` in all."""
    return Period(today() - timedelta(days=days - 1), today())


def yesterday() -> Period:
    return Period(today() - timedelta(days=1), today() - timedelta(days=1))


def _start(day: date) -> int:
    """The start of the day in whole seconds since 1970, as in sort keys; 0 for days before 1970."""
    try:
        return max(0, int(datetime.combine(day, time.min, get_default_timezone()).timestamp()))
    except (OverflowError, ValueError):
        return 0
