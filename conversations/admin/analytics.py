"""Figures of the calls of a list, over time and per agent: counts, shares, medians and 95th percentiles.

One query groups the calls by day and agent, from an index that has all of these columns. It returns the lengths and
waits of a group as one text: sorting them here is quicker than a query for each percentile.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from math import ceil
from typing import Any

from django.db.models import CharField, Count, F, Q, QuerySet, StringAgg, Sum, Value
from django.db.models.functions import Cast

from conversations.admin.dashboard import share
from conversations.index import outcomes
from conversations.index.periods import Period
from conversations.models import Conversation

# More bars are too thin to be clicked, and a page of more than 80 KB.
_MOST_BARS = 31
_WEEK = 7
MOST_AGENTS = 30

_COUNTED = {
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
_MEASURED = {"length": "duration_seconds", "first_answer": "first_answer_ms", "turn": "turn_ms"}


class Spread:
    """The median and the 95th percentile of some numbers; None of no number."""

    def __init__(self, texts: Iterable[str]) -> None:
        joined = ",".join(texts)
        numbers = sorted(map(int, joined.split(","))) if joined else []
        self.median = (numbers[(len(numbers) - 1) // 2] + numbers[len(numbers) // 2]) / 2 if numbers else None
        self.high = numbers[ceil(0.95 * len(numbers)) - 1] if numbers else None


@dataclass
class Figures:
    """The figures of some calls: of a day, a week or a month, of an agent, or of all."""

    key: Any
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys((*_COUNTED, "cost"), 0))
    texts: dict[str, list[str]] = field(default_factory=lambda: {name: [] for name in _MEASURED})

    def add(self, row: dict[str, Any]) -> None:
        for name in self.counts:
            self.counts[name] += row[name] or 0
        for name, texts in self.texts.items():
            if row[name]:
                texts.append(row[name])

    def finish(self) -> None:
        """Compute what the page shows."""
        self.success = share(self.counts["succeeded"], self.counts["judged"])
        self.returning = share(self.counts["returning"], self.counts["calls"])
        self.first_calls = self.counts["neutral"] - self.counts["late"]
        self.length, self.first_answer, self.turn = (Spread(texts) for texts in self.texts.values())
        self.texts = {}


@dataclass
class Analytics:
    all: Figures
    over_time: list[Figures]
    per_agent: list[Figures]


def analytics(calls: QuerySet[Conversation], period: Period | None) -> Analytics:
    """The figures; those over time are of days, weeks or months, by the length of the period."""
    rows = _grouped(calls, period)
    first = (period and period.first) or min((row["started_on"] for row in rows), default=None)
    last = (period and period.last) or max((row["started_on"] for row in rows), default=None)
    spans = spans_of(first, last) if first and last else []
    all_, over_time = Figures(None), [Figures(span) for span in spans]
    place = {day: nth for nth, span in enumerate(spans) for day in _days(span)}
    agents: dict[str, Figures] = {}
    for row in rows:
        agent = agents.setdefault(row["agent_id"], Figures(row["agent_id"]))
        for figures in (all_, agent, over_time[place[row["started_on"]]]):
            figures.add(row)
    for figures in (all_, *over_time, *agents.values()):
        figures.finish()
    return Analytics(all_, over_time, sorted(agents.values(), key=lambda agent: -agent.counts["calls"]))


def spans_of(first: date, last: date) -> list[Period]:
    """The days, else the weeks, months or years from the first to the last day; the outer ones may be shorter."""
    if (last - first).days < _MOST_BARS:
        return [Period(day, day) for day in _days(Period(first, last))]
    begins: list[date] = []
    for begin in (_week, _month, _year):
        begins = sorted({begin(day) for day in _days(Period(first, last))})
        if len(begins) <= _MOST_BARS:
            break
    ends = [*(each - timedelta(days=1) for each in begins[1:]), last]
    return [Period(max(first, begun), end) for begun, end in zip(begins, ends, strict=True)][-_MOST_BARS:]


def _grouped(calls: QuerySet[Conversation], period: Period | None) -> list[dict[str, Any]]:
    # The days too, not the sort keys alone: then the index of the figures serves them.
    if period and period.first:
        calls = calls.filter(started_on__gte=period.first)
    if period and period.last:
        calls = calls.filter(started_on__lte=period.last)
    counts = {name: Count("pk", filter=condition) for name, condition in _COUNTED.items() if condition}
    texts: dict[str, Any] = {
        name: StringAgg(Cast(column, CharField()), Value(",")) for name, column in _MEASURED.items()
    }
    groups = calls.filter(started_on__isnull=False).order_by().values("started_on", "agent_id")
    return list(groups.annotate(calls=Count("pk"), cost=Sum(F("cost")), **counts, **texts))


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
