"""Receipts: the file beside a transcription that records its processing. A call is done when its receipt matches it.

`{conversation_id}_memory.json` names memories by key, id and content hash, and never holds their text.
"""

import os
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson

from conversations.files.durable import write_durably, write_unflushed
from conversations.files.paths import TRANSCRIPTION, folder_text, payload_text

# The kinds of payloads that retention removes: recordings, and all others.
RECORDING, PAYLOAD = "audio", "payload"


@dataclass(frozen=True, slots=True)
class PayloadStamp:
    """The version of a payload that was read: its SHA-256, and the size and mtime that change when it is replaced."""

    sha256: str
    size: int
    mtime_ns: int

    @classmethod
    def of(cls, raw: bytes, stat: os.stat_result) -> "PayloadStamp":
        return cls(sha256(raw).hexdigest(), stat.st_size, stat.st_mtime_ns)

    def matches(self, stat: os.stat_result) -> bool:
        """Whether the file is still this version, by size and mtime."""
        return (self.size, self.mtime_ns) == (stat.st_size, stat.st_mtime_ns)


@dataclass(frozen=True, slots=True)
class RememberedMemory:
    """A memory that was written from the call; `id` is its id in the store."""

    key: str
    id: str
    content_sha256: str


@dataclass(slots=True)
class Receipt:
    """The record of a transcription's processing. Times are ISO 8601.

    `payload` is the version that was processed, None before the first run. `callers` are the caller keys that may hold
    memories of this conversation: extended before the first memory is written, reduced to `caller` after the last.
    `reprocess` asks for another run. `withheld` are content hashes of memories that staff deleted, `forgotten` the
    caller keys that were forgotten: neither is written again.
    `due` says when ElevenLabs deletes the "payload" and the "audio", in seconds since 1970; `removed`, when retention
    removed them here. `call` keeps the columns of the index, without personal data, once the payload is removed.
    """

    arrived_at: str
    payload: PayloadStamp | None = None
    caller: str | None = None
    callers: list[str] = field(default_factory=list)
    memories: list[RememberedMemory] = field(default_factory=list)
    reprocess: bool = False
    withheld: list[str] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)
    due: dict[str, int] = field(default_factory=dict)
    removed: dict[str, str] = field(default_factory=dict)
    call: dict[str, Any] = field(default_factory=dict)

    @property
    def arrival(self) -> datetime:
        """The arrival of the first version. Raises ValueError for a damaged receipt."""
        return datetime.fromisoformat(self.arrived_at)


def receipt_path(conversation_id: str) -> Path:
    return Path(_receipt_text(conversation_id))


def _receipt_text(conversation_id: str) -> str:
    return f"{folder_text(conversation_id)}/{conversation_id}_memory.json"


def read_receipt(conversation_id: str) -> Receipt | None:
    """The receipt; None if it is missing or damaged. The call is pending then."""
    try:
        with open(_receipt_text(conversation_id), "rb") as file:
            value: dict[str, Any] = orjson.loads(file.read())
        stamp = value.pop("payload")
        memories = value.pop("memories")
        receipt = Receipt(
            payload=PayloadStamp(**stamp) if stamp else None,
            memories=[RememberedMemory(**memory) for memory in memories],
            **value,
        )
        _ = receipt.arrival
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
    return receipt


def write_receipt(conversation_id: str, receipt: Receipt, *, flush: bool = True) -> None:
    """Write the receipt durably; without `flush`, a power cut may lose it, and its call is pending. Raises OSError."""
    (write_durably if flush else write_unflushed)(receipt_path(conversation_id), receipt_bytes(receipt))


def receipt_bytes(receipt: Receipt) -> bytes:
    """The receipt as the content of its file."""
    return orjson.dumps(asdict(receipt), option=orjson.OPT_INDENT_2)


def is_done(conversation_id: str, receipt: Receipt | None) -> bool:
    """Whether the stored version of the transcription has been processed. False without a transcription."""
    if receipt is None or receipt.payload is None or receipt.reprocess:
        return False
    try:
        return receipt.payload.matches(os.stat(payload_text(conversation_id, TRANSCRIPTION)))
    except FileNotFoundError:
        return False


def removed_digest(conversation_id: str) -> str:
    """The SHA-256 of the processed transcription that retention removed; empty if there is none."""
    receipt = read_receipt(conversation_id)
    return receipt.payload.sha256 if receipt and receipt.payload and PAYLOAD in receipt.removed else ""


def new_receipt(stamp: PayloadStamp) -> Receipt:
    """A receipt for an unprocessed call. Its arrival is the mtime of the transcription."""
    return Receipt(arrived_at=datetime.fromtimestamp(stamp.mtime_ns / 1e9, UTC).isoformat())


def content_digest(content: str) -> str:
    """SHA-256 of a memory's content, in hexadecimal."""
    return sha256(content.encode()).hexdigest()
