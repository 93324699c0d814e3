"""Caches prepared callers between searches, and prepares the ringing caller before the first search."""

import time
from collections import OrderedDict
from collections.abc import Hashable
from concurrent.futures import Future
from contextlib import suppress
from queue import Full, Queue
from threading import Lock, Thread
from typing import NamedTuple

import structlog

from elmemory.memory.caches import CLEARED_EVERY_SECONDS
from elmemory.memory.openmemory.protocol import OpenMemory, OpenMemoryError
from elmemory.memory.search import Found, PreparedCaller

log = structlog.get_logger(__name__)

_BYTES = 64 * 2**20
# Callers above this share of the cache are cached apart, where they evict only each other.
_LARGE = 1 / 8
# The preparing thread sleeps this many times as long as it worked, to leave the CPU to live calls.
_PAUSE_PER_WORK = 3
_LONGEST_QUEUE = 8


class _Entry(NamedTuple):
    """A cached caller, and the store's token of the memories at preparation."""

    token: Hashable
    caller: PreparedCaller
    used_at: float = 0.0


class SearchCache:
    """A thread-safe cache of prepared callers: about `most` bytes for small callers, and as many for large ones.

    The least recently used are evicted, but never the newest entry. Each search asks the store whether the caller's
    memories have changed, so a forgotten caller is never found; `drop_unused` removes them from memory.
    """

    def __init__(self, store: OpenMemory, most: int = _BYTES) -> None:
        self._store = store
        self._small, self._large = _LeastRecentlyUsed(most), _LeastRecentlyUsed(most)
        self._largest_small = most * _LARGE
        self._lock = Lock()
        self._preparations: dict[str, Future[None]] = {}
        self._to_prepare: Queue[str] | None = None

    @property
    def size(self) -> int:
        """The approximate size of the prepared callers in bytes."""
        return self._small.size + self._large.size

    def search(self, caller: str, question: str, k: int, until: float | None = None) -> Found:
        """Search the caller's memories (`PreparedCaller.search`). Raises OpenMemoryError."""
        return self._current(caller).search(question, k, until)

    def is_cached(self, caller: str) -> bool:
        """Whether the caller is cached. Their memories may be outdated."""
        return caller in self._small or caller in self._large

    def prepare_soon(self, caller: str) -> None:
        """Prepare the caller in a background thread, unless they are cached or its queue is full."""
        if self.is_cached(caller):
            return
        if self._to_prepare is None:
            self._to_prepare = Queue(_LONGEST_QUEUE)
            Thread(target=self._prepare_queued, args=(self._to_prepare,), name="prepare", daemon=True).start()
        with suppress(Full):
            self._to_prepare.put_nowait(caller)

    def _prepare_queued(self, callers: Queue[str]) -> None:
        while True:
            caller = callers.get()
            began = time.thread_time()
            try:
                self._current(caller)
            except OpenMemoryError:
                pass
            except Exception as error:
                # The thread must go on to prepare others.
                log.error("a caller could not be prepared", error=type(error).__name__)
            time.sleep(_PAUSE_PER_WORK * (time.thread_time() - began))

    def _current(self, caller: str) -> PreparedCaller:
        """Return the up-to-date prepared caller. Only one thread prepares a caller; others wait for it."""
        while True:
            if known := self._small.get(caller) or self._large.get(caller):
                token, memories = self._store.memories_since(caller, known.token, known.caller.memories)
                if memories is None:
                    self._keep(caller, known)
                    return known.caller
            with self._lock:
                others = self._preparations.get(caller)
                if others is None:
                    own = self._preparations[caller] = Future[None]()
            if others is None:
                break
            others.result()  # raises the exception of the preparation
        try:
            if known is None:
                token, memories = self._store.memories_since(caller, None)
                prepared = PreparedCaller(memories or ())
            else:
                prepared = PreparedCaller(memories or (), known.caller)
            entry = _Entry(token, prepared)
            self._keep(caller, entry)
        except BaseException as error:
            own.set_exception(error)
            raise
        else:
            own.set_result(None)
            return entry.caller
        finally:
            del self._preparations[caller]

    def drop_unused(self) -> None:
        """Drop callers not used since the last clearing of caches: they may have been forgotten."""
        with self._lock:
            for entries in (self._small, self._large):
                entries.drop_unused_since(time.monotonic() - CLEARED_EVERY_SECONDS)

    def _keep(self, caller: str, entry: _Entry) -> None:
        """Store the entry as the most recently used one, with the small or the large callers."""
        is_small = entry.caller.size <= self._largest_small
        with self._lock:
            self._small.pop(caller)
            self._large.pop(caller)
            (self._small if is_small else self._large).keep(caller, entry._replace(used_at=time.monotonic()))


class _LeastRecentlyUsed:
    """Entries of at most `most` bytes together, or a single one of any size. Changes need a lock."""

    def __init__(self, most: int) -> None:
        self.size = 0
        self._most = most
        self._entries = OrderedDict[str, _Entry]()

    def __contains__(self, caller: str) -> bool:
        return caller in self._entries

    def get(self, caller: str) -> _Entry | None:
        return self._entries.get(caller)

    def keep(self, caller: str, entry: _Entry) -> None:
        self._entries[caller] = entry
        self.size += entry.caller.size
        while self.size > self._most and len(self._entries) > 1:
            self.pop(next(iter(self._entries)))

    def pop(self, caller: str) -> None:
        if entry := self._entries.pop(caller, None):
            self.size -= entry.caller.size

    def drop_unused_since(self, moment: float) -> None:
        for caller in [caller for caller, entry in self._entries.items() if entry.used_at < moment]:
            self.pop(caller)
