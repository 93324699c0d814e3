"""Our own OpenMemory-compatible store: one table on the database alias `memory`, SQLite or PostgreSQL.

Isolated by user, unique by key, whole content of any length; nothing decays and nothing is merged.
"""

import json
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any

import orjson
from django.db import DatabaseError, InterfaceError, OperationalError, connections

from elmemory.memory.openmemory.protocol import Health, Match, Memory, OpenMemoryError, Put, require_user
from elmemory.memory.openmemory.sectors import sectors_of
from elmemory.memory.ranking import rank

ALIAS = "memory"

_COLUMNS = (
    "id, user_id, content, tags, metadata, salience, decay_lambda, sectors,"
    " created_at, updated_at, last_seen_at, version"
)
_NEWEST = f"SELECT {_COLUMNS} FROM memory WHERE user_id = %s ORDER BY sequence DESC"
_PUT = """
    INSERT INTO memory (id, user_id, key, content, tags, metadata, salience, decay_lambda, sectors,
                        created_at, updated_at, last_seen_at, version)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, 1)
    ON CONFLICT (user_id, key) DO UPDATE SET
        content = excluded.content, tags = excluded.tags, metadata = excluded.metadata, salience = excluded.salience,
        decay_lambda = excluded.decay_lambda, sectors = excluded.sectors, updated_at = excluded.updated_at,
        version = memory.version + 1
    WHERE memory.content <> excluded.content OR memory.tags <> excluded.tags OR memory.metadata <> excluded.metadata
       OR memory.salience <> excluded.salience OR memory.decay_lambda <> excluded.decay_lambda
    RETURNING id, version
"""


def _guarded[**P, R](method: Callable[P, R]) -> Callable[P, R]:
    """Database faults become OpenMemoryError; a connection that the server dropped is opened anew, once.

    Every operation here is one statement that may be repeated, so asking again is safe.
    """

    @wraps(method)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            try:
                return method(*args, **kwargs)
            except (OperationalError, InterfaceError):
                if connections[ALIAS].in_atomic_block:
                    raise
                connections[ALIAS].close()
                return method(*args, **kwargs)
        except DatabaseError as error:
            raise OpenMemoryError(f"the embedded store answered {type(error).__name__}: {error}") from error

    return guarded


class EmbeddedOpenMemory:
    """The `OpenMemory` protocol over the table of this app."""

    @_guarded
    def put(
        self,
        user_id: str,
        key: str,
        content: str,
        *,
        tags: Sequence[str] = (),
        metadata: Mapping[str, Any] | None = None,
        salience: float = 0.5,
        decay_lambda: float = 0.0,
    ) -> Put:
        require_user(user_id)
        if not key:
            raise ValueError("a memory needs a key")
        whole = {**(metadata or {}), "key": key, "salience": salience, "decay_lambda": decay_lambda}
        sectors = sectors_of(content, whole.get("sector"))
        now = time.time_ns() // 1_000_000
        row = (
            str(uuid.uuid4()),
            user_id,
            key,
            _storable(content),
            _json(list(tags)),
            _json(whole),
            salience,
            decay_lambda,
            _json(sectors),
            now,
            now,
            now,
        )
        with connections[ALIAS].cursor() as cursor:
            cursor.execute(_PUT, row)
            if written := cursor.fetchone():
                return Put(written[0], "added" if written[1] == 1 else "changed")
            cursor.execute("SELECT id FROM memory WHERE user_id = %s AND key = %s", (user_id, key))
            return Put(cursor.fetchone()[0], "unchanged")

    @_guarded
    def memories(self, user_id: str, limit: int | None = None) -> list[Memory]:
        require_user(user_id)
        with connections[ALIAS].cursor() as cursor:
            if limit is None:
                cursor.execute(_NEWEST, (user_id,))
            else:
                cursor.execute(f"{_NEWEST} LIMIT %s", (user_id, limit))
            return [_memory(row) for row in cursor.fetchall()]

    @_guarded
    def delete(self, user_id: str, memory_id: str) -> bool:
        require_user(user_id)
        with connections[ALIAS].cursor() as cursor:
            cursor.execute("DELETE FROM memory WHERE user_id = %s AND id = %s", (user_id, memory_id))
            return bool(cursor.rowcount)

    @_guarded
    def forget(self, user_id: str) -> int:
        require_user(user_id)
        with connections[ALIAS].cursor() as cursor:
            cursor.execute("DELETE FROM memory WHERE user_id = %s", (user_id,))
            return int(cursor.rowcount)

    def summary(self, user_id: str) -> str:
        """The content of the user's weightiest memories, newest first: our store has no opinion of its own."""
        memories = sorted(self.memories(user_id, 100), key=lambda memory: -memory.salience)
        return " ".join(memory.content for memory in memories[:1])

    def query(self, user_id: str, query: str, k: int = 8) -> list[Match]:
        return rank(query, self.memories(user_id), k)

    def ping(self) -> Health:
        try:
            with connections[ALIAS].cursor() as cursor:
                cursor.execute("SELECT 1 FROM memory LIMIT 1")
        except DatabaseError as error:
            connections[ALIAS].close()
            return Health("embedded", False, f"the embedded store answered {type(error).__name__}: {error}")
        return Health("embedded", True, connections[ALIAS].vendor)


def _memory(row: Sequence[Any]) -> Memory:
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


def _json(value: Any) -> str:
    return _storable(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def _storable(text: str) -> str:
    # PostgreSQL's text cannot hold NUL; neither database's drivers take lone surrogates.
    return text.replace("\x00", "").encode("utf-8", "replace").decode()
