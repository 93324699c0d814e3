"""Keeps files private to their owner: the umask of every command, files of secrets, checks of modes."""

import os
import stat
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS

_MOST_CONVERSATIONS = 200


def set_umask() -> None:
    """Set the umask so that only the owner can read the files that this process creates. Call it first."""
    os.umask(0o077)


def write_private(path: Path, text: str, *, replace: bool = False) -> None:
    """Write a new file with mode 0600. Raises OSError; FileExistsError if it exists, unless `replace` is set."""
    if replace:
        path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def private_folder() -> Path:
    """Return the folder for small files of our own: that of an SQLite default database, else the payload folder."""
    database = settings.DATABASES[DEFAULT_DB_ALIAS]
    if database["ENGINE"].endswith("sqlite3"):
        return Path(database["NAME"]).parent
    return Path(settings.PAYLOAD_STORAGE_PATH)


def is_loose(path: Path) -> bool:
    """Whether users other than the owner may read, write or enter it; False if it is missing, and on Windows."""
    if os.name != "posix":
        return False
    try:
        return bool(path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))
    except OSError:
        return False


def loose_below(folder: Path) -> bool:
    """Whether a payload folder, or any file of its first 200 conversations, is loose."""
    return is_loose(folder) or any(map(is_loose, islice(_contents(folder), _MOST_CONVERSATIONS * 8)))


def files_of_sqlite(database: Path) -> list[Path]:
    """Return the paths of an SQLite database and of the files that SQLite makes beside it."""
    return [database.with_name(f"{database.name}{suffix}") for suffix in ("", "-wal", "-shm", "-journal")]


def data_folders(places: Iterable[Path]) -> set[Path]:
    """Return the folders that hold at least two of these places, and so are for elmemory's data alone.

    Without the root, home directories, and folders that everybody may write to, such as /tmp.
    """
    parents = [place.parent for place in places]
    return {folder for folder in parents if parents.count(folder) > 1 and not _is_shared(folder)}


def _is_shared(folder: Path) -> bool:
    try:
        is_sticky = bool(folder.stat().st_mode & stat.S_ISVTX)
    except OSError:
        return True
    return is_sticky or folder.parent == folder or folder == Path(os.path.expanduser("~"))  # noqa: PTH111


def _contents(folder: Path) -> Iterator[Path]:
    try:
        with os.scandir(folder) as conversations:
            for conversation in islice(conversations, _MOST_CONVERSATIONS):
                yield Path(conversation.path)
                if conversation.is_dir(follow_symlinks=False):
                    yield from islice(Path(conversation.path).iterdir(), 7)
    except OSError:
        return
