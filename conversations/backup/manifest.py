"""The manifest of a backup, and the places of its parts."""

from dataclasses import asdict, dataclass, field
from hashlib import file_digest
from pathlib import Path
from typing import Any

import orjson

FORMAT = 1
NAME = "manifest.json"
LISTING = "files.sqlite3"
SETTINGS = "settings.env"
DATABASES = "databases"
PAYLOADS = "payloads"
OBJECTS = "objects"


class BackupFault(Exception):
    """A backup cannot be made, read or restored. The message gives the reason, and names no caller."""


@dataclass(slots=True)
class Manifest:
    """The head of a backup, without personal data. Times are ISO 8601.

    The backup has each call that was acknowledged before `began_at`. `parts` are the SHA-256 of its other files, by
    their paths: the list of the payload files, the databases, the settings. `engines` are the kinds of the databases.
    `audit_head` is the newest entry of the audit log before the databases were copied.
    """

    began_at: str
    ended_at: str = ""
    format: int = FORMAT
    build: str = ""
    files: int = 0
    size: int = 0
    calls: int = 0
    store: str = ""
    audit_head: str = ""
    secret_key: str = ""
    with_secrets: bool = False
    engines: dict[str, str] = field(default_factory=dict)
    parts: dict[str, str] = field(default_factory=dict)

    def as_bytes(self) -> bytes:
        return orjson.dumps(asdict(self), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def read_manifest(raw: bytes) -> Manifest:
    """The manifest. Raises BackupFault if it cannot be read, or comes from a newer version."""
    try:
        value: dict[str, Any] = orjson.loads(raw)
        if value["format"] > FORMAT:
            raise BackupFault("a newer version of elmemory made this backup")
        return Manifest(**value)
    except (ValueError, KeyError, TypeError) as error:
        raise BackupFault(f"the manifest cannot be read ({type(error).__name__})") from None


def snapshots(root: Path) -> list[Path]:
    """The folders of the finished backups in this folder, the oldest first."""
    return sorted(path.parent for path in root.glob(f"[0-9]*/{NAME}"))


def object_path(root: Path, digest: str) -> str:
    """The path of the payload file with this SHA-256, as text: Python 3.12 never frees the parts of a `Path`."""
    return f"{root}/{OBJECTS}/{digest[:2]}/{digest}"


def digest_of(path: Path | str) -> str:
    """The SHA-256 of the file, in hexadecimal."""
    with open(path, "rb") as file:
        return file_digest(file, "sha256").hexdigest()


def damaged_parts(folder: Path, manifest: Manifest) -> list[str]:
    """The names of parts that are missing in this folder, or differ from the manifest."""
    return [
        name
        for name, digest in manifest.parts.items()
        if not (folder / name).is_file() or digest_of(folder / name) != digest
    ]
