"""The queue: transcriptions that wait to be processed, as the index lists them."""

import random
import time
from typing import NamedTuple

from django.db.models import Count, F, Min, Q

from conversations.index.schema import healed
from conversations.models import Conversation, MemoryState

_LONGEST_DELAY = 3600


@healed
def due_conversations(limit: int = 100) -> list[str]:
    """Conversations whose transcription waits to be remembered, the longest waiting first."""
    waiting = Conversation.objects.filter(memory_state=MemoryState.PENDING, next_attempt_at__lte=time.time())
    return list(waiting.order_by("next_attempt_at").values_list("conversation_id", flat=True)[:limit])


@healed
def make_all_due() -> int:
    """Make everything due that waits for its next attempt, what failed least first; how much that is."""
    waiting = Conversation.objects.filter(memory_state=MemoryState.PENDING, attempts__gt=0)
    return waiting.update(next_attempt_at=F("attempts"))


@healed
def record_failure(conversation_id: str, error: str, *, parked: bool) -> float:
    """The attempt failed. Parked for good, or due again after a growing, jittered delay, which is returned (s)."""
    row = Conversation.objects.get(conversation_id=conversation_id)
    delay: float = min(_LONGEST_DELAY, 2 ** min(row.attempts, 12)) * random.uniform(0.5, 1)  # noqa: S311
    Conversation.objects.filter(conversation_id=conversation_id, files=row.files).update(
        memory_state=MemoryState.FAILED if parked else MemoryState.PENDING,
        attempts=row.attempts + 1,
        next_attempt_at=time.time() + delay,
        error=error[:500],
    )
    return delay


class QueueStatus(NamedTuple):
    """Transcriptions that wait to be remembered, those that were parked, and how long the oldest has waited."""

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
