"""What a backup holds of the payload folder, and in which order it is copied.

Files are copied in this order: bodies without a call, then calls, later (after the databases) decisions. `reprocess
--unreadable` moves bodies to calls, so one that moves meanwhile is copied at least once. Receipts come before the
databases, so each memory that a receipt names is in them; decisions come last, so what they forbid is known.
"""

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from conversations.files.paths import conversation_ids, payload_root

_FIRST = "_unreadable", "_events"
_DECISIONS = "_forgotten", "_forgetting", "_deleted", "_reduced", "_decisions"
# Not copied: what is not acknowledged yet, locks, signs of life, results of runs, a password, and the head of the
# audit log, which is made from the restored log.
_LEFT_OUT = (
    "_spool",
    "_locks",
    "_worker",
    "_workers",
    "_backup",
    "_backfilled",
    "_verified",
    "_verifying",
    "_restoring",
    "_audit_head",
    "_first_login.txt",
)
_MOST_SHOWN = 10


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
    """The paths of the files in this folder, relative to the payload folder; none where it is gone."""
    try:
        with os.scandir(f"{payload_root()}/{folder}") as entries:
            return sorted(f"{folder}/{entry.name}" for entry in entries if entry.is_file(follow_symlinks=False))
    except FileNotFoundError:
        return []


def is_decision(path: str) -> bool:
    """Whether this path of a backup is of a decision: these are added to the present ones."""
    return path.partition("/")[0] in _DECISIONS


def unknown_entries() -> list[str]:
    """What lies in the payload folder and is none of ours: it is not copied."""
    known = {*_FIRST, *_DECISIONS, *_LEFT_OUT}
    try:
        return sorted(
            entry.name
            for entry in os.scandir(payload_root())
            if entry.name not in known and not (entry.is_dir() and entry.name[:1].isalnum())
        )
    except FileNotFoundError:
        return []


def payloads_of(folder: Path) -> list[str]:
    """The names of folders in this payload folder that hold payloads: at most a few."""
    filled = (name for name in payload_folders(folder) if any((folder / name).iterdir()))
    return list(islice(filled, _MOST_SHOWN))


def payload_folders(folder: Path) -> Iterator[str]:
    """The names of the folders of payloads in this payload folder. They may be moved meanwhile."""
    if folder.is_dir():
        with os.scandir(folder) as entries:
            for entry in entries:
                if (entry.name in _FIRST or entry.name[:1].isalnum()) and entry.is_dir():
                    yield entry.name
