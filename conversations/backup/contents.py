"""The parts of the payload folder that a backup holds, and the order in which they are copied.

Bodies without a call are copied first, then calls, then (after the databases) decisions. `reprocess --unreadable` moves
bodies to calls, so a body that moves meanwhile is copied at least once. Receipts are copied before the databases, so
these hold each memory that a receipt names. Decisions are copied last, so the backup knows all that they forbid.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from conversations.files.paths import conversation_ids, payload_root

_FIRST = "_unreadable", "_events"
_DECISIONS = "_forgotten", "_forgetting", "_deleted", "_reduced", "_decisions"
# Not copied: deliveries that are not acknowledged yet, locks, heartbeats, results of runs, a password, and the head
# of the audit log, which is recomputed from the restored log.
_LEFT_OUT = (
    "_spool", "_locks", "_worker", "_workers", "_backup", "_backfilled", "_verified", "_verifying", "_restoring",
    "_audit_head", "_first_login.txt",
)  # fmt: skip


def folders() -> Iterator[str]:
    """The folders with payloads, relative to the payload folder: bodies without a call first, then calls."""
    yield from _FIRST
    yield from conversation_ids()


def decision_folders() -> Iterator[str]:
    """The folders with decisions and what belongs to them, relative to the payload folder."""
    for name in _DECISIONS:
        if (payload_root() / name).is_dir():
            yield name
            yield from (f"{name}/{entry.name}" for entry in os.scandir(payload_root() / name) if entry.is_dir())


def files_in(folder: str) -> list[str]:
    """The paths of the files in this folder, relative to the payload folder; none if it is gone."""
    try:
        with os.scandir(f"{payload_root()}/{folder}") as entries:
            return sorted(f"{folder}/{entry.name}" for entry in entries if entry.is_file(follow_symlinks=False))
    except FileNotFoundError:
        return []


def is_decision(path: str) -> bool:
    """Whether this path belongs to a decision. Restored decisions are added to existing ones."""
    return path.partition("/")[0] in _DECISIONS


def unknown_entries() -> list[str]:
    """The names in the payload folder that elmemory does not know. They are not copied."""
    known = {*_FIRST, *_DECISIONS, *_LEFT_OUT}
    try:
        return sorted(
            entry.name
            for entry in os.scandir(payload_root())
            if entry.name not in known and not (entry.is_dir() and entry.name[:1].isalnum())
        )
    except FileNotFoundError:
        return []


def holds_payloads(folder: Path) -> bool:
    """Whether this payload folder holds payloads."""
    return any(any((folder / name).iterdir()) for name in payload_folders(folder))


def payload_folders(folder: Path) -> Iterator[str]:
    """Yields the names of the folders with payloads in this payload folder. They may be moved meanwhile."""
    if folder.is_dir():
        with os.scandir(folder) as entries:
            for entry in entries:
                if (entry.name in _FIRST or entry.name[:1].isalnum()) and entry.is_dir():
                    yield entry.name
