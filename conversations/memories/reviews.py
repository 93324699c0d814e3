"""Notes and reviews of staff: erasing them with a call or caller, and copying them into the index for filters."""

from collections.abc import Iterable, Iterator
from itertools import batched

from django.db import connections
from django.db.models import BooleanField, Q, QuerySet
from django.db.models.expressions import RawSQL

from conversations.files.decisions import decisions_of, is_deleted, is_reduced
from conversations.files.paths import conversation_folder
from conversations.index.references import caller_reference
from conversations.index.schema import ALIAS, healed
from conversations.models import Conversation
from elmemory.audit.models import Review
from elmemory.memory.needles import Needles

_BATCH = 500


def reviews_of(keys: Iterable[str], conversation_ids: Iterable[str]) -> list[Review]:
    """The reviews of this caller's calls and of these calls, and those with a note that names the caller's number.

    A review itself names the caller, under any of `keys`, because the files of its call may be gone.
    """
    keys, wanted = list(keys), set(conversation_ids)
    needles = [Needles(key) for key in keys]
    theirs = {caller_reference(key) for key in keys}
    return [
        review
        for review in Review.objects.iterator(_BATCH)
        if review.caller in theirs
        or review.pk in wanted
        or (review.note and any(needle.are_in(review.note) for needle in needles))
    ]


def erase(reviews: Iterable[Review]) -> None:
    """Delete these reviews. If the files of a reviewed call remain, only the note is deleted."""
    for review in reviews:
        if review.reviewed_at and conversation_folder(review.pk).exists():
            _clear(Review.objects.filter(pk=review.pk))
        else:
            review.delete()


def erase_notes(conversation_ids: Iterable[str]) -> None:
    """Delete the notes of these calls, whose texts were removed. The marks as reviewed remain."""
    _clear(Review.objects.filter(pk__in=list(conversation_ids)).exclude(note=""))


def erase_undone() -> None:
    """Delete the reviews that a restored backup brought back: of deleted calls, and of callers forgotten since."""
    for review in Review.objects.iterator(_BATCH):
        at = review.note_at or review.reviewed_at
        row = Conversation.objects.filter(pk=review.pk).first()
        decided = decisions_of(row.caller) if row and row.caller else []
        is_forgotten = any(one.what == "forgotten" and (at is None or one.at >= at) for one in decided)
        if is_deleted(review.pk) or is_forgotten:
            erase([review])


@healed
def align() -> None:
    """Copy the marks of the reviews to the column `reviewed` of the index, which may have been rebuilt.

    Only counts are read if they agree.
    """
    reviewed = Review.objects.filter(reviewed_at__isnull=False)
    marked_rows = _marked()
    if reviewed.count() == marked_rows.count():
        return
    wanted, marked = set(reviewed.values_list("pk", flat=True)), set(marked_rows.values_list("pk", flat=True))
    for ids, is_reviewed in ((wanted - marked, True), (marked - wanted, False)):
        for some in batched(sorted(ids), _BATCH):
            Conversation.objects.filter(pk__in=some).update(reviewed=is_reviewed)


def _marked() -> QuerySet[Conversation]:
    """The rows with `reviewed`. The condition is written as in its index: SQLite does not use that for parameters."""
    is_marked = "reviewed = 1" if connections[ALIAS].vendor == "sqlite" else "reviewed"
    return Conversation.objects.filter(RawSQL(is_marked, (), output_field=BooleanField()))  # noqa: S611


def erase_of_deleted_calls() -> None:
    """Delete the reviews of deleted calls, and the notes of calls that were reduced to metadata."""
    for review in _stored():
        if is_deleted(review.pk):
            review.delete()
        elif review.note and is_reduced(review.pk):
            erase_notes([review.pk])


def _stored() -> Iterator[Review]:
    return Review.objects.filter(~Q(note="") | Q(reviewed_at__isnull=False)).iterator(_BATCH)


def _clear(reviews: QuerySet[Review]) -> None:
    reviews.update(note="", note_by="", note_at=None)
