"""Deleted conversations: their files are removed, and a tombstone in `_deleted/` keeps them from coming back.

Retention removes the payloads of a call and leaves no tombstone.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from conversations.files.durable import make_folder, sync_folder
from conversations.files.locks import delivery_lock
from conversations.files.paths import (
    FAILURE,
    conversation_files,
    conversation_folder,
    payload_path,
    payload_root,
    transcription_path,
)
from conversations.files.receipts import PAYLOAD, RECORDING

_VERSION = r"(?:\.[0-9a-f]{8})?"
# The names of payloads without the conversation id, by what retention calls them.
KINDS = {
    RECORDING: re.compile(rf"audio{_VERSION}\.mp3"),
    PAYLOAD: re.compile(rf"(?:transcription|failure|event_[a-z_]+){_VERSION}\.json"),
}


def is_deleted(conversation_id: str) -> bool:
    """Whether staff deleted the conversation. Deliveries of it are not stored."""
    return _tombstone(conversation_id).exists()


def delete_conversation(conversation_id: str) -> None:
    """Delete the conversation's folder durably. A later delivery of it is answered as a duplicate.

    The files that name the caller are deleted last: after an interruption the rest is still found under the caller.
    """
    folder = conversation_folder(conversation_id)
    naming = payload_path(conversation_id, FAILURE), transcription_path(conversation_id)
    with delivery_lock(conversation_id):
        tombstone = _tombstone(conversation_id)
        make_folder(tombstone.parent)
        tombstone.touch()
        sync_folder(tombstone.parent)
        if not folder.is_dir():
            return
        for path in sorted(folder.iterdir(), key=lambda path: naming.index(path) if path in naming else -1):
            if path in naming:
                sync_folder(folder)
            path.unlink()
        folder.rmdir()
        sync_folder(folder.parent)


def payload_files(conversation_id: str) -> dict[str, list[Path]]:
    """The stored payloads with all versions, under "audio" and "payload", as retention tells them apart."""
    found: dict[str, list[Path]] = defaultdict(list)
    for path in conversation_files(conversation_id):
        for kind, pattern in KINDS.items():
            if pattern.fullmatch(path.name.removeprefix(f"{conversation_id}_")):
                found[kind].append(path)
    return dict(found)


def remove_files(conversation_id: str, paths: Iterable[Path]) -> None:
    """Remove these files of the conversation durably, and its folder if nothing is left. Hold its delivery lock."""
    folder = conversation_folder(conversation_id)
    for path in paths:
        path.unlink(missing_ok=True)
    sync_folder(folder)
    if not any(folder.iterdir()):
        folder.rmdir()
        sync_folder(folder.parent)


def _tombstone(conversation_id: str) -> Path:
    return payload_root() / "_deleted" / conversation_folder(conversation_id).name
