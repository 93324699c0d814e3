"""Actions of staff on a caller's memories: correct, opt out, delete, export, forget."""

from typing import Any

from django import forms
from django.contrib import messages
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext, gettext_lazy, ngettext

from conversations.admin.caller_export import exported, known_of
from conversations.admin.caller_list import CallerListAdmin, name_of
from conversations.admin.indexed import show_what_is_there
from conversations.admin.masking import keys_of, mask
from conversations.admin.numbers import masked, may_reveal, number_element
from conversations.files.mentions import loose_files_naming
from conversations.files.paths import is_conversation_id
from conversations.memories import corrections, forgetting
from conversations.models import Caller, Conversation
from elmemory.audit.export import streamed
from elmemory.audit.models import Action
from elmemory.audit.record import record
from elmemory.memory import kinds
from elmemory.memory.needles import Needles
from elmemory.memory.openmemory import NotStorable, OpenMemoryError, open_memory
from elmemory.memory.records import Memory
from elmemory.memory.text import counted

MAY_CORRECT, MAY_FORGET = "correct_caller", "forget_caller"
_OPTED_OUT = gettext_lazy("Nothing was changed: the caller is opted out.")
PREFERENCES = {
    kinds.OPT_OUT: (
        Action.OPT_OUT,
        gettext_lazy("Opt this caller out?"),
        gettext_lazy(
            "This deletes what is remembered about this caller: {extent}. It cannot be undone, even if the opt-out is"
            " taken back. New calls are not remembered, and only the decision is kept. {calls}"
        ),
        gettext_lazy("Take the opt-out back?"),
        gettext_lazy(
            "Calls that begin from now on are remembered. Earlier calls are not, even if they are reprocessed."
        ),
    ),
    kinds.SHARED_LINE: (
        Action.SHARED_LINE,
        gettext_lazy("Mark this as a shared line?"),
        gettext_lazy("The agent still gets the summaries, but greets without a name."),
        gettext_lazy("No longer a shared line?"),
        gettext_lazy("The agent greets the caller by name again."),
    ),
}


class Correction(forms.Form):
    """A field and the value that staff give it."""

    field = forms.CharField(
        label=gettext_lazy("Field"), max_length=60, help_text=gettext_lazy("For example city, or First name.")
    )
    value = forms.CharField(label=gettext_lazy("Value"), max_length=400, widget=forms.TextInput(attrs={"size": 60}))


class CallerActions(CallerListAdmin):
    """The views that change what is remembered of one caller, or export it."""

    def row_of(self, request: HttpRequest, reference: str) -> Caller:
        self.require(request)
        show_what_is_there()
        if row := self.get_queryset(request).filter(pk=reference).first():
            return row
        raise Http404

    def correct_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Set a correction. It asks for confirmation, because a correction wins over every later call."""
        row = self.acted_on(request, object_id)
        form = Correction(request.POST or None, initial={"field": request.GET.get("field", "")})
        if not form.is_valid():
            text = gettext("This value is used whatever later calls say, until staff take it back.")
            title = gettext("Correct or add a fact")
            return self.asked(request, row, title, form=form, text=text, submit=gettext("Next"))
        field, value = form.cleaned_data["field"], form.cleaned_data["value"]
        if "confirmed" not in request.POST:
            text = gettext(
                "“%(field)s” will be “%(value)s”, whatever later calls say, until staff take the correction back."
            ) % {"field": field, "value": value}
            hidden = [("field", field), ("value", value)]
            return self.confirm(
                request, row, gettext("Correct this fact?"), text, gettext("Yes, this is right"), hidden
            )
        try:
            name = corrections.correct(open_memory(), row.number, field, value)
        except (ValueError, NotStorable):
            messages.error(
                request, gettext("The field needs a name with letters or digits, and a value that can be stored.")
            )
        except corrections.OptedOut:
            messages.error(request, _OPTED_OUT)
        except OpenMemoryError as error:
            self.away(request, error)
        else:
            record(request, Action.CORRECT, "caller", row.ref, detail=name[:60])
            messages.success(request, gettext("Corrected. The next ring uses it."))
        return self.back(row)

    def preference_view(self, request: HttpRequest, object_id: str, preference: str, holds: str) -> HttpResponse:
        row = self.acted_on(request, object_id)
        if preference not in PREFERENCES or holds not in ("yes", "no"):
            raise Http404
        action, *texts = PREFERENCES[preference]
        question, text, question_back, text_back = map(str, texts)
        opts_out = preference == kinds.OPT_OUT and holds == "yes"
        if request.method != "POST":
            try:
                text = what_goes(text, row.number) if opts_out else text
            except OpenMemoryError as error:
                self.away(request, error)
                return self.back(row)
            shown = (question, text) if holds == "yes" else (question_back, text_back)
            return self.confirm(request, row, *shown, gettext("Yes"), is_final=opts_out)
        try:
            corrections.set_preference(open_memory(), row.number, preference, holds=holds == "yes")
        except corrections.OptedOut:
            messages.error(request, _OPTED_OUT)
        except OpenMemoryError as error:
            self.away(request, error, is_recorded=opts_out)
        else:
            record(request, action, "caller", row.ref, detail=holds)
            messages.success(request, gettext("Done. The next ring uses it."))
        return self.back(row)

    def delete_memory_view(self, request: HttpRequest, object_id: str, memory_id: str) -> HttpResponse:
        row = self.acted_on(request, object_id)
        try:
            memory = memory_of(row.number, memory_id)
            if request.method != "POST":
                shown = shown_to(request, row, memory.content, str(memory.metadata.get("conversation_id") or ""))
                after = (
                    gettext("The value from calls is used again.")
                    if memory.kind == kinds.PREFERENCE
                    else gettext("The words of the call stay deleted until staff restore them.")
                    if kinds.is_stated(memory)
                    else gettext(
                        "It stays deleted when the call is reprocessed, until staff restore it. The stored call does"
                        " not change."
                    )
                )
                return self.confirm(
                    request, row, gettext("Delete this memory?"), f"“{shown}” {after}", gettext("Yes, delete it")
                )
            corrections.delete_memory(open_memory(), row.number, memory)
        except OpenMemoryError as error:
            self.away(request, error)
        else:
            call = str(memory.metadata.get("conversation_id") or "")
            record(request, Action.DELETE, "caller", row.ref, detail=f"{memory.kind} of {call or 'staff'}")
            messages.success(request, gettext("Deleted."))
        return self.back(row)

    def export_view(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """Everything stored about the caller as a ZIP. It holds whole numbers, so it needs that permission too."""
        row = self.acted_on(request, object_id, MAY_FORGET, "reveal_number")
        try:
            known = known_of(open_memory(), row.number)
        except OpenMemoryError as error:
            messages.error(
                request, gettext("Nothing was exported: OpenMemory does not answer (%(error)s).") % {"error": error}
            )
            return self.back(row)
        record(request, Action.EXPORT, "caller", row.ref, detail=known.amount)
        headers = {"Content-Disposition": f'attachment; filename="{known.name}.zip"', "Cache-Control": "no-store"}
        return StreamingHttpResponse(streamed(exported(known)), content_type="application/zip", headers=headers)

    def forget_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show what is deleted and what stays; on POST, forget the caller."""
        row = self.acted_on(request, object_id, MAY_FORGET)
        store = open_memory()
        try:
            extent = forgetting.extent(store, row.number)
        except OpenMemoryError as error:
            messages.error(
                request, gettext("Nothing can be forgotten: OpenMemory does not answer (%(error)s).") % {"error": error}
            )
            return self.back(row)
        if request.method != "POST":
            return self._confirm_forgetting(request, row, extent)
        payloads = "payloads" in request.POST
        detail = f"{_amount(extent.memories, extent.calls)} {'deleted' if payloads else 'kept'}"
        # First: a process that dies in between must leave no deletion without an entry.
        record(request, Action.FORGET, "caller", row.ref, detail=detail)
        try:
            options = forgetting.Forgetting(payloads=payloads, request=request)
            certified = forgetting.forget(store, row.number, options).entry
        except OpenMemoryError as error:
            messages.error(request, _in_part(gettext("OpenMemory does not answer (%(error)s).") % {"error": error}))
        except OSError as error:
            messages.error(
                request, _in_part(gettext("Not every file could be changed (%(error)s).") % {"error": error.strerror})
            )
        except OperationalError:
            messages.error(request, _in_part(gettext("A database was in use and may contain traces.")))
        else:
            messages.success(request, _forgotten(extent, payloads=payloads))
            if request.user.has_perm("audit.view_entry"):
                return redirect("admin:audit_entry_certificate", certified.pk)
        if not self.get_queryset(request).filter(pk=row.ref).exists():
            return redirect("admin:conversations_caller_changelist")
        return self.back(row)

    def _confirm_forgetting(self, request: HttpRequest, row: Any, extent: forgetting.Extent) -> HttpResponse:
        number, loose = number_element(row.number, reveal=may_reveal(request)), loose_files_naming(Needles(row.number))
        title, more = gettext("Forget this caller?"), {"extent": extent, "number": number, "loose": len(loose)}
        return self.asked(request, row, title, template="caller/forget", **more)

    def acted_on(self, request: HttpRequest, reference: str, *permissions: str) -> Any:
        self.require(request, *(permissions or [MAY_CORRECT]))
        row: Any = self.row_of(request, reference)
        # Links on the page of a call name the call: the way back leads there.
        call = request.GET.get("call", "")
        is_there = is_conversation_id(call) and Conversation.objects.filter(pk=call).exists()
        where, key = ("conversation", call) if is_there else ("caller", row.ref)
        row.back = reverse(f"admin:conversations_{where}_change", args=[key])
        return row

    def asked(
        self, request: HttpRequest, row: Any, title: str, *, template: str = "confirm", **more: Any
    ) -> HttpResponse:
        """A page with a question about this caller."""
        whose = {"number": masked(row.number), "whose": name_of(row, reveal=may_reveal(request))}
        return self.page(request, template, title, **{"row": row, "back": row.back, **whose, **more})

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
        hidden = [*(hidden or []), ("confirmed", "yes")]
        return self.asked(request, row, title, text=text, submit=submit, is_final=is_final, hidden=hidden)

    def away(self, request: HttpRequest, error: OpenMemoryError, *, is_recorded: bool = False) -> None:
        if is_recorded:
            messages.warning(
                request,
                gettext(
                    "The opt-out is recorded. OpenMemory does not answer (%(error)s), so the worker deletes the"
                    " memories later."
                )
                % {"error": error},
            )
        else:
            text = gettext("Nothing was changed: OpenMemory does not answer (%(error)s).")
            messages.error(request, text % {"error": error})

    def back(self, row: Any) -> HttpResponse:
        return HttpResponseRedirect(row.back)


def what_goes(text: str, number: str) -> str:
    """The text that lists what an opt-out deletes and keeps. Raises OpenMemoryError."""
    extent = forgetting.extent(open_memory(), number)
    memories = ngettext("%(n)s memory", "%(n)s memories", extent.memories) % {"n": extent.memories}
    stay = ngettext(
        "The files of %(n)s stored call stay; forget the caller to delete them too.",
        "The files of %(n)s stored calls stay; forget the caller to delete them too.",
        extent.calls,
    )
    return text.format(extent=memories, calls=stay % {"n": extent.calls} if extent.calls else "")


def _in_part(why: str) -> str:
    again = gettext("The caller was forgotten only in part. Forget them again to finish.")
    return f"{again} {why}"


def _forgotten(extent: forgetting.Extent, *, payloads: bool) -> str:
    memories = ngettext("%(n)s memory", "%(n)s memories", extent.memories) % {"n": extent.memories}
    calls = ngettext("%(n)s call", "%(n)s calls", extent.calls) % {"n": extent.calls}
    text = (
        gettext("Forgotten: %(memories)s. %(calls)s deleted.")
        if payloads
        else gettext("Forgotten: %(memories)s. %(calls)s kept.")
    )
    return text % {"memories": memories, "calls": calls}


def _amount(memories: int, calls: int) -> str:
    return f"{counted(memories, 'memory', 'memories')}, {counted(calls, 'call')}"


def shown_to(request: HttpRequest, row: Caller, text: str, call: str) -> str:
    """The text of a memory of this call, masked for staff who may not see numbers."""
    return text if may_reveal(request) else str(mask(text, row.number, keys_of([call])))


def memory_of(caller: str, memory_id: str) -> Memory:
    for memory in open_memory().memories(caller):
        if memory.id == memory_id and memory.kind != kinds.CARD:
            return memory
    raise Http404
