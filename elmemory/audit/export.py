"""Tables as CSV, and the audit log as one; streams that a server under ASGI sends piece by piece."""

import csv
import io
from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import UTC

from asgiref.sync import sync_to_async
from django.db.models import QuerySet

from elmemory.audit.models import Entry

_COLUMNS = "id", "at", "username", "action", "kind", "object", "caller", "detail", "address", "document", "hash"
_CHUNK = 2**16
_FORMULA = "=", "+", "-", "@", "\t", "\r", "\n"


def csv_lines(entries: QuerySet[Entry]) -> Iterator[bytes]:
    """Yield a header and a line for each entry, oldest first. Times are in UTC."""
    yield csv_line(_COLUMNS)
    for entry in entries.order_by("pk").iterator(1000):
        values = {name: getattr(entry, name) for name in _COLUMNS} | {"at": entry.at.astimezone(UTC).isoformat()}
        yield csv_line(values.values())


def csv_line(values: Iterable[object]) -> bytes:
    """Return the cells as a CSV line. Cells that a spreadsheet would read as a formula are escaped."""
    text = io.StringIO()
    csv.writer(text).writerow(
        f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value for value in values
    )
    return text.getvalue().encode()


async def streamed(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Yield the pieces, many at once, made in a thread. Django would send those of a plain iterator as a whole."""

    def some() -> bytes:
        taken = bytearray()
        while len(taken) < _CHUNK and (piece := next(pieces, None)) is not None:
            taken += piece
        return bytes(taken)

    while chunk := await sync_to_async(some)():
        yield chunk
