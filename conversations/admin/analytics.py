"""Figures of the calls of a list, over time and per agent: counts, shares, medians and 95th percentiles.

One query groups the calls by day and agent, from an index with all of these columns. It returns the lengths and waits
of a group as one text, because counting them here is faster than a query per percentile.
"""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import accumulate, chain, repeat
from math import ceil
from typing import Any, NamedTuple

from django.core.exceptions import EmptyResultSet
from django.db import connections
from django.db.models import CharField, Count, F, Q, QuerySet, StringAgg, Sum, Value
from django.db.models.functions import Cast, Coalesce
from django.db.models.lookups import Exact

from conversations.admin.call_list import count_of
from conversations.admin.dashboard import share
from conversations.index import outcomes
from conversations.index.periods import Period
from conversations.index.schema import ALIAS
from conversations.models import Conversation

# More bars are too thin to be clicked, and a page of more than 80 KB.
_MOST_BARS = 31
_WEEK = 7
_EARLIEST, _LATEST = date(1969, 12, 31), date(2515, 1, 1)
MOST_AGENTS = 30
# Of more calls every second, fourth, eighth … is measured: their medians are as good, and the page takes no longer.
MOST_MEASURED = 20_000

COUNTED = {
    "calls": Q(),
    "wrong": outcomes.WENT_WRONG,
    "judged": outcomes.JUDGED,
    "succeeded": outcomes.SUCCEEDED,
    "returning": Q(is_returning=True),
    "memory": outcomes.WITH_MEMORY,
    "neutral": outcomes.NEUTRAL,
    "late": outcomes.NEUTRAL_THOUGH_KNOWN,
    "unanswered": outcomes.NOT_ANSWERED,
}
MEASURED = {"length": "duration_seconds", "first_answer": "first_answer_ms", "turn": "turn_ms"}


class Spread:
    """The median and the 95th percentile of numbers; None without numbers. `counted`: how often each number occurs."""

    def __init__(self, counted: Mapping[str, int]) -> None:
        numbers = sorted(map(int, counted))
        ranks = list(accumulate(counted[str(number)] for number in numbers))

        def at(rank: int) -> int:
            return numbers[bisect_left(ranks, rank)]

        total = ranks[-1] if ranks else 0
        self.median = (at((total + 1) // 2) + at(total // 2 + 1)) / 2 if total else None
        self.high = at(ceil(0.95 * total)) if total else None


class Figures:
    """The figures of the calls of a day, week or month, of an agent, or of all."""

    def __init__(self, key: Any, rows: Sequence["_Row"]) -> None:
        self.key = key
        totals = map(sum, zip(*(row.counts for row in rows), strict=True)) if rows else repeat(0)
        counts: dict[str, int] = dict(zip((*COUNTED, "cost"), totals, strict=False))
        columns: Any = zip(*(row.numbers for row in rows), strict=True) if rows else [[]] * len(MEASURED)
        self.length, self.first_answer, self.turn = (Spread(Counter(chain.from_iterable(each))) for each in columns)
        self.success = share(counts["succeeded"], counts["judged"])
        self.returning = share(counts["returning"], counts["calls"])
        self.counts = counts | {"first_calls": counts["neutral"] - counts["late"]}


@dataclass
class Analytics:
    all: Figures
    over_time: list[Figures]
    per_agent: list[Figures]
    # Medians and percentiles are those of every nth call.
    every: int


def analytics(calls: QuerySet[Conversation], period: Period | None) -> Analytics:
    """The figures of these calls. Those over time are per day, week or month, by the length of the period."""
    if period:
        calls = calls.filter(period.days)
    every, number = 1, count_of(calls)
    while number > every * MOST_MEASURED:
        every *= 2
    rows = list(_grouped(calls, every))
    first = (period and period.first) or min((row.day for row in rows), default=None)
    last = (period and period.last) or max((row.day for row in rows), default=None)
    spans = spans_of(first, last) if first and last else []
    place = {day: nth for nth, span in enumerate(spans) for day in _days(span)}
    of_span, of_agent = defaultdict[int, list[_Row]](list), defaultdict[str, list[_Row]](list)
    for row in rows:
        of_span[place[row.day]].append(row)
        of_agent[row.agent_id].append(row)
    over_time = [Figures(span, of_span[nth]) for nth, span in enumerate(spans)]
    per_agent = [Figures(agent_id, some) for agent_id, some in of_agent.items()]
    return Analytics(Figures(None, rows), over_time, sorted(per_agent, key=lambda one: -one.counts["calls"]), every)


def spans_of(first: date, last: date) -> list[Period]:
    """The days, weeks, months or years from the first to the last day. The first and last span may be shorter."""
    # Staff may type any years; calls have none but these (`unix_seconds`).
    first, last = max(first, _EARLIEST), min(last, _LATEST)
    if (last - first).days < _MOST_BARS:
        return [Period(day, day) for day in _days(Period(first, last))]
    begins: list[date] = []
    for begin in (_week, _month, _year):
        begins = sorted({begin(day) for day in _days(Period(first, last))})
        if len(begins) <= _MOST_BARS:
            break
    # Of very many years, as one wrong time of a call makes them, several together: no call is left out.
    begins = begins[:: max(1, ceil(len(begins) / _MOST_BARS))]
    ends = [*(each - timedelta(days=1) for each in begins[1:]), last]
    return [Period(max(first, begun), end) for begun, end in zip(begins, ends, strict=True)]


class _Row(NamedTuple):
    """One agent's calls of one day."""

    day: date
    agent_id: str
    counts: Sequence[int]
    numbers: Sequence[list[str]]


def _grouped(calls: QuerySet[Conversation], every: int) -> Iterator[_Row]:
    counts = [Count("sort_key", filter=condition or None) for condition in COUNTED.values()]
    # The lowest bits of a sort key are those of a hash.
    measured = Q(Exact(F("sort_key").bitand(every - 1), 0)) if every > 1 else None
    texts = [StringAgg(Cast(column, CharField()), Value(","), filter=measured) for column in MEASURED.values()]
    columns = dict(zip("abcdefghijklmnop", [*counts, Coalesce(Sum("cost"), 0), *texts], strict=False))
    groups = calls.filter(started_on__isnull=False).order_by().values_list("started_on", "agent_id").annotate(**columns)
    # Without Django's converters: on SQLite they take as long as the query.
    try:
        query = groups.query.get_compiler(ALIAS).as_sql()
    except EmptyResultSet:
        return
    with connections[ALIAS].cursor() as cursor:
        cursor.execute(*query)
        for day, agent_id, *figures in cursor:
            of_day = date.fromisoformat(day) if isinstance(day, str) else day
            texts_of_day = figures[-len(MEASURED) :]
            numbers = [text.split(",") if text else [] for text in texts_of_day]
            yield _Row(of_day, agent_id, figures[: -len(MEASURED)], numbers)


def _days(span: Period) -> list[date]:
    if span.first is None or span.last is None:
        return []
    return [span.first + timedelta(days=ahead) for ahead in range((span.last - span.first).days + 1)]


def _week(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _month(day: date) -> date:
    return day.replace(day=1)


def _year(day: date) -> date:
    return day.replace(month=1, day=1)
