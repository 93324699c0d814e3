"""Converts rows of the table to memories."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

from elmemory.memory.caches import kept_briefly
from elmemory.memory.openmemory.storable import storable
from elmemory.memory.records import Memory

COLUMNS = (
    "id, user_id, content, tags, metadata, salience, decay_lambda, sectors,"
    " created_at, updated_at, last_seen_at, version, vector"
)

TEXT_COLUMNS = "id, content, metadata, salience, sectors"


def memories_of(rows: Iterable[Sequence[Any]]) -> list[Memory]:
    """Return the memories in rows of COLUMNS. In one function: a call for each of thousands doubles the time."""
    return [
        Memory._make((
            memory_id, user_id, content, _listed(tags), orjson.loads(metadata), salience, decay_lambda,
            (listed := _listed(sectors))[0], listed, created, updated, seen, version, bytes(vector) if vector else b"",
            0,
        ))
        for memory_id, user_id, content, tags, metadata, salience, decay_lambda, sectors,
            created, updated, seen, version, vector in rows
    ]  # fmt: skip


def texts_of(user_id: str, rows: Iterable[Sequence[Any]]) -> list[Memory]:
    """The memories of the user in rows of TEXT_COLUMNS, with defaults for the rest."""
    return [
        Memory._make((
            memory_id, user_id, content, (), orjson.loads(metadata), salience, 0.0,
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
