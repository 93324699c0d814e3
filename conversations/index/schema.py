"""The schema of the index database: created when it is missing, dropped when it is outdated or corrupt."""

import contextlib
import sqlite3
from collections.abc import Callable
from functools import wraps
from pathlib import Path

import structlog
from django.apps import apps
from django.db import DatabaseError, connections, models

from conversations.files.locks import index_lock
from conversations.index import fulltext
from conversations.index.references import key_fingerprint
from conversations.models import Caller, IndexSchema

log = structlog.get_logger(__name__)

ALIAS = "index"
_SCHEMA_VERSION = 3
_INODE = "elmemory_inode"
_VIEWS = {
    Caller: """
        SELECT grouped.*, COALESCE(card.opted_out, FALSE) AS opted_out, COALESCE(card.shared_line, FALSE) AS shared_line
        FROM (SELECT caller_ref AS ref, MIN(caller) AS number, COUNT(*) AS calls,
                     MIN(started_at) AS first_call, MAX(started_at) AS last_call
              FROM conversation WHERE caller_ref <> '' GROUP BY caller_ref) AS grouped
        LEFT JOIN caller_card AS card ON card.caller_ref = grouped.ref
    """
}


def ensure_schema() -> None:
    """Make the index's tables; throw away those of another version, and a file that is no database."""
    if not _is_complete():
        with index_lock():
            if not _is_complete():
                _rebuild()


def make_ready() -> None:
    """Have the tables there, in the file that the path names now."""
    _leave_replaced_file()
    ensure_schema()


def healed[**P, R](function: Callable[P, R]) -> Callable[P, R]:
    """An index deleted or broken while in use heals: its schema is made sure of, and the work done again, once."""

    @wraps(function)
    def with_schema(*args: P.args, **kwargs: P.kwargs) -> R:
        _leave_replaced_file()
        try:
            return function(*args, **kwargs)
        except DatabaseError:
            _disconnect()
            ensure_schema()
            return function(*args, **kwargs)

    return with_schema


def _tables() -> list[type[models.Model]]:
    """The index's models that are tables; views are not."""
    unmanaged = [model for model in apps.get_app_config("conversations").get_models() if not model._meta.managed]
    return [model for model in unmanaged if model not in _VIEWS]


def _version() -> str:
    return f"{_SCHEMA_VERSION}:{key_fingerprint()}"


def _is_complete() -> bool:
    with contextlib.suppress(DatabaseError):
        tables = {fulltext.TABLE, *(model._meta.db_table for model in _tables())}
        if tables <= set(connections[ALIAS].introspection.table_names()):
            return IndexSchema.objects.filter(version=_version()).exists()
    return False


def _rebuild() -> None:
    try:
        _make_tables()
    except DatabaseError:
        if connections[ALIAS].vendor != "sqlite":
            raise
        log.warning("the index cannot be read; it is made anew")
        _disconnect()
        for suffix in ("", "-wal", "-shm"):
            Path(f"{_path()}{suffix}").unlink(missing_ok=True)
        _make_tables()


def _make_tables() -> None:
    connection = connections[ALIAS]
    existing = connection.introspection.table_names()
    with connection.schema_editor() as editor:
        for view in _VIEWS:
            editor.execute(f"DROP VIEW IF EXISTS {view._meta.db_table}")
        for model in _tables():
            if model._meta.db_table in existing:
                editor.delete_model(model)
            editor.create_model(model)
            for index in model._meta.indexes:
                editor.add_index(model, index)  # create_model leaves out those of unmanaged models
        for view, query in _VIEWS.items():
            editor.execute(f"CREATE VIEW {view._meta.db_table} AS {query}")
    fulltext.make_table()
    IndexSchema.objects.create(version=_version())


def _leave_replaced_file() -> None:
    """SQLite goes on writing into a file that was deleted: a connection to another file than the path's is left."""
    connection = connections[ALIAS]
    if connection.vendor != "sqlite":
        return
    try:
        inode = _path().stat().st_ino
    except FileNotFoundError:
        inode = 0
    if connection.connection is not None and getattr(connection, _INODE, inode) != inode:
        _disconnect()
    if inode == 0:
        ensure_schema()
        inode = _path().stat().st_ino
    setattr(connection, _INODE, inode)


def _disconnect() -> None:
    connection = connections[ALIAS]
    if connection.vendor == "sqlite" and connection.connection is not None:
        # The last one to close a database removes its log by name, which may be that of the new file by now.
        with contextlib.suppress(sqlite3.Error):
            connection.connection.setconfig(sqlite3.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, True)
    connection.close()


def _path() -> Path:
    return Path(connections[ALIAS].settings_dict["NAME"])
