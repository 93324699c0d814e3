"""The calls: the list, the page of one, its recording and files, and reprocessing."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin import helpers
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.db.models.expressions import Combinable
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.formats import date_format
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.timezone import localtime

from conversations.admin.call_page import call_page
from conversations.admin.export import export_calls
from conversations.admin.filters import AgentFilter
from conversations.admin.indexed import IndexedAdmin
from conversations.admin.numbers import masked, may_reveal, number_element, without_number
from conversations.admin.recording import carries_sound, recording
from conversations.admin.search import NearNames, calls_matching
from conversations.admin.searches import record_search
from conversations.admin.transcript import clock
from conversations.files.paths import AUDIO, conversation_folder, is_conversation_id, payload_path
from conversations.index import fulltext
from conversations.index.excerpt import HIT_BEGINS, HIT_ENDS, excerpt
from conversations.index.sync import refresh_row
from conversations.memories import reprocess
from conversations.models import CallerCard, Conversation, MemoryState, Outcome
from conversations.payloads.secret_variables import without_secrets
from elmemory.audit.models import Action
from elmemory.audit.record import record

# A form of Django has at most a thousand fields.
_MOST_AT_ONCE = 500
_MOST_BY_DAY = 5000
_SAME_LISTENING = timedelta(minutes=10)


class CallList(NearNames, ChangeList):
    """The list, with what its rows need of elsewhere fetched once for the page."""

    def url_for_result(self, result: Any) -> str:
        """The id as it is: Django would write the underscores of every id as _5F."""
        return reverse("admin:conversations_conversation_change", args=[result.pk])

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[str | Combinable]:
        """Sort keys are practically unique; sorting by a second column would only cost time."""
        ordering = list(super().get_ordering(request, queryset))
        return ordering[:1] if ordering[0] in ("sort_key", "-sort_key") else ordering

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        if self.query and self.result_count > _MOST_BY_DAY:
            self.date_hierarchy = None  # of so many finds, counting the days takes longer than finding them
        rows: list[Any] = list(self.result_list)
        cards = {card.pk: card for card in CallerCard.objects.filter(pk__in={row.caller_ref for row in rows})}
        texts = fulltext.shown([row.sort_key for row in rows]) if self.query else {}
        reveal = may_reveal(request)
        for row in rows:
            card = cards.get(row.caller_ref)
            row.card = card
            row.reveal = reveal
            parts = texts.get(row.sort_key, [])
            row.excerpt = excerpt(self.query, parts if reveal else without_number(parts, row.caller))
        self.result_list = rows


@admin.register(Conversation)
class ConversationAdmin(IndexedAdmin[Conversation]):
    list_display = (
        "started", "caller_shown", "about", "agent_shown", "length", "outcome_shown",
        "successful_shown", "cost_shown", "audio_shown", "memory_shown",
    )  # fmt: skip
    list_display_links = ("started",)
    list_filter = (
        "memory_state", "outcome", "successful", ("agent_id", AgentFilter), "direction", "channel",
        "has_audio", "recall",
    )  # fmt: skip
    search_fields = ("title",)  # shows the box; what it finds is in get_search_results
    search_help_text = "Words or a “whole phrase” of the call, a name, a number or its last digits, a conversation id."
    date_hierarchy = "started_on"
    actions = ("reprocess_calls",)

    class Media:
        css: ClassVar = {"all": ("conversations/admin.css",)}

    # The list

    def get_queryset(self, request: HttpRequest) -> QuerySet[Conversation]:
        return super().get_queryset(request).defer("fingerprint", "error")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[CallList]:  # noqa: ARG002
        return CallList

    def get_search_results(
        self,
        request: HttpRequest,
        queryset: QuerySet[Any],
        search_term: str,
    ) -> tuple[QuerySet[Any], bool]:
        if not search_term.strip():
            return queryset, False
        record_search(request, "calls", search_term)
        return calls_matching(queryset, search_term), False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        context = {"title": "Calls", "may_export": request.user.has_perm("conversations.export_conversation")}
        return super().changelist_view(request, {**(extra_context or {}), **context})

    @admin.display(description="started", ordering="sort_key")
    def started(self, row: Conversation) -> SafeString:
        return format_html('{}<br><span class="direction">{}</span>', _when(row.started_at), row.direction_and_channel)

    @admin.display(description="caller", ordering="caller")
    def caller_shown(self, row: Any) -> SafeString | str:
        if not row.caller:
            return format_html('<span class="quiet">{}</span>', row.visitor or "withheld")
        name = (row.card.name if row.card else "") or row.caller_name
        link = format_html(
            '<a href="{}">{}</a> ',
            reverse("admin:conversations_caller_change", args=[row.caller_ref]),
            name or "unnamed",
        )
        return link + number_element(row.caller, reveal=row.reveal)

    @admin.display(description="about")
    def about(self, row: Any) -> SafeString | str:
        title = row.title if row.reveal else without_number(row.title, row.caller)
        if not row.excerpt:
            return str(title)
        marked = escape(row.excerpt).replace(HIT_BEGINS, "<mark>").replace(HIT_ENDS, "</mark>")
        return format_html('{}<div class="excerpt">{}</div>', title, mark_safe(marked))  # noqa: S308

    @admin.display(description="agent", ordering="agent_id")
    def agent_shown(self, row: Conversation) -> SafeString:
        return format_html('<span class="agent" title="{}">{}</span>', row.agent_id, row.agent)

    @admin.display(description="length", ordering="duration_seconds")
    def length(self, row: Conversation) -> str:
        return clock(row.duration_seconds) or "–"

    @admin.display(description="outcome", ordering="outcome")
    def outcome_shown(self, row: Conversation) -> SafeString:
        label = Outcome(row.outcome).label
        if row.outcome in (Outcome.FAILED, Outcome.UNCONNECTED):
            return _badge(label, bad=True)
        return format_html('<span class="quiet">{}</span>', label)

    @admin.display(description="success", ordering="successful")
    def successful_shown(self, row: Conversation) -> SafeString | str:
        return _badge(row.successful, bad=row.successful == "failure", good=row.successful == "success") or "–"

    @admin.display(description="cost", ordering="cost")
    def cost_shown(self, row: Conversation) -> str:
        return "–" if row.cost is None else f"{row.cost:,}"

    @admin.display(description="audio", ordering="has_audio")
    def audio_shown(self, row: Conversation) -> str:
        return "yes" if row.has_audio else "–"

    @admin.display(description="memory", ordering="memory_state")
    def memory_shown(self, row: Conversation) -> SafeString | str:
        match row.memory_state:
            case MemoryState.WRITTEN:
                return format_html('<span title="{} memories written">{}</span>', row.memories, row.memories)
            case MemoryState.NONE:
                return "none"
            case state:
                return _badge(state, bad=state == MemoryState.FAILED, good=False)

    # One call

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",  # noqa: ARG002
        extra_context: dict[str, Any] | None = None,  # noqa: ARG002
    ) -> HttpResponse:
        row = self._row(request, object_id)
        record(request, Action.VIEW, "call", row.pk, caller=row.caller_ref)
        reveal, user = may_reveal(request), request.user
        page = call_page(row, reveal=reveal)
        if not reveal:
            page = without_number(page, row.caller)
        card = CallerCard.objects.filter(pk=row.caller_ref).first()
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "row": row,
            "title": page["title"] or "Call without a title",
            "page": page,
            "caller_name": (card.name if card else "") or row.caller_name,
            "caller_number": number_element(row.caller, reveal=reveal),
            "may_listen": user.has_perm("conversations.listen_conversation"),
            "may_reprocess": user.has_perm("conversations.reprocess_conversation"),
            "may_download": user.has_perm("conversations.download_conversation"),
            "may_correct": user.has_perm("conversations.correct_caller"),
            "may_audit": user.has_perm("audit.view_entry"),
            **self._neighbours(row),
        }
        return TemplateResponse(request, "admin/conversations/conversation/page.html", context)

    def _neighbours(self, row: Conversation) -> dict[str, Conversation | None]:
        """The caller's call before this one, and the one after it."""
        if not row.caller_ref or row.started_at is None:
            return {}
        others = Conversation.objects.filter(caller_ref=row.caller_ref).exclude(pk=row.pk)
        return {
            "earlier": others.filter(started_at__lte=row.started_at).order_by("-started_at").first(),
            "later": others.filter(started_at__gt=row.started_at).order_by("started_at").first(),
        }

    def _row(self, request: HttpRequest, conversation_id: str) -> Conversation:
        if not self.has_view_permission(request):
            raise PermissionDenied
        if not is_conversation_id(conversation_id):
            raise Http404
        rows = self.get_queryset(request).filter(pk=conversation_id)
        if not rows.exists():
            refresh_row(conversation_id)  # the index may be behind
        if row := rows.first():
            return row
        raise Http404

    # What belongs to a call

    def get_urls(self) -> list[URLPattern]:
        def own(route: str, view: Any, name: str) -> Any:
            return path(route, self.admin_site.admin_view(view), name=f"conversations_conversation_{name}")

        return [
            own("export/<str:kind>/", self.export_view, "export"),
            own("<str:object_id>/recording/", self.recording_view, "recording"),
            own("<str:object_id>/file/<str:name>", self.file_view, "file"),
            own("<str:object_id>/state/", self.state_view, "state"),
            own("<str:object_id>/reprocess/", self.reprocess_view, "reprocess"),
            *super().get_urls(),
        ]

    def recording_view(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        _require(request, "conversations.listen_conversation")
        row = self._row(request, object_id)
        try:
            response = recording(payload_path(row.pk, AUDIO), request.headers.get("Range"))
        except FileNotFoundError:
            raise Http404 from None
        if carries_sound(request, response):
            # The player asks with ?play once its button is pressed; whatever else fetches a recording keeps it.
            action = Action.LISTEN if "play" in request.GET else Action.DOWNLOAD
            record(request, action, "recording", row.pk, caller=row.caller_ref, once_in=_SAME_LISTENING)
        return response

    def file_view(self, request: HttpRequest, object_id: str, name: str) -> HttpResponseBase:
        """A file of the call's folder, by the name it has there."""
        _require(request, "conversations.download_conversation")
        row = self._row(request, object_id)
        folder = conversation_folder(row.pk)
        found = next((file for file in folder.iterdir() if file.name == name and file.is_file()), None)
        if found is None:
            raise Http404
        if name.endswith(".mp3"):
            _require(request, "conversations.listen_conversation")
        recorded = {"caller": row.caller_ref, "detail": name.removeprefix(row.pk)}
        if name.endswith(".mp3"):
            response = recording(found, request.headers.get("Range"))
            response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
            if carries_sound(request, response):
                record(request, Action.DOWNLOAD, "file", row.pk, **recorded)
            return response
        record(request, Action.DOWNLOAD, "file", row.pk, **recorded)
        inline = "shown" in request.GET
        headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
        headers["Content-Disposition"] = f'{"inline" if inline else "attachment"}; filename="{name}"'
        kind = "text/plain; charset=utf-8" if inline else "application/json"
        return HttpResponse(without_secrets(found.read_bytes()), content_type=kind, headers=headers)

    def state_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """What a page asks that waits for the worker."""
        row = self._row(request, object_id)
        return JsonResponse({"state": row.memory_state, "memories": row.memories})

    def export_view(self, request: HttpRequest, kind: str) -> HttpResponseBase:
        """The list as it is filtered, whole."""
        _require(request, "conversations.export_conversation")
        if kind not in ("csv", "json"):
            raise Http404
        calls = self.get_changelist_instance(request).get_queryset(request)
        record(request, Action.EXPORT, "list", detail=f"{calls.count()} calls as {kind}")
        return export_calls(calls, kind, str if may_reveal(request) else masked)

    # Acting

    def has_reprocess_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("conversations.reprocess_conversation")

    def reprocess_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        _require(request, "conversations.reprocess_conversation")
        row = self._row(request, object_id)
        if request.method != "POST":
            return self._confirm_reprocessing(
                request, [row.pk], back=reverse("admin:conversations_conversation_change", args=[row.pk])
            )
        self._reprocess(request, [row.pk])
        return HttpResponseRedirect(reverse("admin:conversations_conversation_change", args=[row.pk]))

    @admin.action(description="Reprocess", permissions=["reprocess"])
    def reprocess_calls(self, request: HttpRequest, calls: QuerySet[Conversation]) -> HttpResponse | None:
        ids = list(calls.filter(has_transcription=True).values_list("pk", flat=True)[: _MOST_AT_ONCE + 1])
        if len(ids) > _MOST_AT_ONCE:
            hint = f"At most {_MOST_AT_ONCE} calls at once here; for more there is `manage.py reprocess`."
            self.message_user(request, hint, messages.ERROR)
        elif not ids:
            self.message_user(request, "None of these has a transcription.", messages.WARNING)
        elif "confirmed" in request.POST:
            self._reprocess(request, ids)
        else:
            return self._confirm_reprocessing(request, ids, action="reprocess_calls", back=request.get_full_path())
        return None

    def _confirm_reprocessing(
        self, request: HttpRequest, ids: Sequence[str], *, back: str, action: str = ""
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Reprocess this call?" if len(ids) == 1 else f"Reprocess {len(ids)} calls?",
            "text": "The memories are written again from the stored transcription. What staff deleted stays deleted.",
            "hidden": [
                ("confirmed", "yes"),
                *([("action", action)] if action else []),
                *((helpers.ACTION_CHECKBOX_NAME, pk) for pk in ids),
            ],
            "submit": "Yes, reprocess",
            "back": back,
        }
        return TemplateResponse(request, "admin/conversations/confirm.html", context)

    def _reprocess(self, request: HttpRequest, ids: Sequence[str]) -> None:
        for conversation_id in ids:
            caller = Conversation.objects.filter(pk=conversation_id).values_list("caller_ref", flat=True).first()
            record(request, Action.REPROCESS, "call", conversation_id, caller=caller or "")
            reprocess.request(conversation_id)
            refresh_row(conversation_id)
        what = "The call" if len(ids) == 1 else f"{len(ids)} calls"
        self.message_user(request, f"{what} will be reprocessed as soon as the worker can.", messages.SUCCESS)


def _when(at: datetime | None) -> str:
    """The year is told where it is another."""
    if at is None:
        return "unknown"
    at = localtime(at)
    return date_format(at, "j M, H:i" if at.year == localtime().year else "j M Y, H:i")


def _badge(text: str, *, bad: bool = False, good: bool = False) -> SafeString:
    tone = "bad" if bad else "good" if good else "plain"
    return format_html('<span class="badge {}">{}</span>', tone, text) if text else SafeString("")


def _require(request: HttpRequest, permission: str) -> None:
    if not request.user.has_perm(permission):
        raise PermissionDenied
