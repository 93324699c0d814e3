"""Writes rows of the embedded store, many memories in one statement."""

import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from threading import RLock
from typing import Any, Literal

from django.db import connections, transaction
from django.db.backends.utils import CursorWrapper

from elmemory.memory.openmemory.embedded.rows import conversation_id_of
from elmemory.memory.openmemory.sectors import sectors_of
from elmemory.memory.openmemory.storable import storable, storable_json
from elmemory.memory.records import Entry, Put

_ROW = f"({', '.join(['%s'] * 14)}, 1)"
_PUT = """
    INSERT INTO memory (id, user_id, key, conversation_id, content, tags, metadata, salience, decay_lambda, sectors,
                        created_at, updated_at, last_seen_at, vector, version)
    VALUES {rows}
    ON CONFLICT (user_id, key) DO UPDATE SET
        conversation_id = excluded.conversation_id, content = excluded.content, tags = excluded.tags,
        metadata = excluded.metadata, salience = excluded.salience, decay_lambda = excluded.decay_lambda,
        sectors = excluded.sectors, updated_at = excluded.updated_at, vector = excluded.vector,
        version = memory.version + 1
    WHERE memory.content <> excluded.content OR memory.tags <> excluded.tags OR memory.metadata <> excluded.metadata
       OR memory.salience <> excluded.salience OR memory.decay_lambda <> excluded.decay_lambda
       OR (excluded.vector IS NOT NULL AND (memory.vector IS NULL OR memory.vector <> excluded.vector))
    RETURNING key, id, version
"""
_MOST_ROWS = 500
_one_writer = RLock()
_HELD = "SELECT key, id, 0 FROM memory WHERE user_id = %s AND key IN ({keys})"


@contextmanager
def turn_to_write(alias: str) -> Iterator[CursorWrapper]:
    """Yield a cursor in the current transaction, or in a new one. On SQLite, one thread at a time.

    SQLite itself would make other writers sleep for up to 100 ms between attempts.
    """
    connection = connections[alias]
    with (
        _one_writer if connection.vendor == "sqlite" else nullcontext(),
        transaction.atomic(alias, savepoint=False),
        connection.cursor() as cursor,
    ):
        yield cursor


def with_weights(entry: Entry) -> Entry:
    weights = {"key": entry.key, "salience": entry.salience, "decay_lambda": entry.decay_lambda}
    return entry._replace(metadata={**entry.metadata, **weights})


def put_rows(cursor: CursorWrapper, user_id: str, entries: Sequence[Entry]) -> list[Put]:
    """Put the entries, several per statement as long as their keys differ."""
    puts: list[Put] = []
    rows: dict[str, tuple[Any, ...]] = {}
    for memory_id, entry in ((str(uuid.uuid4()), entry) for entry in entries):
        key = storable(entry.key) or memory_id
        if key in rows or len(rows) == _MOST_ROWS:
            puts += _put_at_once(cursor, user_id, rows)
            rows = {}
        rows[key] = _row(memory_id, user_id, key, entry)
    return puts + _put_at_once(cursor, user_id, rows)


def _put_at_once(cursor: CursorWrapper, user_id: str, rows: Mapping[str, tuple[Any, ...]]) -> list[Put]:
    if not rows:
        return []
    cursor.execute(_PUT.format(rows=", ".join([_ROW] * len(rows))), [value for row in rows.values() for value in row])
    written = {key: (memory_id, version) for key, memory_id, version in cursor.fetchall()}
    if unchanged := [key for key in rows if key not in written]:
        cursor.execute(_HELD.format(keys=places(unchanged)), (user_id, *unchanged))
        written |= {key: (memory_id, version) for key, memory_id, version in cursor.fetchall()}
    return [Put(memory_id, _outcome(version)) for memory_id, version in (written[key] for key in rows)]


def _outcome(version: int) -> Literal["added", "changed", "unchanged"]:
    return "unchanged" if version == 0 else "added" if version == 1 else "changed"


def places(values: Sequence[object]) -> str:
    return ", ".join(["%s"] * len(values))


def _row(memory_id: str, user_id: str, key: str, entry: Entry) -> tuple[Any, ...]:
    at = now()
    return (
        memory_id,
        user_id,
        key,
        conversation_id_of(entry.metadata),
        storable(entry.content),
        storable_json(list(entry.tags)),
        storable_json(dict(entry.metadata)),
        entry.salience,
        entry.decay_lambda,
        storable_json(sectors_of(entry.content, entry.metadata.get("sector"))),
        at,
        at,
        at,
        entry.vector or None,
    )


def now() -> int:
    return time.time_ns() // 1_000_000
