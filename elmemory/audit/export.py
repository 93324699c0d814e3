"""The audit log as CSV."""

import csv
import io
from collections.abc import AsyncIterator, Iterable
from datetime import UTC

from django.db.models import QuerySet

from elmemory.audit.models import Entry

COLUMNS = "id", "at", "username", "action", "kind", "object", "caller", "detail", "address", "document", "hash"
_FORMULA = "=", "+", "-", "@", "\t", "\r", "\n"


async def csv_lines(entries: QuerySet[Entry]) -> AsyncIterator[str]:
    """Yield a header and a line for each entry, oldest first. Times are in UTC."""
    yield csv_line(COLUMNS)
    async for entry in entries.order_by("pk").aiterator(1000):
        yield csv_line(row(entry))


def row(entry: Entry) -> list[object]:
    values = {name: getattr(entry, name) for name in COLUMNS} | {"at": entry.at.astimezone(UTC).isoformat()}
    return list(values.values())


def csv_line(values: Iterable[object]) -> str:
    """Return the cells as a CSV line. Cells that a spreadsheet would read as a formula are escaped."""
    text = io.StringIO()
    csv.writer(text).writerow(
        f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value for value in values
    )
    return text.getvalue()
