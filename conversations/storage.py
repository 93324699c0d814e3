"""Payload files: where each stands, and how a delivery is put there so that it survives anything.

A delivery is spooled to a file in the payload folder first. `accept` puts it in its place; when it
returns, file and folder are on the disk.
"""

import contextlib
import fcntl
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path
from typing import IO, Any, Literal, NamedTuple

import structlog
from django.conf import settings

from conversations.locks import delivery_lock
from conversations.outline import LongString, NotReadable, decode_base64, parse, read_outline
from conversations.values import number

log = structlog.get_logger(__name__)

TRANSCRIPTION = "post_call_transcription"
AUDIO = "post_call_audio"
FAILURE = "call_initiation_failure"

_CONVERSATION_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
_EVENT_TYPE = re.compile(r"[a-z_]{1,64}")
_ABANDONED_AFTER = 60
_LATEST = 2**40

# Deliveries that this process could not store; the sender was told so.
refused = 0


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of a delivery."""

    status: Literal["received", "duplicate", "unreadable"]
    type: str = ""
    conversation_id: str = ""


class Spool(NamedTuple):
    path: Path
    file: IO[bytes]


def is_conversation_id(text: object) -> bool:
    """Other ids never become a path."""
    return isinstance(text, str) and _CONVERSATION_ID.fullmatch(text) is not None


def conversation_folder(conversation_id: str) -> Path:
    if not is_conversation_id(conversation_id):
        raise ValueError("not a conversation id")
    return _root() / conversation_id


def payload_path(conversation_id: str, event_type: str) -> Path:
    """The spec'd path of the payload of this type of event."""
    match event_type:
        case "post_call_transcription":
            suffix = "transcription.json"
        case "post_call_audio":
            suffix = "audio.mp3"
        case "call_initiation_failure":
            suffix = "failure.json"
        case _:
            suffix = f"event_{event_type}.json"
    return conversation_folder(conversation_id) / f"{conversation_id}_{suffix}"


def transcription_path(conversation_id: str) -> Path:
    return payload_path(conversation_id, TRANSCRIPTION)


def conversation_ids() -> Iterator[str]:
    """Of all conversations that have a folder."""
    with contextlib.suppress(FileNotFoundError), os.scandir(_root()) as entries:
        for entry in entries:
            if is_conversation_id(entry.name) and entry.is_dir():
                yield entry.name


def conversation_files(conversation_id: str) -> list[Path]:
    """All files of the conversation; none where it has no folder."""
    folder = conversation_folder(conversation_id)
    return sorted(folder.iterdir()) if folder.is_dir() else []


def is_deleted(conversation_id: str) -> bool:
    """Whether staff deleted the conversation: it is not taken in again."""
    return _tombstone(conversation_id).exists()


def unreadable_paths() -> list[Path]:
    """The signed bodies that could not be read when they came."""
    return sorted((_root() / "_unreadable").glob("*.json"))


def free_bytes() -> int:
    return shutil.disk_usage(_spool_folder()).free


@contextmanager
def spool() -> Iterator[Spool]:
    """A new file in the payload folder for a body that is on its way in; gone afterwards, if it is still there.

    It is flocked for as long as it is open: what a clean-up can lock is what a dead process left behind.
    """
    path = _spool_folder() / f"{time.time_ns()}-{secrets.token_hex(8)}"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w+b", buffering=2**18) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield Spool(path, file)
        finally:
            path.unlink(missing_ok=True)


def remove_abandoned_spools() -> int:
    """Remove what dead processes left behind; how many files that were."""
    removed = 0
    for path in _spool_folder().iterdir():
        with contextlib.suppress(OSError), path.open("rb") as file:
            if time.time() - os.fstat(file.fileno()).st_mtime > _ABANDONED_AFTER:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()
                removed += 1
    return removed


def accept(spooled: Spool, *, only_if_missing: bool = False) -> Delivery:
    """Put a verified delivery in its place, durably. Raises OSError where that cannot be done.

    `only_if_missing` leaves alone whatever stands in its place already, and then tells a duplicate.
    """
    spooled.file.flush()
    try:
        event, event_type, conversation_id = _header(spooled.file)
    except NotReadable as error:
        return _keep_unreadable(spooled, str(error))
    path = payload_path(conversation_id, event_type)
    try:
        if event_type == AUDIO:
            with spool() as audio:
                _extract_audio(spooled.file, event, audio.file)
                status = _place(audio, path, _event_time(event), only_if_missing=only_if_missing)
        else:
            status = _place(spooled, path, _event_time(event), only_if_missing=only_if_missing)
    except NotReadable as error:
        return _keep_unreadable(spooled, str(error))
    return Delivery(status, event_type, conversation_id)


def write_durably(path: Path, content: bytes) -> None:
    """Write a file of ours beside the payloads, whole or not at all."""
    with spool() as spooled:
        spooled.file.write(content)
        spooled.file.flush()
        os.fsync(spooled.file.fileno())
        _make_folder(path.parent)
        spooled.path.replace(path)
        _fsync_folder(path.parent)


def delete_conversation(conversation_id: str) -> None:
    """Delete the conversation's folder, durably and for good: what is delivered of it later is a duplicate.

    What tells whose call it was goes last: where this is broken off, the rest is still found under the caller.
    """
    folder = conversation_folder(conversation_id)
    telling = payload_path(conversation_id, FAILURE), transcription_path(conversation_id)
    with delivery_lock(conversation_id):
        tombstone = _tombstone(conversation_id)
        _make_folder(tombstone.parent)
        tombstone.touch()
        _fsync_folder(tombstone.parent)
        if not folder.is_dir():
            return
        for path in sorted(folder.iterdir(), key=lambda path: telling.index(path) if path in telling else -1):
            if path in telling:
                _fsync_folder(folder)
            path.unlink()
        folder.rmdir()
        _fsync_folder(folder.parent)


def _tombstone(conversation_id: str) -> Path:
    return _root() / "_deleted" / conversation_folder(conversation_id).name


def _header(spooled: IO[bytes]) -> tuple[dict[str, Any], str, str]:
    spooled.seek(0)
    event = read_outline(spooled)
    if not isinstance(event, dict) or not isinstance(event.get("data"), dict):
        raise NotReadable("not an event")
    event_type, conversation_id = event.get("type"), event["data"].get("conversation_id")
    if not isinstance(event_type, str) or not _EVENT_TYPE.fullmatch(event_type):
        raise NotReadable("an event without a type")
    if not is_conversation_id(conversation_id):
        raise NotReadable("an event without a usable conversation id")
    return event, event_type, conversation_id


def _extract_audio(spooled: IO[bytes], event: dict[str, Any], audio: IO[bytes]) -> None:
    text = event["data"].get("full_audio")
    if not isinstance(text, str | LongString):
        raise NotReadable("an audio event without audio")
    decode_base64(spooled, text, audio)
    audio.flush()
    # An MP3 does not say when its event was made; the time of the file does.
    os.utime(audio.fileno(), (_event_time(event),) * 2)


def _place(spooled: Spool, path: Path, event_time: float, *, only_if_missing: bool) -> Literal["received", "duplicate"]:
    """Bytes that are known already are left alone. Of several versions the one with the latest event stands on
    the path, of equally late ones the last that came; the others stand beside it."""
    os.fsync(spooled.file.fileno())
    size, digest = os.fstat(spooled.file.fileno()).st_size, _digest(spooled.file)
    with delivery_lock(path.parent.name):
        if is_deleted(path.parent.name):
            return "duplicate"
        _make_folder(path.parent)
        versions = [version for version in (path, *path.parent.glob(f"{path.stem}.*{path.suffix}")) if version.exists()]
        if any(version.stat().st_size == size and _digest_of(version) == digest for version in versions):
            # The process that wrote it may have died between its rename and its fsync.
            _fsync_folder(path.parent)
            return "duplicate"
        target = path
        if path.exists():
            if only_if_missing:
                return "duplicate"
            if _event_time_of(path) > event_time:
                target = _beside(path, digest)
            else:
                with contextlib.suppress(FileExistsError):
                    _beside(path, _digest_of(path)).hardlink_to(path)
        spooled.path.replace(target)
        _fsync_folder(path.parent)
    return "received"


def _keep_unreadable(spooled: Spool, reason: str) -> Delivery:
    os.fsync(spooled.file.fileno())
    path = _root() / "_unreadable" / f"{_digest(spooled.file)}.json"
    _make_folder(path.parent)
    if not path.exists():
        spooled.path.replace(path)
    _fsync_folder(path.parent)
    log.warning("kept a signed body that cannot be read", reason=reason, file=path.name)
    return Delivery("unreadable")


def _beside(path: Path, digest: str) -> Path:
    return path.with_name(f"{path.stem}.{digest[:8]}{path.suffix}")


def _event_time(event: dict[str, Any]) -> float:
    """When the event was made, in Unix seconds; when it came, where it does not say."""
    stated = number(event.get("event_timestamp"))
    return stated if stated is not None and 0 < stated < _LATEST else time.time()


def _event_time_of(path: Path) -> float:
    arrival = path.stat().st_mtime
    if path.suffix != ".mp3":
        with contextlib.suppress(NotReadable, AttributeError):
            stated = number(parse(path.read_bytes()).get("event_timestamp"))
            if stated is not None and 0 < stated < _LATEST:
                return stated
    return arrival


def _digest(file: IO[bytes]) -> str:
    file.seek(0)
    return file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]


def _digest_of(path: Path) -> str:
    with path.open("rb") as file:
        return _digest(file)


def _make_folder(folder: Path) -> None:
    if not folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        _fsync_folder(folder.parent)


def _fsync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _spool_folder() -> Path:
    folder = _root() / "_spool"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _root() -> Path:
    return Path(settings.PAYLOAD_STORAGE_PATH)
