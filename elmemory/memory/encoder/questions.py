"""Encodes the questions of live calls, in a thread of its own, within a share of the call's deadline."""

from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from functools import cache
from queue import Full, Queue
from threading import Thread
from time import monotonic

import structlog

from elmemory.memory.encoder.protocol import Encoder, Vector

log = structlog.get_logger(__name__)

# In characters. Encoding a question takes 5 to 15 ms: a longer queue would delay answers too much.
_LONGEST_QUESTION = 500
_MOST_WAITING = 16


class Questions:
    """Encodes one question at a time. Two would also take the event loop's core, and each would take longer."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._waiting: Queue[tuple[Future[Vector], str]] = Queue(_MOST_WAITING)
        Thread(target=self._encode_waiting, name="encode", daemon=True).start()

    def ask(self, question: str, until: float) -> Callable[[], Vector | None]:
        """Begin to encode the question. Return a function that waits for the vector until `until`.

        `until` is a time of `time.monotonic`. The function returns None after it, if too many questions are waiting, or
        if the encoder fails.
        """
        future: Future[Vector] = Future()
        with suppress(Full):
            self._waiting.put_nowait((future, question[:_LONGEST_QUESTION]))
            return lambda: _result(future, until)
        return lambda: None

    def _encode_waiting(self) -> None:
        while True:
            future, question = self._waiting.get()
            if not future.set_running_or_notify_cancel():
                continue  # the search no longer waits
            try:
                future.set_result(self._encoder.question(question))
            except Exception as error:
                log.error("a question could not be encoded", error=type(error).__name__)
                future.set_exception(error)


def questions_for(encoder: Encoder) -> Questions:
    """Return the object that encodes with this encoder, one per process."""
    return _questions_for(encoder)  # type: ignore[arg-type]  # every object has a hash


@cache
def _questions_for(encoder: Encoder) -> Questions:
    return Questions(encoder)


def _result(future: Future[Vector], until: float) -> Vector | None:
    try:
        return future.result(max(until - monotonic(), 0.0))
    except Exception:
        future.cancel()
        return None
