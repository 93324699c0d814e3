"""PostgreSQL's advisory locks, in the index database: they hold over all machines that share it.

A lock belongs to a connection of its own and ends with it: the server frees it when the process that took it dies,
and within half a minute when its machine does.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256

from django.db import Error, OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper

ALIAS = "index"
# The server must neither give up a lock that is held for long, nor keep that of a machine that is gone.
_PREPARE = (
    "SET statement_timeout = 0; SET lock_timeout = 0; SET idle_session_timeout = 0;"
    " SET tcp_keepalives_idle = 15; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3"
)

# Connections without a lock. Opening one takes longer than everything else here.
_idle: list[BaseDatabaseWrapper] = []


class LockLost(OperationalError):
    """The connection that held the lock has ended, and the lock with it: somebody else may have it by now."""


class AdvisoryLock:
    """A lock that is held; `confirm` tells whether it has been, all the time."""

    def __init__(self, connection: BaseDatabaseWrapper, number: int) -> None:
        self._connection = connection
        self._number = number

    def confirm(self) -> None:
        """Raises LockLost. An answer on the connection that took the lock proves that it was never lost."""
        try:
            _ask(self._connection, "SELECT 1")
        except Error as error:
            raise LockLost("the connection that held a lock is gone") from error

    def release(self) -> None:
        try:
            released = _ask(self._connection, "SELECT pg_advisory_unlock(%s)", self._number)
        except Error:
            released = False
        if released:
            _idle.append(self._connection)
        else:
            _close(self._connection)


def machines_share_locks() -> bool:
    return bool(connections.settings[ALIAS]["ENGINE"].endswith("postgresql"))


@contextmanager
def advisory_lock(name: str, *, wait: bool) -> Iterator[AdvisoryLock | None]:
    """The lock of this name; None where somebody else has it and `wait` is false. Database faults are DatabaseError."""
    number = int.from_bytes(sha256(f"elmemory {name}".encode()).digest()[:8], signed=True)
    lock = _take(number, wait=wait)
    try:
        yield lock
    finally:
        if lock:
            lock.release()


def _take(number: int, *, wait: bool) -> AdvisoryLock | None:
    with suppress(IndexError):
        while True:
            connection = _idle.pop()
            # It may have ended while it was idle; then there is nothing that it could hold.
            with suppress(Error):
                return _lock(connection, number, wait=wait)
    return _lock(_connect(), number, wait=wait)


def _lock(connection: BaseDatabaseWrapper, number: int, *, wait: bool) -> AdvisoryLock | None:
    try:
        if wait:
            _ask(connection, "SELECT pg_advisory_lock(%s)", number)
        elif not _ask(connection, "SELECT pg_try_advisory_lock(%s)", number):
            _idle.append(connection)
            return None
    except BaseException:
        _close(connection)
        raise
    return AdvisoryLock(connection, number)


def _connect() -> BaseDatabaseWrapper:
    connection = connections[ALIAS].copy()
    connection.inc_thread_sharing()
    try:
        with connection.cursor() as cursor:
            cursor.execute(_PREPARE)
    except BaseException:
        _close(connection)
        raise
    return connection


def _ask(connection: BaseDatabaseWrapper, question: str, *values: int) -> object:
    with connection.cursor() as cursor:
        cursor.execute(question, values)
        return cursor.fetchone()[0]


def _close(connection: BaseDatabaseWrapper) -> None:
    with suppress(Error):
        connection.close()
