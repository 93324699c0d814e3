"""Damaged files, as torn copies and failing disks leave them."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from django.db import connections


@contextmanager
def tear_page(path: Path, table: str) -> Iterator[None]:
    """The first page of a table of this SQLite file is garbage until the block ends."""
    connections.close_all()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (size,) = connection.execute("PRAGMA page_size").fetchone()
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()
    whole = path.read_bytes()
    try:
        with path.open("r+b") as file:
            file.seek((page - 1) * size)
            file.write(b"\x5a" * size)
        yield
    finally:
        connections.close_all()
        path.write_bytes(whole)
