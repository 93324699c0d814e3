"""The parsed tables of `nothing_words`: which words of a phrase belong to which language and kind."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from elmemory.memory.nothing_words import SPACED, UNSPACED

_TOKEN_END = re.compile(r"[\s!-/:-@\[-`{-~…–—«»“”„‘’。、，！？：；।॥؟،؛¿¡・·（）【】\u200b-\u200f]+")
_MARKS_OF_ACCENTS = re.compile(r"[\u0300-\u036f\u0610-\u061a\u064b-\u065f\u0670\u0640]")
_SAME_LETTERS = str.maketrans(
    {"ı": "i", "ł": "l", "ø": "o", "đ": "d", "æ": "ae", "ى": "ي", "ة": "ه", "’": "'", "ʼ": "'"}
)
_LONGEST_STEM = 16


class Words:
    """Words of one kind: whole words, beginnings (`provid*`), and phrases (`not_known`)."""

    def __init__(self, entries: Sequence[str]) -> None:
        self.entries = folded = [fold(entry) for entry in entries]
        self._whole = frozenset(entry for entry in folded if "_" not in entry and not entry.endswith("*"))
        self._starts = tuple(entry[:-1] for entry in folded if "_" not in entry and entry.endswith("*"))
        self.phrases = [entry.split("_") for entry in folded if "_" in entry]

    def __contains__(self, token: str) -> bool:
        return token in self._whole or (bool(self._starts) and token.startswith(self._starts))

    def found_in(self, tokens: Sequence[str]) -> Iterator[int]:
        """Yield positions of the tokens that are words, or parts of phrases, of this kind."""
        for position, token in enumerate(tokens):
            if token in self:
                yield position
        for phrase in self.phrases:
            for start in range(len(tokens) - len(phrase) + 1):
                if all(map(_is, phrase, tokens[start : start + len(phrase)])):
                    yield from range(start, start + len(phrase))


class Language(NamedTuple):
    code: str
    no: Words
    give: Words
    mute: Words
    alone: Words
    none: Words
    name: Words
    fill: Words


class Script(NamedTuple):
    nothing: re.Pattern[str]
    name: re.Pattern[str]
    fill: re.Pattern[str]


def fold(text: str) -> str:
    """Return the text without case, accents and variants of letters, with one form of apostrophe."""
    if text.isascii():
        return text.casefold().replace("ma'am", "maam")
    text = unicodedata.normalize("NFKC", text).casefold().translate(_SAME_LETTERS)
    text = _MARKS_OF_ACCENTS.sub("", unicodedata.normalize("NFD", text))
    return unicodedata.normalize("NFC", text).replace("ma'am", "maam")


def tokens_of(text: str) -> list[str]:
    return [token for token in _TOKEN_END.split(text) if token]


def languages_of(tokens: Iterable[str], *, names: bool = False) -> list[Language]:
    """Return the languages in which a token may mark a phrase for "nothing". For most values there are none."""
    index = _languages_by_token()
    found: set[int] = set()
    for token in tokens:
        for length in range(2, min(len(token), _LONGEST_STEM) + 1):
            found.update(index.get(token[:length] + "*", ()))
        found.update(index.get(token, ()))
        if names:
            found.update(index.get(f"name:{token}", ()))
    return [languages()[number] for number in sorted(found)]


@lru_cache(maxsize=1)
def languages() -> list[Language]:
    known = []
    for section in re.split(r"\n(?=\[)", SPACED.strip()):
        title, *lines = section.splitlines()
        kinds: dict[str, list[str]] = {kind: [] for kind in Language._fields if kind != "code"}
        for line in lines:
            kind, _, words = line.partition(": ")
            kinds[kind] += words.split()
        known.append(Language(title.strip("[]"), **{kind: Words(words) for kind, words in kinds.items()}))
    return known


@lru_cache(maxsize=1)
def _languages_by_token() -> dict[str, set[int]]:
    index: defaultdict[str, set[int]] = defaultdict(set)
    for number, language in enumerate(languages()):
        for words in (language.no, language.mute, language.alone, language.none):
            for entry in words.entries:
                first, _, rest = entry.partition("_")
                index[first if rest or not entry.endswith("*") else entry].add(number)
        for entry in language.name.entries:
            index[f"name:{entry.partition('_')[0]}"].add(number)
    return dict(index)


@lru_cache(maxsize=1)
def scripts() -> dict[str, Script]:
    known = {}
    for section in re.split(r"\n(?=\[)", UNSPACED.strip()):
        title, *lines = section.splitlines()
        kinds: dict[str, list[str]] = {kind: [] for kind in Script._fields}
        for line in lines:
            kind, _, pattern = line.partition(": ")
            # Longest first, since a regular expression takes the first alternative.
            longest_first = sorted(pattern.split("|"), key=len, reverse=True) if kind == "fill" else [pattern]
            kinds[kind].append(fold("|".join(longest_first)))
        known[title.strip("[]")] = Script(**{kind: re.compile("|".join(parts)) for kind, parts in kinds.items()})
    return known


def _is(pattern: str, token: str) -> bool:
    return token.startswith(pattern[:-1]) if pattern.endswith("*") else token == pattern
