"""Paths in the payload folder."""

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

TRANSCRIPTION = "post_call_transcription"
AUDIO = "post_call_audio"
FAILURE = "call_initiation_failure"
_SUFFIXES = {TRANSCRIPTION: "transcription.json", AUDIO: "audio.mp3", FAILURE: "failure.json"}
_CONVERSATION_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")


def is_conversation_id(text: object) -> bool:
    """Whether the value is a valid conversation id. Only a valid id may become part of a path."""
    return isinstance(text, str) and _CONVERSATION_ID.fullmatch(text) is not None


def conversation_folder(conversation_id: str) -> Path:
    """The folder of the conversation, which may not exist. Raises ValueError for an invalid id."""
    return Path(folder_text(conversation_id))


def folder_text(conversation_id: str) -> str:
    """`conversation_folder` as text, for reading all folders: Python 3.12 never frees the parts of a Path."""
    if not is_conversation_id(conversation_id):
        raise ValueError("not a conversation id")
    return f"{settings.PAYLOAD_STORAGE_PATH}/{conversation_id}"


def payload_path(conversation_id: str, event_type: str) -> Path:
    """The path of the newest payload of this event type. Its other versions are beside it."""
    return Path(payload_text(conversation_id, event_type))


def payload_text(conversation_id: str, event_type: str) -> str:
    """`payload_path` as text, for reading all folders."""
    suffix = _SUFFIXES.get(event_type, f"event_{event_type}.json")
    return f"{folder_text(conversation_id)}/{conversation_id}_{suffix}"


def transcription_path(conversation_id: str) -> Path:
    """The path of the newest transcription."""
    return payload_path(conversation_id, TRANSCRIPTION)


def conversation_ids() -> Iterator[str]:
    """The ids of all conversations that have a folder, unordered."""
    with contextlib.suppress(FileNotFoundError), os.scandir(payload_root()) as entries:
        for entry in entries:
            if is_conversation_id(entry.name) and entry.is_dir():
                yield entry.name


def conversation_files(conversation_id: str) -> list[Path]:
    """All files of the conversation, sorted by name; none if it has no folder."""
    folder = conversation_folder(conversation_id)
    return sorted(folder.iterdir()) if folder.is_dir() else []


def file_names(conversation_id: str) -> list[str]:
    """The names of the conversation's files, sorted; none if it has no folder."""
    try:
        return sorted(os.listdir(folder_text(conversation_id)))
    except (FileNotFoundError, NotADirectoryError):
        return []


def unreadable_paths() -> list[Path]:
    """The paths of the signed bodies that could not be read when they arrived."""
    return sorted((payload_root() / "_unreadable").glob("*.json"))


def loose_paths() -> list[Path]:
    """The paths of the bodies that belong to no call: unreadable ones, and events."""
    return [path for folder in ("_unreadable", "_events") for path in sorted((payload_root() / folder).glob("*"))]


def payload_root() -> Path:
    """The payload folder, `PAYLOAD_STORAGE_PATH`."""
    return Path(settings.PAYLOAD_STORAGE_PATH)
