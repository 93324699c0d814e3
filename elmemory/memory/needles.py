"""Finds traces of a caller in bytes: the number in any spelling, the name, and sentences.

Bytes are compared as stored, and with JSON and URL escapes decoded. Numbers are compared by their digits, texts in
lower case without blanks and punctuation. NUL bytes are dropped, which covers UTF-16.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

import phonenumbers

from elmemory.memory.identity import former_keys

type What = Literal["number", "name", "sentence"]

_DIGITS = b"0123456789"
_NO_DIGITS = bytes(set(range(256)) - set(_DIGITS))
_LOWER = bytes(range(256)).lower()
_DROPPED = b"\x00\t\n\r ()-./_,:;*'\"\\?!"
# Between two digits of a number: blanks and punctuation of ASCII, UTF-8 and UTF-16.
_BETWEEN_DIGITS = rb"[\x00-\x20()./_,:;*'\"\\\x80-\xff-]{0,8}"
_BETWEEN_LETTERS = rb"[\x00\t\n\r ()./_,:;*'\"\\?!-]*"
# Each pattern begins with a fixed byte, which makes the search fast.
_ESCAPES = (
    re.compile(rb"\\(?:u[0-9a-fA-F]{4}(?:\\u[0-9a-fA-F]{4})*|[nrt])"),
    re.compile(rb"%[0-9a-fA-F]{2}"),
)
_OTHER_SCRIPTS = 0x660, 0x6F0, 0x966, 0xFF10
_LONGEST = 120
# Shorter sentences also occur in calls of others: "Hi.", "Yes please."
_FEWEST_OF_A_SENTENCE, _FEWEST_OF_A_NAME = 12, 3
# How many bytes before a piece of a file to search again with it.
OVERLAP = 4096


class Hit(NamedTuple):
    """An occurrence: what was found, and its offset in the bytes."""

    what: What
    offset: int


class Needles:
    """The search terms for one caller. Too short sentences are omitted; `too_short` counts them."""

    def __init__(self, number: str = "", names: Iterable[str] = (), sentences: Iterable[str] = ()) -> None:
        numbers = [phonenumbers.parse(each) for each in (number, *former_keys(number)) if number]
        self._national = {str(each.national_number).encode(): _prefixes(str(each.country_code)) for each in numbers}
        self.numbers = sorted({number.removeprefix("+"), *(each.decode() for each in self._national)} - {""})
        given = list(dict.fromkeys(filter(None, sentences)))
        self.names, self.sentences = _of_length(names, _FEWEST_OF_A_NAME), _of_length(given, _FEWEST_OF_A_SENTENCE)
        self.too_short = len(given) - len(self.sentences)
        self._texts: dict[bytes, What] = {}
        for national in self._national:
            for zero in _OTHER_SCRIPTS:
                spelled = "".join(chr(zero + int(digit)) for digit in national.decode())
                self._texts |= dict.fromkeys(_forms(spelled), "number")
        for text in self.sentences:
            self._texts |= dict.fromkeys(_forms(text), "sentence")
        for text in self.names:
            self._texts |= dict.fromkeys(_forms(text), "name")
        self._patterns: dict[bytes, re.Pattern[bytes]] = {}

    def find(self, content: bytes, *, is_text: bool = False) -> Iterator[Hit]:
        """Yield each occurrence once.

        In a text, digits directly before or after the number make it another number; in a database they do not, because
        columns are adjacent.
        """
        seen = set()
        for hit in self._find(content, is_text=is_text):
            seen.add(hit)
            yield hit
        for escapes in _ESCAPES:
            if escapes.search(content):
                for what, offset in self._find(escapes.sub(_unescaped, content), is_text=is_text):
                    hit = Hit(what, _before_unescaping(escapes, content, offset))
                    if hit not in seen:
                        yield hit

    def are_in(self, text: str) -> bool:
        """Whether the text names the caller."""
        return any(self.find(text.encode("utf-8", "surrogatepass"), is_text=True))

    def _find(self, content: bytes, *, is_text: bool) -> Iterator[Hit]:
        digits = content.translate(None, _NO_DIGITS)
        for national, prefixes in self._national.items():
            if national in digits:
                for found in self._pattern(national, _BETWEEN_DIGITS).finditer(content):
                    if not is_text or _is_whole(content, found, prefixes):
                        yield Hit("number", found.start())
        plain = _plain(content)
        for needle, what in self._texts.items():
            if needle in plain:
                for found in self._pattern(needle, _BETWEEN_LETTERS).finditer(content):
                    yield Hit(what, found.start())

    def _pattern(self, needle: bytes, between: bytes) -> re.Pattern[bytes]:
        if needle not in self._patterns:
            characters = [re.escape(needle[at : at + 1]) for at in range(len(needle))]
            self._patterns[needle] = re.compile(between.join(characters), re.IGNORECASE)
        return self._patterns[needle]


def _prefixes(country: str) -> frozenset[bytes]:
    """Return the digits that may directly precede the national number."""
    with_country = (f"{dialled}{country}{trunk}" for dialled in ("", "00", "011") for trunk in ("", "0"))
    return frozenset(digits.encode() for digits in ("", "0", *with_country))


def _is_whole(content: bytes, found: re.Match[bytes], prefixes: frozenset[bytes]) -> bool:
    if content[found.end() : found.end() + 1].isdigit():
        return False
    before = re.search(rb"[0-9]*\Z", content[max(0, found.start() - 24) : found.start()])
    return before is not None and before[0] in prefixes


def _forms(text: str) -> set[bytes]:
    """Return the plain forms of a text in UTF-8 and UTF-16, in each case that non-ASCII letters may have."""
    cases = {text, text.lower(), text.upper(), text.casefold(), text.title()}
    encodings = "utf-8", "utf-16-le", "utf-16-be"
    return {_plain(case.encode(encoding, "replace"))[:_LONGEST] for case in cases for encoding in encodings} - {b""}


def _plain(content: bytes) -> bytes:
    return content.translate(_LOWER, _DROPPED)


def _unescaped(escape: re.Match[bytes]) -> bytes:
    text = escape[0]
    if text[:1] == b"%":
        return bytes([int(text[1:], 16)])
    if text[:2] != b"\\u":
        return b"\n"
    units = b"".join(int(unit, 16).to_bytes(2) for unit in text.split(b"\\u")[1:])
    return units.decode("utf-16-be", "replace").encode()


def _before_unescaping(escapes: re.Pattern[bytes], content: bytes, offset: int) -> int:
    """Convert an offset in the unescaped content to one in `content`: within an escape, its start."""
    shift = 0
    for escape in escapes.finditer(content):
        length = len(_unescaped(escape))
        if offset < escape.start() - shift + length:
            return min(offset + shift, escape.start())
        shift += len(escape[0]) - length
    return offset + shift


def _of_length(texts: Iterable[str], fewest: int) -> list[str]:
    """Return the different texts with at least `fewest` letters and digits."""
    return [text for text in dict.fromkeys(texts) if sum(map(str.isalnum, text)) >= fewest]
