"""Splits texts into words as the admin's search stores and compares them.

They are split as in the agent's search (`elmemory.memory.ranking.words`) but folded further: staff search for names,
which have more spellings than the words of one conversation.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable
from pathlib import Path

from elmemory.memory.ranking.words import MARKS, folded, pairs, split

# Raise this when `tokens` returns other tokens: the index is then rebuilt.
FOLDING = 3
# Separates a text from the other spellings of its words: no phrase may extend from the one into the other.
BREAK = "\ue000"

_LONGEST = 100
_LETTERS = {
    "æ": "ae", "œ": "oe", "þ": "th", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "ħ": "h", "ı": "i", "ŋ": "n", "ŧ": "t",
    "ɓ": "b", "ɗ": "d", "ɖ": "d", "ƙ": "k", "ƴ": "y", "ɛ": "e", "ɔ": "o", "ə": "a", "ƒ": "f",
    # Interchangeable Arabic letters, with their Persian and Urdu forms.
    "آ": "ا", "أ": "ا", "إ": "ا", "ٱ": "ا", "ؤ": "و", "ئ": "ي", "ى": "ي", "ی": "ي", "ک": "ك", "ة": "ه", "ہ": "ه",
    "ھ": "ه", "ـ": "",
    "ʻ": "'", "ʼ": "'", "’": "'",
}  # fmt: skip
_ZEROS = "٠۰०০੦૦୦௦౦೦൦๐໐༠၀០"
_UNSEEN = (
    0xAD, 0x61C, 0xFEFF, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070),
    *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0),
)  # fmt: skip
_TRADITIONAL, _SIMPLIFIED = Path(__file__).with_name("simplified.txt").read_text("utf-8").splitlines()[1:]
_FURTHER = str.maketrans(
    dict(zip(_TRADITIONAL, _SIMPLIFIED, strict=True))
    | _LETTERS
    | {chr(ord(zero) + digit): str(digit) for zero in _ZEROS for digit in range(10)}
    | {chr(code): chr(code - 0x60) for code in (*range(0x30A1, 0x30F7), 0x30FD, 0x30FE)}  # katakana as hiragana
    | {chr(code): "" for code in range(0x591, 0x700) if unicodedata.category(chr(code)) == "Mn"}  # Hebrew, Arabic marks
    | dict.fromkeys(map(chr, _UNSEEN), "")
)
_IN_TWO_LETTERS = {"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa"}
_OTHER = str.maketrans(_IN_TWO_LETTERS | {letter.upper(): two for letter, two in _IN_TWO_LETTERS.items()})
JOINTS = "'`´‐‑-"
_HYPHEN = re.compile("[‐‑-]")
_JOINT = re.compile(f"[{JOINTS}]")
_WITH_JOINTS = re.compile(rf"(?<!\w)[^\W\d_]+(?:[{JOINTS}][^\W\d_]+)+(?!\w)")
_POSSESSIVE = re.compile(r"'s(?!\w)")
# A character with its marks, or a run of plain characters.
_JOINED = f"\u0300-\u036f\u1160-\u11ff\uff9e\uff9f{MARKS}{''.join(map(chr, _UNSEEN))}"
_CHARACTER = re.compile(rf"[\x00-\x7f]+(?![{_JOINED}])|.[{_JOINED}]*", re.DOTALL)


def comparable(text: str) -> str:
    """The text without case, accents, vowel points and invisible characters, and in simplified Chinese."""
    if text.isascii():
        return text.lower()
    return folded(text).translate(_FURTHER).lower()


def comparable_otherwise(text: str) -> str:
    """The text folded by `comparable`, but with ä, ö, ü, ø and å as ae, oe, ue, oe and aa."""
    return comparable(text if text.isascii() else unicodedata.normalize("NFC", text).translate(_OTHER))


def tokens(text: str) -> list[str]:
    """The words in order, then a `BREAK` and the other spellings of words that have one, each once.

    "Jürgen Groß" becomes jurgen, gross, BREAK, juergen; "O'Brien" becomes o, brien, BREAK, obrien. In scripts without
    blanks, tokens are each two adjacent characters and the last character of a run: 預約 becomes 預約 and 約.
    """
    folded = comparable(text)
    words = split(folded)
    plain = pieces(words)
    foldings = [folded] if text.isascii() else [folded, comparable_otherwise(text)]
    known = set(words)
    spelled = [word for each in foldings for word in (*split(each), *joined(each))]
    others = dict.fromkeys(word for word in spelled if word not in known)
    return [*plain, BREAK, *pieces(others)] if others else plain


def joined(folded: str) -> list[str]:
    """The words with apostrophes or hyphens, without these: o'brien-smith gives obriensmith and obrien."""
    if not _JOINT.search(folded):
        return []
    written = _WITH_JOINTS.findall(_POSSESSIVE.sub("", folded))
    parts = [part for word in written for part in (word, *_HYPHEN.split(word))]
    return [_JOINT.sub("", part) for part in parts if _JOINT.search(part)]


def pieces(words: Iterable[str]) -> list[str]:
    """The tokens of folded words."""
    return [piece[:_LONGEST] for word in words for piece in ([word] if word.isascii() else pairs(word, ends=True))]


def with_places(text: str, fold: Callable[[str], str]) -> tuple[str, list[tuple[int, int]]]:
    """The folded text, and for each of its characters the start and end of its origin in the text."""
    made: list[str] = []
    places: list[tuple[int, int]] = []
    for match in _CHARACTER.finditer(text):
        made.append(piece := fold(match[0]))
        start, end = match.span()
        if match[0].isascii():
            places += [(at, at + 1) for at in range(start, end)]
        else:
            places += [(start, end)] * len(piece)
    return "".join(made), places
