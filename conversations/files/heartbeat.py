"""The heartbeat of workers: a file in the payload folder, in which each running worker writes its build."""

import contextlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

from conversations.files.paths import payload_root
from elmemory.environment.build import build

_BEAT_SECONDS = 5
_SILENT_AFTER_SECONDS = 30


@contextmanager
def heartbeat() -> Iterator[None]:
    """Write the file until the block ends, then delete it. The next beat of another worker creates it again."""
    ended = Event()
    build()  # hashed now, because the files may change later
    # In a thread, because one call may take the worker longer than a beat.
    thread = Thread(target=_beat, args=(ended,), name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        with contextlib.suppress(OSError):
            _path().unlink(missing_ok=True)


def last_heartbeat() -> float | None:
    """The time of the last heartbeat of any worker, in seconds since 1970; None if none runs."""
    try:
        return _path().stat().st_mtime
    except OSError:
        return None


def build_of_worker() -> str:
    """The build in the last heartbeat; "" if there is none, or it comes from an earlier version."""
    try:
        return _path().read_text()
    except (OSError, UnicodeError):
        return ""


def a_worker_runs() -> bool:
    last = last_heartbeat()
    return last is not None and time.time() - last < _SILENT_AFTER_SECONDS


def _beat(ended: Event) -> None:
    while True:
        # A full or missing disk is reported elsewhere, and the next beat tries again.
        with contextlib.suppress(OSError):
            payload_root().mkdir(parents=True, exist_ok=True)
            _path().write_text(build())
        if ended.wait(_BEAT_SECONDS):
            return


def _path() -> Path:
    return payload_root() / "_worker"
