"""Copies of callers' cards in the index, for the lists of the admin: reading each from OpenMemory would take long."""

from django.utils.timezone import now

from conversations.index.fulltext import as_column
from conversations.index.references import caller_reference
from conversations.index.retained import has_calls, last_call_of
from conversations.index.schema import healed
from conversations.models import Caller, CallerCard
from elmemory.memory.card import Card


@healed
def save_card(caller: str, card: Card | None) -> None:
    """Copy the card into the index; None, a caller of whom nothing is remembered, as an empty card."""
    card, reference = card or Card(), caller_reference(caller)
    CallerCard.objects.update_or_create(
        caller_ref=reference,
        defaults={
            "last_call": last_call_of(reference) or (now() if has_calls(reference) else None),
            "name": card.full_name,
            "name_words": as_column(card.full_name),
            "opted_out": card.opted_out,
            "shared_line": card.shared_line,
        },
    )


@healed
def delete_card(caller: str) -> None:
    """Delete the copy of the caller's card."""
    CallerCard.objects.filter(pk=caller_reference(caller)).delete()


@healed
def callers_without_card(limit: int) -> list[str]:
    """Caller keys of callers whose card is not in the index yet, at most `limit`."""
    known = CallerCard.objects.values("caller_ref")
    return list(Caller.objects.exclude(ref__in=known).values_list("number", flat=True)[:limit])
