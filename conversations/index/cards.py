"""Copies of callers' cards in the index, for the lists of the admin: reading each from OpenMemory takes too long."""

import re
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from itertools import batched

from django.utils.dateparse import parse_datetime
from django.utils.timezone import now

from conversations.files import decisions
from conversations.index.fulltext import as_column
from conversations.index.references import caller_reference
from conversations.index.retained import last_calls_of
from conversations.index.schema import healed
from conversations.models import Caller, CallerCard, Conversation
from elmemory.memory.card import Card
from elmemory.memory.records import Memory
from elmemory.memory.text import sentences

_BATCH = 500
_NUMBER = re.compile(r"\+[1-9][0-9]{2,14}")

_LONGEST_SUMMARY = 160
_COLUMNS = ("name", "name_words", "opted_out", "shared_line", "summary", "is_stores_own")


def save_card(caller: str, card: Card | None) -> None:
    """Copy the card into the index. None means that nothing is remembered of the caller: the copy is an empty card."""
    save_cards({caller: card})


@healed
def save_cards(cards: Mapping[str, Card | None]) -> None:
    """Copy those of these cards that differ from their copies into the index, in one transaction."""
    copies = {caller_reference(caller): _copy(caller, card or Card()) for caller, card in cards.items()}
    known = {stored.caller_ref: stored for stored in CallerCard.objects.filter(pk__in=list(copies))}
    changed = [
        copy
        for reference, copy in sorted(copies.items())
        if reference not in known
        or known[reference].last_call is None
        or any(getattr(known[reference], name) != getattr(copy, name) for name in _COLUMNS)
    ]
    last_calls = last_calls_of([copy.caller_ref for copy in changed]) if changed else {}
    for copy in changed:
        # A later call changes no copy: retention corrects the time before it removes anything.
        copy.last_call = (last_calls[copy.caller_ref] or now()) if copy.caller_ref in last_calls else None
    columns = (*_COLUMNS, "last_call")
    CallerCard.objects.bulk_create(changed, update_conflicts=True, unique_fields=["caller_ref"], update_fields=columns)


def _copy(caller: str, card: Card) -> CallerCard:
    return CallerCard(
        caller_ref=caller_reference(caller),
        name=card.full_name,
        name_words=as_column(card.full_name),
        opted_out=card.opted_out or decisions.about(caller).opted_out,
        shared_line=card.shared_line,
        summary=_beginning(card.summary),
    )


@healed
def save_own_summary(reference: str, text: str) -> None:
    """Copy the store's own summary of a caller whose card has no text."""
    copies = CallerCard.objects.filter(pk=reference, summary="")
    copies.update(summary=_beginning(text), is_stores_own=bool(text))


def _beginning(summary: str) -> str:
    """The first sentence, and as many of the next ones as fit."""
    shown = ""
    for sentence in sentences(" ".join(summary.split())):
        if shown and len(shown) + len(sentence) > _LONGEST_SUMMARY:
            break
        shown += sentence
    return shown if len(shown) <= _LONGEST_SUMMARY else f"{shown[: _LONGEST_SUMMARY - 1]}…"


@healed
def save_card_without_calls(caller: str, card: Card | None, memories: Iterable[Memory]) -> None:
    """Copy the card of a caller without stored calls. The times of the calls come from the memories."""
    times = sorted(filter(None, (_called_at(memory) for memory in memories)))
    copy = _copy(caller, card or Card())
    copy.number = caller
    if times:
        copy.first_call, copy.last_call = times[0], times[-1]
    own = (*_COLUMNS, "number", "first_call", "last_call")
    CallerCard.objects.bulk_create([copy], update_conflicts=True, unique_fields=["caller_ref"], update_fields=own)


@healed
def delete_card(caller: str) -> int:
    """Delete the copy of the caller's card; returns how many there were."""
    return CallerCard.objects.filter(pk=caller_reference(caller)).delete()[0]


@healed
def callers_without_calls(users: Iterable[str]) -> set[str]:
    """Those of the store's users that are callers without stored calls."""
    with_calls = Conversation.objects.filter(caller__gt="").order_by().values_list("caller", flat=True).distinct()
    return {user for user in users if _NUMBER.fullmatch(user)}.difference(with_calls)


@healed
def list_callers_without_calls(users: Collection[str]) -> int:
    """List exactly those of the store's users that are callers without stored calls; returns how many there are.

    A new row has only a number until `save_card_without_calls`.
    """
    known = dict(CallerCard.objects.filter(number__gt="").values_list("number", "caller_ref"))
    wanted = callers_without_calls(users)
    gone = CallerCard.objects.filter(number__gt="")
    for refs in batched([ref for number, ref in known.items() if number not in wanted], _BATCH):
        gone.filter(pk__in=refs).delete()
    rows = [CallerCard(caller_ref=caller_reference(number), number=number) for number in sorted(wanted - known.keys())]
    CallerCard.objects.bulk_create(
        rows, _BATCH, update_conflicts=True, unique_fields=["caller_ref"], update_fields=["number", "name_words"]
    )
    return len(wanted)


@healed
def opted_out_callers() -> list[str]:
    """Caller keys of opted-out callers with calls."""
    return list(Caller.objects.filter(opted_out=True).values_list("number", flat=True))


@healed
def callers_without_card(limit: int) -> list[str]:
    """At most `limit` caller keys of callers with calls whose card is not in the index yet."""
    known = CallerCard.objects.values("caller_ref")
    return list(Caller.objects.exclude(ref__in=known).values_list("number", flat=True)[:limit])


@healed
def callers_listed_by_number(limit: int) -> list[str]:
    """At most `limit` caller keys of callers without calls whose card and times are not in the index yet."""
    listed = CallerCard.objects.filter(number__gt="", name_words="")
    return list(listed.order_by("number").values_list("number", flat=True)[:limit])


def _called_at(memory: Memory) -> datetime | None:
    try:
        at = parse_datetime(str(memory.metadata.get("called_at") or ""))
    except ValueError:
        return None
    return at if at and at.tzinfo else None
