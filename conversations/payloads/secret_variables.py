"""Hides the values of dynamic variables named `secret__…`, which are meant for tools only."""

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
    """The variables, with the values of secret ones hidden."""
    return {name: NOT_SHOWN if name.startswith(_PREFIX) else value for name, value in variables.items()}


def without_secrets(raw: bytes) -> bytes:
    """The bytes of a stored JSON file, with the values of secret variables hidden."""
    if _PREFIX.encode() not in raw:
        return raw
    return _IN_JSON.sub(lambda match: match[1] + f'"{NOT_SHOWN}"'.encode(), raw)


def shown_file(path: Path) -> IO[bytes]:
    """A stored file opened for reading, with the values of secret variables hidden. Only such a file is read whole."""
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
