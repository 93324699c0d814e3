"""Rows of the table, and the memories in them."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from elmemory.memory.openmemory.storable import storable
from elmemory.memory.records import Memory

COLUMNS = (
    "id, user_id, content, tags, metadata, salience, decay_lambda, sectors,"
    " created_at, updated_at, last_seen_at, version"
)


def memory_of(row: Sequence[Any]) -> Memory:
    """The memory in a row of COLUMNS."""
    sectors = orjson.loads(row[7])
    return Memory(
        id=row[0],
        user_id=row[1],
        content=row[2],
        tags=orjson.loads(row[3]),
        metadata=orjson.loads(row[4]),
        salience=row[5],
        decay_lambda=row[6],
        primary_sector=sectors[0],
        sectors=sectors,
        created_at=row[8],
        updated_at=row[9],
        last_seen_at=row[10],
        version=row[11],
    )


def conversation_id_of(metadata: Mapping[str, Any]) -> str:
    """As the column holds it; empty for a memory of no conversation."""
    conversation_id = metadata.get("conversation_id")
    return storable(conversation_id) if isinstance(conversation_id, str) else ""
