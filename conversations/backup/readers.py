"""Reads a backup from a folder (the newest one, or the one that is named) or from a tar.zst file."""

import os
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import file_digest
from io import BytesIO
from pathlib import Path
from tempfile import mkdtemp
from typing import IO, Self

from conversations.backup.compression import zstd
from conversations.backup.listing import Listed, Listing
from conversations.backup.manifest import (
    LISTING,
    NAME,
    PAYLOADS,
    BackupFault,
    damaged_parts,
    object_path,
    read_manifest,
    snapshots,
)

type Reader = FolderReader | ArchiveReader


@contextmanager
def opened(path: Path) -> Iterator[Reader]:
    """Open the backup at this path. Raises BackupFault if there is none."""
    if path.is_file():
        with ArchiveReader(path) as reader:
            yield reader
        return
    folders = [path] if (path / NAME).is_file() else snapshots(path)
    if not folders:
        raise BackupFault(f"{path}: there is no finished backup")
    yield FolderReader(folders[-1])


class FolderReader:
    """A backup that is read. `folder` holds databases, settings and the list of payload files. Call `faults` first."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.manifest = read_manifest((folder / NAME).read_bytes())

    def faults(self) -> list[str]:
        """At most twenty parts that are missing or damaged. Reads the whole backup."""
        found = [f"{name}: missing or damaged" for name in damaged_parts(self.folder, self.manifest)]
        if LISTING in self.manifest.parts and not any(fault.startswith(LISTING) for fault in found):
            for listed, file in self.payloads():
                if file_digest(file, "sha256").digest() != listed.sha256:  # type: ignore[arg-type]
                    found.append(f"{listed.path}: missing or damaged ({listed.sha256.hex()})")
                if len(found) >= 20:
                    break
        return found

    def payloads(self) -> Iterator[tuple[Listed, IO[bytes]]]:
        """Yield each payload file with its content."""
        with Listing(self.folder / LISTING) as listing:
            for listed in listing:
                path = object_path(self.folder.parent, listed.sha256.hex())
                if listed.size and os.path.isfile(path):
                    with open(path, "rb") as file:
                        yield listed, file
                else:
                    yield listed, BytesIO()


class ArchiveReader:
    """Reads a file: its parts are unpacked into a folder, which is deleted at the end. Each method reads it once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.folder = Path(mkdtemp(prefix="elmemory-backup-", dir=path.parent))
        try:
            try:
                self._found = self._unpack()
            except (tarfile.TarError, zstd.ZstdError, EOFError) as error:
                raise BackupFault(f"{path}: damaged, or no backup ({type(error).__name__})") from None
            if not (self.folder / NAME).is_file():
                raise BackupFault(f"{path}: this is no whole backup")
            self.manifest = read_manifest((self.folder / NAME).read_bytes())
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def faults(self) -> list[str]:
        if damaged := damaged_parts(self.folder, self.manifest):
            return [f"{name}: missing or damaged" for name in damaged]
        with Listing(self.folder / LISTING) as listing, Listing(self._found) as found:
            return [f"{path}: missing or damaged" for path in listing.missing_in(found)]

    def payloads(self) -> Iterator[tuple[Listed, IO[bytes]]]:
        with Listing(self.folder / LISTING) as listing:
            for name, file in self._members():
                if name.startswith(f"{PAYLOADS}/"):
                    path = name.removeprefix(f"{PAYLOADS}/")
                    # A file may have been copied twice. The list has the hash of the last copy, which counts.
                    if listed := listing.of_path(path):
                        yield listed, file

    def _unpack(self) -> Path:
        """Write the parts into the folder; returns the list of the payload files that are in the archive."""
        path = self.folder / "found.sqlite3"
        with Listing(path, new=True) as found:
            batch: list[Listed] = []
            for name, file in self._members():
                if name.startswith(f"{PAYLOADS}/"):
                    digest = file_digest(file, "sha256").digest()  # type: ignore[arg-type]
                    batch.append(Listed(name.removeprefix(f"{PAYLOADS}/"), file.tell(), 0, 0, digest))
                    if len(batch) == 1000:
                        found.put(batch)
                        batch.clear()
                else:
                    target = self.folder / name
                    target.parent.mkdir(exist_ok=True)
                    with target.open("wb") as part:
                        shutil.copyfileobj(file, part)
            found.put(batch)
        return path

    def _members(self) -> Iterator[tuple[str, IO[bytes]]]:
        with zstd.open(self._path, "rb") as file, tarfile.open(fileobj=file, mode="r|") as tar:
            for member in tar:
                is_outside = member.name.startswith("/") or ".." in Path(member.name).parts
                if member.isfile() and not is_outside and (content := tar.extractfile(member)):
                    yield member.name, content
