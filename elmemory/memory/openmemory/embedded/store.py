"""Our own OpenMemory-compatible store: one table on the database alias `memory`, SQLite or PostgreSQL.

Isolated by user, unique by key, whole content of any length; nothing decays and nothing is merged.
"""

import sqlite3
from collections.abc import Callable, Hashable, Iterator, Sequence
from functools import wraps
from itertools import batched
from pathlib import Path
from typing import Any, Concatenate

import orjson
from django.db import DatabaseError, DataError, InterfaceError, OperationalError, connections, transaction
from django.db.backends.utils import CursorWrapper

from elmemory.memory.openmemory.database_faults import summary
from elmemory.memory.openmemory.database_traces import clear_log, contains, rewrite
from elmemory.memory.openmemory.embedded.rows import (
    COLUMNS,
    TEXT_COLUMNS,
    conversation_id_of,
    memories_of,
    memory_of,
    selected,
    texts_of,
)
from elmemory.memory.openmemory.embedded.writing import now, places, put_rows, turn_to_write, with_weights
from elmemory.memory.openmemory.protocol import (
    BOOKKEEPER,
    Health,
    NotStorable,
    OpenMemory,
    OpenMemoryError,
    Summary,
    require_user,
)
from elmemory.memory.openmemory.sectors import sectors_of
from elmemory.memory.openmemory.storable import storable, storable_json, vector_apart
from elmemory.memory.ranking import rank
from elmemory.memory.records import Entry, Match, Memory, Put

ALIAS = "memory"

_NEWEST = f"SELECT {COLUMNS} FROM memory WHERE user_id = %s ORDER BY sequence DESC"
_TEXTS = f"SELECT {TEXT_COLUMNS} FROM memory WHERE user_id = %s ORDER BY sequence DESC"
# NULL: an older version, without this column, wrote the row. Not OR, for which SQLite does not use the index.
_OF_CONVERSATION = f"""
    SELECT {COLUMNS} FROM memory WHERE user_id = %s AND conversation_id = %s
    UNION ALL
    SELECT {COLUMNS} FROM memory WHERE user_id = %s AND conversation_id IS NULL
"""
_USERS_OF = """
    SELECT DISTINCT user_id, '' FROM memory WHERE conversation_id = %s
    UNION ALL
    SELECT user_id, metadata FROM memory WHERE conversation_id IS NULL AND metadata LIKE %s
"""
# Read from the index alone.
_VERSIONS = "SELECT sequence, version FROM memory WHERE user_id = %s AND sequence > %s ORDER BY sequence DESC"
_THESE = f"SELECT {COLUMNS} FROM memory WHERE user_id = %s AND sequence IN ({{sequences}})"
_MOST_BY_SEQUENCE = 500
# Among how many of the newest a change is searched for first.
_NEWEST_COMPARED = 100
_PEEK = "SELECT metadata FROM memory WHERE user_id = ? ORDER BY sequence DESC LIMIT ?"
# Differs after every change: an added row raises the sequence, a deleted row lowers the count, and a changed row raises
# its version.
_CHANGES_SO_FAR = "SELECT count(*), max(sequence), sum(version) FROM memory WHERE user_id = %s"
_SECTORS = "SELECT sectors, count(*), sum(salience) FROM memory GROUP BY sectors"
_USERS = "SELECT user_id, count(*) FROM memory WHERE user_id <> %s GROUP BY user_id"
_ONE = f"SELECT {COLUMNS} FROM memory WHERE id = %s"
_CHANGE = """
    UPDATE memory SET key = %s, conversation_id = %s, content = %s, tags = %s, metadata = %s, salience = %s,
                      decay_lambda = %s, sectors = %s, updated_at = %s, version = version + 1, vector = %s
    WHERE id = %s
"""
_DELETE = "DELETE FROM memory WHERE user_id = %s AND id IN ({ids})"


def _guarded[**P, R](
    method: Callable[Concatenate["EmbeddedOpenMemory", P], R],
) -> Callable[Concatenate["EmbeddedOpenMemory", P], R]:
    """Raise database faults as OpenMemoryError. After a dropped connection, retry the method once.

    Every operation is one transaction, so it can be repeated. One within another leaves faults to the outer one.
    """

    @wraps(method)
    def guarded(store: "EmbeddedOpenMemory", /, *args: P.args, **kwargs: P.kwargs) -> R:
        if connections[store.alias].in_atomic_block:
            return method(store, *args, **kwargs)
        try:
            try:
                return method(store, *args, **kwargs)
            except (OperationalError, InterfaceError):
                connections[store.alias].close()
                return method(store, *args, **kwargs)
        except DataError as error:
            raise NotStorable(f"the embedded store answered {type(error).__name__}") from error
        except (DatabaseError, InterfaceError) as error:
            raise OpenMemoryError(f"the embedded store answered {summary(error)}") from error

    return guarded


class EmbeddedOpenMemory(OpenMemory):
    """The store on this app's table, in the database with this alias."""

    alias = ALIAS

    def __init__(self, alias: str = ALIAS) -> None:
        self.alias = alias
        self._reader: sqlite3.Connection | None = None

    @_guarded
    def put_all(self, user_id: str, entries: Sequence[Entry]) -> list[Put]:
        require_user(user_id)
        if not all(entry.key for entry in entries):
            raise ValueError("a memory needs a key")
        with turn_to_write(self.alias) as cursor:
            return put_rows(cursor, user_id, [with_weights(entry) for entry in entries])

    @_guarded
    def add_all(self, user_id: str, entries: Sequence[Entry], instead_of: Sequence[str] = ()) -> list[Put]:
        with turn_to_write(self.alias) as cursor:
            puts = self.put_all(user_id, entries)
            if instead_of:
                cursor.execute(_DELETE.format(ids=places(instead_of)), (user_id, *instead_of))
            return puts

    @_guarded
    def of_conversation(self, user_id: str, conversation_id: str) -> list[Memory]:
        require_user(user_id)
        memories = memories_of(selected(self.alias, _OF_CONVERSATION, user_id, conversation_id, user_id))
        return [memory for memory in memories if memory.metadata.get("conversation_id") == conversation_id]

    finds_conversations = True

    @_guarded
    def users_of(self, conversation_id: str) -> set[str]:
        rows = selected(self.alias, _USERS_OF, conversation_id, f"%{conversation_id}%")
        return {
            user
            for user, metadata in rows
            if not metadata or orjson.loads(metadata).get("conversation_id") == conversation_id
        }

    @_guarded
    def memories(self, user_id: str, limit: int | None = None) -> list[Memory]:
        require_user(user_id)
        if limit is None:
            return memories_of(selected(self.alias, _NEWEST, user_id))
        return memories_of(selected(self.alias, f"{_NEWEST} LIMIT %s", user_id, limit))

    @_guarded
    def texts(self, user_id: str) -> list[Memory]:
        require_user(user_id)
        return texts_of(user_id, selected(self.alias, _TEXTS, user_id))

    def peek(self, user_id: str, limit: int) -> Iterator[dict[str, Any]] | None:
        """Read from SQLite files only, whose readers never wait for writers. None for PostgreSQL and after a fault."""
        require_user(user_id)
        # Not through `connections`, which creates a wrapper for every task of the event loop.
        database = connections.settings[self.alias]
        if not database["ENGINE"].endswith("sqlite3"):
            return None
        try:
            reader = self._reader = self._reader or _open_for_peeks(database["NAME"])
            rows = reader.execute(_PEEK, (user_id, limit)).fetchall()
        except sqlite3.Error:
            self._reader = None
            return None
        return (orjson.loads(metadata) for (metadata,) in rows)

    @_guarded
    def memories_since(
        self, user_id: str, token: Hashable | None, known: Sequence[Memory] = ()
    ) -> tuple[Hashable, list[Memory] | None]:
        require_user(user_id)
        # Read before the memories, so that the next call notices a write in between.
        ((count, last, versions),) = selected(self.alias, _CHANGES_SO_FAR, user_id)
        now = count, last, versions
        if now == token:
            return now, None
        # What a call adds and replaces is among the newest. Only if they do not explain the token, all are compared.
        for number in (_NEWEST_COMPARED, len(known)) if known else ():
            newest, others = known[:number], known[number:]
            rows = list(selected(self.alias, _VERSIONS, user_id, others[0].write_number if others else 0))
            version = sum(version for _, version in rows) + sum(memory.version for memory in others)
            if (len(rows) + len(others), version) == (count, versions):
                return now, [*self._memories_in(user_id, rows, newest), *others]
        return now, self.memories(user_id)

    def _memories_in(self, user_id: str, rows: Sequence[Sequence[int]], known: Sequence[Memory]) -> Iterator[Memory]:
        """Yield the memories with these sequences and versions. Reads only those that are not among the known ones."""
        as_known = {(memory.write_number, memory.version): memory for memory in known}
        unread = [sequence for sequence, version in rows if (sequence, version) not in as_known]
        read: dict[int, Memory] = {}
        for some in batched(unread, _MOST_BY_SEQUENCE):
            these = _THESE.format(sequences=places(some))
            read |= {memory.write_number: memory for memory in memories_of(selected(self.alias, these, user_id, *some))}
        for sequence, version in rows:
            # A memory that was deleted meanwhile is in neither.
            if memory := as_known.get((sequence, version)) or read.get(sequence):
                yield memory

    @property
    def concurrency(self) -> int:
        return 1 if connections.settings[self.alias]["ENGINE"].endswith("sqlite3") else 8

    @_guarded
    def delete(self, user_id: str, memory_id: str) -> bool:
        require_user(user_id)
        with connections[self.alias].cursor() as cursor:
            cursor.execute("DELETE FROM memory WHERE user_id = %s AND id = %s", (user_id, memory_id))
            return bool(cursor.rowcount)

    @_guarded
    def forget(self, user_id: str) -> int:
        require_user(user_id)
        with connections[self.alias].cursor() as cursor:
            cursor.execute("DELETE FROM memory WHERE user_id = %s", (user_id,))
            count = int(cursor.rowcount)
        clear_log(self.alias)
        if contains(self.alias, user_id.encode()):
            rewrite(self.alias)
        return count

    @_guarded
    def users(self) -> dict[str, int]:
        return dict(selected(self.alias, _USERS, BOOKKEEPER))

    # For the HTTP API only: memories by id, pages, changes.

    @_guarded
    def add(self, user_id: str, entry: Entry) -> Memory:
        """Add a memory from a client of the HTTP API. Without a key its id is its key. The metadata are not changed."""
        require_user(user_id)
        with transaction.atomic(self.alias), connections[self.alias].cursor() as cursor:
            metadata, vector = vector_apart(entry.metadata)
            (put,) = put_rows(cursor, user_id, [entry._replace(metadata=metadata, vector=vector)])
            return _one(cursor, put.id)

    @_guarded
    def get(self, memory_id: str) -> Memory | None:
        memories = memories_of(selected(self.alias, _ONE, memory_id))
        return memories[0] if memories else None

    @_guarded
    def page(self, user_id: str, limit: int, offset: int) -> list[Memory]:
        require_user(user_id)
        return memories_of(selected(self.alias, f"{_NEWEST} LIMIT %s OFFSET %s", user_id, limit, offset))

    @_guarded
    def sector_counts(self) -> list[dict[str, Any]]:
        """Return, for each primary sector, the number of memories of all users and their mean salience."""
        counts = dict[str, tuple[int, float]]()
        for sectors, count, salience in selected(self.alias, _SECTORS):
            sector = orjson.loads(sectors)[0]
            count_before, salience_before = counts.get(sector, (0, 0.0))
            counts[sector] = count_before + count, salience_before + salience
        return [
            {"sector": sector, "count": count, "avg_salience": salience / count}
            for sector, (count, salience) in sorted(counts.items())
        ]

    @_guarded
    def change(self, memory_id: str, change: Callable[[Memory], Memory]) -> Memory | None:
        """Replace the memory by the result of `change`, and delete another one of its key. None without the memory."""
        with transaction.atomic(self.alias), connections[self.alias].cursor() as cursor:
            cursor.execute(_ONE, (memory_id,))
            if not (row := cursor.fetchone()):
                return None
            wanted = change(before := memory_of(row))
            metadata, vector = vector_apart(wanted.metadata)
            if (wanted.content, metadata) == (before.content, before.metadata):
                vector = vector or before.vector
            key = wanted.key or memory_id
            cursor.execute(
                "DELETE FROM memory WHERE user_id = %s AND key = %s AND id <> %s", (wanted.user_id, key, memory_id)
            )
            sectors = sectors_of(wanted.content, wanted.metadata.get("sector"))
            cursor.execute(
                _CHANGE,
                (
                    key,
                    conversation_id_of(metadata),
                    storable(wanted.content),
                    storable_json(list(wanted.tags)),
                    storable_json(metadata),
                    wanted.salience,
                    wanted.decay_lambda,
                    storable_json(sectors),
                    now(),
                    vector or None,
                    memory_id,
                ),
            )
            return _one(cursor, memory_id)

    def summary(self, user_id: str, *, regenerate: bool = False) -> Summary:  # noqa: ARG002 - it is never outdated
        """Return the newest of the user's memories with the highest salience. It is never outdated."""
        memories = sorted(self.memories(user_id, 100), key=lambda memory: -memory.salience)
        return Summary(memories[0].content, memories[0].updated_at) if memories else Summary()

    def query(self, user_id: str, query: str, k: int = 8) -> list[Match]:
        return rank(query, self.memories(user_id), k)

    def ping(self) -> Health:
        try:
            with connections[self.alias].cursor() as cursor:
                cursor.execute("SELECT 1 FROM memory LIMIT 1")
        except (DatabaseError, InterfaceError) as error:
            connections[self.alias].close()
            return Health("embedded", False, f"the embedded store answered {summary(error)}")
        return Health("embedded", True, connections[self.alias].vendor)


def _open_for_peeks(path: str) -> sqlite3.Connection:
    address = f"{Path(path).as_uri()}?mode=ro"
    return sqlite3.connect(address, uri=True, timeout=0, isolation_level=None, check_same_thread=False)


def _one(cursor: CursorWrapper, memory_id: str) -> Memory:
    cursor.execute(_ONE, (memory_id,))
    return memory_of(cursor.fetchone())
