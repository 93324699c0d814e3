"""Dynamic variables whose names begin with `secret__` reach tools, never people: their values are not shown."""

import io
import mmap
import re
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

NOT_SHOWN = "•••"
_PREFIX = "secret__"
_IN_JSON = re.compile(rb'("secret__(?:[^"\\]|\\.)*"\s*:\s*)(?:"(?:[^"\\]|\\.)*"|[^\s,{}\[\]"]+)')


def shown_variables(variables: Mapping[str, Any]) -> dict[str, Any]:
    """The variables, those with secrets without their values."""
    return {name: NOT_SHOWN if name.startswith(_PREFIX) else value for name, value in variables.items()}


def without_secrets(raw: bytes) -> bytes:
    """A stored JSON file as people may see it: byte for byte, but for the values of such variables."""
    if _PREFIX.encode() not in raw:
        return raw
    return _IN_JSON.sub(lambda match: match[1] + f'"{NOT_SHOWN}"'.encode(), raw)


def shown_file(path: Path) -> IO[bytes]:
    """A stored file, opened for reading as people may see it. Only one with such variables is read into memory."""
    file = path.open("rb")
    if path.suffix != ".json" or not _holds_secrets(file):
        return file
    with file:
        return io.BytesIO(without_secrets(file.read()))


def _holds_secrets(file: IO[bytes]) -> bool:
    try:
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return content.find(_PREFIX.encode()) >= 0
    except ValueError:  # an empty file
        return False
