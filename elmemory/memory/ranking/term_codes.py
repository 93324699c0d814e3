"""Texts as strings of codes, characters that stand for terms: no loop of Python runs for each word of a caller."""

import re
from collections.abc import Callable, Iterable, Sequence

from elmemory.memory.ranking.languages import ENGLISH, telling_terms_in, terms_in
from elmemory.memory.ranking.sentence_types import FIRST_PERSON_WORDS
from elmemory.memory.ranking.words import TELLING_TERMS, telling_terms, words

# Between texts; before the codes of a word in the first person. The codes of terms are the characters after these two.
_END, _FIRST_PERSON = "\x00", "\x01"
_FIRST_CODE, _MOST_CODES = 2, 0x110000 - 2
# Bytes in lower case, and those that are of no word to a blank. Words between blanks are the words of the text: what
# ends with "'s" or has an underscore stays together, for `words`.
_IN_TOKENS = re.compile(rb"[\w'\x80-\xff%b]" % _END.encode())
_BLANKS_BETWEEN_TOKENS = b"".join(
    byte.lower() if _IN_TOKENS.match(byte) else b" " for byte in (bytes([code]) for code in range(256))
)


class TermCodes:
    """Gives each term of one caller's texts a character of its own, its code: `codes` maps term to code."""

    def __init__(self) -> None:
        self.codes: dict[str, str] = {}
        self._tokens: dict[str, _Tokens] = {}

    def of_terms(self, terms: Iterable[str]) -> str:
        """The codes of the terms. A term is left out where a million others have all the codes."""
        codes, found = self.codes, ""
        for term in terms:
            code = codes.get(term)
            if code is None and len(codes) < _MOST_CODES:
                code = codes[term] = chr(_FIRST_CODE + len(codes))
            found += code or ""
        return found

    def of_texts(self, language: str, texts: Sequence[str]) -> tuple[list[str], list[bool]]:
        """The codes of the terms of each text in this language; and whether it is English in the first person.

        The terms are those of `terms_in`.
        """
        joined = self._of_tokens(language, texts)
        first_person = [_FIRST_PERSON in codes for codes in joined.split(_END)]
        coded = joined.replace(_FIRST_PERSON, "").split(_END)
        for at, text in enumerate(texts):
            # In Vietnamese, words that stand together make a term.
            if text and (not coded[at] or language == "vi"):
                coded[at] = self.of_terms(terms_in(language, text))
        return coded, first_person

    def _of_tokens(self, language: str, texts: Sequence[str]) -> str:
        """The codes of all texts with _END between them, and with _FIRST_PERSON for each word in the first person."""
        if language not in self._tokens:
            self._tokens[language] = _Tokens(language, self.of_terms)
        joined = f" {_END} ".join(texts)
        if joined.count(_END) >= len(texts):
            joined = f" {_END} ".join(text.replace(_END, " ") for text in texts)
        tokens = joined.encode("utf-8", "surrogatepass").translate(_BLANKS_BETWEEN_TOKENS)
        spoken = tokens.decode("utf-8", "surrogatepass").split()
        return "".join(map(self._tokens[language].__getitem__, spoken))


class _Tokens(dict[str, str]):
    """Token, what stands between blanks, to the codes of its terms; none for a stop word."""

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
