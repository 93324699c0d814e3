"""Reads and writes `.env`; as a command (`python -m elmemory.environment.dotenv`) it makes a new one.

Its syntax is that of python-dotenv without interpolation: a $ in a value has no meaning.
"""

import codecs
import io
import os
import re
import secrets
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from dotenv import set_key
from dotenv.parser import parse_stream

from elmemory.environment.private_files import write_private

_FRESH = {
    "SECRET_KEY": "signs sessions",
    "ELEVENLABS_CLIENT_DATA_KEY": "X-Api-Key of the initiation webhook",
    "ELEVENLABS_SEARCH_DATA_KEY": "X-Api-Key of the search tool",
    "ELEVENLABS_POST_CALL_KEY": "put the secret here that ElevenLabs shows for the post-call webhook",
    "OPENMEMORY_KEY": "key of an OpenMemory server",
}
_BYTES = 50  # 67 characters: Django's deployment checks require 50 for SECRET_KEY
_PROJECT = Path(__file__).resolve().parent.parent.parent
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_UNQUOTED = re.compile(r"[\w.,:/+=@%-]*", re.ASCII)
_SECRET = re.compile(r"_KEY$|_KEYS$|_AUTHTOKEN$|_FALLBACKS$|PASSWORD|SECRET")
_PASSWORD_IN_URL = re.compile(r"://[^/@\s]*:[^/@\s]*@")


class Statement(NamedTuple):
    """One statement of the file; `name` is None if it assigns nothing. `text` may hold a secret: never print it."""

    line: int
    name: str | None
    value: str
    text: str


def read(path: Path) -> Iterator[Statement]:
    """Yield the statements of this file, in order. Raises OSError, or UnicodeError if it is no text."""
    text = path.read_bytes().decode(_encoding(path))
    if "\0" in text:
        raise UnicodeError
    for key, value, (source, line), failed in parse_stream(io.StringIO(text)):
        # The parser counts blank lines before a statement as part of it.
        line += source[: len(source) - len(source.lstrip())].count("\n")
        if failed or (key is not None and (value is None or not _NAME.fullmatch(key))):
            yield Statement(line, None, "", source)
        elif key is not None:
            yield Statement(line, key, value or "", source)


def make(folder: Path) -> dict[str, str]:
    """Write `.env` in this folder, readable by its owner only. Return the fresh secrets by name; {} if it exists."""
    fresh = {name: secrets.token_urlsafe(_BYTES) for name in _FRESH}
    lines = (folder / ".env.example").read_text(encoding="utf-8").splitlines()
    lines = [f"{line}{fresh[line[:-1]]}" if line.endswith("=") and line[:-1] in fresh else line for line in lines]
    try:
        write_private(folder / ".env", "\n".join(lines) + "\n")
    except FileExistsError:
        return {}
    return fresh


def announcement(folder: Path, made: dict[str, str], *, with_secrets: bool) -> str:
    """Return the text that the first run prints about the new `.env` in this folder.

    Secrets are included only for a terminal: other output may be stored in logs.
    """
    if not with_secrets:
        return f"\n  Made {folder / '.env'} with fresh secrets; only its owner can read it.\n"
    lines = [f"    {name}={secret}   {_FRESH[name]}\n" for name, secret in made.items()]
    return "".join(["\n  Made .env with fresh secrets (shown once; they stay in .env):\n", *lines])


def put(path: Path, name: str, value: str) -> None:
    """Set a variable in this file, in its line or a new one. Mode, symbolic link and other lines stay.

    Replaces the file atomically and durably. Raises OSError or UnicodeError, with the file unchanged.
    """
    path = path.resolve()
    quoting = "never" if _UNQUOTED.fullmatch(value) else "always"
    set_key(path, name, value, quote_mode=quoting, encoding=_encoding(path))
    for place in (path, path.parent):
        descriptor = os.open(place, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def as_dotenv(names: Iterable[str], *, with_secrets: bool) -> str:
    """Return lines for those of these variables that have a value. A comment takes the place of each omitted secret."""
    lines = []
    for name in sorted(names):
        if not (value := os.environ.get(name, "").strip()):
            continue
        if not with_secrets and (_SECRET.search(name) or _PASSWORD_IN_URL.search(value)):
            lines.append(f"# {name} is set, and left out here: it contains a secret.")
        elif _UNQUOTED.fullmatch(value):
            lines.append(f"{name}={value}")
        else:
            quoted = value.replace("\\", "\\\\").replace("'", "\\'")
            lines.append(f"{name}='{quoted}'")
    return "\n".join([*lines, ""])


def _encoding(path: Path) -> str:
    """Return the encoding by the byte order mark, which editors on Windows write."""
    with path.open("rb") as file:
        start = file.read(3)
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    return "utf-8-sig" if start == codecs.BOM_UTF8 else "utf-8"


if __name__ == "__main__":
    if made := make(_PROJECT):
        sys.stdout.write(announcement(_PROJECT, made, with_secrets=sys.stdout.isatty()))
