"""Reads a payload of any size in little memory, as an outline whose long strings stay in the file.

An audio event is one JSON object with tens of megabytes of base64 in one string. Its outline is that JSON with a
short placeholder for each long string.
"""

import binascii
import contextlib
import json
import os
import re
import secrets
from collections.abc import Iterator
from typing import IO, Any, NamedTuple, Protocol

import orjson

_CHUNK = 2**16
_LONG = 2**16
_LARGEST_OUTLINE = 2**26
_DEEPEST = 1000
_SHALLOW = 100
_LONGEST_INTEGER = 1000
_LONGEST_ESCAPE = len(r"\u0041")
_IN_STRING = re.compile(rb'(?:[^"\\]|\\[\s\S])*+')
_NESTING = re.compile(r'"(?:[^"\\]|\\.)*+"|[\[\]{}]', re.DOTALL)
_WHOLE_ESCAPES = re.compile(rb"(?:[^\\]++|\\u[0-9a-fA-F]{4}|\\[^u])*+")


class NotReadable(ValueError):
    """The payload is not of its type. The message says why, without quoting the payload."""


class LongString(NamedTuple):
    """The position of a long JSON string's characters in the file: bytes from `start` up to `end`."""

    start: int
    end: int


def read_outline(file: IO[bytes], *, whole_up_to: int = 2**20) -> Any:
    """The JSON value in the file, with a `LongString` for each string of more than 64 KiB. Raises NotReadable.

    A file of up to `whole_up_to` bytes is read whole, long strings included.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    is_wide = b"\0" in file.read(4)
    file.seek(0)
    if size <= whole_up_to or (is_wide and size <= _LARGEST_OUTLINE):
        return parse(file.read())
    mark = secrets.token_hex(16)
    spans: list[LongString] = []
    outline = bytearray()
    for piece in _pieces(file):
        if isinstance(piece, LongString):
            outline += b"%s:%d" % (mark.encode(), len(spans))
            spans.append(piece)
        else:
            outline += piece
        if len(outline) > _LARGEST_OUTLINE:
            raise NotReadable("too large to be read")
    value = parse(bytes(outline))
    try:
        return _with_long_strings(value, mark, spans) if spans else value
    except RecursionError:
        return _with_long_strings(_loads(_shallow(outline.decode("utf-8", "replace"))), mark, spans)


def parse(raw: bytes) -> Any:
    """The JSON value of these bytes, read leniently. Raises NotReadable.

    UTF-16, UTF-32 and byte order marks are read; NaN, lone surrogates and bytes that are not UTF-8 are tolerated. A
    number of 1000 digits or more becomes a float, and what is nested too deeply becomes null.
    """
    with contextlib.suppress(orjson.JSONDecodeError):
        return orjson.loads(raw)
    text = raw.decode(json.detect_encoding(raw), "replace").removeprefix("\ufeff")
    with contextlib.suppress(RecursionError):
        value = _loads(text)
        if not _is_deeper(value, _DEEPEST):
            return value
    return _loads(_shallow(text))


def _loads(text: str) -> Any:
    try:
        return json.loads(text, parse_int=_integer)
    except ValueError:
        raise NotReadable("not JSON") from None


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) < _LONGEST_INTEGER else float(digits)


def _shallow(text: str) -> str:
    """This JSON with null for each value that is nested too deeply."""
    kept = []
    depth = start = 0
    for token in _NESTING.finditer(text):
        char = text[token.start()]
        if char in "[{":
            depth += 1
            if depth == _SHALLOW + 1:
                kept.append(text[start : token.start()])
        elif char in "]}":
            depth -= 1
            if depth == _SHALLOW:
                kept.append("null")
                start = token.end()
    if depth > _SHALLOW:
        raise NotReadable("not JSON")
    return "".join(kept) + text[start:]


class Writable(Protocol):
    def write(self, chunk: bytes, /) -> object: ...


def decode_base64(source: IO[bytes], text: LongString | str, target: Writable) -> None:
    """Decode the base64 text into `target`. Raises NotReadable if it is invalid."""
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
                    raise NotReadable("audio continues after its end")
                target.write(binascii.a2b_base64(whole[:cut], strict_mode=True))
                ended = whole[cut - 1 : cut] == b"="
    except binascii.Error:
        raise NotReadable("audio is not base64") from None
    if rest:
        raise NotReadable("audio is cut off")


def _pieces(file: IO[bytes]) -> Iterator[bytes | LongString]:
    """The file in pieces, with one LongString for the characters of each long string."""
    in_string = False
    string_start = 0
    string = bytearray()
    long = False
    offset = 0
    rest = b""
    while True:
        read = file.read(_CHUNK)
        chunk = rest + read
        position = 0
        while position < len(chunk):
            if not in_string:
                quote = chunk.find(b'"', position)
                if quote < 0:
                    yield chunk[position:]
                    position = len(chunk)
                else:
                    yield chunk[position : quote + 1]
                    position = quote + 1
                    in_string, long, string_start = True, False, offset + position
                    string.clear()
                continue
            end = _end_of_string(chunk, position)
            if not long:
                string += chunk[position:end]
                long = len(string) > _LONG
            position = end
            if position < len(chunk) and chunk[position : position + 1] == b'"':
                yield LongString(string_start, offset + position) if long else bytes(string)
                yield b'"'
                position += 1
                in_string = False
            elif position < len(chunk):
                break  # an escape that continues in the next chunk
        rest = chunk[position:]
        offset += position
        if not read:
            if in_string or rest:
                raise NotReadable("not JSON")
            return


def _end_of_string(chunk: bytes, start: int) -> int:
    """The index of the string's closing quote, of an incomplete escape at the chunk's end, or of the chunk's end."""
    quote = chunk.find(b'"', start)
    end = len(chunk) if quote < 0 else quote
    if chunk.find(b"\\", start, end) < 0:
        return end
    return _IN_STRING.match(chunk, start).end()  # type: ignore[union-attr]


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


def _is_deeper(value: Any, levels: int) -> bool:
    layer = [value]
    for _ in range(levels):
        layer = [
            item
            for each in layer
            if isinstance(each, dict | list)
            for item in (each.values() if isinstance(each, dict) else each)
        ]
        if not layer:
            return False
    return True


def _with_long_strings(value: Any, mark: str, spans: list[LongString]) -> Any:
    match value:
        case str() if value.startswith(mark):
            return spans[int(value[len(mark) + 1 :])]
        case dict():
            return {key: _with_long_strings(item, mark, spans) for key, item in value.items()}
        case list():
            return [_with_long_strings(item, mark, spans) for item in value]
    return value
