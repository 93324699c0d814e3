"""Reads rows of the table, and converts them to memories."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import orjson
from django.db import connections

from elmemory.memory.caches import kept_briefly
from elmemory.memory.openmemory.storable import storable
from elmemory.memory.records import Memory

COLUMNS = (
    "sequence, id, user_id, content, tags, metadata, salience, decay_lambda, sectors,"
    " created_at, updated_at, last_seen_at, version, vector"
)

TEXT_COLUMNS = "id, content, metadata, salience, sectors"


def selected(alias: str, sql: str, *parameters: str | int) -> Iterator[tuple[Any, ...]]:
    """Yield the rows that the query finds in the database with this alias. Read all of them at once."""
    connection = connections[alias]
    if connection.vendor == "sqlite":
        # Not through Django's cursor, which doubles the time of a small query in live calls.
        connection.ensure_connection()
        with connection.wrap_database_errors:
            yield from connection.connection.execute(_as_sqlite(sql), parameters)
        return
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        yield from cursor.fetchall()


@cache
def _as_sqlite(sql: str) -> str:
    return sql.replace("%s", "?")


def memories_of(rows: Iterable[Sequence[Any]]) -> list[Memory]:
    """Return the memories in rows of COLUMNS. In one function: a call for each of thousands doubles the time."""
    new, loads = tuple.__new__, orjson.loads
    return [
        new(Memory, (
            memory_id, user_id, content, _listed(tags), loads(metadata), salience, decay_lambda,
            (listed := _listed(sectors))[0], listed, created, updated, seen, version, bytes(vector) if vector else b"",
            sequence,
        ))
        for sequence, memory_id, user_id, content, tags, metadata, salience, decay_lambda, sectors,
            created, updated, seen, version, vector in rows
    ]  # fmt: skip


def texts_of(user_id: str, rows: Iterable[Sequence[Any]]) -> list[Memory]:
    """Return the memories of the user in rows of TEXT_COLUMNS, with defaults for the rest."""
    new, loads = tuple.__new__, orjson.loads
    return [
        new(Memory, (
            memory_id, user_id, content, (), loads(metadata), salience, 0.0,
            (listed := _listed(sectors))[0], listed, 0, 0, 0, 1, b"", 0,
        ))
        for memory_id, content, metadata, salience, sectors in rows
    ]  # fmt: skip


def memory_of(row: Sequence[Any]) -> Memory:
    """Return the memory in a row of COLUMNS."""
    return memories_of([row])[0]


@kept_briefly(maxsize=256)
def _listed(value: str) -> list[Any]:
    """Return a JSON list of tags or sectors, cached because few differ. Do not modify it."""
    listed: list[Any] = orjson.loads(value)
    return listed


def conversation_id_of(metadata: Mapping[str, Any]) -> str:
    """Return the value of the column `conversation_id`; empty without a conversation."""
    conversation_id = metadata.get("conversation_id")
    return storable(conversation_id) if isinstance(conversation_id, str) else ""
