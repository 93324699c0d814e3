"""The certificate of a forgotten caller, and the notes of a forgetting in progress. Neither contains personal data."""

from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import orjson
from django.conf import settings

from conversations.files.durable import sync_folder, write_durably
from conversations.index.references import caller_reference

# In the order of a certificate.
KINDS = (
    "memories", "cards", "preferences", "calls", "payloads", "versions", "recordings", "events", "receipts",
    "unreadable bodies", "rows of the index", "notes of staff", "searches of staff", "saved searches",
    "conversations at ElevenLabs",
)  # fmt: skip


@dataclass(slots=True)
class Notes:
    """The notes of a forgetting in progress, kept in `_forgetting/`: the requested deletions, and how much was
    found.

    `conversations` are ids to be deleted at ElevenLabs. Once the files are deleted, only the notes name them.
    """

    began_at: str
    payloads: bool = False
    elevenlabs: bool = False
    conversations: list[str] = field(default_factory=list)
    found: dict[str, int] = field(default_factory=dict)

    def add(self, found: Mapping[str, int]) -> None:
        """Note how many of each kind there are. Counts of an interrupted run are kept if they were higher."""
        self.found = {kind: max(self.found.get(kind, 0), found.get(kind, 0)) for kind in {*self.found, *found}}


def notes_path(caller: str) -> Path:
    return Path(settings.PAYLOAD_STORAGE_PATH, "_forgetting", caller_reference(caller))


def read_notes(caller: str) -> Notes | None:
    """The notes of an interrupted forgetting; None if there are none."""
    with suppress(OSError, ValueError, TypeError):
        return Notes(**orjson.loads(notes_path(caller).read_bytes()))
    return None


def write_notes(caller: str, notes: Notes) -> None:
    """Write the notes durably. Raises OSError."""
    write_durably(notes_path(caller), orjson.dumps(asdict(notes)))


def delete_notes(caller: str) -> None:
    path = notes_path(caller)
    path.unlink(missing_ok=True)
    if path.parent.is_dir():
        sync_folder(path.parent)


def unfinished() -> int:
    """The number of forgettings that began and did not finish."""
    folder = Path(settings.PAYLOAD_STORAGE_PATH, "_forgetting")
    return sum(1 for _ in folder.iterdir()) if folder.is_dir() else 0


def as_document(notes: Notes, caller: str, **more: Any) -> str:
    """The certificate as JSON, for the audit log."""
    deleted = Counter(notes.found)
    value = {
        "certificate": "caller forgotten",
        "caller": caller_reference(caller),
        "began_at": notes.began_at,
        "payloads": notes.payloads,
        "elevenlabs": notes.elevenlabs,
        "deleted": {kind: deleted[kind] for kind in KINDS if deleted[kind]},
        **more,
    }
    return orjson.dumps(value).decode()
