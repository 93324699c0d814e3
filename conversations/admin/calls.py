"""The calls: the list, the page of one, its recording and files, and reprocessing."""

import contextlib
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin import helpers
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ERROR_FLAG
from django.core.exceptions import SuspiciousOperation
from django.db import OperationalError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, reverse
from django.utils.translation import gettext, gettext_lazy, ngettext

from conversations.admin.analytics_page import analytics_page, with_usual_period
from conversations.admin.call_page import call_page
from conversations.admin.call_review import Note, review_call, review_shown
from conversations.admin.export import export_calls
from conversations.admin.indexed import show_what_is_there
from conversations.admin.masking import mask, mask_of_call
from conversations.admin.numbers import may_reveal, number_element
from conversations.admin.recording import carries_sound, recording
from conversations.admin.results import mark_hits, results_around
from conversations.admin.saved_searches import delete_view, save_view
from conversations.admin.unreadable import Unreadable, beginning
from conversations.files.heartbeat import a_worker_runs
from conversations.files.paths import AUDIO, conversation_files, is_conversation_id, payload_path, transcription_path
from conversations.index.sync import refresh_if_behind, refresh_row
from conversations.memories import reprocess
from conversations.memories.reviews import align
from conversations.models import CallerCard, Conversation, MemoryState
from conversations.payloads.explain import reason_in_language
from conversations.payloads.secret_variables import without_secrets
from elmemory.admin import say_what_is_wrong
from elmemory.audit.models import Action
from elmemory.audit.record import record
from elmemory.memory.text import counted

# A form of Django has at most a thousand fields.
_MOST_AT_ONCE = 500
_MOST_SHOWN = 2**21
_SAME_LISTENING = timedelta(minutes=10)


@admin.register(Conversation)
class ConversationAdmin(Unreadable):
    """One call: its page, its files, and reprocessing."""

    actions = ("reprocess_calls",)

    # One call

    def change_view(self, request: HttpRequest, object_id: str, *_: Any, **__: Any) -> HttpResponse:
        row = self._row(request, object_id)
        record(request, Action.VIEW, "call", row.pk, caller=row.caller_ref)
        return self._page(request, row)

    def _page(self, request: HttpRequest, row: Conversation, note_form: Note | None = None) -> HttpResponse:
        reveal, user = may_reveal(request), request.user
        page, results = call_page(row, reveal=reveal), results_around(self, request, row)
        card = CallerCard.objects.filter(pk=row.caller_ref).first()
        name = (card.name if card else "") or row.caller_name
        if not reveal:
            name, row.error = mask([name, row.error], row.caller)
        row.error = reason_in_language(row.error)
        context = {
            "row": row,
            "page": page,
            "results": results,
            "hits": mark_hits(page, results.words),
            "caller_name": name,
            "caller_number": number_element(row.caller, reveal=reveal),
            "may_listen": user.has_perm("conversations.listen_conversation"),
            "may_correct": user.has_perm("conversations.correct_caller"),
            "a_worker_runs": a_worker_runs(),
            **self._neighbours(row),
            **review_shown(request, row),
        }
        if row.memory_state == MemoryState.FAILED:
            context["stored"] = beginning(transcription_path(row.pk), reveal=reveal)
        if note_form:
            context["note_form"] = note_form
        return self.page(request, "conversation/page", page["title"] or gettext("Call without a title"), **context)

    def _neighbours(self, row: Conversation) -> dict[str, Conversation | None]:
        """The caller's calls before and after this one."""
        if not row.caller_ref or row.started_at is None:
            return {}
        others = Conversation.objects.filter(caller_ref=row.caller_ref).exclude(pk=row.pk)
        return {
            "earlier": others.filter(started_at__lte=row.started_at).order_by("-started_at").first(),
            "later": others.filter(started_at__gt=row.started_at).order_by("started_at").first(),
        }

    def _row(self, request: HttpRequest, conversation_id: str) -> Conversation:
        self.require(request)
        if not is_conversation_id(conversation_id):
            raise Http404
        rows = self.get_queryset(request)
        with contextlib.suppress(OperationalError, OSError):  # busy: the row as it is
            refresh_if_behind(conversation_id)
        if row := rows.filter(pk=conversation_id).first():
            return row
        raise Http404

    # Files and export

    def get_urls(self) -> list[URLPattern]:
        return [
            # Calls first: one may have the id "export".
            self.own("<str:object_id>/change/", self.change_view, "change"),
            self.own("<str:object_id>/recording/", self.recording_view, "recording"),
            self.own("<str:object_id>/file/<str:name>", self.file_view, "file"),
            self.own("<str:object_id>/state/", self.state_view, "state"),
            self.own("<str:object_id>/reprocess/", self.reprocess_view, "reprocess"),
            self.own("<str:object_id>/review/", self.review_view, "review"),
            self.own("export/<str:kind>/", self.export_view, "export"),
            self.own("analytics/", self.analytics_view, "analytics"),
            self.own("searches/", self.save_search_view, "save_search"),
            self.own("searches/<int:pk>/", self.delete_search_view, "delete_search"),
            *super().get_urls(),
        ]

    def recording_view(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        self.require(request, "listen_conversation")
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
        """A file of the call's folder, by its name. Files other than recordings contain whole numbers."""
        self.require(request, "download_conversation")
        row = self._row(request, object_id)
        found = next((file for file in conversation_files(row.pk) if file.name == name and file.is_file()), None)
        if found is None:
            raise Http404
        needed = "listen_conversation" if name.endswith(".mp3") else "reveal_number"
        self.require(request, needed)
        detail = name.removeprefix(row.pk)
        if name.endswith(".mp3"):
            response = recording(found, request.headers.get("Range"))
            response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
            if carries_sound(request, response):
                record(request, Action.DOWNLOAD, "file", row.pk, caller=row.caller_ref, detail=detail)
            return response
        record(request, Action.DOWNLOAD, "file", row.pk, caller=row.caller_ref, detail=detail)
        inline = "shown" in request.GET
        with found.open("rb") as file:  # a page cannot show all of any file
            content = file.read(_MOST_SHOWN if inline else -1)
        headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
        headers["Content-Disposition"] = f'{"inline" if inline else "attachment"}; filename="{name}"'
        kind = "text/plain; charset=utf-8" if inline else "application/json"
        return HttpResponse(without_secrets(content), content_type=kind, headers=headers)

    def state_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The processing state, which the page of a call polls while the worker processes it."""
        row = self._row(request, object_id)
        return JsonResponse({"state": row.memory_state, "memories": row.memories})

    def export_view(self, request: HttpRequest, kind: str) -> HttpResponseBase:
        """Export all calls of the list with its filters and search."""
        self.require(request, "export_conversation")
        if kind not in ("csv", "json"):
            raise Http404
        show_what_is_there(wholly=True)
        align()
        try:
            calls = self.query(request, request.GET).queryset
        except IncorrectLookupParameters:
            return HttpResponseRedirect(f"{reverse('admin:conversations_conversation_changelist')}?{ERROR_FLAG}=1")
        record(request, Action.EXPORT, "list", detail=f"{counted(calls.count(), 'call')} as {kind}")
        return export_calls(calls, kind, reveal=may_reveal(request))

    def analytics_view(self, request: HttpRequest) -> HttpResponse:
        """The figures of the calls that the list with these parameters shows, by default of four weeks."""
        self.require(request)
        show_what_is_there(request)
        asked = with_usual_period(request.GET)
        try:
            page = analytics_page(self.query(request, asked), asked)
        except IncorrectLookupParameters:
            say_what_is_wrong(request)
            return HttpResponseRedirect(request.path)
        return self.page(request, "conversation/figures", gettext("Figures"), page=page)

    # Saved searches: the address of the form is that of the list that it belongs to

    def save_search_view(self, request: HttpRequest) -> HttpResponse:
        self.require(request)
        back = reverse("admin:conversations_conversation_changelist")
        try:
            self.query(request, request.GET, repeats=True)
        except (IncorrectLookupParameters, SuspiciousOperation):  # it would lead to an error page
            return HttpResponseRedirect(f"{back}?{ERROR_FLAG}=1")
        return save_view(request, back)

    def delete_search_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        self.require(request)
        return delete_view(request, pk, reverse("admin:conversations_conversation_changelist"))

    # Acting

    def has_reprocess_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("conversations.reprocess_conversation")

    def reprocess_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        self.require(request, "reprocess_conversation")
        row = self._row(request, object_id)
        page = reverse("admin:conversations_conversation_change", args=[row.pk])
        if not row.has_transcription:
            self.message_user(request, gettext("There is no transcription of this call."), messages.WARNING)
        elif request.method != "POST":
            return self._confirm_reprocessing(request, [row.pk], back=page, row=row)
        else:
            self._reprocess(request, [row.pk])
        return HttpResponseRedirect(page)

    def review_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self._row(request, object_id)
        answer = review_call(request, row)
        return self._page(request, row, answer) if isinstance(answer, Note) else answer

    @admin.action(description=gettext_lazy("Reprocess"), permissions=["reprocess"])
    def reprocess_calls(self, request: HttpRequest, calls: QuerySet[Conversation]) -> HttpResponse | None:
        ids = list(calls.filter(has_transcription=True).values_list("pk", flat=True)[: _MOST_AT_ONCE + 1])
        if len(ids) > _MOST_AT_ONCE:
            hint = gettext("At most %(n)s calls at once here; for more there is `manage.py reprocess`.") % {
                "n": _MOST_AT_ONCE
            }
            self.message_user(request, hint, messages.ERROR)
        elif not ids:
            self.message_user(request, gettext("None of these has a transcription."), messages.WARNING)
        elif "confirmed" in request.POST:
            self._reprocess(request, ids)
        else:
            return self._confirm_reprocessing(request, ids, action="reprocess_calls", back=request.get_full_path())
        return None

    def _confirm_reprocessing(
        self, request: HttpRequest, ids: Sequence[str], *, back: str, action: str = "", row: Conversation | None = None
    ) -> HttpResponse:
        several = gettext("Reprocess %(n)s calls?") % {"n": len(ids)}
        text = gettext(
            "The memories are written again from the stored transcription. What staff deleted stays deleted."
        )
        hidden = [("confirmed", "yes"), *((helpers.ACTION_CHECKBOX_NAME, pk) for pk in ids)]
        return self.page(
            request,
            "confirm",
            gettext("Reprocess this call?") if len(ids) == 1 else several,
            text=text,
            row=row,
            call_title=_title(request, row) if row else "",
            hidden=[*hidden, ("action", action)] if action else hidden,
            submit=gettext("Yes, reprocess"),
            back=back,
        )

    def _reprocess(self, request: HttpRequest, ids: Sequence[str]) -> None:
        for conversation_id in ids:
            caller = Conversation.objects.filter(pk=conversation_id).values_list("caller_ref", flat=True).first()
            record(request, Action.REPROCESS, "call", conversation_id, caller=caller or "")
            reprocess.request(conversation_id)
            refresh_row(conversation_id)
        done = ngettext(
            "%(n)s call will be reprocessed as soon as the worker can.",
            "%(n)s calls will be reprocessed as soon as the worker can.",
            len(ids),
        )
        self.message_user(request, done % {"n": len(ids)}, messages.SUCCESS)


def _title(request: HttpRequest, row: Conversation) -> str:
    title = row.title or gettext("Call without a title")
    return title if may_reveal(request) else mask_of_call(title, row)
