"""Receipts: what became of a stored transcription. A call is done exactly when its receipt matches its file.

`{conversation_id}_memory.json` beside the payload. It names memories by key, id and content hash, and
never holds their text.
"""

import os
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson

from conversations.files.durable import write_durably
from conversations.files.paths import conversation_folder, transcription_path


@dataclass(frozen=True, slots=True)
class PayloadStamp:
    """Which bytes were read: their digest, and what tells without reading that they are still there."""

    sha256: str
    size: int
    mtime_ns: int

    @classmethod
    def of(cls, raw: bytes, stat: os.stat_result) -> "PayloadStamp":
        return cls(sha256(raw).hexdigest(), stat.st_size, stat.st_mtime_ns)

    def matches(self, stat: os.stat_result) -> bool:
        return (self.size, self.mtime_ns) == (stat.st_size, stat.st_mtime_ns)


@dataclass(frozen=True, slots=True)
class RememberedMemory:
    key: str
    id: str
    content_sha256: str


@dataclass(slots=True)
class Receipt:
    """`callers` are all who may hold memories of this conversation: written before the first memory is, and
    reduced to `caller` with the last. `payload` is None while nothing is done yet. `forgotten` are those of whom
    nothing may be remembered from this conversation any more."""

    arrived_at: str
    payload: PayloadStamp | None = None
    caller: str | None = None
    callers: list[str] = field(default_factory=list)
    memories: list[RememberedMemory] = field(default_factory=list)
    reprocess: bool = False
    withheld: list[str] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)

    @property
    def arrival(self) -> datetime:
        return datetime.fromisoformat(self.arrived_at)


def receipt_path(conversation_id: str) -> Path:
    return conversation_folder(conversation_id) / f"{conversation_id}_memory.json"


def read_receipt(conversation_id: str) -> Receipt | None:
    """The receipt; None where there is none, or none that can be read: then the call is simply not done."""
    try:
        value: dict[str, Any] = orjson.loads(receipt_path(conversation_id).read_bytes())
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


def write_receipt(conversation_id: str, receipt: Receipt) -> None:
    write_durably(receipt_path(conversation_id), orjson.dumps(asdict(receipt), option=orjson.OPT_INDENT_2))


def is_done(conversation_id: str, receipt: Receipt | None) -> bool:
    """Whether the stored transcription has been turned into memories. False too where there is no transcription."""
    if receipt is None or receipt.payload is None or receipt.reprocess:
        return False
    try:
        return receipt.payload.matches(transcription_path(conversation_id).stat())
    except FileNotFoundError:
        return False


def new_receipt(stamp: PayloadStamp) -> Receipt:
    """The receipt of a call that nothing was done for yet: its file's time is that of its arrival."""
    return Receipt(arrived_at=datetime.fromtimestamp(stamp.mtime_ns / 1e9, UTC).isoformat())


def content_digest(content: str) -> str:
    return sha256(content.encode()).hexdigest()
