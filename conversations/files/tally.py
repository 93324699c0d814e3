"""Counts of what workers have done, in files that outlive them: `_workers/0`, `_workers/1`, … in the payload folder.

Each worker locks one file (flock) and continues the counts of its last holder. Therefore the sums over all files never
fall when workers restart.
"""

import contextlib
import errno
import fcntl
import os
import time
from pathlib import Path

import orjson
import structlog

from conversations.files.paths import payload_root
from elmemory.logs import ErrorCount

COUNTED = "remembered", "parked", "failed", "seconds", "errors"

_SAVED_EVERY_SECONDS = 5
# Written at once, with a fixed length, so that readers never see half of it.
_BYTES = 256

log = structlog.get_logger(__name__)

type Counts = dict[str, float]


class Tally:
    """The counts of one worker. A disk error is logged and may lose counts, but raises nothing."""

    def __init__(self) -> None:
        self._descriptor: int | None = None
        self._counts: Counts = dict.fromkeys(COUNTED, 0)
        self._save_at = 0.0
        self._errors_before = ErrorCount.total

    def add(self, **counts: float) -> None:
        for name, number in counts.items():
            self._counts[name] += number

    def save_regularly(self) -> None:
        """Write the counts if that was not done within five seconds."""
        if time.monotonic() >= self._save_at:
            self._save_at = time.monotonic() + _SAVED_EVERY_SECONDS
            self.save()

    def save(self) -> None:
        """Write the counts, with the number of errors that this process has logged."""
        self.add(errors=ErrorCount.total - self._errors_before)
        self._errors_before = ErrorCount.total
        try:
            if self._descriptor is None:
                self._descriptor = _free_file()
                self.add(**_read(self._descriptor))
            os.pwrite(self._descriptor, orjson.dumps(self._counts).ljust(_BYTES), 0)
        except OSError as error:
            log.warning("could not write what the worker has done", error=error.strerror)

    def close(self) -> None:
        """Write the counts and release the file for another worker."""
        self.save()
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
            self._counts = dict.fromkeys(COUNTED, 0)


def totals() -> Counts:
    """The sums over all workers, including those that have ended."""
    sums: Counts = dict.fromkeys(COUNTED, 0)
    with contextlib.suppress(OSError):
        for path in _folder().iterdir():
            descriptor = os.open(path, os.O_RDONLY)
            try:
                for name, number in _read(descriptor).items():
                    sums[name] += number
            finally:
                os.close(descriptor)
    return sums


def _free_file() -> int:
    """The descriptor of the first file that no worker holds. It is locked."""
    _folder().mkdir(parents=True, exist_ok=True)
    number = 0
    while True:
        descriptor = os.open(_folder() / str(number), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            if error.errno != errno.EWOULDBLOCK:
                raise
            number += 1
        else:
            return descriptor


def _read(descriptor: int) -> Counts:
    """The counts in a file; none if it is empty or damaged."""
    try:
        value = orjson.loads(os.pread(descriptor, _BYTES, 0))
        return {name: float(value.get(name, 0)) for name in COUNTED}
    except (ValueError, TypeError, AttributeError):
        return {}


def _folder() -> Path:
    return payload_root() / "_workers"
