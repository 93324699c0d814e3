"""Copies of callers' cards in the index, for the lists of the admin: reading each from OpenMemory would take long."""

from collections.abc import Mapping

from conversations.index.fulltext import as_column
from conversations.index.references import caller_reference
from conversations.index.schema import healed
from conversations.models import Caller, CallerCard
from elmemory.memory.card import Card

_COLUMNS = ("name", "name_words", "opted_out", "shared_line")


def save_card(caller: str, card: Card | None) -> None:
    """Copy the card into the index; None, a caller of whom nothing is remembered, as an empty card."""
    save_cards({caller: card})


@healed
def save_cards(cards: Mapping[str, Card | None]) -> None:
    """Copy the cards of these callers into the index in one transaction, if any of them differs from its copy."""
    copies = {caller_reference(caller): _copy(caller, card or Card()) for caller, card in cards.items()}
    known = {stored.caller_ref: stored for stored in CallerCard.objects.filter(pk__in=list(copies))}
    changed = [
        copy
        for reference, copy in sorted(copies.items())
        if reference not in known or any(getattr(known[reference], name) != getattr(copy, name) for name in _COLUMNS)
    ]
    CallerCard.objects.bulk_create(changed, update_conflicts=True, unique_fields=["caller_ref"], update_fields=_COLUMNS)


def _copy(caller: str, card: Card) -> CallerCard:
    return CallerCard(
        caller_ref=caller_reference(caller),
        name=card.full_name,
        name_words=as_column(card.full_name),
        opted_out=card.opted_out,
        shared_line=card.shared_line,
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
