"""The list of a backup's files, kept in an SQLite file so that a long list needs little memory."""

import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple, Self

_TABLE = """
    CREATE TABLE file (
        path TEXT PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, ctime_ns INTEGER NOT NULL,
        sha256 BLOB NOT NULL
    ) WITHOUT ROWID
"""


class Listed(NamedTuple):
    """A file of a backup. `path` is relative to the payload folder; `ctime_ns` changes with the source."""

    path: str
    size: int
    mtime_ns: int
    ctime_ns: int
    sha256: bytes


class Listing:
    """The list in this file, which is created if `new`. It is durable only after `close`."""

    def __init__(self, path: Path, *, new: bool = False) -> None:
        self.path = path
        self._connection = sqlite3.connect(path)
        self._is_open = True
        if new:
            self._connection.executescript(f"PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; {_TABLE}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        if self._is_open:
            self._connection.commit()
            self._connection.close()
            self._is_open = False

    def put(self, files: Iterable[Listed]) -> None:
        """Add these files, or replace their entries."""
        with self._connection:
            self._connection.executemany("INSERT OR REPLACE INTO file VALUES (?, ?, ?, ?, ?)", files)

    def of_folder(self, folder: str) -> dict[str, Listed]:
        """The files whose path begins with this folder, by path."""
        rows = self._connection.execute(
            "SELECT * FROM file WHERE path > ? AND path < ?", (f"{folder}/", f"{folder}0")
        ).fetchall()
        return {row[0]: Listed(*row) for row in rows}

    def of_path(self, path: str) -> Listed | None:
        row = self._connection.execute("SELECT * FROM file WHERE path = ?", (path,)).fetchone()
        return Listed(*row) if row else None

    def __iter__(self) -> Iterator[Listed]:
        """All files, by path. The list may be changed meanwhile."""
        last = ""
        while rows := self._connection.execute(
            "SELECT * FROM file WHERE path > ? ORDER BY path LIMIT 1000", (last,)
        ).fetchall():
            last = rows[-1][0]
            yield from (Listed(*row) for row in rows)

    def totals(self) -> tuple[int, int]:
        """The number of files, and their total size in bytes."""
        count, size = self._connection.execute("SELECT count(*), coalesce(sum(size), 0) FROM file").fetchone()
        return count, size

    def missing_in(self, other: "Listing") -> list[str]:
        """At most twenty paths that the other list does not have with the same content."""
        self._connection.execute("ATTACH ? AS other", (str(other.path),))
        found = self._connection.execute(
            "SELECT path FROM (SELECT path, size, sha256 FROM file EXCEPT SELECT path, size, sha256 FROM other.file)"
            " LIMIT 20"
        ).fetchall()
        self._connection.execute("DETACH other")
        return [path for (path,) in found]


def unused(listings: Iterable[Path], objects: Iterable[str], scratch: Path) -> Iterator[str]:
    """Those of these objects that no list names, by SHA-256 in hexadecimal. `scratch` is a temporary file."""
    scratch.unlink(missing_ok=True)
    connection = sqlite3.connect(scratch)
    try:
        connection.executescript(
            "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; CREATE TABLE used (sha256 BLOB PRIMARY KEY) WITHOUT ROWID"
        )
        for path in listings:
            connection.execute("ATTACH ? AS list", (str(path),))
            connection.execute("INSERT OR IGNORE INTO used SELECT sha256 FROM list.file")
            connection.commit()
            connection.execute("DETACH list")
        for name in objects:
            if not connection.execute("SELECT 1 FROM used WHERE sha256 = ?", (bytes.fromhex(name),)).fetchone():
                yield name
    finally:
        connection.close()
        scratch.unlink(missing_ok=True)
