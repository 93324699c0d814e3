"""The list of callers: its columns, filters and search."""

from typing import Any

from django.contrib import admin
from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.functional import cached_property
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_lazy

from conversations.admin.indexed import IndexedAdmin
from conversations.admin.masking import mask, mask_of_unknown
from conversations.admin.numbers import may_reveal, number_element
from conversations.admin.private_search import SearchedList
from conversations.admin.search import callers_matching
from conversations.models import Caller, CallerCalls, CallerCard, Conversation, MemoryState

_NOT_PROCESSED = MemoryState.PENDING, MemoryState.FAILED


class CallerList(SearchedList):
    """One page of the list, with the names of its callers fetched at once."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        rows: list[Any] = list(self.result_list)
        cards = CallerCard.objects.in_bulk([row.ref for row in rows])
        unread = [row.ref for row in rows if not (row.ref in cards and cards[row.ref].summary)]
        waiting = Conversation.objects.filter(caller_ref__in=unread, memory_state__in=_NOT_PROCESSED)
        states = dict(waiting.order_by("-memory_state").values_list("caller_ref", "memory_state"))
        for row in rows:
            card, row.reveal = cards.get(row.ref), may_reveal(request)
            row.name = (card.name if card else "") or newest_name(row.ref)
            row.summary, row.is_stores_own = (card.summary, card.is_stores_own) if card else ("", False)
            row.no_summary = _no_summary(card, states.get(row.ref))
            if not row.reveal:
                row.name = mask(row.name, row.number)
                row.summary = mask_of_unknown(mask(row.summary, row.number))
        self.result_list = rows


def _no_summary(card: CallerCard | None, state: str | None) -> str:
    """The reason why there is no summary yet."""
    if state == MemoryState.PENDING:
        return gettext("a call is not processed yet")
    if state == MemoryState.FAILED:
        return gettext("a call could not be processed")
    return gettext("nothing is remembered") if card else gettext("OpenMemory has not been read yet")


class _Callers(Paginator):  # type: ignore[type-arg]  # not generic at run time
    """Counts all callers without building the rows of the view. A search or a filter reads the view once."""

    @cached_property
    def _found(self) -> list[str] | None:
        """The references of the callers that a search or a filter leaves, in order; None without either."""
        rows: Any = self.object_list
        return list(rows.values_list("ref", flat=True)) if rows.query.where else None

    def page(self, number: Any) -> Any:
        if self._found is None:
            return super().page(number)
        number = self.validate_number(number)
        refs = self._found[(number - 1) * self.per_page : number * self.per_page]
        rows = Caller.objects.in_bulk(refs)
        return Page([rows[ref] for ref in refs if ref in rows], number, self)

    @cached_property
    def count(self) -> int:
        if self._found is not None:
            return len(self._found)
        with_calls = CallerCalls.objects.all()
        without_calls = CallerCard.objects.filter(number__gt="").exclude(pk__in=with_calls.values("pk"))
        return with_calls.count() + without_calls.count()


class CallerListAdmin(IndexedAdmin[Caller]):
    """The list of callers: its columns, filters and search."""

    list_display = ("name_shown", "number_shown", "summary_shown", "calls", "first_call", "last_call", "flags")
    list_filter = ("opted_out", "shared_line")
    searched = "callers"
    search_fields = ("ref",)  # shows the box; what it finds is in `matching`
    search_help_text = gettext_lazy("A name, a number in any spelling, or its last digits.")
    search_help_text_without_numbers = gettext_lazy("A name, or a whole number in any spelling.")
    reference_field = "ref"
    linked = (reference_field,)
    paginator = _Callers
    sortable_by = ("calls", "first_call", "last_call")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[CallerList]:  # noqa: ARG002
        return CallerList

    def matching(self, rows: QuerySet[Any], question: str, *, reveal: bool) -> QuerySet[Any]:
        found = callers_matching(question, reveal=reveal)
        return rows.none() if found is None else rows.filter(found)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().changelist_view(request, {**(extra_context or {}), "title": gettext("Callers")})

    @admin.display(description=gettext_lazy("name"))
    def name_shown(self, row: Any) -> SafeString:
        return format_html("<bdi>{}</bdi>", row.name or gettext("unnamed"))

    @admin.display(description=gettext_lazy("number"))
    def number_shown(self, row: Any) -> SafeString:
        return number_element(row.number, reveal=row.reveal)

    @admin.display(description=gettext_lazy("summary"))
    def summary_shown(self, row: Any) -> SafeString:
        if not row.summary:
            return format_html('<span class="quiet">{}: {}</span>', gettext("none yet"), row.no_summary)
        author = gettext("OpenMemory's own") if row.is_stores_own else gettext("elmemory's")
        return format_html('<div dir="auto">{}</div><span class="quiet">{}</span>', row.summary, author)

    @admin.display(description=gettext_lazy("notes"), empty_value="")
    def flags(self, row: Caller) -> SafeString:
        words = [
            word
            for word, holds in ((gettext("opted out"), row.opted_out), (gettext("shared line"), row.shared_line))
            if holds
        ]
        return format_html_join(" ", '<span class="badge plain">{}</span>', ((word,) for word in words))


def name_of(row: Caller, *, reveal: bool) -> str:
    """The caller's name as lists show it; empty for none."""
    card = CallerCard.objects.filter(pk=row.ref).first()
    name = (card.name if card else "") or newest_name(row.ref)
    return name if reveal else str(mask(name, row.number))


def newest_name(reference: str) -> str:
    """The name from the caller's newest call that has one; empty if none has."""
    named = Conversation.objects.filter(caller_ref=reference).exclude(caller_name="").order_by("-started_at")
    return named.values_list("caller_name", flat=True).first() or ""
