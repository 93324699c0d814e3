"""Converts texts to strings of codes, one character per term, without a Python loop over the words."""

import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType

from elmemory.memory.ranking.languages import ENGLISH, telling_terms_in, terms_in
from elmemory.memory.ranking.sentence_types import FIRST_PERSON_WORDS
from elmemory.memory.ranking.words import TELLING_TERMS, telling_terms, words

# Separates texts; marks a word in the first person. The codes of terms are the characters after these two.
_END, _FIRST_PERSON = "\x00", "\x01"
# Maps bytes to lower case, and bytes outside words to blanks. A token with "'s" or an underscore stays whole: `words`
# splits it.
_IN_TOKENS = re.compile(rb"[\w'\x80-\xff%b]" % _END.encode())
_BLANKS_BETWEEN_TOKENS = b"".join(
    byte.lower() if _IN_TOKENS.match(byte) else b" " for byte in (bytes([code]) for code in range(256))
)


class TermCodes:
    """Assigns a character, its code, to each term of one caller's texts. `codes` maps term to code.

    Terms with a code `before` keep it.
    """

    def __init__(self, before: Mapping[str, str] = MappingProxyType({})) -> None:
        self.codes = dict(before)
        self._next = ord(max(before.values(), default=_FIRST_PERSON)) + 1
        self._tokens: dict[str, _Tokens] = {}

    def of_terms(self, terms: Iterable[str]) -> str:
        """Return the codes of the terms. A new term is left out if all codes, more than a million, are in use."""
        codes, found = self.codes, ""
        for term in terms:
            code = codes.get(term)
            if code is None and self._next <= sys.maxunicode:
                code = codes[term] = chr(self._next)
                self._next += 1
            found += code or ""
        return found

    def of_texts(self, language: str, texts: Sequence[str]) -> tuple[list[str], list[bool]]:
        """Return for each text in this language the codes of its terms, and whether it is English in the first person.

        The terms are those of `terms_in`.
        """
        joined = self._of_tokens(language, texts)
        first_person = [_FIRST_PERSON in codes for codes in joined.split(_END)]
        coded = joined.replace(_FIRST_PERSON, "").split(_END)
        for at, text in enumerate(texts):
            # In Vietnamese, adjacent words make a term.
            if text and (not coded[at] or language == "vi"):
                coded[at] = self.of_terms(terms_in(language, text))
        return coded, first_person

    def _of_tokens(self, language: str, texts: Sequence[str]) -> str:
        """Return the codes of all texts, with _END between them and _FIRST_PERSON for each word in the first person."""
        if language not in self._tokens:
            self._tokens[language] = _Tokens(language, self.of_terms)
        joined = f" {_END} ".join(texts)
        if joined.count(_END) >= len(texts):
            joined = f" {_END} ".join(text.replace(_END, " ") for text in texts)
        tokens = joined.encode("utf-8", "surrogatepass").translate(_BLANKS_BETWEEN_TOKENS)
        spoken = tokens.decode("utf-8", "surrogatepass").split()
        return "".join(map(self._tokens[language].__getitem__, spoken))


class _Tokens(dict[str, str]):
    """Maps a token, the text between blanks, to the codes of its terms; a stop word has none."""

    def __init__(self, language: str, codes_of: Callable[[Iterable[str]], str]) -> None:
        super().__init__({_END: _END})
        self._language = language
        self._codes_of = codes_of

    def __missing__(self, token: str) -> str:
        if self._language != ENGLISH:
            found = self._codes_of(telling_terms_in(self._language, token))
        elif token.isascii() and token.isalnum():  # one word; most tokens are
            found = _FIRST_PERSON if token in FIRST_PERSON_WORDS else ""
            found += self._codes_of(TELLING_TERMS[token])
        else:
            spoken = words(token)
            found = "" if FIRST_PERSON_WORDS.isdisjoint(spoken) else _FIRST_PERSON
            found += self._codes_of(telling_terms(spoken))
        self[token] = found
        return found
