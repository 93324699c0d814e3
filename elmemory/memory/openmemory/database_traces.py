"""Finds and removes what a database keeps of deleted rows.

SQLite overwrites deleted rows (`secure_delete`), but its log, and copies left when rows moved between pages, may still
contain them. PostgreSQL keeps deleted rows until a VACUUM, and samples of their values in the statistics of its planner
until an ANALYZE; its log (WAL), replicas and backups keep them longer, which its administrator must handle.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Protocol

from django.db import OperationalError, connections, transaction

_ATTEMPTS = 3
_PIECE = 2**18
_LONGEST_WAIT = "3s"
_LOGS = "-wal", "-journal"
# The planner's samples of the values in each column.
_STATISTICS = """
    SELECT tablename, most_common_vals::text, histogram_bounds::text, most_common_elems::text FROM pg_stats
    WHERE schemaname = ANY(current_schemas(false))
"""
_COLUMNS_WITH_STATISTICS = """
    SELECT quote_ident(attribute.attname), format_type(attribute.atttypid, attribute.atttypmod)
    FROM pg_stats JOIN pg_attribute AS attribute USING (attname)
    WHERE attribute.attrelid = %s::regclass AND schemaname = ANY(current_schemas(false)) AND tablename = %s
"""
_VIEWS = """
    SELECT quote_ident(viewname), definition FROM pg_views
    WHERE schemaname = ANY(current_schemas(false)) AND viewowner = current_user
"""
_descriptors: dict[tuple[int, int], int] = {}
_opening = Lock()


class Content(Protocol):
    def read(self, size: int, /) -> bytes: ...


@contextmanager
def opened(path: Path) -> Iterator[Content]:
    """Open a file of an SQLite database for reading. Raises OSError.

    The descriptor of the database itself is never closed: that would release the locks of all connections of this
    process to the file (POSIX), and another process could then delete their log with committed rows.
    """
    if path.name.endswith(_LOGS):
        with path.open("rb") as file:
            yield file
    else:
        yield _DatabaseFile(path)


def files_of(alias: str) -> list[Path]:
    """Return the files of an SQLite database; none for other databases."""
    if connections.settings[alias]["ENGINE"].endswith("sqlite3"):
        path = connections.settings[alias]["NAME"]
        return [each for suffix in ("", *_LOGS) if (each := Path(f"{path}{suffix}")).is_file()]
    return []


def clear_log(alias: str) -> None:
    """Move SQLite's log into the database and truncate it; on PostgreSQL run VACUUM and ANALYZE.

    Raises OperationalError if a reader prevents the truncation.
    """
    connection = connections[alias]
    with connection.cursor() as cursor:
        if connection.vendor != "sqlite":
            for table in connection.introspection.table_names(cursor):
                cursor.execute(f"VACUUM (ANALYZE) {connection.ops.quote_name(table)}")
            cursor.execute("VACUUM pg_statistic")  # a warning if the user does not own the database
            return
        for _ in range(_ATTEMPTS):
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            if not cursor.fetchone()[0]:
                return
    raise OperationalError("the log of the database could not be truncated: a connection is reading it")


def rewrite(alias: str) -> None:
    """Rewrite an SQLite database without deleted content. Other writers wait meanwhile.

    On PostgreSQL, drop the statistics of tables without rows, which ANALYZE keeps. Raises OperationalError if the
    database stays locked.
    """
    if connections[alias].vendor == "sqlite":
        with connections[alias].cursor() as cursor:
            cursor.execute("VACUUM")
    else:
        _drop_statistics_of_empty_tables(alias)
    clear_log(alias)


def _drop_statistics_of_empty_tables(alias: str) -> None:
    connection = connections[alias]
    with transaction.atomic(alias), connection.cursor() as cursor:
        columns = []
        for table in connection.introspection.table_names(cursor):
            quoted = connection.ops.quote_name(table)
            cursor.execute(f"SELECT NOT EXISTS (SELECT 1 FROM {quoted})")
            if cursor.fetchone()[0]:
                cursor.execute(_COLUMNS_WITH_STATISTICS, [quoted, table])
                columns += [(quoted, *column) for column in cursor.fetchall()]
        if not columns:
            return
        cursor.execute(f"SET LOCAL lock_timeout = '{_LONGEST_WAIT}'")
        cursor.execute(_VIEWS)
        views = cursor.fetchall()
        for view, _ in views:
            cursor.execute(f"DROP VIEW {view}")
        for table, column, type_ in columns:
            # A change of the type, even to the same one, drops the statistics of the column.
            cursor.execute(f"ALTER TABLE {table} ALTER COLUMN {column} TYPE {type_}")
        for view, definition in views:
            cursor.execute(f"CREATE VIEW {view} AS {definition}")


def contains(alias: str, text: bytes) -> bool:
    """Whether a file of the SQLite database contains these bytes."""
    for path in files_of(alias):
        with opened(path) as file:
            before = b""
            while piece := file.read(_PIECE):
                if text in before + piece:
                    return True
                before = piece[-len(text) :]
    return False


def rows_of(alias: str) -> Iterator[tuple[str, list[str | bytes]]]:
    """Yield each row of each table: the table's name, and the texts and bytes of the row.

    On PostgreSQL also the statistics of its planner, as the table pg_stats.
    """
    connection = connections[alias]
    with connection.cursor() as cursor:
        for table in sorted(connection.introspection.table_names(cursor)):
            quoted = connection.ops.quote_name(table)
            columns = [
                connection.ops.quote_name(column.name)
                for column in connection.introspection.get_table_description(cursor, table)
            ]
            if connection.vendor == "postgresql":
                columns = [f"{column}::text" for column in columns]
            with connection.chunked_cursor() as rows:
                rows.execute(f"SELECT {', '.join(columns)} FROM {quoted}")
                while several := rows.fetchmany(500):
                    yield from ((table, [each for each in row if isinstance(each, str | bytes)]) for row in several)
        if connection.vendor == "postgresql":
            cursor.execute(_STATISTICS)
            yield from (("pg_stats", [each for each in row if each]) for row in cursor.fetchall())


class _DatabaseFile:
    def __init__(self, path: Path) -> None:
        with _opening:
            found = path.stat()
            identity = found.st_dev, found.st_ino
            if identity not in _descriptors:
                _descriptors[identity] = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            self._descriptor, self._offset = _descriptors[identity], 0

    def read(self, size: int) -> bytes:
        piece = os.pread(self._descriptor, size, self._offset)
        self._offset += len(piece)
        return piece
