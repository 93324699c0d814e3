"""What staff may do to what is remembered of a caller: correct, opt out, delete, export, forget."""

from asyncio import to_thread
from collections.abc import AsyncIterator, Iterator
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from conversations.admin.caller_export import exported, known_of
from conversations.admin.caller_list import CallerListAdmin, name_of
from conversations.admin.indexed import show_what_is_there
from conversations.admin.masking import keys_of, mask
from conversations.admin.numbers import masked, may_reveal, number_element
from conversations.files.mentions import loose_files_naming
from conversations.files.paths import is_conversation_id
from conversations.memories import corrections, forgetting
from conversations.models import Caller
from elmemory.audit.models import Action
from elmemory.audit.record import record
from elmemory.memory import kinds
from elmemory.memory.needles import Needles
from elmemory.memory.openmemory import NotStorable, OpenMemoryError, open_memory
from elmemory.memory.records import Memory

MAY_CORRECT, MAY_FORGET = "conversations.correct_caller", "conversations.forget_caller"
_OPTED_OUT = "Nothing was changed: the caller is opted out."
_NOT_WHOLLY_FORGOTTEN = "The caller was forgotten only in part. Forget them again to finish."
PREFERENCES = {
    kinds.OPT_OUT: (
        Action.OPT_OUT,
        "Opt this caller out?",
        (
            "What is remembered of this caller is deleted: {extent}. Nothing brings it back, also if the opt-out is"
            " taken back. New calls are not remembered, and only the decision is kept. {calls}"
        ),
        "Take the opt-out back?",
        (
            "Calls that begin from now on are remembered. Nothing that was said before is, even if its call is"
            " reprocessed."
        ),
    ),
    kinds.SHARED_LINE: (
        Action.SHARED_LINE,
        "Mark this as a shared line?",
        "The agent still gets the summaries, but greets without a name.",
        "No longer a shared line?",
        "The agent greets the caller by name again.",
    ),
}


class Correction(forms.Form):
    """A field and the value that staff give it."""

    field = forms.CharField(max_length=60, help_text="For example city, or First name.")
    value = forms.CharField(max_length=400, widget=forms.TextInput(attrs={"size": 60}))


class CallerActions(CallerListAdmin):
    """The views that change what is remembered of one caller, or export it."""

    def row_of(self, request: HttpRequest, reference: str) -> Caller:
        if not self.has_view_permission(request):
            raise PermissionDenied
        show_what_is_there()
        if row := self.get_queryset(request).filter(pk=reference).first():
            return row
        raise Http404

    def correct_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask for confirmation first: a correction wins over every later call."""
        row = self.acted_on(request, object_id)
        form = Correction(request.POST if request.method == "POST" else {"field": request.GET.get("field", "")})
        if request.method != "POST" or not form.is_valid():
            context = self.context_of(request, row, "Correct or add a fact") | {
                "form": form if request.POST else Correction(initial={"field": request.GET.get("field", "")})
            }
            return TemplateResponse(request, "admin/conversations/caller/correct.html", context)
        field, value = form.cleaned_data["field"], form.cleaned_data["value"]
        if "confirmed" not in request.POST:
            text = f"“{field}” will be “{value}”, whatever later calls say, until staff take the correction back."
            hidden = [("field", field), ("value", value)]
            return self.confirm(request, row, "Correct this fact?", text, "Yes, this is right", hidden)
        try:
            name = corrections.correct(open_memory(), row.number, field, value)
        except (ValueError, NotStorable):
            messages.error(request, "The field needs a name with letters or digits, and a value that can be stored.")
        except corrections.OptedOut:
            messages.error(request, _OPTED_OUT)
        except OpenMemoryError as error:
            self.away(request, error)
        else:
            record(request, Action.CORRECT, "caller", row.ref, detail=name[:60])
            messages.success(request, "Corrected. The next ring uses it.")
        return self.back(row)

    def preference_view(self, request: HttpRequest, object_id: str, preference: str, holds: str) -> HttpResponse:
        row = self.acted_on(request, object_id)
        if preference not in PREFERENCES or holds not in ("yes", "no"):
            raise Http404
        action, question, text, question_back, text_back = PREFERENCES[preference]
        opts_out = preference == kinds.OPT_OUT and holds == "yes"
        if request.method != "POST":
            try:
                text = what_goes(text, row.number) if opts_out else text
            except OpenMemoryError as error:
                self.away(request, error)
                return self.back(row)
            shown = (question, text) if holds == "yes" else (question_back, text_back)
            return self.confirm(request, row, *shown, "Yes", is_final=opts_out)
        try:
            corrections.set_preference(open_memory(), row.number, preference, holds=holds == "yes")
        except corrections.OptedOut:
            messages.error(request, _OPTED_OUT)
        except OpenMemoryError as error:
            self.away(request, error, is_recorded=opts_out)
        else:
            record(request, action, "caller", row.ref, detail=holds)
            messages.success(request, "Done. The next ring uses it.")
        return self.back(row)

    def delete_memory_view(self, request: HttpRequest, object_id: str, memory_id: str) -> HttpResponse:
        row = self.acted_on(request, object_id)
        try:
            memory = memory_of(row.number, memory_id)
            if request.method != "POST":
                shown = memory.content
                if not may_reveal(request):
                    shown = mask(shown, row.number, keys_of([str(memory.metadata.get("conversation_id") or "")]))
                after = (
                    "The value from calls is used again."
                    if memory.kind == kinds.PREFERENCE
                    else _("The words of the call stay deleted until staff restore them.")
                    if kinds.is_stated(memory)
                    else "It stays deleted when the call is reprocessed, until staff restore it. The stored call does"
                    " not change."
                )
                return self.confirm(request, row, "Delete this memory?", f"“{shown}” {after}", "Yes, delete it")
            corrections.delete_memory(open_memory(), row.number, memory)
        except OpenMemoryError as error:
            self.away(request, error)
        else:
            call = str(memory.metadata.get("conversation_id") or "")
            record(request, Action.DELETE, "caller", row.ref, detail=f"{memory.kind} of {call or 'staff'}")
            messages.success(request, "Deleted.")
        return self.back(row)

    def export_view(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """Everything stored about the caller as a ZIP. It holds whole numbers, so it needs that permission too."""
        row = self.acted_on(request, object_id, MAY_FORGET)
        if not may_reveal(request):
            raise PermissionDenied
        try:
            known = known_of(open_memory(), row.number)
        except OpenMemoryError as error:
            messages.error(request, f"Nothing was exported: OpenMemory does not answer ({error}).")
            return self.back(row)
        record(request, Action.EXPORT, "caller", row.ref, detail=known.amount)
        headers = {"Content-Disposition": f'attachment; filename="{known.name}.zip"', "Cache-Control": "no-store"}
        return StreamingHttpResponse(_streamed(exported(known)), content_type="application/zip", headers=headers)

    def forget_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show what is deleted and what stays; on POST, forget the caller."""
        row = self.acted_on(request, object_id, MAY_FORGET)
        store = open_memory()
        try:
            extent = forgetting.extent(store, row.number)
        except OpenMemoryError as error:
            messages.error(request, f"Nothing can be forgotten: OpenMemory does not answer ({error}).")
            return self.back(row)
        if request.method != "POST":
            return self._confirm_forgetting(request, row, extent)
        payloads = "payloads" in request.POST
        detail = f"{_amount(extent.memories, extent.calls)} {'deleted' if payloads else 'kept'}"
        # First: a process that dies in between must leave no deletion without an entry.
        record(request, Action.FORGET, "caller", row.ref, detail=detail)
        try:
            how = forgetting.Forgetting(payloads=payloads, request=request)
            certified = forgetting.forget(store, row.number, how).entry
        except OpenMemoryError as error:
            messages.error(request, f"{_NOT_WHOLLY_FORGOTTEN} OpenMemory does not answer ({error}).")
        except OSError as error:
            messages.error(request, f"{_NOT_WHOLLY_FORGOTTEN} Not every file could be changed ({error.strerror}).")
        except OperationalError:
            messages.error(request, f"{_NOT_WHOLLY_FORGOTTEN} A database was in use and may hold traces.")
        else:
            messages.success(request, f"Forgotten: {detail}.")
            if request.user.has_perm("audit.view_entry"):
                return HttpResponseRedirect(reverse("admin:audit_entry_certificate", args=[certified.pk]))
        if not self.get_queryset(request).filter(pk=row.ref).exists():
            return HttpResponseRedirect(reverse("admin:conversations_caller_changelist"))
        return self.back(row)

    def _confirm_forgetting(self, request: HttpRequest, row: Any, extent: forgetting.Extent) -> HttpResponse:
        more = {
            "extent": extent,
            "number": number_element(row.number, reveal=may_reveal(request)),
            "loose": len(loose_files_naming(Needles(row.number))),
        }
        context = self.context_of(request, row, "Forget this caller?") | more
        return TemplateResponse(request, "admin/conversations/caller/forget.html", context)

    def acted_on(self, request: HttpRequest, reference: str, permission: str = MAY_CORRECT) -> Any:
        if not request.user.has_perm(permission):
            raise PermissionDenied
        row: Any = self.row_of(request, reference)
        # Links on the page of a call name the call: the way back leads there.
        call = request.GET.get("call", "")
        row.back = _page_of_call(call) if is_conversation_id(call) else _page_of_caller(row)
        return row

    def context_of(self, request: HttpRequest, row: Any, title: str) -> dict[str, Any]:
        context = {"opts": self.opts, "title": title, "row": row, "back": row.back}
        whose = {"number": masked(row.number), "whose": name_of(row, reveal=may_reveal(request))}
        return {**self.admin_site.each_context(request), **context, **whose}

    def confirm(
        self,
        request: HttpRequest,
        row: Any,
        title: str,
        text: str,
        submit: str,
        hidden: list[tuple[str, str]] | None = None,
        *,
        is_final: bool = False,
    ) -> HttpResponse:
        more = {"text": text, "submit": submit, "is_final": is_final, "hidden": [*(hidden or []), ("confirmed", "yes")]}
        return TemplateResponse(
            request, "admin/conversations/confirm.html", self.context_of(request, row, title) | more
        )

    def away(self, request: HttpRequest, error: OpenMemoryError, *, is_recorded: bool = False) -> None:
        if is_recorded:
            messages.warning(
                request, f"The opt-out is recorded. OpenMemory does not answer ({error}): the worker deletes later."
            )
        else:
            messages.error(request, f"Nothing was changed: OpenMemory does not answer ({error}).")

    def back(self, row: Any) -> HttpResponse:
        return HttpResponseRedirect(row.back)


def what_goes(text: str, number: str) -> str:
    """The text with what an opt-out deletes and what it leaves. Raises OpenMemoryError."""
    extent = forgetting.extent(open_memory(), number)
    memories = f"{extent.memories} memor{'y' if extent.memories == 1 else 'ies'}"
    stay = "stay; forget the caller to delete them too."
    one = extent.calls == 1
    calls = f"The files of {extent.calls} stored call{'' if one else 's'} {stay}" if extent.calls else ""
    return text.format(extent=memories, calls=calls)


async def _streamed(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    while (piece := await to_thread(next, pieces, None)) is not None:
        yield piece


def _amount(memories: int, calls: int) -> str:
    return f"{memories} memor{'y' if memories == 1 else 'ies'}, {calls} call{'' if calls == 1 else 's'}"


def _page_of_caller(row: Any) -> str:
    return reverse("admin:conversations_caller_change", args=[row.ref])


def _page_of_call(conversation_id: str) -> str:
    return reverse("admin:conversations_conversation_change", args=[conversation_id])


def memory_of(caller: str, memory_id: str) -> Memory:
    for memory in open_memory().memories(caller):
        if memory.id == memory_id and memory.kind != kinds.CARD:
            return memory
    raise Http404
