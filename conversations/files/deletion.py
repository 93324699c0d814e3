"""Deleted conversations: their files are removed, and a tombstone in `_deleted/` keeps them from coming back."""

from conversations.files.decisions import mark_deleted
from conversations.files.durable import sync_folder
from conversations.files.locks import delivery_lock
from conversations.files.paths import FAILURE, conversation_folder, payload_path, transcription_path


def delete_conversation(conversation_id: str) -> None:
    """Delete the conversation's folder durably. A later delivery of it is answered as a duplicate.

    The files that name the caller are deleted last: after an interruption the rest is still found under the caller.
    """
    with delivery_lock(conversation_id):
        bury(conversation_id)


def bury(conversation_id: str) -> None:
    """Delete the conversation's folder durably. Its delivery lock must be held."""
    folder = conversation_folder(conversation_id)
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
