"""Searches files byte by byte for a caller, also inside gzip and zlib."""

import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

from conversations.files.paths import loose_paths
from elmemory.memory.needles import OVERLAP, Hit, Needles
from elmemory.memory.openmemory.database_traces import Content

# A search holds the GIL: pieces are small, so that a live call waits only briefly.
_PIECE = 2**16
_TEXTS = ".json", ".txt", ""


def hits_in(path: Path, needles: Needles) -> Iterator[Hit]:
    """Yield each match in the file, and in the content of a compressed one. Raises OSError."""
    is_text = path.suffix in _TEXTS
    with path.open("rb") as file:
        yield from hits(file, needles, is_text=is_text)
        file.seek(0)
        if compressed := _compressed(file):
            with suppress(zlib.error):
                yield from hits(compressed, needles, is_text=is_text)


def hits(content: Content, needles: Needles, *, is_text: bool = False) -> Iterator[Hit]:
    """Yield each match in the content. It is searched in pieces, each with the end of the previous one."""
    offset, before = 0, b""
    while piece := content.read(_PIECE):
        whole = before + piece
        for hit in needles.find(whole, is_text=is_text):
            yield hit._replace(offset=hit.offset + offset - len(before))
        offset, before = offset + len(piece), whole[-OVERLAP:]


def names(path: Path, needles: Needles) -> bool:
    """Whether the file names the caller; False if it no longer exists."""
    try:
        return any(hits_in(path, needles))
    except FileNotFoundError:
        return False


def loose_files_naming(needles: Needles) -> list[Path]:
    """The unreadable bodies, and the events without a conversation, that name the caller."""
    return [path for path in loose_paths() if path.is_file() and names(path, needles)]


class _Inflated:
    """The content of a deflated file, for reading. The checksum is ignored, because the file may be damaged."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._inflate = file, zlib.decompressobj(-zlib.MAX_WBITS)

    def read(self, size: int) -> bytes:
        content = b""
        while not content and not self._inflate.eof:
            if not (more := self._inflate.unconsumed_tail or self._file.read(size)):
                return self._inflate.flush()
            content = self._inflate.decompress(more, size)
        return content


def _compressed(file: IO[bytes]) -> _Inflated | None:
    """The content of a gzip or zlib file, after its header; None for other files."""
    begin = file.read(10)
    if begin[:3] == b"\x1f\x8b\x08":
        if begin[3:4] == b"\x08":  # the name of the file follows, up to a NUL
            while file.read(1) not in (b"\x00", b""):
                pass
        return _Inflated(file)
    if begin[:1] == b"\x78" and int.from_bytes(begin[:2]) % 31 == 0:
        file.seek(2)
        return _Inflated(file)
    return None
