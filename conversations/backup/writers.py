"""Writes a backup: into a folder to which only changes are added, or into one tar.zst file.

A folder holds `objects/` (payload files by their SHA-256, each once) and one folder per backup, named by its time, with
the manifest, the list of files, the databases and the settings. A rename publishes a backup once all of it is on the
disk: an interrupted backup does not affect the others.
"""

import fcntl
import io
import os
import shutil
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from tempfile import mkdtemp
from typing import IO

from conversations.backup.compression import zstd
from conversations.backup.listing import Listed, Listing, unused
from conversations.backup.manifest import (
    DATABASES,
    LISTING,
    NAME,
    OBJECTS,
    PAYLOADS,
    BackupFault,
    Manifest,
    digest_of,
    object_path,
    snapshots,
)
from conversations.backup.readers import ArchiveReader
from conversations.files.durable import sync_folder

_PIECE = 2**20


type Writer = FolderWriter | ArchiveWriter


@contextmanager
def folder_writer(root: Path, name: str, *, keep: int) -> Iterator["FolderWriter"]:
    """A writer into this folder, which keeps the newest `keep` backups. Raises BackupFault if another one is active."""
    (root / OBJECTS).mkdir(parents=True, exist_ok=True)
    with (root / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BackupFault("another backup into this folder is running") from None
        for left in root.glob(".partial-*"):
            shutil.rmtree(left)
        writer = FolderWriter(root, name, keep)
        try:
            yield writer
        finally:
            writer.close()


class FolderWriter:
    """A backup that is written. `folder` gets databases and settings first. `before` lists the previous backup."""

    def __init__(self, root: Path, name: str, keep: int) -> None:
        self._root, self._name, self._keep = root, name, keep
        self.folder = root / f".partial-{name}"
        (self.folder / DATABASES).mkdir(parents=True)
        self.listing = Listing(self.folder / LISTING, new=True)
        finished = snapshots(root)
        self.before = Listing(finished[-1] / LISTING) if finished else None
        self._made: set[str] = set()

    def put(self, path: str, file: IO[bytes], stat: os.stat_result) -> Listed:
        """Store the content of a payload file. Raises OSError."""
        spooled = self.folder / "object"
        digest = sha256()
        with spooled.open("wb") as copy:
            size = _copy(file, copy, digest.update)
        listed = Listed(path, size, stat.st_mtime_ns, stat.st_ctime_ns, digest.digest())
        target = object_path(self._root, digest.hexdigest())
        # An existing object may be incomplete after a power cut.
        if size and not (os.path.isfile(target) and digest_of(target) == digest.hexdigest()):
            if digest_of(spooled) != digest.hexdigest():
                raise BackupFault(f"{self._root}: what is written there is not what is read back")
            os.makedirs(os.path.dirname(target), exist_ok=True)
            spooled.replace(target)
        return listed

    def finish(self, manifest: Manifest) -> None:
        """Store the parts and the manifest, check what was written, and publish the backup."""
        self.listing.close()
        for name in manifest.parts:
            manifest.parts[name] = digest_of(self.folder / name)
        manifest.parts[LISTING] = digest_of(self.folder / LISTING)
        (self.folder / "object").unlink(missing_ok=True)
        (self.folder / NAME).write_bytes(manifest.as_bytes())
        self._check()
        os.sync()  # one for all, instead of one for each file
        self.folder.rename(self._root / self._name)
        sync_folder(self._root)
        self._remove_old()

    def close(self) -> None:
        """Delete an unfinished backup except its objects, which the next backup uses."""
        self.listing.close()
        if self.before:
            self.before.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _check(self) -> None:
        """Raise BackupFault unless each listed file exists with its size."""
        with Listing(self.folder / LISTING) as listing:
            for listed in listing:
                if listed.size:
                    try:
                        size = os.stat(object_path(self._root, listed.sha256.hex())).st_size
                    except FileNotFoundError:
                        size = -1
                    if size != listed.size:
                        raise BackupFault(f"{self._root}: an object is missing or cut short: {listed.sha256.hex()}")

    def _remove_old(self) -> None:
        """Delete the oldest backups beyond `keep`, and the objects that no other backup uses."""
        finished = snapshots(self._root)
        for old in finished[: -self._keep]:
            # Without its manifest an incomplete backup is ignored.
            (old / NAME).unlink()
            shutil.rmtree(old)
        kept = [path / LISTING for path in finished[-self._keep :]]
        for digest in unused(kept, _objects(self._root), self._root / ".used"):
            with suppress(FileNotFoundError):
                os.unlink(object_path(self._root, digest))


@contextmanager
def archive_writer(path: Path) -> Iterator["ArchiveWriter"]:
    """A writer of this file, which must not exist. Raises BackupFault."""
    if path.exists():
        raise BackupFault(f"{path} is there already")
    folder = Path(mkdtemp(prefix=f".{path.name}-", dir=path.parent))
    try:
        writer = ArchiveWriter(path, folder)
        try:
            yield writer
        finally:
            writer.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class ArchiveWriter:
    before: Listing | None = None

    def __init__(self, path: Path, folder: Path) -> None:
        self._path, self.folder = path, folder
        (folder / DATABASES).mkdir()
        self.listing = Listing(folder / LISTING, new=True)
        self._partial = folder / path.name
        self._file = zstd.open(self._partial, "wb", level=6)
        self._tar = tarfile.open(fileobj=self._file, mode="w|", format=tarfile.PAX_FORMAT)  # noqa: SIM115

    def put(self, path: str, file: IO[bytes], stat: os.stat_result) -> Listed:
        hashed = _Hashed(file)
        member = tarfile.TarInfo(f"{PAYLOADS}/{path}")
        member.size, member.mtime, member.mode = stat.st_size, stat.st_mtime_ns / 1e9, 0o600
        self._tar.addfile(member, hashed)
        return Listed(path, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, hashed.digest.digest())

    def finish(self, manifest: Manifest) -> None:
        self.listing.close()
        manifest.parts[LISTING] = ""
        for name in manifest.parts:
            manifest.parts[name] = digest_of(self.folder / name)
            self._tar.add(self.folder / name, name, filter=_without_owner)
        raw = manifest.as_bytes()
        member = tarfile.TarInfo(NAME)
        member.size, member.mode = len(raw), 0o600
        self._tar.addfile(member, io.BytesIO(raw))
        self._tar.close()
        self._file.close()
        with ArchiveReader(self._partial) as reader:
            if faults := reader.faults():
                raise BackupFault(f"what was written is not what is read back: {faults[0]}")
        with self._partial.open("rb") as file:
            os.fsync(file.fileno())
        self._partial.rename(self._path)
        sync_folder(self._path.parent)

    def close(self) -> None:
        self.listing.close()
        with suppress(OSError, ValueError):
            self._tar.close()
            self._file.close()


class _Hashed:
    """A file that is hashed as it is read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self.digest = file, sha256()

    def read(self, size: int = -1) -> bytes:
        piece = self._file.read(size)
        self.digest.update(piece)
        return piece


def _copy(source: IO[bytes], target: IO[bytes], update: Callable[[bytes], object]) -> int:
    size = 0
    while piece := source.read(_PIECE):
        update(piece)
        target.write(piece)
        size += len(piece)
    return size


def _without_owner(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """The member without account names, and readable only by its owner."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mode = 0o600
    return member


def _objects(root: Path) -> Iterator[str]:
    for shard in sorted((root / OBJECTS).iterdir()):
        if shard.is_dir():
            yield from sorted(os.listdir(shard))
