"""Caches prepared callers between searches, and prepares the ringing caller before the first search."""

import time
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from contextlib import suppress
from queue import Full, Queue
from threading import Lock, Thread
from typing import NamedTuple

from elmemory.memory.caches import CLEARED_EVERY_SECONDS
from elmemory.memory.openmemory.protocol import OpenMemory, OpenMemoryError
from elmemory.memory.records import Memory
from elmemory.memory.search import Found, PreparedCaller

# About 90 MB: a prepared memory takes about 3 KB.
_MEMORIES_IN_CACHE = 30_000
# The thread that prepares callers sleeps this many times as long as it worked, so that live calls have the CPU.
_PAUSE_PER_WORK = 3
_LONGEST_QUEUE = 8


class _Entry(NamedTuple):
    """A cached caller. `memories` is empty unless the store has no change tokens: then they are compared."""

    change_token: Hashable | None
    memories: Sequence[Memory]
    size: int
    caller: PreparedCaller
    used_at: float


class SearchCache:
    """A least-recently-used cache of prepared callers with at most `most` memories together. Thread-safe.

    Before it serves a caller it asks the store whether that caller's memories have changed: a forgotten caller is never
    served, and `drop_unused` drops them.
    """

    def __init__(self, store: OpenMemory, most: int = _MEMORIES_IN_CACHE) -> None:
        self._store = store
        self._most = most
        self.size = 0  # memories in the cache
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._lock = Lock()
        self._to_prepare: Queue[str] | None = None

    def search(self, caller: str, question: str, k: int) -> Found:
        """The card, and at most k memories that best answer the question. Raises OpenMemoryError."""
        return self._current(caller).search(question, k)

    def holds(self, caller: str) -> bool:
        """Whether the caller is cached, perhaps with outdated memories."""
        return caller in self._entries

    def prepare_soon(self, caller: str) -> None:
        """Prepare the caller in a background thread, unless they are cached or the queue of that thread is full."""
        if self.holds(caller):
            return
        if self._to_prepare is None:
            self._to_prepare = Queue(_LONGEST_QUEUE)
            Thread(target=self._prepare, args=(self._to_prepare,), name="prepare", daemon=True).start()
        with suppress(Full):
            self._to_prepare.put_nowait(caller)

    def _prepare(self, callers: Queue[str]) -> None:
        while True:
            caller = callers.get()
            began = time.monotonic()
            with suppress(OpenMemoryError):
                self._current(caller)
            time.sleep(_PAUSE_PER_WORK * (time.monotonic() - began))

    def _current(self, caller: str) -> PreparedCaller:
        """The prepared caller as the store has them now."""
        known = self._entries.get(caller)
        # Read before the memories, so that the next search notices a write in between.
        token = self._store.change_token(caller)
        if known is not None and token is not None and known.change_token == token:
            self._keep(caller, known)
            return known.caller
        memories = self._store.memories(caller)
        if known is not None and token is None and known.memories == memories:
            self._keep(caller, known)
            return known.caller
        compared = memories if token is None else ()
        entry = _Entry(token, compared, len(memories), PreparedCaller(memories), time.monotonic())
        self._keep(caller, entry)
        return entry.caller

    def drop_unused(self) -> None:
        """Drop the callers who were not used since the last clearing of caches: one may have been forgotten."""
        with self._lock:
            while self._entries:
                caller, entry = next(iter(self._entries.items()))
                if time.monotonic() - entry.used_at < CLEARED_EVERY_SECONDS:
                    break
                del self._entries[caller]
                self.size -= entry.size

    def _keep(self, caller: str, entry: _Entry) -> None:
        """Make this the most recently used entry, and evict the least recently used ones that no longer fit."""
        with self._lock:
            if before := self._entries.pop(caller, None):
                self.size -= before.size
            self._entries[caller] = entry._replace(used_at=time.monotonic())
            self.size += entry.size
            while self.size > self._most:
                self.size -= self._entries.popitem(last=False)[1].size
