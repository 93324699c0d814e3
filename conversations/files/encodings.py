"""Bodies as senders may encode them: gzip or zlib around the JSON, which need not be UTF-8.

What a body is shows in its first bytes: no JSON text begins as a compressed one does. The header `Content-Encoding`
is not asked: proxies drop it, or leave it on what they have decompressed.
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
    """The body is larger than it may be, as it came or decompressed."""


def read_json(body: bytes, *, most: int) -> Any:
    """The JSON value of a body, which may decompress to `most` bytes. Raises NotReadable or TooLarge."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return parse(b"".join(_decompressed(BytesIO(body), most)) if _is_compressed(body[:2]) else body)


def without_compression(spooled: Spool, new_spools: ExitStack) -> Spool:
    """The body itself, or a spool of what it decompresses to. Raises NotReadable, or TooLarge above MAX_PAYLOAD_MB."""
    source = spooled.rewound()
    if not _is_compressed(source.read(2)):
        return spooled
    source.seek(0)
    decompressed = new_spools.enter_context(spool())
    for piece in _decompressed(source, settings.MAX_PAYLOAD_MB * 2**20):
        decompressed.write(piece)
    return decompressed


def _is_compressed(start: bytes) -> bool:
    """RFC 1952, 2.3.1; RFC 1950, 2.2."""
    return start == b"\x1f\x8b" or (len(start) == 2 and start[0] & 0x8F == 8 and not int.from_bytes(start) % 31)


def _decompressed(source: IO[bytes], most: int) -> Iterator[bytes]:
    stream = zlib.decompressobj(_GZIP_OR_ZLIB)
    size = 0
    try:
        for chunk in iter(partial(source.read, _CHUNK), b""):
            while chunk:
                if stream.eof:  # gzip allows several, one after the other
                    stream = zlib.decompressobj(_GZIP_OR_ZLIB)
                piece = stream.decompress(chunk, _CHUNK)
                chunk = stream.unused_data if stream.eof else stream.unconsumed_tail
                size += len(piece)
                if size > most:
                    raise TooLarge
                yield piece
        yield stream.flush()
    except zlib.error:
        raise NotReadable("not compressed as it says") from None
    if not stream.eof:
        raise NotReadable("compressed and cut off")
