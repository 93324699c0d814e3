"""A list of calls as CSV or JSON, written row by row: a long list takes no more memory than a short one."""

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

COLUMNS = (
    "conversation_id", "started_at", "caller", "caller_name", "agent_id", "agent_name", "direction", "duration_seconds",
    "outcome", "successful", "cost", "title", "has_audio", "memory_state", "memories",
    "channel",
)  # fmt: skip
_CHUNK = 500
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def harmless(value: Any) -> Any:
    """The cell's value, with a quote before what a spreadsheet would take for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def export_calls(calls: QuerySet[Conversation], kind: str, *, reveal: bool) -> StreamingHttpResponse:
    """The calls as a CSV or JSON file; without `reveal` numbers in all of its columns are masked."""
    rows = calls.only(*COLUMNS)
    content, media_type = (
        (_csv(rows, reveal=reveal), "text/csv") if kind == "csv" else (_json(rows, reveal=reveal), "application/json")
    )
    headers = {"Content-Disposition": f'attachment; filename="calls.{kind}"', "Cache-Control": "no-store"}
    return StreamingHttpResponse(content, content_type=f"{media_type}; charset=utf-8", headers=headers)


async def _csv(rows: QuerySet[Conversation], *, reveal: bool) -> AsyncIterator[bytes]:
    yield _line(COLUMNS)
    async for row in rows.aiterator(_CHUNK):
        yield _line(harmless(cell) for cell in (await _shown(row, reveal=reveal)).values())


async def _json(rows: QuerySet[Conversation], *, reveal: bool) -> AsyncIterator[bytes]:
    between = b"["
    async for row in rows.aiterator(_CHUNK):
        yield between + orjson.dumps(await _shown(row, reveal=reveal))
        between = b",\n"
    yield b"]" if between != b"[" else b"[]"


async def _shown(row: Conversation, *, reveal: bool) -> dict[str, Any]:
    cells = {name: getattr(row, name) for name in COLUMNS}
    if reveal:
        return cells
    title = await to_thread(mask_of_call, row.title, row)
    return cells | {"caller": masked(row.caller), "caller_name": mask(row.caller_name, row.caller), "title": title}


def _line(cells: Iterable[Any]) -> bytes:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue().encode()
