"""The list that a call's page was opened from: its neighbours there, the way back, and the hits of its search."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import SuspiciousOperation
from django.db.models import Q
from django.http import HttpRequest, QueryDict
from django.urls import reverse
from django.utils.http import urlencode

from conversations.admin.call_list import CallListAdmin, CallQuery, sort_keys_of
from conversations.admin.private_search import shows_number
from conversations.index.excerpt import HIT_BEGINS, with_hits
from conversations.models import Conversation

# Django's parameter with the query string of the list.
LIST_VAR = "_changelist_filters"
_MOST_SHOWN = 12


class Results(NamedTuple):
    """The list's address, those of the pages of the calls beside this one, and the words that were searched for."""

    address: str = ""
    previous: str = ""
    next: str = ""
    words: str = ""


def results_around(admin: CallListAdmin, request: HttpRequest, row: Conversation) -> Results:
    """The list around this call; empty if the page was opened from elsewhere, or the list cannot be rebuilt."""
    if not (asked := request.GET.get(LIST_VAR)):
        return Results()
    try:
        parameters = QueryDict(asked)
        if shows_number(parameters):  # the list has none in its address
            return Results()
        query = admin.query(request, parameters, repeats=True)
    except (IncorrectLookupParameters, SuspiciousOperation):
        return Results()
    before, after = (_page(sort_key, asked) for sort_key in _neighbours(query, request, row))
    address = reverse("admin:conversations_conversation_changelist")
    return Results(f"{address}?{asked}", before, after, query.words)


def mark_hits(page: dict[str, Any], words: str) -> list[dict[str, Any]]:
    """Mark the hits in the page's summary and turns; returns the turns that have some. Masking comes before."""
    if not words:
        return []
    page["summary"] = with_hits(words, page.get("summary", ""))
    found = []
    for turn in page.get("turns", ()):
        turn["message"] = with_hits(words, turn["message"])
        for part in turn["parts"]:
            part["text"] = with_hits(words, part["text"])
        if any(HIT_BEGINS in text for text in (turn["message"], *(part["text"] for part in turn["parts"]))):
            found.append(turn)
    return found[:_MOST_SHOWN]


def _neighbours(query: CallQuery, request: HttpRequest, row: Conversation) -> Iterator[int | None]:
    """The sort keys of the calls before and after this one."""
    if row.sort_key in (found := sort_keys_of(query.queryset)):
        place = found.index(row.sort_key)
        yield found[place - 1] if place else None
        yield found[place + 1] if place + 1 < len(found) else None
        return
    ordering = query.get_ordering(request, query.queryset)
    for ahead in (False, True):
        calls = query.queryset.filter(_beyond(row, ordering, ahead=ahead))
        # An index has the sort key with what lists filter and sort by, but not the id.
        yield (calls if ahead else calls.reverse()).values_list("sort_key", flat=True).first()


def _page(sort_key: int | None, asked: str) -> str:
    calls = Conversation.objects.filter(sort_key__in=[] if sort_key is None else [sort_key])
    if not (found := calls.values_list("pk", flat=True).first()):
        return ""
    return f"{reverse('admin:conversations_conversation_change', args=[found])}?{urlencode({LIST_VAR: asked})}"


def _beyond(row: Conversation, ordering: Sequence[Any], *, ahead: bool) -> Q:
    """The condition on the rows after this one in the order, or before it. Empty values come last."""
    found, equal = Q(pk__in=()), Q()
    for one in ordering:
        name = one.removeprefix("-") if isinstance(one, str) else one.expression.name
        descending = one.startswith("-") if isinstance(one, str) else one.descending
        value = getattr(row, name)
        if value is None:
            further = Q(pk__in=()) if ahead else Q((f"{name}__isnull", False))
            same = Q((f"{name}__isnull", True))
        else:
            further = Q((f"{name}__{'lt' if descending == ahead else 'gt'}", value))
            if ahead and Conversation._meta.get_field(name).null:
                further |= Q((f"{name}__isnull", True))
            same = Q((name, value))
        found, equal = found | (equal & further), equal & same
    return found
