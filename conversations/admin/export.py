"""Exports a list of calls as CSV or JSON. Of a long list, only the ids are in memory."""

from collections.abc import Iterator
from itertools import batched
from typing import Any

import orjson
from django.db.models import QuerySet
from django.http import StreamingHttpResponse

from conversations.admin.masking import mask, mask_of_call
from conversations.admin.numbers import masked
from conversations.models import Conversation
from elmemory.audit.export import csv_line, streamed
from elmemory.audit.models import Review

COLUMNS = (
    "conversation_id", "started_at", "caller", "caller_name", "agent_id", "agent_name", "direction", "duration_seconds",
    "outcome", "successful", "cost", "title", "has_audio", "memory_state", "memories",
    "channel",
)  # fmt: skip
_OF_REVIEWS = "reviewed_at", "reviewed_by", "note"
_CHUNK = 500


def export_calls(calls: QuerySet[Conversation], kind: str, *, reveal: bool) -> StreamingHttpResponse:
    """The calls as a CSV or JSON file. Without `reveal`, numbers in all columns are masked."""
    rows = _rows(calls, reveal=reveal)
    content, media_type = (_csv(rows), "text/csv") if kind == "csv" else (_json(rows), "application/json")
    headers = {"Content-Disposition": f'attachment; filename="calls.{kind}"', "Cache-Control": "no-store"}
    return StreamingHttpResponse(streamed(content), content_type=f"{media_type}; charset=utf-8", headers=headers)


def _csv(rows: Iterator[dict[str, Any]]) -> Iterator[bytes]:
    yield csv_line((*COLUMNS, *_OF_REVIEWS))
    for row in rows:
        yield csv_line(row.values())


def _json(rows: Iterator[dict[str, Any]]) -> Iterator[bytes]:
    between = b"["
    for row in rows:
        yield between + orjson.dumps(row)
        between = b",\n"
    yield b"]" if between != b"[" else b"[]"


def _rows(calls: QuerySet[Conversation], *, reveal: bool) -> Iterator[dict[str, Any]]:
    """The cells of each row, by column, read for many rows at once.

    Only the ids are read in one query: an open one would lock the index while a slow client reads.
    """
    for ids in batched(list(calls.values_list("pk", flat=True)), _CHUNK):
        found, reviews = Conversation.objects.only(*COLUMNS).in_bulk(ids), Review.objects.in_bulk(ids)
        for call in (found[each] for each in ids if each in found):
            review = reviews.get(call.pk)
            row = {name: getattr(call, name) for name in COLUMNS}
            row |= {name: getattr(review, name) if review else None for name in _OF_REVIEWS}
            yield row if reveal else row | _masked(call, review)


def _masked(call: Conversation, review: Review | None) -> dict[str, Any]:
    shown = {"caller": masked(call.caller), "caller_name": mask(call.caller_name, call.caller)}
    if review:
        shown["note"] = mask_of_call(review.note, call)
    return shown | {"title": mask_of_call(call.title, call)}
