"""Reads of stored payloads."""

from conversations.files.paths import FAILURE, payload_path
from conversations.payloads.failure import Failure
from conversations.payloads.outline import NotReadable, parse


def read_failure(conversation_id: str) -> Failure | None:
    """The stored failure; None where there is none, an empty one where it cannot be read."""
    try:
        event = parse(payload_path(conversation_id, FAILURE).read_bytes())
    except FileNotFoundError:
        return None
    except NotReadable:
        event = None
    return Failure(event if isinstance(event, dict) else {})
