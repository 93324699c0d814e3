"""Has the pending calls of callers who are ringing now processed first."""

import time
from collections.abc import Callable, Iterable
from itertools import batched
from threading import Thread

import structlog

log = structlog.get_logger(__name__)

_EVERY_SECONDS = 1.0
_AT_ONCE = 200


class Ringing:
    """Collects callers, and passes them to `put_first` about once a second in its own thread."""

    def __init__(self, put_first: Callable[[Iterable[str]], object]) -> None:
        self._put_first = put_first
        self._callers = set[str]()
        self._thread: Thread | None = None

    def add(self, caller: str) -> None:
        """Collect the caller. This does nothing else, because a ring waits for it."""
        self._callers.add(caller)
        if self._thread is None:
            self._thread = Thread(target=self._run, name="ringing", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while True:
            time.sleep(_EVERY_SECONDS)
            if self._callers:
                callers, self._callers = self._callers, set()
                try:
                    for some in batched(list(callers), _AT_ONCE):
                        self._put_first(some)
                except Exception as error:
                    # Without the index these calls are processed in their usual order.
                    log.warning("callers who ring are not put first", error=type(error).__name__)
