"""The audit log as CSV."""

import csv
from collections.abc import Iterator
from datetime import UTC

from elmemory.audit.models import Entries

COLUMNS = "id", "at", "username", "action", "kind", "object", "caller", "detail", "address", "hash"


class _Echo:
    def write(self, text: str) -> str:
        return text


def csv_lines(entries: Entries) -> Iterator[str]:
    """A header and one line for each entry, oldest first; times are UTC."""
    writer = csv.writer(_Echo())
    yield writer.writerow(COLUMNS)
    for entry in entries.order_by("pk").iterator(1000):
        values = {name: getattr(entry, name) for name in COLUMNS} | {"at": entry.at.astimezone(UTC).isoformat()}
        yield writer.writerow([_harmless(value) for value in values.values()])


def _harmless(value: object) -> object:
    """No formula for a spreadsheet."""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")) else value
