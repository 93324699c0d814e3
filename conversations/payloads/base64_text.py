"""Decodes a recording, which is base64 in a JSON string of any length, in little memory."""

import binascii
import json
import re
from collections.abc import Callable, Iterator
from typing import IO

from conversations.payloads.outline import LongString, NotReadable

_CHUNK = 2**16

_LONGEST_ESCAPE = len(r"\u0041")
_WHOLE_ESCAPES = re.compile(rb"(?:[^\\]++|\\u[0-9a-fA-F]{4}|\\[^u])*+")


def decode_base64(source: IO[bytes], text: LongString | str, write: Callable[[bytes], object]) -> None:
    """Decode base64 text, which may be in `source`, and `write` it in pieces. Raises NotReadable."""
    chunks = _characters(source, text) if isinstance(text, LongString) else [text.encode("ascii", "replace")]
    rest = b""
    ended = False
    try:
        for chunk in chunks:
            whole = rest + chunk
            cut = len(whole) - len(whole) % 4
            rest = whole[cut:]
            if cut:
                if ended:
                    raise NotReadable("audio goes on after its end")
                write(binascii.a2b_base64(whole[:cut], strict_mode=True))
                ended = whole[cut - 1 : cut] == b"="
    except binascii.Error:
        raise NotReadable("audio is not base64") from None
    if rest:
        raise NotReadable("audio is cut off")


def _characters(source: IO[bytes], span: LongString) -> Iterator[bytes]:
    """The characters of a long string, unescaped, in chunks."""
    source.seek(span.start)
    left = span.end - span.start
    rest = b""
    while left:
        chunk = source.read(min(_CHUNK, left))
        if not chunk:
            raise NotReadable("audio is cut off")
        left -= len(chunk)
        chunk = rest + chunk
        rest = b""
        if b"\\" in chunk:
            end = _WHOLE_ESCAPES.match(chunk).end()  # type: ignore[union-attr]
            chunk, rest = chunk[:end], chunk[end:]
            if len(rest) > _LONGEST_ESCAPE:
                raise NotReadable("not JSON")
            try:
                chunk = json.loads(b'"%s"' % chunk).encode("ascii", "replace")
            except ValueError:
                raise NotReadable("not JSON") from None
        yield chunk
    if rest:
        raise NotReadable("not JSON")
