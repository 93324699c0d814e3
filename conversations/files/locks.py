"""Locks that are freed when a process dies: flock on a few files in the payload folder.

Where the index is a PostgreSQL database, several machines may share it and the folder. Whether flock holds over
machines, and how soon it is freed when one dies, depends on the volume: there an advisory lock of that database is
taken as well. Nothing that is kept under these locks can be done without the index: the worker sees its work, and
staff see callers, through it.

A delivery is different: its acknowledgement waits for no database, and must not fail for one. Its lock is flock alone,
as is that of its spool, so a shared volume has to be one whose flock holds over machines (NFS does, unless mounted
with nolock or local_lock). Without it the same bytes delivered to two machines at once would still be stored once;
two versions of one payload, which came in the same instant to two machines, might not both be kept.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from hashlib import sha256
from pathlib import Path

from django.conf import settings

from conversations.files.advisory import AdvisoryLock, advisory_lock, machines_share_locks

_STRIPES = 256
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC


class Busy(Exception):
    """Somebody else holds the lock."""


class Held:
    """What a lock is made of."""

    def __init__(self) -> None:
        self._advisory: list[AdvisoryLock] = []

    def add(self, lock: AdvisoryLock) -> None:
        self._advisory.append(lock)

    def confirm(self) -> None:
        """Raises LockLost unless everything up to now was done under the lock.

        An advisory lock ends with its connection. What was written after that is written again by the next run: puts
        are idempotent by key, and the card, which somebody else may have written meanwhile from fewer memories, is
        recomputed. That run comes as long as nothing says that the work is done: confirm before that is said.
        """
        for lock in self._advisory:
            lock.confirm()


@contextmanager
def caller_lock(*callers: str | None, wait: bool = True) -> Iterator[Held]:
    """One at a time for a caller, over all processes and machines. Several callers are taken in one order.

    Without `wait` a lock that is held raises Busy.
    """
    held = Held()
    with ExitStack() as stack:
        for stripe in sorted({_stripe(caller) for caller in callers if caller}):
            stack.enter_context(_lock("caller", stripe, held, wait=wait))
        yield held


@contextmanager
def delivery_lock(*conversation_ids: str, wait: bool = True) -> Iterator[frozenset[str]]:
    """One at a time puts deliveries of a conversation in their place. Several conversations are taken in one order.

    Yields those that are locked: without `wait` only those that could be had at once.
    """
    stripes: set[int] = set()
    with ExitStack() as held:
        for stripe in sorted({_stripe(conversation_id) for conversation_id in conversation_ids}):
            with suppress(Busy):
                held.enter_context(_flock("delivery", stripe, wait=wait))
                stripes.add(stripe)
        yield frozenset(one for one in conversation_ids if _stripe(one) in stripes)


@contextmanager
def index_lock() -> Iterator[None]:
    """One at a time makes the index anew."""
    with _lock("index", 0, Held()):
        yield


@contextmanager
def set_up_lock() -> Iterator[None]:
    """One at a time brings the databases up to date."""
    with _lock("set-up", 0, Held()):
        yield


@contextmanager
def backfill_lock() -> Iterator[None]:
    """One at a time fetches what was missed; Busy where somebody does."""
    with _lock("backfill", 0, Held(), wait=False):
        yield


def _stripe(name: str) -> int:
    return int.from_bytes(sha256(name.encode()).digest()[:4]) % _STRIPES


@contextmanager
def _lock(purpose: str, stripe: int, held: Held, *, wait: bool = True) -> Iterator[None]:
    with _flock(purpose, stripe, wait=wait):
        if not machines_share_locks():
            yield
            return
        with advisory_lock(f"{purpose}-{stripe:02x}", wait=wait) as advisory:
            if advisory is None:
                raise Busy
            held.add(advisory)
            yield


@contextmanager
def _flock(purpose: str, stripe: int, *, wait: bool = True) -> Iterator[None]:
    path = Path(settings.PAYLOAD_STORAGE_PATH, "_locks", f"{purpose}-{stripe:02x}")
    try:
        descriptor = os.open(path, _FLAGS, 0o600)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, _FLAGS, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy from None
        yield
    finally:
        os.close(descriptor)
