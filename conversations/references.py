"""Callers' addresses in the admin: keyed hashes, so that no number stands in a URL, a log or the audit log."""

from hashlib import sha256

from django.conf import settings
from django.utils.crypto import salted_hmac

_LENGTH = 24


def caller_reference(caller: str) -> str:
    return salted_hmac("elmemory.caller", caller, algorithm="sha256").hexdigest()[:_LENGTH] if caller else ""


def key_fingerprint() -> str:
    """Tells whether references were made with the present SECRET_KEY; empty where each process has its own."""
    return caller_reference("fingerprint") if settings.SECRET_KEY_IS_GIVEN else ""


def row_number(conversation_id: str) -> int:
    """A number for a conversation that needs no counter: 63 bits of its id's hash."""
    return int.from_bytes(sha256(conversation_id.encode()).digest()[:8]) >> 1
