"""The queue of the worker: the rows of the index that are pending."""

import random
import time
from typing import NamedTuple

from django.db.models import Count, F, Min, Q

from conversations.index.schema import healed
from conversations.models import Conversation, MemoryState

_LONGEST_DELAY_SECONDS = 3600


@healed
def due_conversations(limit: int = 100) -> list[str]:
    """Ids of the pending conversations whose next attempt is due, the longest due first."""
    due = Conversation.objects.filter(memory_state=MemoryState.PENDING, next_attempt_at__lte=time.time())
    return list(due.order_by("next_attempt_at").values_list("conversation_id", flat=True)[:limit])


@healed
def make_all_due() -> int:
    """Make all pending conversations that failed before due, the fewest attempts first; returns how many there are."""
    failed = Conversation.objects.filter(memory_state=MemoryState.PENDING, attempts__gt=0)
    return failed.update(next_attempt_at=F("attempts"))


@healed
def record_failure(conversation_id: str, error: str, *, parked: bool) -> float:
    """Note a failed attempt in the conversation's row: parked, or due again after exponential backoff with jitter.

    Returns the delay in seconds. A row that was refreshed or deleted meanwhile is left alone.
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
    """How many conversations are pending, how many are parked (`failed`), and for how long the oldest is pending."""

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
