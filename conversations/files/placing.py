"""Placing: moves spooled payloads to their paths, durably."""

import contextlib
import io
import os
import re
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from hashlib import file_digest
from typing import Any, Literal

import structlog

from conversations.files import decisions, opted_out
from conversations.files.decisions import is_deleted
from conversations.files.durable import sync_folder
from conversations.files.encodings import without_compression
from conversations.files.locks import Busy, delivery_lock
from conversations.files.paths import AUDIO, FAILURE, TRANSCRIPTION, is_conversation_id, payload_root, payload_text
from conversations.files.receipts import removed_digest
from conversations.files.spool import Spool, spool
from conversations.payloads.base64_text import decode_base64
from conversations.payloads.outline import LongString, NotReadable, parse, read_outline
from conversations.payloads.values import event_seconds

log = structlog.get_logger(__name__)
_FLUSHES = 4
_flushes = ThreadPoolExecutor(_FLUSHES, thread_name_prefix="flush")
_EVENT_TYPE = re.compile(r"[a-z_]{1,64}")


@dataclass(frozen=True, slots=True)
class Delivery:
    """The result of placing. `type` and `conversation_id` are empty for an unreadable body."""

    status: Literal["received", "duplicate", "unreadable"]
    type: str = ""
    conversation_id: str = ""


def accept(spooled: Spool, *, only_if_missing: bool = False) -> Delivery:
    """Place one verified body durably. Raises OSError.

    With `only_if_missing`, the body is a duplicate if a payload is on the path already.
    """
    (outcome,) = accept_all([spooled], only_if_missing=only_if_missing)
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def accept_all(
    spools: Sequence[Spool], *, only_if_missing: bool = False, wait: bool = True
) -> list[Delivery | Exception]:
    """Place a batch of verified bodies durably; the n-th result is the Delivery of the n-th body or its error.

    A batch flushes each folder once and lets the disk write files side by side. An error does not affect the other
    bodies. With wait=False, a body whose conversation is locked elsewhere gets Busy.
    """
    with ExitStack() as recordings:
        arrivals = [_Arrival(spooled, only_if_missing) for spooled in spools]
        _each(arrivals, lambda arrival: arrival.read(recordings))
        _each(arrivals, _Arrival.save)
        _at_once(lambda arrival: _each([arrival], _Arrival.sync), arrivals)
        with delivery_lock(*(arrival.lock_name for arrival in arrivals if not arrival.fault), wait=wait) as locked:
            _each(arrivals, lambda arrival: arrival.confirm(locked))
            _each(arrivals, _Arrival.prepare)
            _each(arrivals, _Arrival.skip_if_deleted)
            kept = [arrival for arrival in arrivals if not arrival.is_left_out]
            _each(kept, _Arrival.make_folder)
            _each(kept, _Arrival.place)
            _sync_folders([arrival for arrival in arrivals if arrival.is_stored_whole or not arrival.is_left_out])
    return [arrival.fault or Delivery(arrival.status, arrival.type, arrival.conversation_id) for arrival in arrivals]


def reason_unreadable(spooled: Spool) -> str:
    """The reason why the body cannot be read; empty if it can. Places nothing. Raises TooLarge."""
    with ExitStack() as recordings:
        arrival = _Arrival(spooled, only_if_missing=True)
        arrival.read(recordings)
        return arrival.reason


class _Arrival:
    """One body of a batch. Its methods are the steps of placing; after a `fault` the remaining steps are skipped."""

    def __init__(self, spooled: Spool, only_if_missing: bool) -> None:
        self.spooled = spooled
        self.only_if_missing = only_if_missing
        self.fault: Exception | None = None
        self.status: Literal["received", "duplicate", "unreadable"] = "received"
        self.type = self.conversation_id = self.reason = ""
        self.made_folder = False
        self.share: opted_out.Share = "all"
        self.is_left_out = self.is_stored_whole = False

    def read(self, recordings: ExitStack) -> None:
        try:
            self.spooled = without_compression(self.spooled, recordings)
            event, self.type, self.conversation_id = _header(self.spooled)
            self._event_time = _event_time(event)
            self._path = self._event_path() or payload_text(self.conversation_id, self.type)
            content = self._content(event) if opted_out.names_caller(self.type) else None
            self.share = opted_out.share_of(self.type, self.conversation_id, content)
            self._whole = self.spooled
            if self.share != "all":
                self.is_left_out = self.share == "none" or self.type not in (TRANSCRIPTION, FAILURE)
                if not self.is_left_out:
                    self.spooled = recordings.enter_context(spool())
                    self.spooled.write(opted_out.reduced(content or self._content(event)))
            elif self.type == AUDIO:
                recording = recordings.enter_context(spool())
                _extract_audio(self.spooled, event, recording)
                self.spooled = recording
        except NotReadable as error:
            self.status, self.type, self.conversation_id = "unreadable", "", ""
            self._path = f"{payload_root()}/_unreadable/{self.spooled.digest()}.json"
            self.reason = str(error)
        self.folder, self._name = os.path.split(self._path)
        self.lock_name = os.path.basename(self.folder)

    def _event_path(self) -> str | None:
        """The path of an event without a conversation; None for other events."""
        return (
            None if self.conversation_id else f"{payload_root()}/_events/{self.type}_{self.spooled.digest()[:16]}.json"
        )

    def _content(self, event: dict[str, Any]) -> dict[str, Any]:
        """The whole event. Raises NotReadable."""
        return event if self.spooled.in_memory is not None else parse(self.spooled.rewound().read())

    def save(self) -> None:
        """Write the content to the operating system, and start writeback before the first fsync waits."""
        if self.is_left_out:
            return
        descriptor = self.spooled.save()
        if self.type == AUDIO:
            # An MP3 has no event timestamp, so the file's mtime keeps it.
            os.utime(descriptor, (self._event_time,) * 2)
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)

    def sync(self) -> None:
        if not self.is_left_out:
            os.fsync(self.spooled.save())

    def confirm(self, locked: frozenset[str]) -> None:
        if self.lock_name not in locked:
            raise Busy

    def prepare(self) -> None:
        """Leave this body out, or delete the conversation's earlier files, as the share of an opted-out caller
        requires.

        A body that is stored already in full is not reduced.
        """
        if self.share == "all":
            return
        if is_deleted(self.conversation_id):
            self.status, self.is_left_out = "duplicate", True
        elif self._is_known(self._whole):
            self.status, self.is_left_out, self.is_stored_whole = "duplicate", True, True
        elif self.type in (TRANSCRIPTION, FAILURE):
            opted_out.prepare(self.conversation_id, self.share)
        else:
            self.status, self.is_left_out = "duplicate", True

    def skip_if_deleted(self) -> None:
        if self.status == "unreadable":
            self.is_left_out = is_deleted(self._name.removesuffix(".json"))  # staff discarded these bytes
        if self.is_left_out or not self.conversation_id:
            return
        if is_deleted(self.conversation_id) or (self.share == "all" and self._belongs_to_reduced()):
            self.status, self.is_left_out = "duplicate", True

    def _belongs_to_reduced(self) -> bool:
        """Whether the call was reduced by a body of this batch, or by one that arrived at the same time."""
        return self.type not in (TRANSCRIPTION, FAILURE) and decisions.is_reduced(self.conversation_id)

    def _is_known(self, spooled: Spool) -> bool:
        """Whether these bytes are a stored version."""
        if not os.path.isdir(self.folder):
            return False
        content = spooled.in_memory
        size = len(content) if content is not None else spooled.file.seek(0, os.SEEK_END)
        versions = [version for version in _versions(self._path) if os.path.getsize(version) == size]
        return bool(versions) and spooled.digest() in map(_digest_of, versions)

    def make_folder(self) -> None:
        with contextlib.suppress(FileExistsError):
            os.mkdir(self.folder)
            self.made_folder = True

    def place(self) -> None:
        """Move the file to the path or beside it; known bytes are a duplicate.

        The version with the latest event timestamp is on the path; of equal timestamps, the last to arrive.
        """
        if self.status == "unreadable":
            log.warning("kept a signed body that cannot be read", reason=self.reason, file=self._name)
        if target := self._path if self.made_folder else self._target():
            self.spooled.move_to(target)
        elif self.status == "received":
            self.status = "duplicate"

    def _target(self) -> str | None:
        """The path for this version, after moving an older version aside; None if nothing is to be placed."""
        path = self._path
        if not self.conversation_id:
            return None if os.path.exists(path) else path
        if not (versions := _versions(path)):
            removed = removed_digest(self.conversation_id) if self.type == TRANSCRIPTION else ""
            return None if removed and removed == self.spooled.digest() else path
        if self._is_known(self.spooled):
            return None
        digest = self.spooled.digest()
        if path in versions:
            if self.only_if_missing:
                return None
            if _event_time_of(path) > self._event_time:
                return _beside(path, digest)
            with contextlib.suppress(FileExistsError):
                os.link(path, _beside(path, _digest_of(path)))
        return path


def _each(arrivals: Iterable[_Arrival], step: Callable[[_Arrival], None]) -> None:
    """Run the step for each arrival without a fault. An exception becomes the arrival's fault."""
    for arrival in arrivals:
        if not arrival.fault:
            try:
                step(arrival)
            except Exception as error:
                arrival.fault = error


def _sync_folders(arrivals: Iterable[_Arrival]) -> None:
    """Flush each folder, and the folder that holds it, once.

    Those of duplicates and of existing folders too: the process that made them may have died before flushing.
    """
    of_folder: defaultdict[str, list[_Arrival]] = defaultdict(list)
    for arrival in arrivals:
        if not arrival.fault:
            of_folder[arrival.folder].append(arrival)
            of_folder[os.path.dirname(arrival.folder)].append(arrival)

    def sync(folder: str) -> None:
        try:
            sync_folder(folder)
        except OSError as error:
            for arrival in of_folder[folder]:
                arrival.fault = error

    _at_once(sync, of_folder)


def _at_once[T](flush: Callable[[T], None], items: Collection[T]) -> None:
    """Flush several of these items at a time, which a disk does faster than one after the other."""
    left = iter(items)

    def flush_left() -> None:
        for item in left:
            flush(item)

    if len(items) > 1:
        # A future for each item would take longer than its flush on a quick disk.
        for done in [_flushes.submit(flush_left) for _ in range(min(_FLUSHES, len(items)))]:
            done.result()
    else:
        flush_left()


def _header(spooled: Spool) -> tuple[dict[str, Any], str, str]:
    """The event with its type and conversation id. Raises NotReadable."""
    event = parse(content) if (content := spooled.in_memory) is not None else read_outline(spooled.file)
    if not isinstance(event, dict):
        raise NotReadable("not an event")
    data, event_type = event.get("data"), event.get("type")
    conversation_id = data.get("conversation_id") if isinstance(data, dict) else None
    if not isinstance(event_type, str) or not _EVENT_TYPE.fullmatch(event_type):
        raise NotReadable("an event without a type")
    if not conversation_id and event_type not in (TRANSCRIPTION, AUDIO, FAILURE):
        return event, event_type, ""
    if not isinstance(conversation_id, str) or not is_conversation_id(conversation_id):
        raise NotReadable("an event without a usable conversation id")
    return event, event_type, conversation_id


def _extract_audio(spooled: Spool, event: dict[str, Any], recording: Spool) -> None:
    """Write the event's MP3 into `recording`. Raises NotReadable."""
    text = event["data"].get("full_audio")
    if isinstance(text, LongString):
        decode_base64(spooled.file, text, recording.write)
    elif isinstance(text, str):
        decode_base64(io.BytesIO(), text, recording.write)
    else:
        raise NotReadable("an audio event without audio")


def _versions(path: str) -> list[str]:
    """All stored versions of a payload: the file on its path and those beside it."""
    folder, newest = os.path.split(path)
    stem, suffix = os.path.splitext(newest)
    return [
        f"{folder}/{name}"
        for name in os.listdir(folder)
        if name == newest or (name.startswith(f"{stem}.") and name.endswith(suffix))
    ]


def _beside(path: str, digest: str) -> str:
    stem, suffix = os.path.splitext(path)
    return f"{stem}.{digest[:8]}{suffix}"


def _event_time(event: dict[str, Any]) -> float:
    """The event's timestamp in seconds since 1970; without one, the present time."""
    return event_seconds(event) or time.time()


def _event_time_of(path: str) -> float:
    """The event timestamp of a stored payload in seconds since 1970; without one, its arrival."""
    arrival = os.path.getmtime(path)
    if not path.endswith(".mp3"):
        with contextlib.suppress(NotReadable), open(path, "rb") as file:
            return event_seconds(read_outline(file)) or arrival
    return arrival


def _digest_of(path: str) -> str:
    with open(path, "rb") as file:
        return file_digest(file, "sha256").hexdigest()
