"""Reads a payload of any size in little memory: its outline, with the long strings left in the file.

An audio event is one JSON object with tens of megabytes of base64 in one string, and a signed body may be any JSON. The
outline holds the few values that say what the payload is; everything else is skipped, not decoded. Order, spaces,
escapes and unknown keys do not matter.
"""

import codecs
import contextlib
import json
import os
import re
from collections.abc import Iterator
from itertools import accumulate
from typing import IO, Any, NamedTuple

import orjson

_CHUNK = 2**16
# A regex holds the GIL: scanned chunks are small, so that a live call waits only briefly.
_SCANNED = 2**14
_LONG = 2**16
_LARGEST_WIDE = 2**24
# Enough for a call of more than ten hours, at 30 values per turn.
_MOST_VALUES = 500_000
_MOST_MEMBERS = 10_000
_DEEPEST = 1000
_SHALLOW = 100
_LONGEST_INTEGER = 1000
_LONGEST_WORD = 1024
_FEW = 256
# The innermost brackets of a chunk are removed together; deeper ones are counted one by one, which takes longer.
_LEVELS = 3
_STEPS = {ord("["): 1, ord("]"): -1}

_OUTLINE = {"type": None, "event_timestamp": None, "data": {"conversation_id": None, "full_audio": None}}
_QUOTE = ord('"')
_MARKS = frozenset((b"[", b"]", b"{", b"}", b",", b":", b'"'))
_SPACE = re.compile(rb"[ \t\r\n]*+")
_WORD = re.compile(rb'[^ \t\r\n"\[\]{},:]++')
_TOKEN = re.compile(rb'["\[\]{},:]|' + _WORD.pattern)
_STRING = re.compile(rb'"(?:[^"\\]++|\\[\s\S])*+"')
_WHOLE_STRINGS = re.compile(rb'(?:[^"]++|"(?:[^"\\]++|\\[\s\S])*+")*+')
_BRACKET_OR_STRING = re.compile(rb'[\[\]{}]|"(?:[^"\\]++|\\[\s\S])*+(")?')
_PIECE = re.compile(rb'[^"]++|"(?:[^"\\]++|\\[\s\S])*+"?')
_ONE_KIND = bytes.maketrans(b"{}", b"[]")
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_IN_STRING = re.compile(rb'(?:[^"\\]|\\[\s\S])*+')
_NESTING = re.compile(r'"(?:[^"\\]|\\.)*+"|[\[\]{}]', re.DOTALL)


class NotReadable(ValueError):
    """The payload cannot be read. The message gives the reason and quotes nothing from the payload."""


class LongString(NamedTuple):
    """A long JSON string in a file. Its characters, still escaped, are the bytes from `start` up to `end`."""

    start: int
    end: int


def read_outline(file: IO[bytes]) -> Any:
    """The event in the file, with only the members that `_OUTLINE` names. Raises NotReadable.

    A string of more than 64 KiB is a `LongString`; objects and lists are None. In skipped parts only strings and
    brackets are checked.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    start = file.read(4)
    file.seek(0)
    if b"\0" in start:  # UTF-16 or UTF-32
        if size > _LARGEST_WIDE:
            raise NotReadable("too large to be read")
        return parse(file.read())
    if start.startswith(codecs.BOM_UTF8):
        file.seek(len(codecs.BOM_UTF8))
    scanner = _Scanner(file)
    value = scanner.value(_OUTLINE)
    if scanner.token():
        raise NotReadable("not JSON")
    return value


def parse(raw: bytes) -> Any:
    """The JSON value, read leniently. Raises NotReadable, also for more than 500,000 values.

    NaN, lone surrogates and bytes that are no UTF-8 are accepted. A number of a thousand digits becomes a float, and a
    value nested more than 100 levels deep becomes None. The text may be UTF-16 or UTF-32, with a byte order mark.
    """
    if len(raw) > _MOST_VALUES and _values(raw) > _MOST_VALUES:
        # Values that are nested too deeply to be read do not count.
        raw = b"" if raw.count(b",") > _MOST_VALUES else _shallow(raw.decode("utf-8", "replace")).encode()
        if not raw or _values(raw) > _MOST_VALUES:
            raise NotReadable(f"made of more than {_MOST_VALUES:,} values")
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
    """The JSON text with null in place of values that are nested too deeply."""
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


class _Scanner:
    """Reads JSON from a file token by token, and skips values in chunks. It never holds more than a few chunks in
    memory.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._offset = file.tell()  # of the buffer's first byte
        self._buffer = b""
        self._at = 0
        self._members_left = _MOST_MEMBERS

    def value(self, wanted: Any) -> Any:
        """The next value. Of an object, only the members that `wanted` names, if `wanted` is a dictionary."""
        token = self.token()
        if token == b'"':
            return self._string()
        if token == b"{" and isinstance(wanted, dict):
            return dict(self._members(wanted))
        if token in (b"{", b"["):
            return self._skip()
        if not token or token in b"]}:,":
            raise NotReadable("not JSON")
        return _loads(token.decode("ascii", "replace"))

    def token(self) -> bytes:
        """The next bracket, quote, comma, colon or word (only its first KiB); empty at the end."""
        self._at = _SPACE.match(self._buffer, self._at).end()  # type: ignore[union-attr]
        while not (found := _TOKEN.match(self._buffer, self._at)):
            if not self._read_on():
                return b""
            self._at = _SPACE.match(self._buffer).end()  # type: ignore[union-attr]
        self._at = found.end()
        token = found[0]
        while self._at == len(self._buffer) and token not in _MARKS and self._read_on():
            if more := _WORD.match(self._buffer):
                self._at = more.end()
                token = (token + more[0])[:_LONGEST_WORD]
        return token

    def _members(self, wanted: dict[str, Any]) -> Iterator[tuple[str, Any]]:
        token = self.token()
        while token != b"}":
            self._members_left -= 1
            if token != b'"' or self._members_left < 0:
                raise NotReadable("not JSON" if token != b'"' else "an event with too many members")
            key = self._string()
            if self.token() != b":":
                raise NotReadable("not JSON")
            if isinstance(key, str) and key in wanted:
                yield key, self.value(wanted[key])
            else:
                self.value(None)
            if (token := self.token()) == b",":
                token = self.token()
            elif token != b"}":
                raise NotReadable("not JSON")

    def _string(self) -> str | LongString:
        """The string whose opening quote has been read."""
        if isinstance(raw := self._raw_string(), LongString):
            return raw
        text: str = _loads(f'"{raw.decode("utf-8", "replace")}"')
        return text

    def _raw_string(self) -> bytes | LongString:
        start = self._offset + self._at
        raw = bytearray()
        while (end := _end_of_string(self._buffer, self._at)) == len(self._buffer) or self._buffer[end] != _QUOTE:
            if len(raw) <= _LONG:
                raw += self._buffer[self._at : end]
            self._at = end
            if not self._read_on():
                raise NotReadable("not JSON")
        raw += self._buffer[self._at : end]
        self._at = end + 1
        return LongString(start, self._offset + end) if len(raw) > _LONG else bytes(raw)

    def _skip(self) -> None:
        """Skip the rest of an object or list, whose opening bracket has been read."""
        depth = self._skip_tokens(1, self._at + _FEW)
        while depth:
            if self._at == len(self._buffer) and not self._read_on():
                raise NotReadable("not JSON")
            end = _WHOLE_STRINGS.match(self._buffer, self._at).end()  # type: ignore[union-attr]
            brackets = _STRING.sub(b"", self._buffer[self._at : end]).translate(_ONE_KIND, _NO_BRACKETS)
            for _ in range(_LEVELS):
                brackets = brackets.replace(b"[]", b"")
            depths = list(accumulate((_STEPS[char] for char in brackets), initial=depth))
            if min(depths) > 0:
                depth = depths[-1]
                self._at = end
            else:
                self._skip_tokens(depth, end)
                return
            if self._at < len(self._buffer):  # a string that is longer than the buffer
                self._at += 1
                self._raw_string()

    def _skip_tokens(self, depth: int, end: int) -> int:
        """Skip tokens, at most up to this place in the buffer. Returns the depth there: 0 just behind the end of the
        value.
        """
        for token in _BRACKET_OR_STRING.finditer(self._buffer, self._at, end):
            if token[0] in b"[{":
                depth += 1
            elif token[0] in b"]}":
                depth -= 1
                if not depth:
                    self._at = token.end()
                    return 0
            elif not token[1]:
                self._at = token.start()
                return depth
        self._at = min(end, len(self._buffer))
        return depth

    def _read_on(self) -> bool:
        """Append the next chunk to the rest of the buffer; False at the end of the file."""
        chunk = self._file.read(_SCANNED)
        self._offset += self._at
        self._buffer = self._buffer[self._at :] + chunk
        self._at = 0
        return bool(chunk)


def _values(raw: bytes) -> int:
    """At least the number of values in this JSON, if it is above `_MOST_VALUES`; commas in strings do not count."""
    if _marks(raw) <= _MOST_VALUES:
        return 0
    count = 0
    for piece in _PIECE.finditer(raw):
        count += 0 if piece[0].startswith(b'"') else _marks(piece[0])
        if count > _MOST_VALUES:
            break
    return count


def _marks(raw: bytes) -> int:
    return raw.count(b",") + raw.count(b"[") + raw.count(b"{")


def _end_of_string(chunk: bytes, start: int) -> int:
    """The position of the string's closing quote; without one, of an escape that the chunk cuts in two, or its end."""
    quote = chunk.find(b'"', start)
    end = len(chunk) if quote < 0 else quote
    if chunk.find(b"\\", start, end) < 0:
        return end
    return _IN_STRING.match(chunk, start).end()  # type: ignore[union-attr]


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
