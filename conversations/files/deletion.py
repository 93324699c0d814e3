"""Deleted conversations: their files are removed and a tombstone keeps them from coming back."""

from pathlib import Path

from conversations.files.durable import make_folder, sync_folder
from conversations.files.locks import delivery_lock
from conversations.files.paths import FAILURE, conversation_folder, payload_path, payload_root, transcription_path


def is_deleted(conversation_id: str) -> bool:
    """Whether staff deleted the conversation: it is not taken in again."""
    return _tombstone(conversation_id).exists()


def delete_conversation(conversation_id: str) -> None:
    """Delete the conversation's folder, durably and for good: what is delivered of it later is a duplicate.

    What tells whose call it was goes last: where this is broken off, the rest is still found under the caller.
    """
    folder = conversation_folder(conversation_id)
    telling = payload_path(conversation_id, FAILURE), transcription_path(conversation_id)
    with delivery_lock(conversation_id):
        tombstone = _tombstone(conversation_id)
        make_folder(tombstone.parent)
        tombstone.touch()
        sync_folder(tombstone.parent)
        if not folder.is_dir():
            return
        for path in sorted(folder.iterdir(), key=lambda path: telling.index(path) if path in telling else -1):
            if path in telling:
                sync_folder(folder)
            path.unlink()
        folder.rmdir()
        sync_folder(folder.parent)


def _tombstone(conversation_id: str) -> Path:
    return payload_root() / "_deleted" / conversation_folder(conversation_id).name
