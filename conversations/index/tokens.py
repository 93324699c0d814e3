"""The words of a text as the admin's search stores and compares them.

They are folded and split as the agent's search does it (`elmemory.memory.ranking.words`), and folded further: staff
look for names, which are spelled in more ways than what a caller says in one conversation.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable

from elmemory.memory.ranking.words import MARKS, folded, pairs, split

# Whoever changes what `tokens` makes of a text raises this: the index is then made again.
FOLDING = 1
# Stands before the other spellings of a text's words, so that no phrase reaches from the text into them.
BREAK = "\ue000"

_LONGEST = 100
_LETTERS = {
    "æ": "ae", "œ": "oe", "þ": "th", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "ħ": "h", "ı": "i", "ŋ": "n", "ŧ": "t",
    "ɓ": "b", "ɗ": "d", "ɖ": "d", "ƙ": "k", "ƴ": "y", "ɛ": "e", "ɔ": "o", "ə": "a", "ƒ": "f",
    # Arabic letters that are written for one another, and their Persian and Urdu forms.
    "آ": "ا", "أ": "ا", "إ": "ا", "ٱ": "ا", "ؤ": "و", "ئ": "ي", "ى": "ي", "ی": "ي", "ک": "ك", "ة": "ه", "ہ": "ه",
    "ھ": "ه", "ـ": "",
    "ʻ": "'", "ʼ": "'", "’": "'",
}  # fmt: skip
_ZEROS = "٠۰०০੦૦୦௦౦೦൦๐໐༠၀០"
_UNSEEN = (
    0xAD, 0x61C, 0xFEFF, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070),
    *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0),
)  # fmt: skip
_FURTHER = str.maketrans(
    _LETTERS
    | {chr(ord(zero) + digit): str(digit) for zero in _ZEROS for digit in range(10)}
    | {chr(code): chr(code - 0x60) for code in (*range(0x30A1, 0x30F7), 0x30FD, 0x30FE)}  # katakana as hiragana
    | {chr(code): "" for code in range(0x591, 0x700) if unicodedata.category(chr(code)) == "Mn"}  # Hebrew, Arabic marks
    | dict.fromkeys(map(chr, _UNSEEN), "")
)
_IN_TWO_LETTERS = {"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa"}
_OTHER = str.maketrans(_IN_TWO_LETTERS | {letter.upper(): two for letter, two in _IN_TWO_LETTERS.items()})
# A character with what is written on it, or plain characters without.
_JOINED = f"\u0300-\u036f\u1160-\u11ff\uff9e\uff9f{MARKS}{''.join(map(chr, _UNSEEN))}"
_CHARACTER = re.compile(rf"[\x00-\x7f]+(?![{_JOINED}])|.[{_JOINED}]*", re.DOTALL)


def comparable(text: str) -> str:
    """The text without case, accents, vowel points, forms of presentation and characters that are not seen."""
    if text.isascii():
        return text.lower()
    return folded(text).translate(_FURTHER).lower()


def comparable_otherwise(text: str) -> str:
    """Folded too, with ä, ö, ü, ø and å in two letters: ae, oe, ue, oe and aa."""
    return comparable(text if text.isascii() else unicodedata.normalize("NFC", text).translate(_OTHER))


def tokens(text: str) -> list[str]:
    """The words in their order; then, behind a `BREAK`, those that have one in their other spelling, each once.

    "Jürgen Groß" is jurgen, gross, BREAK, juergen. Where words are not spaced each two characters that stand together
    are a token, and the last one of a run is another: 預約 is 預約 and 約.
    """
    words = split(comparable(text))
    plain = pieces(words)
    if text.isascii():
        return plain
    known = set(words)
    others = dict.fromkeys(word for word in split(comparable_otherwise(text)) if word not in known)
    return [*plain, BREAK, *pieces(others)] if others else plain


def pieces(words: Iterable[str]) -> list[str]:
    """The tokens of folded words."""
    return [piece[:_LONGEST] for word in words for piece in ([word] if word.isascii() else pairs(word, ends=True))]


def with_places(text: str, fold: Callable[[str], str]) -> tuple[str, list[tuple[int, int]]]:
    """The folded text, and for each of its characters where what it was made from begins and ends in the text."""
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
