"""The schema of the index database: created if missing, recreated if outdated or corrupt.

Errors of a locked, busy or full database are raised, and nothing is deleted.
"""

import contextlib
import re
import sqlite3
from collections.abc import Callable, Iterable
from functools import cache, wraps
from hashlib import sha256
from pathlib import Path
from secrets import token_hex

import structlog
from django.apps import apps
from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, connections, models, transaction

from conversations.files.locks import single_lock
from conversations.index import fulltext
from conversations.index.references import key_fingerprint
from conversations.models import Caller, IndexSchema
from elmemory import __version__
from elmemory.serving.bounded_log import BoundedLog

log = structlog.get_logger(__name__)
bounded_log = BoundedLog(__name__)

ALIAS = "index"
_INODE = "elmemory_inode"
_CORRUPT = sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB
_UNDEFINED = "42P01", "42703"  # PostgreSQL: undefined table, undefined column
_is_left = False
_VIEWS = {
    Caller: """
        SELECT known.caller_ref AS ref, known.number, calls, known.first_call, known.last_call,
               COALESCE(card.opted_out, FALSE) AS opted_out, COALESCE(card.shared_line, FALSE) AS shared_line,
               known.name_words || COALESCE(card.name_words, '') AS name_words
        FROM caller_calls AS known LEFT JOIN caller_card AS card ON card.caller_ref = known.caller_ref
        UNION ALL
        SELECT caller_ref, number, 0, first_call, last_call, opted_out, shared_line, name_words FROM caller_card
        WHERE number > '' AND NOT EXISTS (SELECT 1 FROM caller_calls WHERE caller_ref = caller_card.caller_ref)
    """
}


def leave_to_others(*, leave: bool) -> None:
    """Set whether this process, while it ends, leaves the tables to its successor, which may need others."""
    global _is_left
    _is_left = leave


def ensure_schema(*, starting: bool = False) -> None:
    """Create the tables of the index if they are missing or outdated, or the file is not a database.

    Tables of a newer elmemory are kept unless a server or a worker is `starting`: otherwise two versions on one folder
    would recreate them in turns, and each would lose the other's rows.
    """
    if not (_is_left or _is_complete()):
        with single_lock("index"):
            if _is_complete():
                return
            if not starting and (newer := _newer_release()):
                bounded_log.warning("the index is another version's: end this process", "newer", newer=newer)
                return
            _create()


def _newer_release() -> str:
    """The version of elmemory that made the index, if it is newer than this one."""
    try:
        release = IndexSchema.objects.values_list("release", flat=True).first() or ""
    except DatabaseError:
        return ""  # made by 0.1.0, or no index
    return release if _numbers(release) > _numbers(__version__) else ""


def _numbers(release: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", release)]


def make_ready(*, starting: bool = False) -> None:
    """Ensure the schema in the file that has the path now, since the file may have been replaced."""
    _leave_replaced_file()
    ensure_schema(starting=starting)


def healed[**P, R](function: Callable[P, R]) -> Callable[P, R]:
    """Decorate a function that accesses the index and may be repeated. It then survives a deleted or corrupt index.

    Missing tables are created, a corrupt file is replaced, a lost connection is opened again; then `function` is called
    a second time. Every other error is raised at once.
    """

    @wraps(function)
    def with_healing(*args: P.args, **kwargs: P.kwargs) -> R:
        _leave_replaced_file()
        try:
            return function(*args, **kwargs)
        except DatabaseError as error:
            if _is_corruption(error):
                _replace_corrupt_file()
            elif _is_missing_schema(error):
                _disconnect()
                ensure_schema()
            elif _is_lost_connection(error):
                _disconnect()
            else:
                raise
            return function(*args, **kwargs)

    return with_healing


@healed
def made() -> str:
    """A text that changes each time the tables are created."""
    return IndexSchema.objects.values_list("made", flat=True).first() or ""


def _is_corruption(error: DatabaseError) -> bool:
    cause = error.__cause__
    if not isinstance(cause, sqlite3.Error):
        return False
    return _sqlite_code(cause) in _CORRUPT or "file format" in str(cause)


def _is_missing_schema(error: DatabaseError) -> bool:
    cause = error.__cause__
    if isinstance(cause, sqlite3.Error):
        return _sqlite_code(cause) == sqlite3.SQLITE_ERROR
    return getattr(cause, "sqlstate", None) in _UNDEFINED


def _is_lost_connection(error: DatabaseError) -> bool:
    cause = error.__cause__
    if isinstance(cause, sqlite3.Error):
        # The file was moved or truncated while the connection was open.
        return _sqlite_code(cause) in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR)
    return isinstance(error, OperationalError | InterfaceError) and not connections[ALIAS].is_usable()


def _sqlite_code(error: sqlite3.Error) -> int:
    """The primary result code of SQLite."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _is_complete() -> bool:
    try:
        tables = {fulltext.TABLE, *(model._meta.db_table for model in _tables())}
        if tables <= set(connections[ALIAS].introspection.table_names()):
            return IndexSchema.objects.filter(version=_version()).exists()
    except DatabaseError as error:
        if not (_is_corruption(error) or _is_missing_schema(error)):
            raise
    return False


def _create() -> None:
    try:
        _create_tables()
    except DatabaseError as error:
        if not _is_corruption(error):
            raise
        _delete_file()
        _create_tables()


def _create_tables() -> None:
    connection = connections[ALIAS]
    quote = connection.ops.quote_name
    tables = [model._meta.db_table for model in _tables()]
    with transaction.atomic(ALIAS), connection.cursor() as cursor:
        for view in _VIEWS:
            cursor.execute(f"DROP VIEW IF EXISTS {quote(view._meta.db_table)}")
        for table in (*tables, fulltext.TABLE):
            cursor.execute(f"DROP TABLE IF EXISTS {quote(table)}")
        for statement in ddl(connection.vendor):
            cursor.execute(statement)
        IndexSchema.objects.create(version=_version(), made=token_hex(8), release=__version__)


@cache
def ddl(vendor: str) -> tuple[str, ...]:  # noqa: ARG001 -- what the statements depend on
    """The DDL of the whole index for the configured database."""
    connection = connections[ALIAS]
    editor = connection.SchemaEditorClass(connection, collect_sql=True)
    statements = []
    for model in _tables():
        # `create_model` leaves out the indexes of unmanaged models.
        statements.append(editor.table_sql(model)[0])
        statements += [str(index.create_sql(model, editor)) for index in model._meta.indexes]
    statements += [f"CREATE VIEW {view._meta.db_table} AS {query}" for view, query in _VIEWS.items()]
    return (*statements, *fulltext.statements())


def _tables() -> list[type[models.Model]]:
    """The models of the index that are tables; the others are views."""
    unmanaged = [model for model in apps.get_app_config("conversations").get_models() if not model._meta.managed]
    return [model for model in unmanaged if model not in _VIEWS]


def _version() -> str:
    """A hash of the schema's statements, the key of caller references, and the time zone of the days."""
    rows_depend_on = key_fingerprint(), settings.TIME_ZONE
    return f"{_digest(ddl(connections[ALIAS].vendor))}:{_digest(rows_depend_on)}"


def _digest(statements: Iterable[str]) -> str:
    return sha256("\n".join(statements).encode()).hexdigest()[:16]


def _replace_corrupt_file() -> None:
    """Create the index in a new file, unless another process has already replaced the corrupt one."""
    corrupt = getattr(connections[ALIAS], _INODE, 0)
    with single_lock("index"):
        if _inode() == corrupt:
            _delete_file()
        else:
            _disconnect()
    ensure_schema()


def _delete_file() -> None:
    log.warning("the index is corrupt: it is rebuilt from the files")
    _disconnect()
    for suffix in ("", "-journal", "-wal", "-shm"):
        Path(f"{_path()}{suffix}").unlink(missing_ok=True)


def _leave_replaced_file() -> None:
    """Close a connection to a file that was replaced: SQLite would continue to write into the deleted file."""
    connection = connections[ALIAS]
    if connection.vendor != "sqlite":
        return
    inode = _inode()
    if connection.connection is not None and getattr(connection, _INODE, inode) != inode:
        _disconnect()
    if inode == 0:
        ensure_schema()
        inode = _inode()
    setattr(connection, _INODE, inode)


def _inode() -> int:
    """The inode of the index file; 0 if there is none."""
    try:
        return _path().stat().st_ino
    except FileNotFoundError:
        return 0


def _disconnect() -> None:
    connection = connections[ALIAS]
    if connection.vendor == "sqlite" and connection.connection is not None:
        # The last connection to close deletes the log by its name. That may be the log of a new file now.
        with contextlib.suppress(sqlite3.Error):
            connection.connection.setconfig(sqlite3.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, True)
    connection.close()


def _path() -> Path:
    return Path(connections[ALIAS].settings_dict["NAME"])
