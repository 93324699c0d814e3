"""The queue of the worker: the pending rows of the index."""

import random
import time
from collections.abc import Iterable
from itertools import chain, zip_longest
from typing import NamedTuple

from django.db.models import Count, F, Min, Q

from conversations.index.schema import healed
from conversations.models import Conversation, MemoryState

_LONGEST_DELAY_SECONDS = 3600
# Before 0, which means due at once, and before all times.
_FIRST = -1
_MOST_PUT_FIRST = 500


@healed
def due_conversations(limit: int = 100) -> list[str]:
    """Ids of the pending conversations whose next attempt is due.

    They come in turns from two orders: the most urgent first (callers who ring now, then calls that never failed, the
    newest first), and the longest pending first. So new calls do not wait behind a backlog, and the backlog ends.
    """
    due = Conversation.objects.filter(memory_state=MemoryState.PENDING, next_attempt_at__lte=time.time())
    urgent = due.order_by("next_attempt_at", "-sort_key")
    # SQLite uses the partial index of `pending_since` only with this condition.
    oldest = due.filter(pending_since__isnull=False).order_by("pending_since", "sort_key")
    ends = [rows.values_list("conversation_id", flat=True)[:limit] for rows in (urgent, oldest)]
    both = chain.from_iterable(zip_longest(*map(list, ends), fillvalue=""))
    return [one for one in dict.fromkeys(both) if one][:limit]


@healed
def put_first(callers: Iterable[str]) -> None:
    """Have the pending conversations of these callers processed first."""
    pending = Conversation.objects.filter(memory_state=MemoryState.PENDING, pending_since__isnull=False)
    ids = list(pending.filter(caller__in=callers).values_list("conversation_id", flat=True)[:_MOST_PUT_FIRST])
    if ids:
        pending.filter(conversation_id__in=ids).update(next_attempt_at=_FIRST)


@healed
def make_all_due() -> int:
    """Make all failed pending conversations due, those with the fewest attempts first; returns their number."""
    failed = Conversation.objects.filter(memory_state=MemoryState.PENDING, attempts__gt=0)
    return failed.update(next_attempt_at=F("attempts"))


@healed
def record_failure(conversation_id: str, error: str, *, parked: bool) -> float:
    """Record a failed attempt in the conversation's row: parked, or due again after exponential backoff with jitter.

    Returns the delay in seconds. A row that was refreshed or deleted meanwhile is not changed.
    """
    row = Conversation.objects.filter(conversation_id=conversation_id).first()
    if row is None:
        return 0
    delay: float = min(_LONGEST_DELAY_SECONDS, 2 ** min(row.attempts, 12)) * random.uniform(0.5, 1)  # noqa: S311
    Conversation.objects.filter(conversation_id=conversation_id, fingerprint=row.fingerprint).update(
        memory_state=MemoryState.FAILED if parked else MemoryState.PENDING,
        attempts=row.attempts + 1,
        next_attempt_at=time.time() + delay,
        error=error[:500],
    )
    return delay


class QueueStatus(NamedTuple):
    """How many conversations are pending, how many are parked (`failed`), and how long the oldest has been pending."""

    pending: int
    failed: int
    oldest_seconds: int


@healed
def queue_status() -> QueueStatus:
    unfinished = Conversation.objects.filter(memory_state__in=(MemoryState.PENDING, MemoryState.FAILED))
    counts = unfinished.aggregate(
        pending=Count("pk", filter=Q(memory_state=MemoryState.PENDING)),
        failed=Count("pk", filter=Q(memory_state=MemoryState.FAILED)),
        oldest=Min("pending_since", filter=Q(memory_state=MemoryState.PENDING)),
    )
    waited = max(0, int(time.time() - counts["oldest"])) if counts["oldest"] else 0
    return QueueStatus(counts["pending"], counts["failed"], waited)
