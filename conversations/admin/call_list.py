"""The list of calls: its columns, filters and search."""

from copy import copy
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.core.paginator import Page, Paginator
from django.db.models import CharField, F, QuerySet, StringAgg, Value
from django.db.models.expressions import Combinable, OrderBy
from django.db.models.functions import Cast
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import reverse
from django.utils.formats import date_format, number_format
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import gettext, gettext_lazy, ngettext, pgettext_lazy

from conversations.admin.filters import DETAILS, AgentFilter, DaysFilter, DetailsFilter, WrongFilter
from conversations.admin.indexed import IndexedAdmin
from conversations.admin.masking import excerpt_of_call, mask, mask_of_call
from conversations.admin.numbers import may_reveal, number_element
from conversations.admin.private_search import SearchedList
from conversations.admin.saved_searches import saved_for
from conversations.admin.search import calls_matching
from conversations.admin.transcript import clock
from conversations.index import fulltext
from conversations.index.excerpt import marked
from conversations.memories.reviews import align
from conversations.models import CallerCard, Conversation, MemoryState, Outcome, Success
from conversations.payloads.failure import in_language

# Counts beside the filters take longer for more calls than a page may.
_MOST_COUNTED = 40_000
# As many of the filters are unfolded, and those in use.
_FILTERS_SHOWN = 2
# Columns that may be empty, at the end of every order.
_NULLABLE = "duration_seconds", "cost"
_RESULTS = dict(Success.choices)
_FEW_FOUND = 1000


class CallList(SearchedList):
    """One page of the list, with names and excerpts fetched at once, and masked for staff who may not see numbers."""

    def url_for_result(self, result: Any) -> str:
        """The URL with the id unescaped: Django would write its underscores as _5F."""
        return reverse("admin:conversations_conversation_change", args=[result.pk])

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[str | Combinable]:
        """Sort keys are practically unique; sorting by a second column would only cost time."""
        ordering = [one for one in super().get_ordering(request, queryset) if one not in ("pk", "-pk")]
        if not {"sort_key", "-sort_key"} & set(ordering[:1]):
            ordering.append("-sort_key")
        return [_nulls_last(one) for one in ordering]

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        wants_counts, self.add_facets = self.add_facets, False
        foldable: list[Any] = self.filter_specs[_FILTERS_SHOWN:]
        for spec in foldable:
            spec.is_folded = not spec.used_parameters
        self.is_facets_optional = self.is_facets_optional and self.result_count <= _MOST_COUNTED
        self.add_facets = wants_counts and self.result_count <= _MOST_COUNTED
        if not any(name.startswith(f"{self.date_hierarchy}__") for name in self.params):
            self.date_hierarchy = None  # only addresses of earlier versions name years, months and days
        rows: list[Any] = list(self.result_list)
        cards = {card.pk: card for card in CallerCard.objects.filter(pk__in={row.caller_ref for row in rows})}
        texts = fulltext.shown([row.sort_key for row in rows]) if self.words else {}
        reveal = may_reveal(request)
        for row in rows:
            card = cards.get(row.caller_ref)
            row.name, row.reveal = (card.name if card else "") or row.caller_name, reveal
            row.title = in_language(row.title)
            row.excerpt = excerpt_of_call(self.words, texts.get(row.sort_key, []), row, reveal=reveal)
            if not reveal:
                row.name, row.title = mask(row.name, row.caller), mask_of_call(row.title, row)
        self.result_list = rows


class CallQuery(CallList):
    """The query of a list, without a page of results."""

    def get_results(self, request: HttpRequest) -> None: ...


class _Calls(Paginator):  # type: ignore[type-arg]  # not generic at run time
    """Pages of calls. It finds their sort keys first, in an index with all that lists filter and sort by.

    Sorting whole rows takes several times as long.
    """

    def __init__(self, calls: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(calls, *args, **kwargs)
        self._calls = calls
        # Of all that a search found, the database sorts one page sooner than it hands over the keys in their order.
        self._found = [] if is_searched_alone(calls) and not is_by_time(calls) else sort_keys_of(calls)

    @cached_property
    def count(self) -> int:
        return len(self._found) or count_of(self._calls)

    def page(self, number: Any) -> Any:
        number = self.validate_number(number)
        first = (number - 1) * self.per_page
        calls = Conversation.objects.filter(sort_key__in=self._sort_keys(first, min(first + self.per_page, self.count)))
        return Page(calls.order_by(*self._calls.query.order_by), number, self)

    def _sort_keys(self, first: int, end: int) -> list[int]:
        if self._found:
            return self._found[first:end]
        sort_keys = self._calls.values_list("sort_key", flat=True)
        if end <= self.count / 2:
            return list(sort_keys[first:end])
        # From the end, which is nearer: all that comes before is read too.
        return list(sort_keys.reverse()[self.count - end : self.count - first])


def is_searched_alone(calls: Any) -> bool:
    """Whether these are all calls that a search of words has found, without a filter."""
    return bool((found := getattr(calls, "found", None)) and found.selected and not calls.unsearched.query.where)


def count_of(calls: Any) -> int:
    """How many calls these are."""
    return int(calls.found.total() if is_searched_alone(calls) else calls.count())


def is_by_time(calls: Any) -> bool:
    """Whether the calls are in the order of their start, which is that of their sort keys."""
    return calls.query.order_by in (("sort_key",), ("-sort_key",))


def sort_keys_of(calls: Any) -> list[int]:
    """The sort keys of the calls in order, if a search has already read those that it found; else empty.

    For many calls, filtering them here is faster than asking the database again.
    """
    found, ordering = getattr(calls, "found", None), calls.query.order_by
    if not found or found.sort_keys.count(",") < _FEW_FOUND:
        return []
    sort_keys = found.sort_keys.split(",")
    if calls.unsearched.query.where or not is_by_time(calls):
        cells = Cast("sort_key", CharField())
        filtered = calls.unsearched.order_by().aggregate(found=StringAgg(cells, Value(","), order_by=ordering))["found"]
        wanted = set(sort_keys)
        return [int(sort_key) for sort_key in (filtered or "").split(",") if sort_key in wanted]
    return sorted(map(int, sort_keys), reverse=ordering == ("-sort_key",))


class CallListAdmin(IndexedAdmin[Conversation]):
    """The list of calls: its columns, filters and search."""

    list_display = (
        "started", "caller_shown", "about", "agent_shown", "length", "outcome_shown",
        "successful_shown", "cost_shown", "audio_shown", "memory_shown",
    )  # fmt: skip
    list_display_links = ("started",)
    list_filter = (
        DaysFilter, WrongFilter, DetailsFilter, ("agent_id", AgentFilter), "outcome", "successful", "channel",
        "direction", "recall", "memory_state", "has_audio", "reviewed",
    )  # fmt: skip
    own_parameters = (DaysFilter.parameter_name, WrongFilter.parameter_name, *DETAILS)
    searched = "calls"
    search_fields = ("title",)  # shows the box; what it finds is in `matching`
    search_help_text = gettext_lazy(
        "Words or a “whole phrase” of the call, a name, a number or its last digits, a conversation id."
    )
    search_help_text_without_numbers = gettext_lazy(
        "Words or a “whole phrase” of the call, a name, a whole number, a conversation id. Other digits find nothing."
    )
    reference_field = "caller_ref"
    linked = (reference_field,)
    paginator = _Calls
    list_per_page = 36  # with a long search, 40 are more than 80 KB
    date_hierarchy = "started_on"

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[CallList]:  # noqa: ARG002
        return CallQuery if hasattr(request, "repeats_a_search") else CallList

    def query(self, request: HttpRequest, asked: QueryDict, *, repeats: bool = False) -> CallQuery:
        """The query of the list with these parameters. Raises Django's error for parameters that it refuses.

        `repeats`: a search that this session has already made is not recorded again.
        """
        repeated: Any = copy(request)
        repeated.GET, repeated.repeats_a_search = asked, repeats
        query: Any = self.get_changelist_instance(repeated)
        return query  # type: ignore[no-any-return]

    def matching(self, rows: QuerySet[Any], question: str, *, reveal: bool) -> QuerySet[Any]:
        return calls_matching(rows, question, reveal=reveal)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if request.method == "GET" and any(name in DETAILS and not value for name, value in request.GET.items()):
            return HttpResponseRedirect(f"{request.path}?{_without_empty(request.GET).urlencode()}")
        if self.has_view_permission(request):
            align()
        context = {**(extra_context or {}), "title": gettext("Calls"), **saved_for(request)}
        return super().changelist_view(request, context)

    def action_checkbox(self, row: Conversation) -> SafeString:
        """Return the checkbox, labelled with the time of the call: the row has its title."""
        return format_html(
            '<input type="checkbox" name="_selected_action" value="{}" class="action-select" aria-label="{}">',
            row.pk,
            _when(row.started_at),
        )

    @admin.display(description=gettext_lazy("started"), ordering="sort_key")
    def started(self, row: Conversation) -> SafeString:
        return format_html('{}<br><span class="direction">{}</span>', _when(row.started_at), row.direction_and_channel)

    @admin.display(description=gettext_lazy("caller"))
    def caller_shown(self, row: Any) -> SafeString | str:
        if not row.caller:
            return format_html('<span class="quiet">{}</span>', row.visitor or _unnumbered(row))
        link = format_html(
            '<bdi><a href="{}">{}</a></bdi> ',
            reverse("admin:conversations_caller_change", args=[row.caller_ref]),
            row.name or gettext("unnamed"),
        )
        return link + number_element(row.caller, reveal=row.reveal)

    @admin.display(description=gettext_lazy("about"))
    def about(self, row: Any) -> SafeString:
        shown = format_html('<div dir="auto">{}</div>', row.title)
        if row.excerpt:
            shown += format_html('<div class="excerpt"><bdi>{}</bdi></div>', marked(row.excerpt))
        if row.reviewed:
            shown += format_html('<span class="quiet">✓ {}</span>', gettext("reviewed"))
        return shown

    @admin.display(description=gettext_lazy("agent"), ordering="agent_id")
    def agent_shown(self, row: Conversation) -> SafeString:
        return format_html('<span class="agent" dir="auto" title="{}">{}</span>', row.agent_id, row.agent)

    @admin.display(description=gettext_lazy("length"), ordering="duration_seconds")
    def length(self, row: Conversation) -> str:
        return clock(row.duration_seconds) or "–"

    @admin.display(description=gettext_lazy("outcome"), ordering="outcome")
    def outcome_shown(self, row: Conversation) -> SafeString:
        label = str(Outcome(row.outcome).label) if row.outcome or not row.has_transcription else "–"
        if row.outcome in (Outcome.FAILED, Outcome.UNCONNECTED):
            return _badge(label, bad=True)
        return format_html('<span class="quiet">{}</span>', label)

    @admin.display(description=gettext_lazy("success"), ordering="successful")
    def successful_shown(self, row: Conversation) -> SafeString | str:
        result = str(_RESULTS.get(row.successful, row.successful))
        return _badge(result, bad=row.successful == "failure", good=row.successful == "success") or "–"

    @admin.display(description=gettext_lazy("cost"), ordering="cost")
    def cost_shown(self, row: Conversation) -> str:
        return "–" if row.cost is None else number_format(row.cost, force_grouping=True)

    @admin.display(description=gettext_lazy("audio"), ordering="has_audio")
    def audio_shown(self, row: Conversation) -> str:
        return gettext("yes") if row.has_audio else "–"

    @admin.display(description=pgettext_lazy("column", "memory"), ordering="memory_state")
    def memory_shown(self, row: Conversation) -> SafeString | str:
        match row.memory_state:
            case MemoryState.WRITTEN:
                return format_html('<span title="{}">{}</span>', _written(row.memories), row.memories)
            case MemoryState.NONE:
                return gettext("none")
            case state:
                return _badge(str(MemoryState(state).label), bad=state == MemoryState.FAILED, good=False)


def _unnumbered(row: Conversation) -> str:
    """Return what stands in place of a number: it was withheld, or without a readable transcription is unknown."""
    return gettext("withheld") if row.channel or row.has_failure else gettext("unknown")


def _nulls_last(one: Any) -> Any:
    name = one.removeprefix("-") if isinstance(one, str) else ""
    return OrderBy(F(name), descending=one.startswith("-"), nulls_last=True) if name in _NULLABLE else one


def _without_empty(asked: QueryDict) -> QueryDict:
    """The parameters without the fields that were left empty in the filter form."""
    kept = asked.copy()
    for name in DETAILS:
        if not kept.get(name):
            kept.pop(name, None)
    return kept


def _when(at: datetime | None) -> str:
    return gettext("unknown") if at is None else date_format(localtime(at), "SHORT_DATETIME_FORMAT")


def _written(memories: int) -> str:
    return ngettext("%(n)s memory written", "%(n)s memories written", memories) % {"n": memories}


def _badge(text: str, *, bad: bool = False, good: bool = False) -> SafeString:
    tone = "bad" if bad else "good" if good else "plain"
    return format_html('<span class="badge {}">{}</span>', tone, text) if text else SafeString("")
