"""Rows of an OpenMemory server: which of them are memories, and how our metadata are applied to them."""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from elmemory.memory.openmemory.protocol import OpenMemoryError, OpenMemoryMisconfigured
from elmemory.memory.openmemory.remote.connection import NO_OPENMEMORY, OK, answer_of
from elmemory.memory.openmemory.sectors import SECTORS
from elmemory.memory.openmemory.storable import storable, storable_json, vector_apart
from elmemory.memory.records import Entry, Memory, Sector

# In the metadata of a nonce: the key of the memory that will replace it.
UNFINISHED = "unfinished_key"
# In the metadata of every memory on a server: a number that rises with each write for this user.
WRITE_NUMBER = "write_number"


def readable(rows: Iterable[Memory]) -> list[Memory]:
    """Return the memories among the rows: no nonces, and only the last written for each key."""
    kept: dict[str, Memory] = {}
    for row in rows:
        if unfinished_key(row):
            continue
        key = row.key or row.id
        if key not in kept or order_of_writing(row) > order_of_writing(kept[key]):
            kept[key] = row
    return list(kept.values())


def unfinished_key(row: Memory) -> str:
    return str(row.metadata.get(UNFINISHED) or "")


def order_of_writing(row: Memory) -> tuple[int, int, int]:
    """Return the sort key by time of writing. Our own number comes first: the server's time changes without writes."""
    return row.write_number, row.updated_at, row.version


def page_of(user_id: str, answer: bytes) -> list[Memory]:
    """Return the rows in the server's answer to a request for a page of the user's memories."""
    page = answer_of(OK, answer) or {}
    items = page.get("items")
    if not isinstance(items, list):
        raise OpenMemoryMisconfigured(NO_OPENMEMORY)
    if page.get("user_id") != user_id:
        raise OpenMemoryError("the OpenMemory server answered with another user's memories")
    return [row_of(user_id, item) for item in items if is_of(user_id, item)]


def row_of(user_id: str, item: Mapping[str, Any]) -> Memory:
    """Return the memory in an item of the server's answer, with metadata without write number and vector."""
    try:
        metadata, vector = vector_apart(item.get("metadata") or {})
        tags = item.get("tags")
        write_number = metadata.pop(WRITE_NUMBER, 0)
        sector: Sector = next((known for known in SECTORS if known == item.get("primary_sector")), "semantic")
        return Memory(
            id=str(item["id"]),
            user_id=user_id,
            content=str(item["content"]),
            tags=tags if isinstance(tags, list) else [],
            metadata=metadata,
            salience=_weight(metadata.get("salience"), item.get("salience"), 0.5),
            decay_lambda=_weight(metadata.get("decay_lambda"), item.get("decay_lambda"), 0.0),
            primary_sector=sector,
            sectors=(sector,),
            created_at=int(item.get("created_at") or 0),
            updated_at=int(item.get("updated_at") or 0),
            last_seen_at=int(item.get("last_seen_at") or 0),
            version=int(item.get("version") or 1),
            vector=vector,
            write_number=write_number if type(write_number) is int else 0,
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise OpenMemoryMisconfigured(NO_OPENMEMORY) from None


def is_of(user_id: str, item: object) -> bool:
    return isinstance(item, dict) and item.get("user_id", user_id) == user_id


def _weight(*given: object) -> float:
    """Return the first value that is a number: ours in the metadata, else the server's."""
    return next(float(value) for value in given if isinstance(value, int | float) and not isinstance(value, bool))


class Wanted:
    """An entry to write, in the form in which the server will return it."""

    def __init__(self, user_id: str, entry: Entry, write_number: int) -> None:
        self.user_id = user_id
        self.write_number = write_number
        self.content = storable(entry.content)
        self.tags: list[str] = orjson.loads(storable_json(list(entry.tags)))
        weights = {"key": entry.key, "salience": entry.salience, "decay_lambda": entry.decay_lambda}
        self.metadata: dict[str, Any] = orjson.loads(storable_json({**entry.metadata, **weights}))
        self.key: str = self.metadata["key"]
        self.vector = entry.vector

    def is_in(self, memory: Memory) -> bool:
        is_same = (memory.content, memory.tags, memory.metadata) == (self.content, self.tags, self.metadata)
        return is_same and (not self.vector or memory.vector == self.vector)

    def as_row(self, memory_id: str) -> Memory:
        held = self.user_id, self.content, self.tags, self.metadata
        return Memory(memory_id, *held, write_number=self.write_number, vector=self.vector)
