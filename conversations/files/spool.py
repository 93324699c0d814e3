"""Files in the payload folder for bodies on their way in. What dead processes leave behind is cleared away."""

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

_IN_MEMORY = 2**18
_ABANDONED_AFTER = 60
_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


class Spool:
    """A body that is written once. Up to 256 KiB are kept in memory until they are saved: what is refused before that
    never touches the disk. More goes to `file` at once.

    The file is flocked for as long as it is open: what a clean-up can lock is what a dead process left behind.
    """

    def __init__(self) -> None:
        self.path = _folder() / f"{time.time_ns()}-{secrets.token_hex(8)}"
        self.size = 0
        self._chunks: list[bytes] = []
        self._file: IO[bytes] | None = None
        self._descriptor: int | None = None
        self._is_moved = False

    @property
    def file(self) -> IO[bytes]:
        """To be written and read, until it is saved."""
        if self._file is None:
            self._file = os.fdopen(_new(self.path), "w+b", buffering=_IN_MEMORY)
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._file.writelines(self._chunks)
            self._chunks.clear()
        return self._file

    @property
    def in_memory(self) -> bytes | None:
        """All of it; None where it has a `file`."""
        return b"".join(self._chunks) if self._file is None else None

    def rewound(self) -> IO[bytes]:
        """To be read from its first byte on."""
        if self._file is None:
            return BytesIO(b"".join(self._chunks))
        self._file.seek(0)
        return self._file

    def write(self, chunk: bytes) -> None:
        self.size += len(chunk)
        if self._file is None and self.size <= _IN_MEMORY:
            self._chunks.append(chunk)
        else:
            self.file.write(chunk)

    def save(self) -> int:
        """Hand all of it to the system; the descriptor of the file, for fsync."""
        if self._file is not None:
            self._file.flush()
            return self._file.fileno()
        if self._descriptor is None:
            self._descriptor = _new(self.path)
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            left = memoryview(b"".join(self._chunks))
            while left:
                left = left[os.write(self._descriptor, left) :]
        return self._descriptor

    def digest(self) -> str:
        """SHA-256, in hexadecimal."""
        if self._file is None:
            return sha256(b"".join(self._chunks)).hexdigest()
        self._file.seek(0)
        return file_digest(self._file, "sha256").hexdigest()  # type: ignore[arg-type]

    def move_to(self, path: Path) -> None:
        self.path.replace(path)
        self._is_moved = True

    def close(self) -> None:
        """The file is gone then, unless it has been moved away."""
        if self._file is None and self._descriptor is None:
            return
        try:
            if not self._is_moved:
                self.path.unlink(missing_ok=True)
        finally:
            if self._file is not None:
                # What could not be written was told by `save` to whoever needs it; closing would tell it once more.
                with contextlib.suppress(OSError):
                    self._file.close()
            elif self._descriptor is not None:
                os.close(self._descriptor)


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
            with contextlib.suppress(OSError), path.open("r+b") as file:  # NFS locks what may be written
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
