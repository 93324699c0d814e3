"""PostgreSQL's advisory locks in the index database. They hold across all machines that share the database.

Each lock has its own connection and ends with it: the server frees the lock when the process that took it dies, and
within half a minute when the machine dies.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256

from django.db import Error, OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper

ALIAS = "index"
# The server must keep a lock that is held for long, and must notice soon when a machine is gone.
_SESSION = (
    "SET statement_timeout = 0; SET lock_timeout = 0; SET idle_session_timeout = 0;"
    " SET tcp_keepalives_idle = 15; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3"
)


class LockLost(OperationalError):
    """The connection that held the lock has ended, and the lock with it. Another process may hold the lock now."""


class AdvisoryLock:
    """A lock that is held on `connection`. `AdvisoryLocks` creates it."""

    def __init__(self, connection: BaseDatabaseWrapper, number: int) -> None:
        self.connection = connection
        self._number = number

    def confirm(self) -> None:
        """Raise LockLost if the lock was not held without a break since it was taken.

        An answer on the connection that took the lock proves that it was.
        """
        try:
            _scalar(self.connection, "SELECT 1")
        except Error as error:
            raise LockLost("the connection that held a lock is gone") from error

    def release(self) -> bool:
        """Release the lock; returns whether the connection answered and can be used again."""
        try:
            return bool(_scalar(self.connection, "SELECT pg_advisory_unlock(%s)", self._number))
        except Error:
            return False


class AdvisoryLocks:
    """The advisory locks of this process. Idle connections are kept, because opening one takes longer than taking a
    lock.
    """

    def __init__(self) -> None:
        self._idle: list[BaseDatabaseWrapper] = []

    @contextmanager
    def hold(self, name: str, *, wait: bool) -> Iterator[AdvisoryLock | None]:
        """Hold the lock of this name. With wait=False, yields None if it is held elsewhere. Raises DatabaseError."""
        number = _number(name)
        lock = self._connected(lambda connection: self._lock(connection, number, wait=wait))
        try:
            yield lock
        finally:
            if lock:
                if lock.release():
                    self._idle.append(lock.connection)
                else:
                    _close(lock.connection)

    @contextmanager
    def hold_free(self, names: Iterable[str]) -> Iterator[set[str]]:
        """Hold, on one connection, the locks of those names that are not held elsewhere. Raises DatabaseError."""
        by_number = {_number(name): name for name in names}
        connection, held = self._connected(lambda connection: (connection, _lock_free(connection, list(by_number))))
        try:
            yield {by_number[number] for number in held}
        finally:
            try:
                _scalar(connection, "SELECT count(pg_advisory_unlock(number)) FROM unnest(%s::bigint[]) number", held)
            except Error:
                _close(connection)
            else:
                self._idle.append(connection)

    def _connected[T](self, lock: Callable[[BaseDatabaseWrapper], T]) -> T:
        with suppress(IndexError):
            while True:
                connection = self._idle.pop()
                # An idle connection that has ended holds no lock: try the next one.
                with suppress(Error):
                    return lock(connection)
        return lock(_connect())

    def _lock(self, connection: BaseDatabaseWrapper, number: int, *, wait: bool) -> AdvisoryLock | None:
        try:
            if wait:
                _scalar(connection, "SELECT pg_advisory_lock(%s)", number)
            elif not _scalar(connection, "SELECT pg_try_advisory_lock(%s)", number):
                self._idle.append(connection)
                return None
        except BaseException:
            _close(connection)
            raise
        return AdvisoryLock(connection, number)


def machines_share_locks() -> bool:
    """Whether the index is a PostgreSQL database, which several machines may share."""
    return bool(connections.settings[ALIAS]["ENGINE"].endswith("postgresql"))


def _connect() -> BaseDatabaseWrapper:
    connection = connections[ALIAS].copy()
    connection.inc_thread_sharing()
    try:
        with connection.cursor() as cursor:
            cursor.execute(_SESSION)
    except BaseException:
        _close(connection)
        raise
    return connection


def _number(name: str) -> int:
    return int.from_bytes(sha256(f"elmemory {name}".encode()).digest()[:8], signed=True)


def _lock_free(connection: BaseDatabaseWrapper, numbers: list[int]) -> list[int]:
    """Take those of the locks that are free; returns them."""
    locks = "SELECT number, pg_try_advisory_lock(number) FROM unnest(%s::bigint[]) number"
    try:
        with connection.cursor() as cursor:
            cursor.execute(locks, (numbers,))
            return [number for number, is_held in cursor.fetchall() if is_held]
    except BaseException:
        _close(connection)
        raise


def _scalar(connection: BaseDatabaseWrapper, query: str, *parameters: int | list[int]) -> object:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return cursor.fetchone()[0]


def _close(connection: BaseDatabaseWrapper) -> None:
    with suppress(Error):
        connection.close()
