"""Caches prepared callers between searches, and prepares the ringing caller before the first search."""

import time
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from contextlib import suppress
from queue import Full, Queue
from threading import Lock, Thread
from typing import NamedTuple

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


class SearchCache:
    """A least-recently-used cache of prepared callers with at most `most` memories together. Thread-safe.

    Before it serves a caller it asks the store whether that caller's memories have changed.
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
        entry = _Entry(token, memories if token is None else (), len(memories), PreparedCaller(memories))
        self._keep(caller, entry)
        return entry.caller

    def _keep(self, caller: str, entry: _Entry) -> None:
        """Make this the most recently used entry, and evict the least recently used ones that no longer fit."""
        with self._lock:
            if before := self._entries.pop(caller, None):
                self.size -= before.size
            self._entries[caller] = entry
            self.size += entry.size
            while self.size > self._most:
                self.size -= self._entries.popitem(last=False)[1].size
