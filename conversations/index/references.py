"""Callers' addresses in the admin: keyed hashes, so that no number stands in a URL, a log or the audit log."""

from datetime import datetime
from hashlib import sha256

from django.conf import settings
from django.utils.crypto import salted_hmac

_LENGTH = 24


def caller_reference(caller: str) -> str:
    return salted_hmac("elmemory.caller", caller, algorithm="sha256").hexdigest()[:_LENGTH] if caller else ""


def key_fingerprint() -> str:
    """Tells whether references were made with the present SECRET_KEY; empty where each process has its own."""
    return caller_reference("fingerprint") if settings.SECRET_KEY_IS_GIVEN else ""


def row_number(conversation_id: str, started_at: datetime) -> int:
    """A number for a call that needs no counter and rises with its start: second, then 30 bits of the id's hash.

    The full-text index, which knows numbers only, can so give the newest calls first.
    """
    second = min(max(0, int(started_at.timestamp())), 2**33 - 1)
    return second << 30 | int.from_bytes(sha256(conversation_id.encode()).digest()[:4]) >> 2
