"""Makes the row of a conversation in the index from its files."""

import os
import statistics
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, NamedTuple

from django.utils.timezone import get_default_timezone, localdate

from conversations.files.deletion import payload_files
from conversations.files.paths import AUDIO, FAILURE, TRANSCRIPTION, folder_text, payload_text
from conversations.files.receipts import PAYLOAD, PayloadStamp, Receipt, is_done, new_receipt, read_receipt
from conversations.files.stored import StoredCall, read_call, read_failure
from conversations.index.fulltext import Text
from conversations.index.labels import labels_of
from conversations.index.references import caller_reference, sort_key
from conversations.models import CallLabel, Channel, Conversation, Direction, MemoryState, Outcome, Recall
from conversations.payloads.failure import Failure
from conversations.payloads.outline import NotReadable
from conversations.payloads.transcription import Transcription

# The columns that remain when a call's payload is removed: no text, and no number.
_KEPT = (
    "agent_id", "agent_name", "direction", "channel", "started_at", "duration_seconds", "outcome",
    "successful", "cost", "recall", "language", "first_answer_ms", "turn_ms",
)  # fmt: skip
# A longer wait is an error of the payload.
_LONGEST_WAIT_SECONDS = 3600


class Row(NamedTuple):
    """The contents of a conversation's files: the columns, the text for the search, and the labels."""

    columns: dict[str, Any]
    text: Text
    labels: list[CallLabel]


def row_values(conversation_id: str, read: StoredCall | None = None) -> Row:
    """The row made from the conversation's files. `read` is the transcription if it was just read."""
    row: dict[str, Any] = {
        "audio_at": _modified(payload_text(conversation_id, AUDIO)),
        "failure_at": _modified(payload_text(conversation_id, FAILURE)),
    }
    row |= {"has_audio": row["audio_at"] is not None, "has_failure": row["failure_at"] is not None}
    try:
        call, stamp = _stored_call(conversation_id, read)
    except FileNotFoundError:
        title, receipt = "", read_receipt(conversation_id)
        if receipt:
            row |= _receipt_columns(receipt)
        elif failure := read_failure(conversation_id):
            row |= _failure_columns(failure, row["failure_at"])
            title = row["title"]
        else:
            row |= day_columns(moment(_first_modified(conversation_id)))
        arrival = receipt.arrival if receipt else moment(_first_modified(conversation_id))
        row |= _retention_columns(conversation_id, row["started_at"], arrival, receipt.due if receipt else {})
        return Row(row, Text(sort_key(conversation_id, row["started_at"]), "", title, "", ""), [])
    modified = stamp.mtime_ns / 1e9
    receipt = read_receipt(conversation_id)
    row |= _call_columns(call)
    if not stamp.sha256:
        row |= {"outcome": Outcome.UNKNOWN, "channel": Channel.UNKNOWN}
    arrival = (receipt or new_receipt(stamp)).arrival
    row |= day_columns(call.started_at(arrival))
    row |= _retention_columns(conversation_id, row["started_at"], arrival, call.deletion_due)
    row |= {
        "has_transcription": True,
        "transcription_at": modified,
        "memories": len(receipt.memories) if receipt else 0,
        "withholds": bool(receipt and receipt.withheld),
    }
    if not is_done(conversation_id, receipt):
        row |= {"memory_state": MemoryState.PENDING, "pending_since": modified}
    else:
        row["memory_state"] = MemoryState.WRITTEN if row["memories"] else MemoryState.NONE
    said = "\n".join(turn.message for turn in call.turns if turn.kind != "keypad")
    key = sort_key(conversation_id, row["started_at"])
    text = Text(key, row["caller_name"], call.title, call.summary, said)
    return Row(row, text, labels_of(call, key))


def _stored_call(conversation_id: str, read: StoredCall | None) -> StoredCall:
    """The stored transcription, which is `read` if the file is still that version; empty if it is unreadable."""
    stat = os.stat(payload_text(conversation_id, TRANSCRIPTION))
    if read is not None and read.stamp.matches(stat):
        return read
    try:
        return read_call(conversation_id)
    except NotReadable:
        return StoredCall(Transcription({}), PayloadStamp("", stat.st_size, stat.st_mtime_ns))


def _call_columns(call: Transcription) -> dict[str, Any]:
    match call.status, call.channel:
        case "failed", _:
            outcome = Outcome.FAILED
        case _, "web":
            outcome = Outcome.WEB
        case _:
            outcome = Outcome.DONE
    direction = Direction.OUTBOUND if call.outbound else Direction.INBOUND
    return {
        "agent_id": _short(call.agent_id, 128),
        "agent_name": _short(call.agent_name, 128),
        "caller": call.caller or "",
        "caller_ref": caller_reference(call.caller or ""),
        "caller_name": _short(call.caller_name, 128),
        "direction": Direction.WEB if call.channel in ("web", "chat") else direction,
        "channel": Channel(call.channel),
        "duration_seconds": call.duration_seconds,
        "outcome": outcome,
        "successful": _short(call.successful, 32),
        "cost": call.cost,
        "language": _short(call.language.casefold(), 16),
        "first_answer_ms": _milliseconds(call.waits[0]) if call.waits else None,
        "turn_ms": _milliseconds(statistics.median(call.waits)) if call.waits else None,
        "title": _short(call.title or call.summary, 200),
        "recall": Recall(call.recall),
    }


def _failure_columns(failure: Failure, arrived_at: float) -> dict[str, Any]:
    return {
        "agent_id": _short(failure.agent_id, 128),
        "caller": failure.caller or "",
        "caller_ref": caller_reference(failure.caller or ""),
        "direction": Direction.OUTBOUND,
        "channel": Channel.PHONE,
        "outcome": Outcome.UNCONNECTED,
        "title": failure.title,
        **day_columns(failure.at(moment(arrived_at))),
    }


def _receipt_columns(receipt: Receipt) -> dict[str, Any]:
    """The columns of a call whose transcription was removed. Its memories remain."""
    started_at = receipt.call.get("started_at")
    return {
        **{name: value for name, value in receipt.call.items() if name in _KEPT},
        **day_columns(datetime.fromisoformat(started_at) if started_at else receipt.arrival),
        "caller": receipt.caller or "",
        "caller_ref": caller_reference(receipt.caller or ""),
        "title": "Transcript removed by retention" if PAYLOAD in receipt.removed else "",
        "memories": len(receipt.memories),
        "memory_state": MemoryState.WRITTEN if receipt.memories else MemoryState.NONE,
    }


def kept_columns(row: Conversation) -> dict[str, Any]:
    """The columns that the receipt keeps when the payload is removed: JSON values without personal data."""
    kept = {name: getattr(row, name) for name in _KEPT}
    return kept | {"started_at": row.started_at.isoformat() if row.started_at else ""}


def _retention_columns(
    conversation_id: str, started_at: datetime, arrival: datetime, due: Mapping[str, int]
) -> dict[str, float | None]:
    """For each stored kind, the start of retention and the time at which ElevenLabs deletes it.

    Retention starts with the call or, since a payload may name a start in the future, with its arrival if that was
    earlier.
    """
    stored, since = payload_files(conversation_id), min(started_at, arrival).timestamp()
    return {f"{kind}_since": since for kind in stored} | {f"{kind}_due": due.get(kind) for kind in stored}


def moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def day_columns(started_at: datetime) -> dict[str, Any]:
    return {"started_at": started_at, "started_on": localdate(started_at, get_default_timezone())}


def _modified(path: str) -> float | None:
    try:
        return os.stat(path).st_mtime
    except FileNotFoundError:
        return None


def _first_modified(conversation_id: str) -> float:
    try:
        with os.scandir(folder_text(conversation_id)) as entries:
            return min((entry.stat().st_mtime for entry in entries), default=0)
    except FileNotFoundError:
        return 0


def fingerprint(conversation_id: str) -> str:
    """A hash that changes with any file of the conversation; empty if there is none."""
    try:
        with os.scandir(folder_text(conversation_id)) as entries:
            stats = sorted((entry.name, entry.stat()) for entry in entries)
    except FileNotFoundError:
        return ""
    files = "|".join(f"{name}:{stat.st_size}:{stat.st_mtime_ns}" for name, stat in stats)
    return sha256(files.encode()).hexdigest() if files else ""


def _milliseconds(seconds: float) -> int | None:
    """The wait in milliseconds, rounded to hundredths of a second as pages show it; None if it cannot be right."""
    return round(seconds * 100) * 10 if seconds < _LONGEST_WAIT_SECONDS else None


def _short(value: str, length: int) -> str:
    return value.replace("\x00", "")[:length]
