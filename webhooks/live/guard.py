"""Keeps from live calls what decisions forbid, while the store may still hold it.

Normally it holds nothing of the kind, and a ring pays one comparison. After a change of store, a restored backup or an
interrupted deletion the worker has to delete it first (`conversations.memories.decided`); until then callers about whom
there is a decision are strangers.
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
# Listing very many decisions takes long: it gets at most a hundredth of the time.
_PAUSE_PER_WORK = 100


class Guard:
    """Knows whether the store keeps to all decisions; a thread looks now and then. Before that, it does not."""

    def __init__(self, store: OpenMemory) -> None:
        self._store = store
        self._is_settled = False
        self._watcher: threading.Thread | None = None

    def hides(self, caller: str) -> bool:
        """Whether nothing may be said about this caller now."""
        return not self._is_settled and bool(decisions.about(caller))

    def watch(self) -> None:
        """Look at the store in a thread, from now on."""
        if self._watcher is None:
            self._watcher = threading.Thread(target=self._watch, name="guard", daemon=True)
            self._watcher.start()

    def look(self) -> None:
        """Compare the store with the decisions. A store that fails is looked at again."""
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
