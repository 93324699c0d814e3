"""Atomic writes that are on the disk when they return."""

import os
from pathlib import Path

from conversations.files.spool import spool


def write_durably(path: Path, content: bytes) -> None:
    """Write one of our files beside the payloads, atomically. Raises OSError."""
    with spool() as spooled:
        spooled.write(content)
        os.fsync(spooled.save())
        make_folder(path.parent)
        spooled.move_to(path)
        sync_folder(path.parent)


def write_unflushed(path: Path, content: bytes) -> None:
    """Write a file into an existing folder, atomically but not durably: a power cut may damage it. Raises OSError."""
    with spool() as spooled:
        spooled.write(content)
        spooled.save()
        spooled.move_to(path)


def make_folder(folder: Path) -> None:
    """Create the folder, durably, unless it exists. Its parent must exist."""
    if not folder.is_dir():
        folder.mkdir(exist_ok=True)
        sync_folder(folder.parent)


def sync_folder(folder: str | Path) -> None:
    """Flush the folder's entries to the disk (fsync)."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
