"""`.env`: read it, set a variable, make it (`python -m elmemory.environment.dotenv`, which prints the secrets once).

Its syntax is that of python-dotenv, without the interpolation of other variables: a value that begins with $ is itself.
"""

import codecs
import io
import os
import re
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from dotenv import set_key
from dotenv.parser import parse_stream

_FRESH = {
    "SECRET_KEY": "signs sessions",
    "ELEVENLABS_CLIENT_DATA_KEY": "X-Api-Key of the initiation webhook",
    "ELEVENLABS_SEARCH_DATA_KEY": "X-Api-Key of the search tool",
    "ELEVENLABS_POST_CALL_KEY": "put the secret here that ElevenLabs shows for the post-call webhook",
    "OPENMEMORY_KEY": "key of an OpenMemory server",
}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_UNQUOTED = re.compile(r"[\w.,:/+=@%-]*", re.ASCII)


class Statement(NamedTuple):
    """One statement of the file; `name` is None where it assigns nothing. `text` may hold a secret: never print it."""

    line: int
    name: str | None
    value: str
    text: str


def read(path: Path) -> Iterator[Statement]:
    """The statements of this file, in order. OSError where it cannot be opened, UnicodeError where it is no text."""
    text = path.read_bytes().decode(_encoding(path))
    if "\0" in text:
        raise UnicodeError
    for key, value, (source, line), failed in parse_stream(io.StringIO(text)):
        # The parser puts the blank lines before a statement into it.
        line += source[: len(source) - len(source.lstrip())].count("\n")
        if failed or (key is not None and (value is None or not _NAME.fullmatch(key))):
            yield Statement(line, None, "", source)
        elif key is not None:
            yield Statement(line, key, value or "", source)


def make(folder: Path) -> dict[str, str]:
    """Write `.env` in this folder, readable by its owner alone; the fresh secrets by name, none if it was there."""
    fresh = {name: secrets.token_urlsafe(32) for name in _FRESH}
    lines = (folder / ".env.example").read_text(encoding="utf-8").splitlines()
    lines = [f"{line}{fresh[line[:-1]]}" if line.endswith("=") and line[:-1] in fresh else line for line in lines]
    try:
        descriptor = os.open(folder / ".env", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return {}
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    return fresh


def put(path: Path, name: str, value: str) -> None:
    """Set a variable in this file, in its line or in a new one; mode, symbolic link and all other lines stay.

    The new file takes the old one's place in one step and is on the disk afterwards. OSError or UnicodeError, and
    nothing is changed, where that fails.
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


def _encoding(path: Path) -> str:
    """By the byte order mark, which editors on Windows put in front of a file."""
    with path.open("rb") as file:
        start = file.read(3)
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    return "utf-8-sig" if start == codecs.BOM_UTF8 else "utf-8"


if __name__ == "__main__":
    if made := make(Path(__file__).resolve().parent.parent.parent):
        sys.stdout.write("\n  Made .env with fresh secrets (shown once; they stay in .env):\n")
        for name, secret in made.items():
            sys.stdout.write(f"    {name}={secret}   {_FRESH[name]}\n")
