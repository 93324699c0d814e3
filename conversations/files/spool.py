"""Spool files: bodies that are being received, in `_spool/` of the payload folder."""

import contextlib
import fcntl
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import file_digest, sha256
from io import BytesIO
from pathlib import Path
from typing import IO

from django.conf import settings

MOST_IN_MEMORY = 2**18
_ABANDONED_AFTER_SECONDS = 60
_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


class Spool:
    """A body that is written once. Up to 256 KiB stay in memory until `save`; larger bodies are written to `file`.

    The file is locked (flock) while it is open, so a file that can be locked was left by a process that died.
    """

    def __init__(self) -> None:
        self.path = f"{_folder()}/{time.time_ns()}-{secrets.token_hex(8)}"
        self.size = 0
        self._content = bytearray()
        self._file: IO[bytes] | None = None
        self._is_moved = False

    @property
    def file(self) -> IO[bytes]:
        """The spool file, for writing and reading before `save`. The content in memory is written to it."""
        if self._file is None:
            self._file = os.fdopen(_new(self.path), "w+b", buffering=MOST_IN_MEMORY)
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._file.write(self._content)
            self._content.clear()
        return self._file

    @property
    def in_memory(self) -> bytes | None:
        """The whole content; None if it is in a `file`."""
        return bytes(self._content) if self._file is None else None

    def rewound(self) -> IO[bytes]:
        """A file with the whole content, positioned at its first byte."""
        if self._file is None:
            return BytesIO(self._content)
        self._file.seek(0)
        return self._file

    def write(self, chunk: bytes) -> None:
        self.size += len(chunk)
        if self._file is None and self.size <= MOST_IN_MEMORY:
            self._content += chunk
        else:
            self.file.write(chunk)

    def save(self) -> int:
        """Write the whole content to the file; returns its descriptor for fsync."""
        self.file.flush()
        return self.file.fileno()

    def digest(self) -> str:
        """SHA-256, in hexadecimal."""
        if self._file is None:
            return sha256(self._content).hexdigest()
        self._file.seek(0)
        return file_digest(self._file, "sha256").hexdigest()  # type: ignore[arg-type]

    def move_to(self, path: str | Path) -> None:
        """Rename the spool file to this path, replacing what is there."""
        os.replace(self.path, path)
        self._is_moved = True

    def close(self) -> None:
        """Close the file, and delete it unless it was moved."""
        if self._file is None:
            return
        try:
            if not self._is_moved:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(self.path)
        finally:
            # Closing flushes again: a write error was already raised by `save`.
            with contextlib.suppress(OSError):
                self._file.close()


@contextmanager
def spool() -> Iterator[Spool]:
    """A new spool, closed at the end."""
    spooled = Spool()
    try:
        yield spooled
    finally:
        spooled.close()


def remove_abandoned_spools() -> int:
    """Delete the spool files of dead processes; returns how many there were."""
    removed = 0
    with contextlib.suppress(FileNotFoundError):
        for path in Path(_folder()).iterdir():
            with contextlib.suppress(OSError), path.open("r+b") as file:  # flock on NFS needs a writable file
                if time.time() - os.fstat(file.fileno()).st_mtime > _ABANDONED_AFTER_SECONDS:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    path.unlink()
                    removed += 1
    return removed


def free_bytes() -> int:
    """Free bytes on the disk of the payload folder, which is created if it is missing."""
    folder: Path = settings.PAYLOAD_STORAGE_PATH
    try:
        disk = os.statvfs(folder)
    except FileNotFoundError:
        folder.mkdir(parents=True, exist_ok=True)
        disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize


def _new(path: str) -> int:
    """The descriptor of a new file; its folder is created if it is missing."""
    try:
        return os.open(path, _NEW, 0o600)
    except FileNotFoundError:
        os.makedirs(_folder(), exist_ok=True)
        return os.open(path, _NEW, 0o600)


def _folder() -> str:
    return f"{settings.PAYLOAD_STORAGE_PATH}/_spool"
