"""Hides callers from live calls while the store may still contain what decisions forbid.

Normally the store is settled, and the guard costs a ring one comparison. After a change of store, a restored backup or
an interrupted deletion the worker first has to settle it (`conversations.memories.decided`). Until then callers about
whom there is a decision are strangers.
"""

import threading
import time

import structlog
from django.db import DatabaseError

from conversations.files import decisions
from conversations.memories.decided import is_settled
from elmemory.memory.openmemory import OpenMemory, OpenMemoryError

log = structlog.get_logger(__name__)

_EVERY_SECONDS = 5
# Listing very many decisions takes long, so the watcher works at most a hundredth of the time.
_PAUSE_PER_WORK = 100


class Guard:
    """Whether the store is settled. A thread checks it regularly; before the first check the answer is no."""

    def __init__(self, store: OpenMemory) -> None:
        self._store = store
        self._is_settled = False
        self._watcher: threading.Thread | None = None

    def hides(self, caller: str) -> bool:
        """Whether live calls must treat this caller as a stranger now."""
        return not self._is_settled and bool(decisions.about(caller))

    def watch(self) -> None:
        """Start a thread that checks the store regularly."""
        if self._watcher is None:
            self._watcher = threading.Thread(target=self._watch, name="guard", daemon=True)
            self._watcher.start()

    def look(self) -> None:
        """Compare the store with the decisions. A store that fails counts as not settled."""
        try:
            settled = is_settled(self._store)
        except (OpenMemoryError, DatabaseError, OSError):
            settled = False
        if self._is_settled and not settled:
            log.warning("the store differs from the decisions: callers they concern are strangers until it is settled")
        self._is_settled = settled

    def _watch(self) -> None:
        while True:
            began = time.monotonic()
            self.look()
            time.sleep(max(_EVERY_SECONDS, _PAUSE_PER_WORK * (time.monotonic() - began)))
