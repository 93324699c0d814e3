"""Caller references and sort keys.

A caller reference is a keyed hash of the caller key. It replaces the phone number in URLs and the audit log.
"""

import hmac
from datetime import datetime
from functools import lru_cache
from hashlib import sha256

from django.conf import settings

_LENGTH = 24


def caller_reference(caller: str) -> str:
    """The reference of this caller key, as 24 hexadecimal digits; empty for an empty key."""
    return hmac.digest(_key(settings.SECRET_KEY), caller.encode(), "sha256").hex()[:_LENGTH] if caller else ""


@lru_cache(maxsize=1)
def _key(secret: str) -> bytes:
    """The key that Django's `salted_hmac` derives: references of earlier versions were made with it."""
    return sha256(f"elmemory.caller{secret}".encode()).digest()


def key_fingerprint() -> str:
    """A value that changes with SECRET_KEY, as all references do; empty if each process makes its own key."""
    return caller_reference("fingerprint") if settings.SECRET_KEY_IS_GIVEN else ""


def sort_key(conversation_id: str, started_at: datetime) -> int:
    """The call's start in seconds since 1970, then 30 bits of its id's hash. It is the rowid of the full-text index."""
    second = min(max(0, int(started_at.timestamp())), 2**33 - 1)
    return second << 30 | int.from_bytes(sha256(conversation_id.encode()).digest()[:4]) >> 2
