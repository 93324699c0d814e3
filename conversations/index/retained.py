"""Finds what retention has to remove, by indexed queries. No folder is read for it."""

from collections.abc import Collection
from datetime import datetime

from django.db.models import Max, Q, QuerySet
from django.utils.timezone import now

from conversations.index.schema import healed
from conversations.models import Caller, CallerCard, Conversation, MemoryState, Outcome


@healed
def due_calls(column: str, before: float, limit: int, skip: int = 0) -> list[Conversation]:
    """The calls whose `column` (`audio_since` …) is before this time, earliest first; no pending or stale ones."""
    return list(_due(column, before).order_by(column)[skip : skip + limit])


@healed
def count_due_calls(column: str, before: float) -> int:
    return _due(column, before).count()


@healed
def callers_due(before: datetime, limit: int, skip: int = 0) -> list[str]:
    """References of the callers whose copied card has a last call before this time, the earliest first."""
    cards = CallerCard.objects.filter(last_call__lt=before).order_by("last_call")
    return list(cards.values_list("caller_ref", flat=True)[skip : skip + limit])


@healed
def last_calls_of(references: Collection[str]) -> dict[str, datetime | None]:
    """By caller with stored calls: the start of the last connected one before now; None without one."""
    connected = Q(started_at__lte=now()) & ~Q(outcome=Outcome.UNCONNECTED)
    calls = Conversation.objects.filter(caller_ref__in=references).order_by().values("caller_ref")
    return dict(calls.annotate(last=Max("started_at", filter=connected)).values_list("caller_ref", "last"))


@healed
def note_last_call(reference: str, last_call: datetime) -> None:
    """Correct the time in the caller's copied card."""
    CallerCard.objects.filter(pk=reference).update(last_call=last_call)


@healed
def number_of(reference: str) -> str:
    """The caller key; empty if the caller is not listed."""
    return Caller.objects.filter(pk=reference).values_list("number", flat=True).first() or ""


def _due(column: str, before: float) -> QuerySet[Conversation]:
    rows = Conversation.objects.filter(**{f"{column}__lt": before})
    return rows.exclude(memory_state=MemoryState.PENDING).exclude(fingerprint="")
