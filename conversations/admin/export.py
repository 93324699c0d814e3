"""Exports a list of calls as CSV or JSON, row by row, so that a long list takes no more memory than a short one."""

import csv
import io
from asyncio import to_thread
from collections.abc import AsyncIterator, Iterable
from typing import Any

import orjson
from django.db.models import QuerySet
from django.http import StreamingHttpResponse

from conversations.admin.masking import mask, mask_of_call
from conversations.admin.numbers import masked
from conversations.models import Conversation
from elmemory.audit.models import Review

COLUMNS = (
    "conversation_id", "started_at", "caller", "caller_name", "agent_id", "agent_name", "direction", "duration_seconds",
    "outcome", "successful", "cost", "title", "has_audio", "memory_state", "memories",
    "channel",
)  # fmt: skip
_OF_REVIEWS = "reviewed_at", "reviewed_by", "note"
_CHUNK = 500
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def harmless(value: Any) -> Any:
    """The cell's value, with a quote in front if a spreadsheet would take it for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def export_calls(calls: QuerySet[Conversation], kind: str, *, reveal: bool) -> StreamingHttpResponse:
    """The calls as a CSV or JSON file. Without `reveal`, numbers in all columns are masked."""
    rows = calls.only(*COLUMNS)
    content, media_type = (
        (_csv(rows, reveal=reveal), "text/csv") if kind == "csv" else (_json(rows, reveal=reveal), "application/json")
    )
    headers = {"Content-Disposition": f'attachment; filename="calls.{kind}"', "Cache-Control": "no-store"}
    return StreamingHttpResponse(content, content_type=f"{media_type}; charset=utf-8", headers=headers)


async def _csv(rows: QuerySet[Conversation], *, reveal: bool) -> AsyncIterator[bytes]:
    yield _line((*COLUMNS, *_OF_REVIEWS))
    async for cells in _shown_rows(rows, reveal=reveal):
        yield _line(harmless(cell) for cell in cells.values())


async def _json(rows: QuerySet[Conversation], *, reveal: bool) -> AsyncIterator[bytes]:
    between = b"["
    async for cells in _shown_rows(rows, reveal=reveal):
        yield between + orjson.dumps(cells)
        between = b",\n"
    yield b"]" if between != b"[" else b"[]"


async def _shown_rows(rows: QuerySet[Conversation], *, reveal: bool) -> AsyncIterator[dict[str, Any]]:
    """The cells of each row. Reviews are read for many rows at once."""
    batch: list[Conversation] = []
    async for row in rows.aiterator(_CHUNK):
        batch.append(row)
        if len(batch) == _CHUNK:
            for cells in await _shown(batch, reveal=reveal):
                yield cells
            batch = []
    for cells in await _shown(batch, reveal=reveal):
        yield cells


async def _shown(rows: list[Conversation], *, reveal: bool) -> list[dict[str, Any]]:
    reviews = {review.pk: review async for review in Review.objects.filter(pk__in=[row.pk for row in rows])}
    return [
        _cells(row, reviews.get(row.pk)) if reveal else await to_thread(_masked, row, reviews.get(row.pk))
        for row in rows
    ]


def _cells(row: Conversation, review: Review | None) -> dict[str, Any]:
    return {name: getattr(row, name) for name in COLUMNS} | {
        name: getattr(review, name) if review else None for name in _OF_REVIEWS
    }


def _masked(row: Conversation, review: Review | None) -> dict[str, Any]:
    shown = {"caller": masked(row.caller), "caller_name": mask(row.caller_name, row.caller)}
    if review:
        shown["note"] = mask_of_call(review.note, row)
    return _cells(row, review) | shown | {"title": mask_of_call(row.title, row)}


def _line(cells: Iterable[Any]) -> bytes:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue().encode()
