"""Files in the payload folder for bodies on their way in. What dead processes leave behind is cleared away."""

import contextlib
import fcntl
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from django.conf import settings

_IN_MEMORY = 2**18
_ABANDONED_AFTER = 60
_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


class Spool:
    """`file` is made with the first 256 KiB or when it is asked for: what is refused before that never touches the
    disk, and a small body waits for the disk in the thread that stores it.

    It is flocked for as long as it is open: what a clean-up can lock is what a dead process left behind.
    """

    def __init__(self) -> None:
        self.path = _folder() / f"{time.time_ns()}-{secrets.token_hex(8)}"
        self.size = 0
        self._chunks: list[bytes] = []
        self._file: IO[bytes] | None = None

    @property
    def file(self) -> IO[bytes]:
        if self._file is None:
            self._file = os.fdopen(_new(self.path), "w+b", buffering=_IN_MEMORY)
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._file.writelines(self._chunks)
            self._chunks.clear()
        return self._file

    def write(self, chunk: bytes) -> None:
        self.size += len(chunk)
        if self._file is None and self.size <= _IN_MEMORY:
            self._chunks.append(chunk)
        else:
            self.file.write(chunk)

    def close(self) -> None:
        """The file is gone then, unless it has been moved away."""
        if self._file:
            with self._file:
                self.path.unlink(missing_ok=True)


@contextmanager
def spool() -> Iterator[Spool]:
    spooled = Spool()
    try:
        yield spooled
    finally:
        spooled.close()


def remove_abandoned_spools() -> int:
    """Remove what dead processes left behind; how many files that were."""
    removed = 0
    with contextlib.suppress(FileNotFoundError):
        for path in _folder().iterdir():
            with contextlib.suppress(OSError), path.open("rb") as file:
                if time.time() - os.fstat(file.fileno()).st_mtime > _ABANDONED_AFTER:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    path.unlink()
                    removed += 1
    return removed


def free_bytes() -> int:
    """On the disk of the payload folder."""
    folder: Path = settings.PAYLOAD_STORAGE_PATH
    try:
        disk = os.statvfs(folder)
    except FileNotFoundError:
        folder.mkdir(parents=True, exist_ok=True)
        disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize


def _new(path: Path) -> int:
    try:
        return os.open(path, _NEW, 0o600)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, _NEW, 0o600)


def _folder() -> Path:
    return Path(settings.PAYLOAD_STORAGE_PATH, "_spool")
