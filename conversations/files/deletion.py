"""Deletes conversations: their files are removed, and a tombstone in `_deleted/` keeps them from coming back.

Retention removes the payloads of a call and leaves no tombstone.
"""

import os
import re
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress

from conversations.files.decisions import mark_deleted
from conversations.files.durable import sync_folder
from conversations.files.locks import delivery_lock
from conversations.files.paths import FAILURE, conversation_folder, folder_text, payload_path, transcription_path
from conversations.files.receipts import PAYLOAD, RECORDING

_VERSION = r"(?:\.[0-9a-f]{8})?"
# By the kinds of retention: the names of payloads without the conversation id.
KINDS = {
    RECORDING: re.compile(rf"audio{_VERSION}\.mp3"),
    PAYLOAD: re.compile(rf"(?:transcription|failure|event_[a-z_]+){_VERSION}\.json"),
}


def delete_conversation(conversation_id: str) -> None:
    """Delete the conversation's folder durably. A later delivery of it is answered as a duplicate."""
    with delivery_lock(conversation_id):
        bury(conversation_id)


def bury(conversation_id: str) -> None:
    """Delete the conversation's folder durably. Its delivery lock must be held."""
    folder = conversation_folder(conversation_id)
    # Deleted last: after an interruption the other files are still found by caller.
    naming = payload_path(conversation_id, FAILURE), transcription_path(conversation_id)
    mark_deleted(conversation_id)
    if not folder.is_dir():
        return
    for path in sorted(folder.iterdir(), key=lambda path: naming.index(path) if path in naming else -1):
        if path in naming:
            sync_folder(folder)
        path.unlink()
    folder.rmdir()
    sync_folder(folder.parent)


def payload_files(conversation_id: str) -> dict[str, list[str]]:
    """The names of the stored payloads with all versions, by kind: recordings are "audio", all others "payload"."""
    found: dict[str, list[str]] = defaultdict(list)
    with suppress(FileNotFoundError):
        for name in os.listdir(folder_text(conversation_id)):
            for kind, pattern in KINDS.items():
                if pattern.fullmatch(name.removeprefix(f"{conversation_id}_")):
                    found[kind].append(name)
    return dict(found)


def remove_files(conversation_id: str, names: Iterable[str]) -> None:
    """Remove these files durably, and the folder if it is empty then. The delivery lock must be held."""
    folder = conversation_folder(conversation_id)
    for name in names:
        (folder / name).unlink(missing_ok=True)
    sync_folder(folder)
    if not any(folder.iterdir()):
        folder.rmdir()
        sync_folder(folder.parent)
