"""The hash chain of the audit log: each entry's hash covers its fields and the hash of the entry before it.

The newest hash is also written to a file, which reveals that entries were removed from the end. Whoever can write both
the database and that file can still rewrite the log: keep the output of `audit verify` elsewhere too.
"""

import fcntl
import os
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple, Protocol

import orjson
import structlog
from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac

from elmemory.environment.private_files import private_folder

log = structlog.get_logger(__name__)


class Chained(Protocol):
    """The fields of an entry, common to the model and its historical versions in migrations."""

    pk: int
    at: datetime
    user_id: int | None
    username: str
    action: str
    kind: str
    object: str
    caller: str
    detail: str
    address: str | None
    document: str
    hash: str


class Head(NamedTuple):
    """The newest entry of a log."""

    pk: int
    hash: str

    def __str__(self) -> str:
        return f"{self.pk}:{self.hash}"


def digest(previous: str, entry: Chained) -> str:
    """Return the hash of this entry, in hexadecimal. `previous` is the hash of the entry before it."""
    return sha256(previous.encode() + orjson.dumps(_fields(entry, entry.object))).hexdigest()


def _fields(entry: Chained, what: str) -> list[object]:
    at = entry.at.astimezone(UTC).isoformat(timespec="microseconds")
    fields = [
        entry.pk, at, entry.user_id, entry.username, entry.action, entry.kind, what, entry.caller, entry.detail,
        entry.address,
    ]  # fmt: skip
    # Only if there is one: the hashes of entries older than this field must stay the same.
    if document := getattr(entry, "document", ""):
        fields.append(document)
    return fields


def signature(summary: Chained) -> str:
    """Return the HMAC of a summary of closed entries, with a key derived from SECRET_KEY."""
    return _signature(summary, settings.SECRET_KEY)


def is_signed(summary: Chained) -> bool:
    """Whether the summary is signed with SECRET_KEY or one of its fallbacks."""
    keys = settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS
    return summary.action == "close" and any(
        constant_time_compare(summary.object, _signature(summary, key)) for key in keys
    )


def _signature(summary: Chained, key: str | bytes) -> str:
    # The object field holds the signature itself, so the hash from which the chain continues takes its place.
    signed = orjson.dumps(_fields(summary, summary.hash))
    return salted_hmac("elmemory.audit.closed", signed, key, algorithm="sha256").hexdigest()


def faults(entries: Iterable[Chained], written: Head | None, noted: Head | None = None) -> Iterator[str]:
    """Yield the faults of the log. `entries` are all entries, sorted by id.

    `written` is the head in the file, `noted` an earlier head that was kept elsewhere.
    """
    missing = {head for head in (noted, written) if head}
    previous, last = "", 0
    for entry in entries:
        if entry.pk < 0 and not last:
            # A summary: the chain continues from the last entry that it closes.
            previous, last = entry.hash, -entry.pk
            if not is_signed(entry):
                yield f"the summary of the closed entries up to {last} is not signed with this SECRET_KEY"
            closed = {head for head in missing if head.pk <= last}
            missing -= closed
            if any(head.pk == last and head.hash != entry.hash for head in closed):
                yield f"entry {last}, which is closed, is not the one that was written"
            continue
        if entry.hash != digest(previous, entry):
            gap = f"; entries {last + 1} to {entry.pk - 1} are missing" if entry.pk > last + 1 else ""
            yield f"entry {entry.pk} does not follow entry {last}{gap or ': one was changed, inserted or moved'}"
        here = {head for head in missing if head.pk == entry.pk}
        missing -= here
        if here - {Head(entry.pk, entry.hash)}:
            yield f"entry {entry.pk} is not the one that was written: the log was rewritten from there or before"
        previous, last = entry.hash, entry.pk
    for head in sorted(missing):
        yield f"entry {head.pk} was once the newest, but is missing: the end of the log was removed, from {last + 1} on"
    if written and last > written.pk:
        yield (
            f"entries {written.pk + 1} to {last} are newer than the head in its file:"
            " inserted by hand, or their process was killed before it wrote the head"
        )


def head_path() -> Path:
    return private_folder() / "_audit_head"


def read_head() -> Head | None:
    """Return the newest entry according to the file; None without a file. Raises ValueError if it is malformed."""
    try:
        return parse_head(head_path().read_text(encoding="ascii").strip())
    except FileNotFoundError:
        return None


def parse_head(text: str) -> Head:
    """Parse `ID:HASH`. Raises ValueError."""
    pk, _, hash_ = text.partition(":")
    if len(hash_) != 64:
        raise ValueError("not ID:HASH")
    return Head(int(pk), hash_)


def write_head(head: Head) -> None:
    """Write the head to its file, unless the file has a later one. A full disk is logged, not raised."""
    path = head_path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            known = os.pread(file, 100, 0).partition(b":")[0]
            if not known.isdigit() or int(known) < head.pk:
                os.pwrite(file, f"{head}\n".encode(), 0)
        finally:
            os.close(file)
    except OSError as error:
        log.error("the head of the audit log was not written", error=type(error).__name__, entry=head.pk)
