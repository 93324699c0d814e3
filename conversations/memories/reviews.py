"""Notes and reviews of staff: what goes with a call or its caller, and the copy in the index that lists filter by."""

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
# The ids of reviewed calls that had no row when this process last looked them up.
_without_rows: list[str] = []


def reviews_of(keys: Iterable[str], conversation_ids: Iterable[str]) -> list[Review]:
    """The reviews of calls of this caller, by any of their keys, of these calls, and notes that name the number.

    The files of a call may be gone: the review names the caller itself.
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
    """Delete these reviews; of calls whose files stay only the note goes."""
    for review in reviews:
        if review.reviewed_at and conversation_folder(review.pk).exists():
            _clear(Review.objects.filter(pk=review.pk))
        else:
            review.delete()


def erase_notes(conversation_ids: Iterable[str]) -> None:
    """Delete the notes of these calls, whose words are gone; that they were reviewed stays."""
    _clear(Review.objects.filter(pk__in=list(conversation_ids)).exclude(note=""))


def erase_undone() -> None:
    """Delete what a restored backup has brought back of deleted calls, and of callers who were forgotten since."""
    for review in Review.objects.iterator(_BATCH):
        at = review.note_at or review.reviewed_at
        row = Conversation.objects.filter(pk=review.pk).first()
        decided = decisions_of(row.caller) if row and row.caller else []
        is_forgotten = any(one.what == "forgotten" and (at is None or one.at >= at) for one in decided)
        if is_deleted(review.pk) or is_forgotten:
            erase([review])


@healed
def align() -> None:
    """Make the column `reviewed` of the index that of the reviews.

    The index may have been rebuilt. While the counts agree it reads nothing else. A reviewed call without a row, whose
    files are gone, counts as marked for as long as it has none.
    """
    reviewed = Review.objects.filter(reviewed_at__isnull=False)
    marked_rows = _marked()
    if reviewed.count() == marked_rows.count() + _still_without_rows(reviewed):
        return
    wanted, marked = set(reviewed.values_list("pk", flat=True)), set(marked_rows.values_list("pk", flat=True))
    without_rows = wanted - marked
    for ids in batched(sorted(wanted - marked), _BATCH):
        found = Conversation.objects.filter(pk__in=ids)
        without_rows -= set(found.values_list("pk", flat=True))
        found.update(reviewed=True)
    for ids in batched(sorted(marked - wanted), _BATCH):
        Conversation.objects.filter(pk__in=ids).update(reviewed=False)
    _without_rows[:] = sorted(without_rows)


def _still_without_rows(reviewed: QuerySet[Review]) -> int:
    """How many reviewed calls had no row when that was last looked up; 0 if one of them has changed since."""
    for ids in batched(_without_rows, _BATCH):
        has_row = Conversation.objects.filter(pk__in=ids).exists()
        if has_row or reviewed.filter(pk__in=ids).count() < len(ids):
            return 0
    return len(_without_rows)


def _marked() -> QuerySet[Conversation]:
    """The rows with `reviewed`, by the condition of its index, as SQLite ignores it for values that are passed."""
    is_marked = "reviewed = 1" if connections[ALIAS].vendor == "sqlite" else "reviewed"
    return Conversation.objects.filter(RawSQL(is_marked, (), output_field=BooleanField()))  # noqa: S611


def erase_of_deleted_calls() -> None:
    """Delete the reviews of calls that were deleted, and the notes of those that were reduced to metadata."""
    for review in _stored():
        if is_deleted(review.pk):
            review.delete()
        elif review.note and is_reduced(review.pk):
            erase_notes([review.pk])


def _stored() -> Iterator[Review]:
    return Review.objects.filter(~Q(note="") | Q(reviewed_at__isnull=False)).iterator(_BATCH)


def _clear(reviews: QuerySet[Review]) -> None:
    reviews.update(note="", note_by="", note_at=None)
