"""Decisions of staff that do not start at one memory: opt out a number, restore what was deleted."""

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext, gettext_lazy

from conversations.admin.caller_actions import MAY_CORRECT, PREFERENCES, CallerActions, memory_of, shown_to, what_goes
from conversations.admin.numbers import masked, may_reveal, number_element
from conversations.index.references import caller_reference
from conversations.memories import corrections
from conversations.memories.deleted import deleted_memories, restore
from elmemory.audit.models import Action
from elmemory.audit.record import record
from elmemory.memory import kinds
from elmemory.memory.identity import caller_key
from elmemory.memory.openmemory import NotStorable, OpenMemoryError, open_memory


class OptOut(forms.Form):
    """A number, in any spelling, and whether it is opted out."""

    number = forms.CharField(
        label=gettext_lazy("Number"),
        max_length=60,
        help_text=gettext_lazy("With its country code, such as +14155550100."),
    )
    holds = forms.ChoiceField(
        choices=[("yes", gettext_lazy("opt out")), ("no", gettext_lazy("take the opt-out back"))],
        label=gettext_lazy("What to do"),
    )

    def clean_number(self) -> str:
        if number := caller_key(self.cleaned_data["number"]):
            return number
        raise forms.ValidationError(gettext("This number identifies no caller."))


class InsightForm(forms.Form):
    """An insight in staff's words."""

    text = forms.CharField(
        label=gettext_lazy("In your words"), max_length=300, widget=forms.Textarea(attrs={"rows": 3, "dir": "auto"})
    )


class CallerDecisions(CallerActions):
    """The views of decisions that need no memory, or restore one."""

    def restore_memory_view(self, request: HttpRequest, object_id: str, call: str, name: str) -> HttpResponse:
        row = self.acted_on(request, object_id)
        found = next(
            (one for one in deleted_memories(row.number) if (one.conversation_id, one.name) == (call, name)), None
        )
        if found is None:
            raise Http404
        if request.method != "POST":
            shown = shown_to(request, row, found.content, call)
            after = gettext("The agent gets it again from the next ring on.")
            text = f"“{shown}” {after}"
            return self.confirm(request, row, gettext("Restore this memory?"), text, gettext("Yes, restore it"))
        # First: a process that dies in between must leave nothing restored without an entry.
        record(request, Action.CHANGE, "caller", row.ref, detail=f"restored: {found.kind} of {call}")
        try:
            restore(open_memory(), row.number, call, name)
        except OpenMemoryError as error:
            messages.warning(
                request, gettext("It is restored as soon as OpenMemory answers (%(error)s).") % {"error": error}
            )
        else:
            messages.success(request, gettext("Restored."))
        return self.back(row)

    def correct_insight_view(self, request: HttpRequest, object_id: str, memory_id: str) -> HttpResponse:
        """Replace an insight with staff's words, which win over later calls."""
        row = self.acted_on(request, object_id)
        try:
            memory = memory_of(row.number, memory_id)
            if memory.kind != kinds.INSIGHT:
                raise Http404
            call = str(memory.metadata.get("conversation_id") or memory.metadata.get("corrects") or "")
            shown = shown_to(request, row, memory.content, call)
            form = InsightForm(request.POST or None, initial={"text": shown})
            # Who does not see its digits would write their mask into it.
            if shown != memory.content:
                raise PermissionDenied
            if not form.is_valid():
                text = gettext(
                    "These words are used whatever later calls say about this, until staff delete them. The call's own"
                    " words are deleted, and stay deleted when it is reprocessed."
                )
                submit = gettext("Yes, this is right")
                return self.asked(request, row, gettext("Correct this insight"), form=form, text=text, submit=submit)
            corrections.correct_insight(open_memory(), row.number, memory, form.cleaned_data["text"])
        except NotStorable:
            messages.error(request, gettext("Nothing was changed: this text cannot be stored."))
        except corrections.OptedOut:
            messages.error(request, gettext("Nothing was changed: the caller is opted out."))
        except OpenMemoryError as error:
            self.away(request, error)
        else:
            record(request, Action.CORRECT, "caller", row.ref, detail=f"an insight of {call or 'staff'}")
            messages.success(request, gettext("Corrected. The next ring uses it."))
        return self.back(row)

    def regenerate_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Make the store write its own summary of the caller again."""
        row = self.acted_on(request, object_id)
        if request.method == "POST":
            try:
                open_memory().summary(row.number, regenerate=True)
            except OpenMemoryError as error:
                self.away(request, error)
            else:
                record(request, Action.CHANGE, "caller", row.ref, detail="the store's own summary: made again")
                messages.success(request, gettext("OpenMemory has written its summary again."))
        return self.back(row)

    def opt_out_view(self, request: HttpRequest) -> HttpResponse:
        """Opt a number out, which may never have called, or end its opt-out."""
        self.require(request, MAY_CORRECT)
        form, back = OptOut(request.POST or None), reverse("admin:conversations_caller_changelist")
        if not form.is_valid():
            text = gettext("For any number, even one that never called. The next page shows what will be deleted.")
            submit = gettext("Next")
            title = gettext("Opt a number out")
            return self.page(request, "confirm", title, back=back, form=form, text=text, submit=submit)
        number, holds = form.cleaned_data["number"], form.cleaned_data["holds"] == "yes"
        reference = caller_reference(number)
        try:
            if "confirmed" not in request.POST:
                question, text, question_back, text_back = map(str, PREFERENCES[kinds.OPT_OUT][1:])
                return self.page(
                    request,
                    "confirm",
                    question if holds else question_back,
                    text=what_goes(text, number) if holds else text_back,
                    number=number_element(number, reveal=may_reveal(request)),
                    is_final=holds,
                    hidden=[("number", number), ("holds", form.cleaned_data["holds"]), ("confirmed", "yes")],
                    submit=gettext("Yes"),
                    back=back,
                )
            corrections.set_preference(open_memory(), number, kinds.OPT_OUT, holds=holds)
        except OpenMemoryError as error:
            self.away(request, error, is_recorded=holds and "confirmed" in request.POST)
        else:
            done = gettext("%(number)s is opted out.") if holds else gettext("%(number)s is no longer opted out.")
            messages.success(request, done % {"number": masked(number)})
        if "confirmed" in request.POST:
            record(request, Action.OPT_OUT, "caller", reference, detail="yes" if holds else "no")
        return HttpResponseRedirect(back)
