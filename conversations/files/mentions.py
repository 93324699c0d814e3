"""Files that name a caller: searched byte by byte, also inside gzip and zlib."""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

from conversations.files.paths import payload_root
from elmemory.memory.needles import OVERLAP, Hit, Needles

# A search holds the interpreter: pieces are small enough for a live call to wait.
_PIECE = 2**16
_TEXTS = ".json", ".txt", ""


def hits_in(path: Path, needles: Needles) -> Iterator[Hit]:
    """Yield what the file holds of the caller; inside a compressed file the offset is that of the content.

    Raises OSError.
    """
    is_text = path.suffix in _TEXTS
    with path.open("rb") as file:
        begin = file.read(2)
        yield from _hits(file, needles, is_text=is_text)
        if begin == b"\x1f\x8b":
            file.seek(0)
            with suppress(EOFError, zlib.error, gzip.BadGzipFile), gzip.GzipFile(fileobj=file) as content:
                yield from _hits(content, needles, is_text=is_text)
        elif begin[:1] == b"\x78" and int.from_bytes(begin) % 31 == 0:
            file.seek(0)
            with suppress(zlib.error):
                for offset, piece in _pieces(_Inflated(file)):
                    yield from _moved(needles.find(piece, is_text=is_text), offset)


def names(path: Path, needles: Needles) -> bool:
    """Whether the file names the caller; False if it is gone."""
    try:
        return any(hits_in(path, needles))
    except FileNotFoundError:
        return False


def loose_files_naming(needles: Needles) -> list[Path]:
    """The signed bodies that could not be read, and the events without a conversation, that name the caller."""
    loose = [path for folder in ("_unreadable", "_events") for path in sorted((payload_root() / folder).glob("*"))]
    return [path for path in loose if path.is_file() and names(path, needles)]


class _Inflated:
    """The content of a zlib file, for reading."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._inflate = file, zlib.decompressobj()

    def read(self, size: int) -> bytes:
        content = self._inflate.decompress(self._inflate.unconsumed_tail or self._file.read(size), size)
        return content or (self._inflate.flush() if self._inflate.eof else b"")


def _hits(file: IO[bytes] | gzip.GzipFile, needles: Needles, *, is_text: bool) -> Iterator[Hit]:
    file.seek(0)
    for offset, piece in _pieces(file):
        yield from _moved(needles.find(piece, is_text=is_text), offset)


def _pieces(file: "IO[bytes] | gzip.GzipFile | _Inflated") -> Iterator[tuple[int, bytes]]:
    """Yield the content in pieces with their offsets; each begins with the end of the one before."""
    offset, before = 0, b""
    while piece := file.read(_PIECE):
        whole = before + piece
        yield offset - len(before), whole
        offset, before = offset + len(piece), whole[-OVERLAP:]


def _moved(hits: Iterator[Hit], offset: int) -> Iterator[Hit]:
    return (hit._replace(offset=hit.offset + offset) for hit in hits)
