"""The callers: the list, the page of one, and what staff may do to their memories."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Count, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.functional import cached_property
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from conversations.admin.caller_export import export_caller, known_of
from conversations.admin.caller_page import caller_page
from conversations.admin.indexed import IndexedAdmin
from conversations.admin.numbers import masked, may_reveal, number_element, without_number
from conversations.admin.search import NearNames, callers_matching
from conversations.admin.searches import record_search
from conversations.files.paths import unreadable_paths
from conversations.memories import corrections, forgetting
from conversations.models import Caller, CallerCard, Conversation
from elmemory.audit.models import Action
from elmemory.audit.record import record
from elmemory.memory import kinds
from elmemory.memory.openmemory import NotStorable, OpenMemoryError, open_memory
from elmemory.memory.records import Memory

_CORRECTIONS, _RIGHTS = "conversations.correct_caller", "conversations.forget_caller"
_NOT_WHOLLY_FORGOTTEN = "The caller is not wholly forgotten: forget them once more, what is done stays done."
_PREFERENCES = {
    kinds.OPT_OUT: (
        Action.OPT_OUT,
        "Opt this caller out?",
        (
            "The agent is told nothing about them and nothing new is remembered. Stored calls and memories stay until"
            " they are forgotten or reprocessed."
        ),
        "Let this caller be remembered again?",
        "The agent hears again what is remembered; calls from now on are remembered.",
    ),
    kinds.SHARED_LINE: (
        Action.SHARED_LINE,
        "Mark this as a shared line?",
        "The agent still gets the summaries, but greets nobody by name.",
        "No longer a shared line?",
        "The agent greets by name again.",
    ),
}


class Correction(forms.Form):
    """A fact as staff know it."""

    field = forms.CharField(max_length=60, help_text="For example city, or First name.")
    value = forms.CharField(max_length=400, widget=forms.TextInput(attrs={"size": 60}))


class CallerList(NearNames, ChangeList):
    """The list, with the names of the page's callers."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        rows: list[Any] = list(self.result_list)
        cards = dict(CallerCard.objects.filter(pk__in=[row.ref for row in rows]).values_list("pk", "name"))
        for row in rows:
            row.name = cards.get(row.ref) or _name_told(row.ref)
            row.reveal = may_reveal(request)
        self.result_list = rows


class _Callers(Paginator):  # type: ignore[type-arg]  # not generic at run time
    """Counts all callers without making the view's rows."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        if rows.query.where:
            return int(rows.count())
        return (
            Conversation.objects.filter(caller_ref__gt="").aggregate(all=Count("caller_ref", distinct=True))["all"] or 0
        )


@admin.register(Caller)
class CallerAdmin(IndexedAdmin[Caller]):
    list_display = ("name_shown", "number_shown", "calls", "first_call", "last_call", "flags")
    list_filter = ("opted_out", "shared_line")
    search_fields = ("ref",)  # shows the box; what it finds is in get_search_results
    search_help_text = "A name, a number in any spelling, or its last digits."
    paginator = _Callers
    sortable_by = ("calls", "first_call", "last_call")

    class Media:
        css: ClassVar = {"all": ("conversations/admin.css",)}

    # The list

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[CallerList]:  # noqa: ARG002
        return CallerList

    def get_search_results(
        self,
        request: HttpRequest,
        queryset: QuerySet[Any],
        search_term: str,
    ) -> tuple[QuerySet[Any], bool]:
        if not search_term.strip():
            return queryset, False
        record_search(request, "callers", search_term)
        found = callers_matching(search_term.strip())
        return (queryset.none() if found is None else queryset.filter(found)), False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().changelist_view(request, {**(extra_context or {}), "title": "Callers"})

    @admin.display(description="name")
    def name_shown(self, row: Any) -> str:
        return row.name or "unnamed"

    @admin.display(description="number")
    def number_shown(self, row: Any) -> SafeString:
        return number_element(row.number, reveal=row.reveal)

    @admin.display(description="notes")
    def flags(self, row: Caller) -> SafeString:
        words = [word for word, holds in (("opted out", row.opted_out), ("shared line", row.shared_line)) if holds]
        return format_html_join(" ", '<span class="badge plain">{}</span>', ((word,) for word in words))

    # One caller

    def get_urls(self) -> list[URLPattern]:
        def own(route: str, view: Any, name: str) -> Any:
            return path(route, self.admin_site.admin_view(view), name=f"conversations_caller_{name}")

        return [
            own("<str:object_id>/correct/", self.correct_view, "correct"),
            own("<str:object_id>/say/<str:preference>/<str:holds>/", self.preference_view, "preference"),
            own("<str:object_id>/memory/<str:memory_id>/delete/", self.delete_memory_view, "delete_memory"),
            own("<str:object_id>/export/", self.export_view, "export"),
            own("<str:object_id>/forget/", self.forget_view, "forget"),
            *super().get_urls(),
        ]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",  # noqa: ARG002
        extra_context: dict[str, Any] | None = None,  # noqa: ARG002
    ) -> HttpResponse:
        """The page. A question to the agent's search comes by POST, so that it stands in no address."""
        row = self._row(request, object_id)
        question = request.POST.get("question", "").strip()[:500] if request.method == "POST" else ""
        record(request, Action.SEARCH if question else Action.VIEW, "caller", row.ref)
        asked = request.GET
        number = asked.get("p", "1")
        page = caller_page(
            open_memory(),
            row.number,
            kind=asked.get("kind", ""),
            sector=asked.get("sector", ""),
            question=question,
            number=int(number) if number.isdecimal() and len(number) < 6 else 1,
        )
        reveal = may_reveal(request)
        if not reveal:
            page = without_number(page, row.number)
        name = page.get("profile", {}).get("name") or _name_told(row.ref)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "row": row,
            "title": name or "Unnamed caller",
            "page": page,
            "number": number_element(row.number, reveal=reveal),
            "may_correct": request.user.has_perm(_CORRECTIONS),
            "may_forget": request.user.has_perm(_RIGHTS),
            "may_audit": request.user.has_perm("audit.view_entry"),
            "form": Correction(auto_id="correction-%s"),
        }
        return TemplateResponse(request, "admin/conversations/caller/page.html", context)

    def _row(self, request: HttpRequest, reference: str) -> Caller:
        if not self.has_view_permission(request):
            raise PermissionDenied
        if row := self.get_queryset(request).filter(pk=reference).first():
            return row
        raise Http404

    # Acting

    def correct_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Asks once more before it is done: what is corrected wins over every later call."""
        row = self._acted_on(request, object_id)
        form = Correction(request.POST if request.method == "POST" else {"field": request.GET.get("field", "")})
        if request.method != "POST" or not form.is_valid():
            context = self._context(request, row, "Correct or add a fact") | {
                "form": form if request.POST else Correction(initial={"field": request.GET.get("field", "")})
            }
            return TemplateResponse(request, "admin/conversations/caller/correct.html", context)
        field, value = form.cleaned_data["field"], form.cleaned_data["value"]
        if "confirmed" not in request.POST:
            text = f"“{field}” will be “{value}”, whatever later calls say, until somebody takes it back."
            hidden = [("field", field), ("value", value)]
            return self._confirm(request, row, "Correct this fact?", text, "Yes, this is right", hidden)
        try:
            name = corrections.correct(open_memory(), row.number, field, value)
        except (ValueError, NotStorable):
            messages.error(request, "The field needs a name with letters or digits, and a value that can be stored.")
        except OpenMemoryError as error:
            self._away(request, error)
        else:
            record(request, Action.CORRECT, "caller", row.ref, detail=name[:60])
            messages.success(request, "Corrected. The next ring uses it.")
        return self._back(row)

    def preference_view(self, request: HttpRequest, object_id: str, preference: str, holds: str) -> HttpResponse:
        row = self._acted_on(request, object_id)
        if preference not in _PREFERENCES or holds not in ("yes", "no"):
            raise Http404
        action, question, text, question_back, text_back = _PREFERENCES[preference]
        if request.method != "POST":
            shown = (question, text) if holds == "yes" else (question_back, text_back)
            return self._confirm(request, row, *shown, "Yes")
        try:
            corrections.set_preference(open_memory(), row.number, preference, holds=holds == "yes")
        except OpenMemoryError as error:
            self._away(request, error)
        else:
            record(request, action, "caller", row.ref, detail=holds)
            messages.success(request, "Done. The next ring uses it.")
        return self._back(row)

    def delete_memory_view(self, request: HttpRequest, object_id: str, memory_id: str) -> HttpResponse:
        row = self._acted_on(request, object_id)
        try:
            memory = _memory(row.number, memory_id)
            if request.method != "POST":
                shown = memory.content if may_reveal(request) else without_number(memory.content, row.number)
                after = (
                    "What calls say holds again."
                    if memory.kind == kinds.PREFERENCE
                    else "It stays deleted, also when the call is reprocessed. The stored call is not changed."
                )
                return self._confirm(request, row, "Delete this memory?", f"“{shown}” {after}", "Yes, delete it")
            corrections.delete_memory(open_memory(), row.number, memory)
        except OpenMemoryError as error:
            self._away(request, error)
        else:
            call = str(memory.metadata.get("conversation_id") or "")
            record(request, Action.DELETE, "caller", row.ref, detail=f"{memory.kind} of {call or 'staff'}")
            messages.success(request, "Deleted.")
        return self._back(row)

    # A caller's rights

    def export_view(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """All that is known, as a ZIP."""
        row = self._acted_on(request, object_id, _RIGHTS)
        try:
            known = known_of(open_memory(), row.number)
        except OpenMemoryError as error:
            messages.error(request, f"Nothing was exported: OpenMemory does not answer ({error}).")
            return self._back(row)
        detail = _amount(len(known.memories), len(known.calls))
        record(request, Action.EXPORT, "caller", row.ref, detail=detail)
        return export_caller(row, known)

    def forget_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Says what will go and what will stay, and does it when that is confirmed."""
        row = self._acted_on(request, object_id, _RIGHTS)
        store = open_memory()
        try:
            extent = forgetting.extent(store, row.number)
        except OpenMemoryError as error:
            messages.error(request, f"Nothing can be forgotten: OpenMemory does not answer ({error}).")
            return self._back(row)
        if request.method != "POST":
            return self._confirm_forgetting(request, row, extent)
        payloads = "payloads" in request.POST
        detail = f"{_amount(extent.memories, extent.calls)} {'deleted' if payloads else 'kept'}"
        # Before it is done: nobody who dies in between leaves a deletion without a name.
        record(request, Action.FORGET, "caller", row.ref, detail=detail)
        try:
            forgetting.forget(store, row.number, payloads=payloads)
        except OpenMemoryError as error:
            messages.error(request, f"{_NOT_WHOLLY_FORGOTTEN} OpenMemory does not answer ({error}).")
        except OSError as error:
            messages.error(request, f"{_NOT_WHOLLY_FORGOTTEN} Not every file could be changed ({error.strerror}).")
        else:
            messages.success(request, f"Forgotten: {detail}.")
            if payloads:
                return HttpResponseRedirect(reverse("admin:conversations_caller_changelist"))
        return self._back(row)

    def _confirm_forgetting(self, request: HttpRequest, row: Caller, extent: forgetting.Extent) -> HttpResponse:
        more = {
            "extent": extent,
            "number": number_element(row.number, reveal=may_reveal(request)),
            "unreadable": len(unreadable_paths()),
        }
        context = self._context(request, row, "Forget this caller?") | more
        return TemplateResponse(request, "admin/conversations/caller/forget.html", context)

    def _acted_on(self, request: HttpRequest, reference: str, permission: str = _CORRECTIONS) -> Caller:
        if not request.user.has_perm(permission):
            raise PermissionDenied
        return self._row(request, reference)

    def _context(self, request: HttpRequest, row: Caller, title: str) -> dict[str, Any]:
        context = {"opts": self.opts, "title": title, "row": row, "back": _address(row)}
        return {**self.admin_site.each_context(request), **context, "number": masked(row.number)}

    def _confirm(
        self,
        request: HttpRequest,
        row: Caller,
        title: str,
        text: str,
        submit: str,
        hidden: list[tuple[str, str]] | None = None,
    ) -> HttpResponse:
        more = {"text": text, "submit": submit, "hidden": [*(hidden or []), ("confirmed", "yes")]}
        return TemplateResponse(request, "admin/conversations/confirm.html", self._context(request, row, title) | more)

    def _away(self, request: HttpRequest, error: OpenMemoryError) -> None:
        messages.error(request, f"Nothing was changed: OpenMemory does not answer ({error}).")

    def _back(self, row: Caller) -> HttpResponse:
        return HttpResponseRedirect(_address(row))


def _amount(memories: int, calls: int) -> str:
    return f"{memories} memor{'y' if memories == 1 else 'ies'}, {calls} call{'' if calls == 1 else 's'}"


def _address(row: Caller) -> str:
    return reverse("admin:conversations_caller_change", args=[row.ref])


def _memory(caller: str, memory_id: str) -> Memory:
    for memory in open_memory().memories(caller):
        if memory.id == memory_id and memory.kind != kinds.CARD:
            return memory
    raise Http404


def _name_told(reference: str) -> str:
    """The name that the newest call with one told."""
    named = Conversation.objects.filter(caller_ref=reference).exclude(caller_name="").order_by("-started_at")
    return named.values_list("caller_name", flat=True).first() or ""
