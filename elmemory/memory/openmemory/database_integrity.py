"""Checks databases for broken pages, rows and indexes."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from django.db import DatabaseError, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from elmemory.memory.openmemory.database_faults import summary

_MOST_FAULTS = 20
_BUSY_SECONDS = 30
_INDEXES = """
    SELECT indexrelid::regclass::text FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
    WHERE indrelid = %s::regclass AND relam = (SELECT oid FROM pg_am WHERE amname = 'btree')
"""


def faults_of(alias: str) -> Iterator[str]:
    """Yield the faults of the database, and "" after each table, where the calling code may pause.

    Reads all pages of SQLite at once, or all rows of PostgreSQL, and its indexes if it has the extension amcheck. An
    SQLite database without a file has no faults.
    """
    connection = connections[alias]
    if connection.vendor == "sqlite":
        path = Path(connection.settings_dict["NAME"])
        yield from faults_of_file(path) if path.is_file() else ()
        return
    try:
        yield from _faults_of_server(connection)
    except DatabaseError as error:
        yield summary(error)


def faults_of_file(path: Path) -> list[str]:
    """Return the faults of an SQLite database, to which other processes may write meanwhile."""
    try:
        with closing(reader(path)) as connection:
            rows = connection.execute(f"PRAGMA integrity_check({_MOST_FAULTS})").fetchall()
    except sqlite3.Error as error:
        return [str(error)]
    # SQLite lists the pages of one fault on lines of their own; the first is enough.
    return [" ".join(str(found).splitlines()[:2]) for (found,) in rows if found != "ok"]


def reader(path: Path) -> sqlite3.Connection:
    """Return a read-only connection to an SQLite database for use in any thread."""
    uri = f"file:{quote(str(path))}?mode=ro"
    return sqlite3.connect(uri, uri=True, timeout=_BUSY_SECONDS, check_same_thread=False)


def _faults_of_server(connection: BaseDatabaseWrapper) -> Iterator[str]:
    with connection.cursor() as cursor:
        tables = sorted(connection.introspection.table_names(cursor))
        cursor.execute("SELECT 1 FROM pg_extension WHERE extname = 'amcheck'")
        has_amcheck = cursor.fetchone() is not None
    for table in tables:
        quoted = connection.ops.quote_name(table)
        try:
            with connection.cursor() as cursor:
                # Converting a row to text reads all its values, including those stored out of line.
                cursor.execute(f"SELECT count(length(stored::text)) FROM {quoted} AS stored")
                if has_amcheck:
                    cursor.execute(_INDEXES, [quoted])
                    for (index,) in cursor.fetchall():
                        cursor.execute("SELECT bt_index_check(%s::regclass, true)", [index])
        except DatabaseError as error:
            yield f"{table}: {summary(error)}"
            connection.close()
        yield ""
