"""Everything stored about one caller, as a ZIP that is written while it is sent: it is never in memory or on disk as a
whole."""

import io
import json
from asyncio import to_thread
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, NamedTuple
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from django.http import StreamingHttpResponse
from django.utils.timezone import now

from conversations.admin.export import COLUMNS
from conversations.files.paths import conversation_files
from conversations.index.sync import reconcile
from conversations.models import Caller, Conversation
from conversations.payloads.secret_variables import shown_file
from elmemory.memory.card import Card, read_card
from elmemory.memory.openmemory import OpenMemory
from elmemory.memory.records import Memory

_CHUNK = 2**18


class Known(NamedTuple):
    """What is stored about a caller. The files of the calls are read when they are sent."""

    card: Card | None
    memories: list[Memory]
    calls: list[Conversation]


def known_of(store: OpenMemory, caller: str) -> Known:
    """What is stored about the caller. Raises OpenMemoryError if the store does not answer: an export is complete."""
    card, memories = read_card(store, caller), store.memories(caller)
    reconcile()  # the index may have missed a call
    return Known(card, memories, list(Conversation.objects.filter(caller=caller).order_by("started_at")))


def export_caller(row: Caller, known: Known) -> StreamingHttpResponse:
    """The ZIP. No file name in it, nor its own, holds the number."""
    name = f"caller-{row.ref}"
    documents = {
        "caller.json": {"number": row.number, "exported_at": now(), "card": _card(known.card)},
        "memories.json": [_memory(memory) for memory in known.memories],
        "calls.json": [_call(call) for call in known.calls],
    }
    content = _streamed(_archive(name, documents, [call.pk for call in known.calls]))
    headers = {"Content-Disposition": f'attachment; filename="{name}.zip"', "Cache-Control": "no-store"}
    return StreamingHttpResponse(content, content_type="application/zip", headers=headers)


async def _streamed(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    while (piece := await to_thread(next, pieces, None)) is not None:
        yield piece


def _archive(name: str, documents: Mapping[str, Any], conversation_ids: Iterable[str]) -> Iterator[bytes]:
    outlet = _Outlet()
    with ZipFile(outlet, "w", ZIP_DEFLATED) as archive:
        for document, value in documents.items():
            archive.writestr(f"{name}/{document}", _json(value))
            yield outlet.take()
        for conversation_id in conversation_ids:
            for path in conversation_files(conversation_id):
                # A ZIP cannot store times before 1980, which a payload may have.
                entry = ZipInfo.from_file(path, f"{name}/calls/{conversation_id}/{path.name}", strict_timestamps=False)
                entry.compress_type = ZIP_STORED if path.suffix == ".mp3" else ZIP_DEFLATED
                with shown_file(path) as source, archive.open(entry, "w") as target:
                    while piece := source.read(_CHUNK):
                        target.write(piece)
                        yield outlet.take()
    yield outlet.take()


class _Outlet(io.RawIOBase):
    """A file without seeking that the archive is written to; `take` returns and removes what was written."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, piece: Any) -> int:
        self._pieces.append(bytes(piece))
        return len(piece)

    def take(self) -> bytes:
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)


def _card(card: Card | None) -> dict[str, Any] | None:
    return {"name": card.full_name, "summary": card.summary, **asdict(card)} if card else None


def _memory(memory: Memory) -> dict[str, Any]:
    times = {name: _moment(getattr(memory, name)) for name in ("created_at", "updated_at", "last_seen_at")}
    return {"kind": memory.kind, **asdict(memory), **times}


def _moment(milliseconds: int) -> datetime | None:
    return datetime.fromtimestamp(milliseconds / 1000, UTC) if milliseconds else None


def _call(call: Conversation) -> dict[str, Any]:
    files = [path.name for path in conversation_files(call.pk)]
    return {name: getattr(call, name) for name in COLUMNS} | {"files": files}


def _json(value: Any) -> bytes:
    """JSON of any value that metadata may hold; dates in ISO 8601."""

    def as_text(value: Any) -> str:
        return value.isoformat(timespec="seconds") if isinstance(value, datetime) else str(value)

    return json.dumps(value, ensure_ascii=False, indent=2, default=as_text).encode(errors="replace")
