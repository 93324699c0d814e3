"""Reads stored payloads."""

import os
from typing import NamedTuple

from conversations.files.paths import FAILURE, TRANSCRIPTION, payload_text
from conversations.files.receipts import PayloadStamp
from conversations.payloads.failure import Failure
from conversations.payloads.outline import NotReadable, parse
from conversations.payloads.transcription import Transcription


class StoredCall(NamedTuple):
    """A transcription, and the version of the file that it was read from."""

    call: Transcription
    stamp: PayloadStamp


def read_call(conversation_id: str) -> StoredCall:
    """The stored transcription. Raises FileNotFoundError, and NotReadable if it is not an event."""
    with open(payload_text(conversation_id, TRANSCRIPTION), "rb") as file:
        stat = os.fstat(file.fileno())
        raw = file.read()
    return StoredCall(Transcription.read(raw), PayloadStamp.of(raw, stat))


def transcription_of(conversation_id: str) -> Transcription | None:
    """The stored transcription; None if there is none, or it cannot be read."""
    try:
        return read_call(conversation_id).call
    except (OSError, NotReadable):
        return None


def read_failure(conversation_id: str) -> Failure | None:
    """The stored failure; None if there is none, an empty Failure if the file is not a JSON object."""
    try:
        with open(payload_text(conversation_id, FAILURE), "rb") as file:
            event = parse(file.read())
    except FileNotFoundError:
        return None
    except NotReadable:
        event = None
    return Failure(event if isinstance(event, dict) else {})
