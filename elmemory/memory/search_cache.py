"""Callers prepared for questions: kept from one search to the next, and made ready while the phone still rings."""

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

# A memory takes about 3 KB when it is prepared.
MOST_MEMORIES = 30_000
# Preparing leaves at least this many times as long to live calls as it takes itself.
_RESTING = 3
_MOST_WAITING = 8


class _Entry(NamedTuple):
    """`memories` are kept where the store cannot tell its state: to be compared with those read."""

    state: Hashable | None
    memories: Sequence[Memory]
    size: int
    caller: PreparedCaller


class PreparedCallers:
    """The callers searched last, as many as hold `most` memories together. Threads may share it.

    Nothing is served from it before the store has told that it still is what the store holds.
    """

    def __init__(self, store: OpenMemory, most: int = MOST_MEMORIES) -> None:
        self._store = store
        self._most = most
        self._size = 0
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._lock = Lock()
        self._to_prepare: Queue[str] | None = None

    def search(self, caller: str, question: str, k: int) -> Found:
        return self._current(caller).search(question, k)

    def prepare_soon(self, caller: str) -> None:
        """Prepare the caller in the background, unless that has been done or too many wait for it."""
        if caller in self._entries:
            return
        if self._to_prepare is None:
            self._to_prepare = Queue(_MOST_WAITING)
            Thread(target=self._prepare, args=(self._to_prepare,), name="prepare", daemon=True).start()
        with suppress(Full):
            self._to_prepare.put_nowait(caller)

    def _prepare(self, callers: Queue[str]) -> None:
        while True:
            caller = callers.get()
            began = time.monotonic()
            with suppress(OpenMemoryError):
                self._current(caller)
            time.sleep(_RESTING * (time.monotonic() - began))

    def _current(self, caller: str) -> PreparedCaller:
        known = self._entries.get(caller)
        # Asked before the memories are read: what is written in between is seen the next time.
        state = self._store.state(caller)
        if known is not None and state is not None and known.state == state:
            self._keep(caller, known)
            return known.caller
        memories = self._store.memories(caller)
        if known is not None and state is None and known.memories == memories:
            self._keep(caller, known)
            return known.caller
        entry = _Entry(state, memories if state is None else (), len(memories), PreparedCaller(memories))
        self._keep(caller, entry)
        return entry.caller

    def _keep(self, caller: str, entry: _Entry) -> None:
        """Put the entry in its place as the one used last; those that no longer fit go."""
        with self._lock:
            if before := self._entries.pop(caller, None):
                self._size -= before.size
            self._entries[caller] = entry
            self._size += entry.size
            while self._size > self._most:
                self._size -= self._entries.popitem(last=False)[1].size
