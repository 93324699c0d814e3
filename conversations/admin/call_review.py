"""The note of a call and its mark as reviewed."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import router, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from conversations.admin.masking import mask_of_call
from conversations.admin.numbers import may_reveal
from conversations.memories import reviews
from conversations.models import Conversation
from elmemory.audit.models import Action, Review, lock
from elmemory.audit.record import record
from elmemory.memory.text import counted

MAY_REVIEW = "conversations.review_conversation"
_LONGEST_NOTE = 4000


class Note(forms.Form):
    """The note, and the version that was shown to the user."""

    note = forms.CharField(
        label=gettext_lazy("Note"),
        required=False,
        max_length=_LONGEST_NOTE,
        widget=forms.Textarea(attrs={"rows": 3, "dir": "auto", "aria-describedby": "note-help"}),
    )
    shown = forms.CharField(required=False, widget=forms.HiddenInput)


def review_shown(request: HttpRequest, row: Conversation) -> dict[str, Any]:
    """The review as the call's page shows it. A note with digits that this user may not see cannot be edited."""
    review = Review.objects.filter(pk=row.pk).first() or Review(pk=row.pk)
    is_whole = _sees_whole(request, row, review)
    note = review.note if is_whole else mask_of_call(review.note, row)
    may_review = request.user.has_perm(MAY_REVIEW)
    form = Note(initial={"note": review.note, "shown": _version(review)}, auto_id="review-%s")
    return {
        "review": review,
        "note": note,
        "may_review": may_review,
        "note_form": form if is_whole else None,
    }


def review_call(request: HttpRequest, row: Conversation) -> HttpResponse | Note:
    """Change the note, the mark as reviewed, or both: `act` is "note", "reviewed" or "not_reviewed".

    If the change could not be saved, returns the form with what was typed, to be shown again.
    """
    if not request.user.has_perm(MAY_REVIEW):
        raise PermissionDenied
    page = HttpResponseRedirect(reverse("admin:conversations_conversation_change", args=[row.pk]) + "#review")
    if request.method != "POST":  # from a login that a form led to
        return page
    using = router.db_for_write(Review)
    # What is shown to the one of two who are later must be what the other saved.
    with transaction.atomic(using):
        lock(transaction.get_connection(using))
        refused = _save(request, row)
    reviews.align()
    return refused or page


def _save(request: HttpRequest, row: Conversation) -> Note | None:
    """Save what was posted; returns the form with the error if it cannot be saved. The review is locked meanwhile."""
    # Locked, so that a note that is erased meanwhile does not come back.
    review = Review.objects.select_for_update().filter(pk=row.pk).first() or Review(pk=row.pk)
    form = Note(request.POST, auto_id="review-%s")
    act, by = request.POST.get("act"), request.user.get_username()
    if "note" in request.POST and not _sees_whole(request, row, review):
        raise PermissionDenied
    if not form.is_valid():
        problem = _("Nothing was saved: a note has at most %(most)s characters.") % {"most": _LONGEST_NOTE}
        if not form.has_error("note", "max_length"):
            problem = " ".join(str(each) for errors in form.errors.values() for each in errors)
        messages.error(request, problem)
        return form
    if "note" in request.POST and form.cleaned_data["shown"] != _version(review):
        messages.error(
            request, _("Nothing was saved: somebody else has changed the note. Their version is shown above yours.")
        )
        return Note({"note": form.cleaned_data["note"], "shown": _version(review)}, auto_id="review-%s")
    note = form.cleaned_data["note"].strip() if "note" in request.POST else review.note
    is_new_note, was_reviewed = note != review.note, review.reviewed_at is not None
    is_reviewed = {"reviewed": True, "not_reviewed": False}.get(act or "", was_reviewed)
    review.caller = row.caller_ref
    if is_new_note:
        review.note, review.note_by, review.note_at = note, (by if note else ""), (now() if note else None)
        record(request, Action.NOTE, "call", row.pk, caller=row.caller_ref, detail=_amount(note))
    if is_reviewed != was_reviewed:
        review.reviewed_by, review.reviewed_at = (by, now()) if is_reviewed else ("", None)
        detail = "" if is_reviewed else "taken back"
        record(request, Action.REVIEW, "call", row.pk, caller=row.caller_ref, detail=detail)
    if review.note or review.reviewed_at:
        review.save()
    elif not review._state.adding:
        review.delete()
    if is_new_note or is_reviewed != was_reviewed:
        messages.success(request, _("Saved."))
    return None


def _sees_whole(request: HttpRequest, row: Conversation, review: Review) -> bool:
    return may_reveal(request) or mask_of_call(review.note, row) == review.note


def _version(review: Review) -> str:
    return review.note_at.isoformat() if review.note_at else ""


def _amount(note: str) -> str:
    """The length of the note for the audit log, which must not hold its words."""
    return counted(len(note), "character") if note else "deleted"
