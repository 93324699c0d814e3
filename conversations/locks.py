"""Locks that the kernel frees when a process dies: flock on a few files in the payload folder."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from hashlib import sha256
from pathlib import Path

from django.conf import settings

_STRIPES = 256
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC


class Busy(Exception):
    """Somebody else holds the lock."""


@contextmanager
def caller_lock(*callers: str | None, wait: bool = True) -> Iterator[None]:
    """One at a time for a caller, over all processes of this machine. Several callers are taken in one order.

    Without `wait` a lock that is held raises Busy.
    """
    with ExitStack() as held:
        for stripe in sorted({_stripe(caller) for caller in callers if caller}):
            held.enter_context(_flock("caller", stripe, wait=wait))
        yield


@contextmanager
def delivery_lock(*conversation_ids: str) -> Iterator[None]:
    """One at a time puts deliveries of a conversation in their place. Several conversations are taken in one order."""
    with ExitStack() as held:
        for stripe in sorted({_stripe(conversation_id) for conversation_id in conversation_ids}):
            held.enter_context(_flock("delivery", stripe))
        yield


@contextmanager
def index_lock() -> Iterator[None]:
    """One at a time makes the index anew."""
    with _flock("index", 0):
        yield


@contextmanager
def backfill_lock() -> Iterator[None]:
    """One at a time fetches what was missed; Busy where somebody does."""
    with _flock("backfill", 0, wait=False):
        yield


def _stripe(name: str) -> int:
    return int.from_bytes(sha256(name.encode()).digest()[:4]) % _STRIPES


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
