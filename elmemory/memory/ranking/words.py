"""Converts text to terms: what sentences about the same thing have in common, in any wording and script."""

import re
import sys
import unicodedata
from collections.abc import Sequence
from itertools import chain, pairwise

from elmemory.memory.caches import kept_briefly, on_clearing

STOP_WORDS = frozenset(
    "a about also am an and any are as at be been being but by can could d did didn do does doesn doing don ever for"
    " from get got had has have having he her hers him his how i if in into is isn it its just let ll m may me my"
    " myself of on or our ours please re s shall she should so some t than that the their them then there these they"
    " this those to too us ve very was wasn we were what when where whether which who whom whose why will with would"
    " you your yours caller tell told say said".split()
)

# Irregular forms, after the word that replaces them.
_IRREGULAR_FORMS = """
    begin began begun|bite bit bitten|break broke broken|bring brought|build built|buy bought|catch caught
    choose chose chosen|come came|deal dealt|draw drew drawn|drink drank drunk|drive drove driven|eat ate eaten
    fall fell fallen|feed fed|feel felt|fight fought|find found|fly flew flown|forget forgot forgotten
    freeze froze frozen|give gave given|go went gone goes|grow grew grown|hang hung|hear heard|hide hid hidden
    hold held|keep kept|know knew known|lay laid|lead led|leave left|lend lent|lose lost|make made|mean meant
    meet met|pay paid|ride rode ridden|ring rang rung|rise rose risen|run ran|see saw seen|sell sold|send sent
    shake shook shaken|shoot shot|show shown|sing sang sung|sit sat|sleep slept|slide slid|speak spoke spoken
    spend spent|stand stood|steal stole stolen|stick stuck|strike struck|swim swam|take took taken|teach taught
    tear tore torn|think thought|throw threw thrown|understand understood|wake woke woken|wear wore worn|win won
    write wrote written|child children kid kids|man men|woman women|person people|foot feet|tooth teeth|mouse mice
    wife wives|life lives|knife knives|leaf leaves|half halves|mom mum mommy mummy mother|dad daddy father
    good better best|bad worse worst|mg milligram milligrams|kg kilo kilos kilogram kilograms
    1 one|2 two|3 three|4 four|5 five|6 six|7 seven|8 eight|9 nine|10 ten|11 eleven|12 twelve|15 fifteen
    20 twenty|30 thirty|40 forty|50 fifty|60 sixty|70 seventy|80 eighty|90 ninety
"""
_IRREGULAR = {
    form: forms.split()[0]
    for forms in _IRREGULAR_FORMS.strip().replace("\n", "|").split("|")
    for form in forms.split()[1:]
}
# The first ending that fits is replaced by the other.
_ENDINGS = [
    ("ization", "iz"),
    ("ational", "at"),
    ("fulness", "ful"),
    ("ousness", "ous"),
    ("iveness", "iv"),
    ("ation", "at"),
    ("ement", ""),
    ("ment", ""),
    ("ness", ""),
    ("ally", "al"),
    ("ing", ""),
    ("ion", ""),
    ("ful", ""),
    ("ly", ""),
]
_SHORTEST_STEMMED = 4
_MOST_KNOWN_WORDS = 1 << 16


def _marks() -> str:
    """Return the vowel signs of all scripts, for a character class: they belong to words, but `\\w` excludes them."""
    codes = [code for code in range(0x370, 0x10000) if unicodedata.category(chr(code)) in ("Mn", "Mc")]
    lasts = [code for code, after in pairwise([*codes, 0]) if after != code + 1]
    firsts = [code for before, code in pairwise([0, *codes]) if before != code - 1]
    return "".join(f"{chr(first)}-{chr(last)}" for first, last in zip(firsts, lasts, strict=True))


MARKS = _marks()
_WORD = re.compile(rf"[^\W_](?:[^\W_]+|[{MARKS}]+)*")
# Maps bytes outside ASCII words to blanks: faster than a pattern.
_ASCII_WORDS = bytes(code if code < 128 and chr(code).isalnum() else ord(" ") for code in range(256))
# Thai, Lao, Myanmar, Khmer, kana, Han, Hangul: no spaces between words, or endings that our stemmers lack.
UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
)
_UNSPACED = re.compile(f"[{UNSPACED}]+")
_ACCENTS = re.compile("[\u0300-\u036f]")
_POSSESSIVE = re.compile(r"['’]s\b")
_DIGITS_OR_NOT = re.compile(r"\d+|\D+")
_VOWEL = re.compile("[aeiouy]")


def terms(text: str) -> list[str]:
    """Return the words that carry meaning, folded and stemmed, in order; all words if none does."""
    return terms_of(words(text))


def terms_of(spoken: Sequence[str]) -> list[str]:
    """Return the terms of words from `words`: those that carry meaning, or all if none does."""
    return telling_terms(spoken) or [term for word in spoken for term in _terms(word)]


def telling_terms(spoken: Sequence[str]) -> list[str]:
    """Return the terms of the words that carry meaning; none if no word does."""
    return list(chain.from_iterable(map(TELLING_TERMS.__getitem__, spoken)))


def words(text: str) -> list[str]:
    """Return all words, folded, in order."""
    return split(folded(text))


def split(text: str) -> list[str]:
    """Return the words of a folded text in order, without the possessive 's."""
    if "'s" in text or "’s" in text:
        text = _POSSESSIVE.sub("", text)
    if text.isascii():
        return text.encode().translate(_ASCII_WORDS).decode().split()
    return _WORD.findall(text)


def is_empty(text: str) -> bool:
    """Whether the text has only stop words."""
    return STOP_WORDS.issuperset(words(text))


def folded(text: str) -> str:
    """Return the text without case, accents and presentation forms."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFC", _ACCENTS.sub("", unicodedata.normalize("NFKD", text.casefold())))


@kept_briefly(maxsize=_MOST_KNOWN_WORDS)
def _terms(word: str) -> tuple[str, ...]:
    if is_unspaced(word):
        return tuple(pairs(word))
    parts = _DIGITS_OR_NOT.findall(word)
    # "20mg" also counts as "20" and "mg".
    return tuple(map(_term, parts if len(parts) == 1 else [word, *parts]))


def is_unspaced(word: str) -> bool:
    """Whether part of the word is in an unspaced script: one without blanks between words."""
    return not word.isascii() and _UNSPACED.search(word) is not None


def pairs(word: str, *, ends: bool = False) -> list[str]:
    """Return each pair of adjacent characters in unspaced scripts, and the text between unchanged.

    With `ends`, also the last character of each unspaced run, so that a term begins with each character.
    """
    pairs: list[str] = []
    end = 0
    for run in _UNSPACED.finditer(word):
        text = run.group()
        twos = [text[at : at + 2] for at in range(len(text) if ends else len(text) - 1)]
        pairs += [word[end : run.start()], *(twos or [text])]
        end = run.end()
    return [term for term in (*pairs, word[end:]) if term]


class _TellingTerms(dict[str, tuple[str, ...]]):
    """Maps a folded word to its terms; a stop word has none. Faster than a function."""

    def __missing__(self, word: str) -> tuple[str, ...]:
        if len(self) >= _MOST_KNOWN_WORDS:
            self.clear()
        terms = self[word] = () if word in STOP_WORDS else _terms(word)
        return terms


TELLING_TERMS = _TellingTerms()
on_clearing(TELLING_TERMS.clear)


def _term(word: str) -> str:
    return sys.intern(_stem(_IRREGULAR.get(word, word)))


def _stem(word: str) -> str:
    """Remove English endings, in the manner of Porter, so that the forms of one word give one stem."""
    if len(word) < _SHORTEST_STEMMED or not word.isascii():
        return word
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-3] + "y" if word.endswith("ies") and len(word) > _SHORTEST_STEMMED else word[:-1]
    word = _without_ed(_without_ing(word))
    for ending, other in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_STEMMED:
            word = word.removesuffix(ending) + other
            break
    word = word[:-1] if word.endswith("e") and len(word) >= _SHORTEST_STEMMED else word
    return word[:-1] + "i" if word.endswith("y") and len(word) > 2 and not _VOWEL.match(word[-2]) else word


def _without_ing(word: str) -> str:
    stem = word.removesuffix("ing")
    return _undoubled(stem) if stem != word and len(stem) > 2 and _VOWEL.search(stem) else word


def _without_ed(word: str) -> str:
    stem = word.removesuffix("ed")
    if stem == word or len(stem) <= 2 or stem.endswith("e") or not _VOWEL.search(stem):
        return word
    return stem[:-1] + "y" if stem.endswith("i") else _undoubled(stem)


def _undoubled(stem: str) -> str:
    """Return "stop" for "stopp"; "call", "pass" and "buzz" keep both letters."""
    return stem[:-1] if stem[-1] == stem[-2] and stem[-1] not in "aeiolsz" else stem
