"""Locks that are freed when a process dies: flock on a few files in the payload folder.

If the index is a PostgreSQL database, several machines may share it and the folder. Whether flock works across
machines, and how soon it is freed when one dies, depends on the volume. Therefore an advisory lock of that database is
taken as well. Work under these locks needs the index anyway: the worker and staff find calls and callers through it.

Deliveries are different: their acknowledgement must not wait for a database. The locks of a delivery and its spool are
flock alone, so a shared volume must support flock across machines (NFS does, unless mounted with nolock or local_lock).
Without it, equal bytes delivered to two machines at once are still stored once, but of two versions that arrive at the
same instant one may be lost.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Literal

from django.conf import settings

from conversations.files.advisory import AdvisoryLock, AdvisoryLocks, machines_share_locks

type Purpose = Literal["index", "set-up", "decisions", "backfill", "verify"]

_STRIPES = 256
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC

_advisory = AdvisoryLocks()


class Busy(Exception):
    """The lock is held elsewhere."""


class HeldLock:
    """A held lock, with the advisory locks that belong to it."""

    def __init__(self) -> None:
        self._advisory: list[AdvisoryLock] = []

    def add(self, lock: AdvisoryLock) -> None:
        self._advisory.append(lock)

    def confirm(self) -> None:
        """Raise LockLost unless the lock was held without a break up to now.

        An advisory lock ends with its connection. The next run writes again what was written after that: puts are
        idempotent by key, and the card, which another process may have written from fewer memories, is recomputed.
        There is a next run until a receipt says that the work is done: call this before writing the receipt.
        """
        for lock in self._advisory:
            lock.confirm()


@contextmanager
def caller_lock(*callers: str | None, call: str = "", wait: bool = True) -> Iterator[HeldLock]:
    """Hold the locks of these callers, across all processes and machines. With wait=False, a held lock raises Busy.

    `call` is a conversation that is locked too: two versions of it may have different callers. Several locks are taken
    in a fixed order, so that two processes cannot deadlock.
    """
    held = HeldLock()
    with ExitStack() as stack:
        for stripe in sorted({_stripe(caller) for caller in callers if caller}):
            stack.enter_context(_lock("caller", stripe, held, wait=wait))
        if call:
            stack.enter_context(_lock("call", _stripe(call), held, wait=wait))
        yield held


@contextmanager
def free_caller_locks(*callers: str) -> Iterator[list[str]]:
    """Hold the locks of those callers that are not locked elsewhere, and yield these callers."""
    stripes: set[int] = set()
    with ExitStack() as stack:
        for stripe in sorted({_stripe(caller) for caller in callers}):
            with suppress(Busy):
                stack.enter_context(_flock("caller", stripe, wait=False))
                stripes.add(stripe)
        if stripes and machines_share_locks():
            names = {_name("caller", stripe): stripe for stripe in stripes}
            stripes = {names[name] for name in stack.enter_context(_advisory.hold_free(names))}
        yield [caller for caller in callers if _stripe(caller) in stripes]


@contextmanager
def delivery_lock(*conversation_ids: str, wait: bool = True) -> Iterator[frozenset[str]]:
    """Hold the delivery locks of these conversations, taken in a fixed order, and yield the ids that are locked.

    With wait=False, conversations locked elsewhere are left out.
    """
    stripes = {conversation_id: _stripe(conversation_id) for conversation_id in conversation_ids}
    locked: set[int] = set()
    with ExitStack() as held:
        for stripe in sorted(set(stripes.values())):
            with suppress(Busy):
                held.enter_context(_flock("delivery", stripe, wait=wait))
                locked.add(stripe)
        yield frozenset(one for one, stripe in stripes.items() if stripe in locked)


@contextmanager
def single_lock(purpose: Purpose, *, wait: bool = True) -> Iterator[None]:
    """Hold the only lock for this purpose. With wait=False, a held lock raises Busy.

    "index": creating it. "set-up": migrating the databases. "decisions": changing a store's note of them; no other lock
    may be taken meanwhile. "backfill": fetching missed calls. "verify": the verification by workers.
    """
    with _lock(purpose, 0, HeldLock(), wait=wait):
        yield


def _stripe(name: str) -> int:
    return int.from_bytes(sha256(name.encode()).digest()[:4]) % _STRIPES


def _name(purpose: str, stripe: int) -> str:
    return f"{purpose}-{stripe:02x}"


@contextmanager
def _lock(purpose: str, stripe: int, held: HeldLock, *, wait: bool = True) -> Iterator[None]:
    with _flock(purpose, stripe, wait=wait):
        if not machines_share_locks():
            yield
            return
        with _advisory.hold(_name(purpose, stripe), wait=wait) as lock:
            if lock is None:
                raise Busy
            held.add(lock)
            yield


@contextmanager
def _flock(purpose: str, stripe: int, *, wait: bool = True) -> Iterator[None]:
    path = f"{settings.PAYLOAD_STORAGE_PATH}/_locks/{_name(purpose, stripe)}"
    try:
        descriptor = os.open(path, _FLAGS, 0o600)
    except FileNotFoundError:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, _FLAGS, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy from None
        yield
    finally:
        os.close(descriptor)
