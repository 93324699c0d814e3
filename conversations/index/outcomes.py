"""Conditions on calls that lists, figures and filters share: what went wrong, and how rings were answered."""

from django.db.models import Q

from conversations.models import CallerCard, Direction, Outcome, Recall, Success

FAILED = Q(outcome=Outcome.FAILED)
UNCONNECTED = Q(outcome=Outcome.UNCONNECTED)
UNSUCCESSFUL = Q(successful=Success.FAILURE)
SUCCEEDED = Q(successful=Success.SUCCESS)
JUDGED = SUCCEEDED | UNSUCCESSFUL

# Only incoming calls ask for an answer at the ring.
RINGS = Q(direction=Direction.INBOUND, has_transcription=True)
WITH_MEMORY = RINGS & Q(recall=Recall.MEMORY)
NEUTRAL = RINGS & Q(recall=Recall.NEUTRAL)
NOT_ANSWERED = RINGS & Q(recall=Recall.NONE)
# The deadline had passed, or OpenMemory did not answer. Opted-out callers are left out: they are strangers on purpose.
NEUTRAL_THOUGH_KNOWN = (
    NEUTRAL & Q(is_returning=True) & ~Q(caller_ref__in=CallerCard.objects.filter(opted_out=True).values("pk"))
)
WENT_WRONG = FAILED | UNCONNECTED | UNSUCCESSFUL | NEUTRAL_THOUGH_KNOWN
