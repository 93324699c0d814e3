"""Reads bodies of JSON, which may be compressed with gzip or zlib and need not be UTF-8.

The first bytes show whether a body is compressed: no JSON text begins like that. The header `Content-Encoding` is
ignored: proxies drop it, or leave it on bodies that they have decompressed.
"""

import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from io import BytesIO
from typing import IO, Any

import orjson
from django.conf import settings

from conversations.files.spool import Spool, spool
from conversations.payloads.outline import NotReadable, parse

_CHUNK = 2**16
_GZIP_OR_ZLIB = 47


class TooLarge(Exception):
    """The body, as it arrived or decompressed, is larger than the limit."""


def read_json(body: bytes, *, most: int) -> Any:
    """The JSON value of a body, which may decompress to at most `most` bytes. Raises NotReadable or TooLarge."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return parse(b"".join(_decompressed(BytesIO(body), most)) if _is_compressed(body[:2]) else body)


def without_compression(spooled: Spool, new_spools: ExitStack) -> Spool:
    """The body, or a new spool with its decompressed content. Raises NotReadable, or TooLarge above MAX_PAYLOAD_MB."""
    source = spooled.rewound()
    if not _is_compressed(source.read(2)):
        return spooled
    source.seek(0)
    decompressed = new_spools.enter_context(spool())
    for piece in _decompressed(source, settings.MAX_PAYLOAD_MB * 2**20):
        decompressed.write(piece)
    return decompressed


def _is_compressed(start: bytes) -> bool:
    """Whether a body begins like gzip (RFC 1952, 2.3.1) or zlib (RFC 1950, 2.2)."""
    return start == b"\x1f\x8b" or (len(start) == 2 and start[0] & 0x8F == 8 and not int.from_bytes(start) % 31)


def _decompressed(source: IO[bytes], most: int) -> Iterator[bytes]:
    stream = zlib.decompressobj(_GZIP_OR_ZLIB)
    size = 0
    try:
        for chunk in iter(partial(source.read, _CHUNK), b""):
            while chunk:
                if stream.eof:  # a gzip file may have several members
                    stream = zlib.decompressobj(_GZIP_OR_ZLIB)
                piece = stream.decompress(chunk, _CHUNK)
                chunk = stream.unused_data if stream.eof else stream.unconsumed_tail
                size += len(piece)
                if size > most:
                    raise TooLarge
                yield piece
        yield stream.flush()
    except zlib.error:
        raise NotReadable("damaged compressed data") from None
    if not stream.eof:
        raise NotReadable("compressed and cut off")
