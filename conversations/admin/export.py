"""A list of calls as CSV or JSON, row by row: however long it is, little of it is in memory."""

import csv
import io
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any

import orjson
from django.db.models import QuerySet
from django.http import StreamingHttpResponse

from conversations.models import Conversation

COLUMNS = (
    "conversation_id", "started_at", "caller", "caller_name", "agent_id", "agent_name", "direction", "duration_seconds",
    "outcome", "successful", "cost", "title", "has_audio", "memory_state", "memories",
    "channel",
)  # fmt: skip
_CHUNK = 500
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def harmless(value: Any) -> Any:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def exported(calls: QuerySet[Conversation], kind: str, caller: Callable[[str], str]) -> StreamingHttpResponse:
    """The calls as a file; `caller` shows a number as far as the reader may see it."""
    rows = calls.only(*COLUMNS)
    content, media_type = (
        (_csv(rows, caller), "text/csv") if kind == "csv" else (_json(rows, caller), "application/json")
    )
    headers = {"Content-Disposition": f'attachment; filename="calls.{kind}"', "Cache-Control": "no-store"}
    return StreamingHttpResponse(content, content_type=f"{media_type}; charset=utf-8", headers=headers)


async def _csv(rows: QuerySet[Conversation], caller: Callable[[str], str]) -> AsyncIterator[bytes]:
    yield _line(COLUMNS)
    async for row in rows.aiterator(_CHUNK):
        yield _line(harmless(cell) for cell in _shown(row, caller).values())


async def _json(rows: QuerySet[Conversation], caller: Callable[[str], str]) -> AsyncIterator[bytes]:
    between = b"["
    async for row in rows.aiterator(_CHUNK):
        yield between + orjson.dumps(_shown(row, caller))
        between = b",\n"
    yield b"]" if between != b"[" else b"[]"


def _shown(row: Conversation, caller: Callable[[str], str]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in COLUMNS} | {"caller": caller(row.caller)}


def _line(cells: Iterable[Any]) -> bytes:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue().encode()
