"""An OpenMemory server (v1.2.x, v1.3.0) as the store.

The server merges texts with the same set of words, even of different users, and cuts long texts. So a memory is added
as a nonce and then patched; a row that is still a nonce is no memory. The server has neither keys nor permanent
memories: both are kept in the metadata and applied here.
"""

import re
import threading
import uuid
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any
from urllib.parse import quote

from elmemory.memory.openmemory.protocol import (
    Health,
    OpenMemory,
    OpenMemoryError,
    OpenMemoryMisconfigured,
    Summary,
    require_user,
)
from elmemory.memory.openmemory.remote.connection import NO_OPENMEMORY, OK, Connection, answer_of
from elmemory.memory.openmemory.remote.rows import (
    UNFINISHED,
    WRITE_NUMBER,
    Wanted,
    order_of_writing,
    page_of,
    readable,
    unfinished_key,
)
from elmemory.memory.openmemory.remote.users import users_of
from elmemory.memory.openmemory.storable import with_vector
from elmemory.memory.ranking import rank
from elmemory.memory.records import Entry, Match, Memory, Put
from elmemory.memory.text import counted

# Timeouts in seconds. Live calls wait for the newest memories. A server ends its own requests after 10 s.
NEWEST_SECONDS = 2.0
ALL_SECONDS = 10.0
WRITE_SECONDS = 10.0
FORGET_SECONDS = 30.0
PING_SECONDS = 1.5

_PAGE = 10_000
_FEW = 2
_ATTEMPTS = 5
_STRIPES = 64
# `ping` checks the key by reading the memories of this user, who has none.
_NOBODY = "elmemory-ping"
_SAYS_NOTHING = re.compile(r"initializing|^Active in .* using |\(\d+ memories, \d+ saves\)")


class RemoteOpenMemory(OpenMemory):
    """The store on the server at `url`."""

    mode = "remote"
    concurrency = 16

    def __init__(self, url: str, key: str = "") -> None:
        self._server = Connection(url, key)
        self._writing = [threading.Lock() for _ in range(_STRIPES)]

    def close(self) -> None:
        self._server.close()

    def put_all(self, user_id: str, entries: Sequence[Entry]) -> list[Put]:
        """Put the entries in this order, after reading all of the user's memories once.

        Completes or deletes nonces that an interrupted run left for the same conversations, or for none.
        """
        return self._put_all(user_id, entries, self._all)

    def add_all(self, user_id: str, entries: Sequence[Entry], instead_of: Sequence[str] = ()) -> list[Put]:
        """Add entries with new keys, reading only the newest rows: their write numbers are (nearly) the highest."""
        puts = self._put_all(user_id, entries, self._newest)
        for memory_id in instead_of:
            self._delete(user_id, memory_id)
        return puts

    def memories(self, user_id: str, limit: int | None = None) -> list[Memory]:
        require_user(user_id)
        if limit is None:
            return readable(self._all(user_id))
        size = limit
        while True:
            page = self._page(user_id, size, 0, NEWEST_SECONDS)
            memories = readable(page)
            if len(memories) >= limit or len(page) < size:
                return memories[:limit]
            size *= 4

    def memories_since(
        self,
        user_id: str,
        token: Hashable | None,
        known: Sequence[Memory] = (),  # noqa: ARG002
    ) -> tuple[Hashable, list[Memory] | None]:
        """Return token and memories. The token is digests of the answers, which are parsed only if one differs."""
        require_user(user_id)
        now, rows = self._rows_since(user_id, token if isinstance(token, tuple) else ())
        return now, None if rows is None else readable(rows)

    def delete(self, user_id: str, memory_id: str) -> bool:
        require_user(user_id)
        return self._delete(user_id, memory_id)

    def forget(self, user_id: str) -> int:
        require_user(user_id)
        forgotten = left = len(self._all(user_id))
        while left:
            try:
                self._delete_all(user_id)
            except OpenMemoryMisconfigured:
                raise
            except OpenMemoryError:
                pass  # the server may go on deleting after the request: count what remains
            before, left = left, len(self._all(user_id))
            if left >= before:
                amount = counted(left, "memory", "memories")
                raise OpenMemoryError(f"the OpenMemory server still holds {amount} that it should have deleted")
        return forgotten

    def users(self) -> dict[str, int] | None:
        return users_of(self._server)

    def summary(self, user_id: str, *, regenerate: bool = False) -> Summary:
        """Return the server's summary; empty if it is a placeholder, or written for code editors."""
        require_user(user_id)
        if regenerate:
            self._server.call("POST", f"/users/{in_path(user_id)}/summary/regenerate", seconds=WRITE_SECONDS)
        answer = self._summary(user_id) or {}
        text, made_at = str(answer.get("summary") or ""), answer.get("updated_at")
        says_something = text and not _SAYS_NOTHING.search(text)
        return Summary(text, made_at if isinstance(made_at, int) else 0) if says_something else Summary()

    def query(self, user_id: str, query: str, k: int = 8) -> list[Match]:
        """Rank the user's memories here. Those that only the server finds follow, with the score 0."""
        memories = self.memories(user_id)
        matches = rank(query, memories, k)
        if len(matches) >= k or not memories:
            return matches
        others = {memory.id: memory for memory in memories}
        for match in matches:
            del others[match.memory.id]
        try:
            found = self._matches(user_id, query, k)
        except OpenMemoryError:
            found = []
        matches += [Match(memory, 0.0) for id_ in found if (memory := others.pop(id_, None))]
        return matches[:k]

    def ping(self) -> Health:
        try:
            health = self._server.call("GET", "/health", seconds=PING_SECONDS) or {}
            version = health.get("version")
            if not isinstance(version, str):
                return Health(self.mode, False, NO_OPENMEMORY)
            if not health.get("ok"):
                return Health(self.mode, False, "the OpenMemory server says that it is not well: look at its log")
            self._page(_NOBODY, 1, 0, PING_SECONDS)
        except OpenMemoryError as error:
            return Health(self.mode, False, str(error))
        return Health(self.mode, True, f"OpenMemory {version[:40]}")

    def _put_all(self, user_id: str, entries: Sequence[Entry], rows_of: Callable[[str], list[Memory]]) -> list[Put]:
        require_user(user_id)
        if not all(entry.key for entry in entries):
            raise ValueError("a memory needs a key")
        if not entries:
            return []
        # Another thread's nonces must not be taken for those of an interrupted run. Processes use the caller's lock.
        with self._writing[hash(user_id) % _STRIPES]:
            return self._put_among(user_id, entries, rows_of(user_id))

    def _put_among(self, user_id: str, entries: Sequence[Entry], rows: Iterable[Memory]) -> list[Put]:
        rows = list(rows)
        finished, unfinished = defaultdict[str, list[Memory]](list), defaultdict[str, list[Memory]](list)
        last_number = max((row.write_number for row in rows), default=0)
        for memory in rows:
            if key := unfinished_key(memory):
                unfinished[key].append(memory)
            elif memory.key:
                finished[memory.key].append(memory)
        puts = []
        for number, entry in enumerate(entries, last_number + 1):
            wanted = Wanted(user_id, entry, number)
            put, memory = self._put(wanted, finished[wanted.key], unfinished[wanted.key])
            for other in (*finished[wanted.key], *unfinished.pop(wanted.key)):
                if other.id != put.id:
                    self._delete(user_id, other.id)
            finished[wanted.key] = [memory]
            puts.append(put)
        conversations = {entry.metadata.get("conversation_id") for entry in entries}
        for memory in (memory for memories in unfinished.values() for memory in memories):
            if memory.metadata.get("conversation_id") in conversations:
                self._delete(user_id, memory.id)
        return puts

    # Each of these methods sends one request.

    def _add(self, user_id: str, content: str, metadata: dict[str, Any]) -> dict[str, Any] | None:
        body = {"content": content, "tags": [], "metadata": metadata, "user_id": user_id}
        return self._server.call("POST", "/memory/add", seconds=WRITE_SECONDS, body=body)

    def _matches(self, user_id: str, query: str, k: int) -> list[str]:
        # Twice, because v1.2.2 and older ignore `user_id` outside the filters.
        body = {"query": query, "k": k, "user_id": user_id, "filters": {"user_id": user_id}}
        return ids_of(self._server.call("POST", "/memory/query", seconds=NEWEST_SECONDS, body=body))

    def _summary(self, user_id: str) -> dict[str, Any] | None:
        return self._server.call("GET", f"/users/{in_path(user_id)}/summary", seconds=NEWEST_SECONDS)

    def _delete(self, user_id: str, memory_id: str) -> bool:
        path = f"/memory/{in_path(memory_id)}"
        return self._server.call("DELETE", path, seconds=WRITE_SECONDS, query={"user_id": user_id}) is not None

    def _delete_all(self, user_id: str) -> None:
        self._server.call("DELETE", f"/users/{in_path(user_id)}/memories", seconds=FORGET_SECONDS)

    def _all(self, user_id: str) -> list[Memory]:
        """Return all rows of the user, including nonces, newest first."""
        return self._rows_since(user_id, ())[1] or []

    def _rows_since(self, user_id: str, before: tuple[bytes, ...]) -> tuple[tuple[bytes, ...], list[Memory] | None]:
        """Return the digests of the pages of the user's rows, and all rows; None for the rows if no digest differs."""
        digests: list[bytes] = []
        unread: list[bytes] = []
        rows: dict[str, Memory] = {}
        while True:
            unread.append(self._page_answer(user_id, _PAGE, _PAGE * len(digests), ALL_SECONDS))
            digests.append(sha256(unread[-1]).digest())
            if (*digests,) == before:
                return before, None
            if (*digests,) == before[: len(digests)]:
                continue  # the previous token has more pages
            known, size = len(rows), 0
            for answer in unread:
                page = page_of(user_id, answer)
                size = len(page)
                rows |= {row.id: row for row in page if row.id not in rows}
            unread.clear()
            if size < _PAGE or len(rows) == known:
                return (*digests,), list(rows.values())

    def _newest(self, user_id: str) -> list[Memory]:
        return self._page(user_id, _FEW, 0, ALL_SECONDS)

    def _page(self, user_id: str, size: int, offset: int, seconds: float) -> list[Memory]:
        return page_of(user_id, self._page_answer(user_id, size, offset, seconds))

    def _page_answer(self, user_id: str, size: int, offset: int, seconds: float) -> bytes:
        path = f"/users/{in_path(user_id)}/memories"
        status, answer = self._server.exchange("GET", path, seconds=seconds, query={"l": size, "u": offset})
        if status != OK and answer_of(status, answer) is None:
            raise OpenMemoryMisconfigured(NO_OPENMEMORY)
        return answer

    def _put(self, wanted: Wanted, finished: Sequence[Memory], unfinished: Sequence[Memory]) -> tuple[Put, Memory]:
        if finished:
            memory = max(finished, key=order_of_writing)
            if wanted.is_in(memory):
                return Put(memory.id, "unchanged"), memory
            if self._patch(memory.id, wanted):
                return Put(memory.id, "changed"), wanted.as_row(memory.id)
        for memory in unfinished:
            if self._patch(memory.id, wanted):
                return Put(memory.id, "added"), wanted.as_row(memory.id)
        for _ in range(_ATTEMPTS):
            memory_id = self._nonce(wanted)
            # False if another run deleted the nonce as a leftover; then try again.
            if self._patch(memory_id, wanted):
                return Put(memory_id, "added"), wanted.as_row(memory_id)
        raise OpenMemoryError("the OpenMemory server has lost a memory that was just added")

    def _nonce(self, wanted: Wanted) -> str:
        metadata = {UNFINISHED: wanted.key, "conversation_id": wanted.metadata.get("conversation_id")}
        for _ in range(_ATTEMPTS):
            answer = self._add(wanted.user_id, new_nonce(), metadata) or {}
            memory_id = answer.get("id")
            if not isinstance(memory_id, str):
                raise OpenMemoryMisconfigured(NO_OPENMEMORY)
            # "Deduplicated" means that the id belongs to another memory, perhaps another caller's.
            if not answer.get("deduplicated"):
                return memory_id
        raise OpenMemoryError("the OpenMemory server takes every new memory for one that it has")

    def _patch(self, memory_id: str, wanted: Wanted) -> bool:
        body = {
            "content": wanted.content,
            "tags": wanted.tags,
            "metadata": {**with_vector(wanted.metadata, wanted.vector), WRITE_NUMBER: wanted.write_number},
            "user_id": wanted.user_id,
        }
        path = f"/memory/{in_path(memory_id)}"
        return self._server.call("PATCH", path, seconds=WRITE_SECONDS, body=body) is not None


def new_nonce() -> str:
    return uuid.uuid4().hex


def in_path(text: str) -> str:
    """Return a user or memory id, quoted as one segment of a path."""
    return quote(text, safe="")


def ids_of(answer: Mapping[str, Any] | None) -> list[str]:
    """Return the ids in an answer to a query, best first."""
    matches = (answer or {}).get("matches")
    return [str(match.get("id")) for match in matches] if isinstance(matches, list) else []
