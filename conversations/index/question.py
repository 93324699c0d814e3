"""A parsed search question: words, prefixes, "whole phrases", and -unwanted ones."""

import re
from collections.abc import Iterator, Sequence
from itertools import islice, product
from typing import NamedTuple

from conversations.index.tokens import comparable, comparable_otherwise, joined, pieces
from elmemory.memory.ranking.words import UNSPACED, split

TERM = re.compile(r'(-?)(?:"([^"]*)"?|(\S+))')
_MOST_TERMS = 32
_MOST_SPELLINGS = 8
_PREFIXES_FROM = 2
_IN_TWO_LETTERS = re.compile("([aou])e|aa")
_LAST_OF_RUN = re.compile(f"[{UNSPACED}]")


class Phrase(NamedTuple):
    """Adjacent tokens."""

    tokens: Sequence[str]
    begun: bool  # the last token is a prefix


class Term(NamedTuple):
    """A part of the question. A text matches if it has all phrases of one of the term's spellings."""

    spellings: Sequence[Sequence[Phrase]]
    unwanted: bool
    # The spellings as folded words, to find them in a text.
    words: Sequence[Sequence[str]]
    begun: bool


def terms(question: str) -> list[Term]:
    """The question's terms; empty if all are unwanted."""
    found = list(islice(_terms(question), _MOST_TERMS))
    return [] if all(term.unwanted for term in found) else found


def _terms(question: str) -> Iterator[Term]:
    for minus, phrase, word in TERM.findall(question):
        text = phrase or word
        plain, other = split(comparable(text)), split(comparable_otherwise(text))
        if not plain:
            continue
        choices = [dict.fromkeys(both) for both in zip(plain, other, strict=True)]
        words = list(islice(product(*choices), _MOST_SPELLINGS))
        begun = bool(word)
        spellings = [[_phrase(spelling, begun=begun)] for spelling in words]
        if len(plain) > 1:
            spellings += _in_one_letter(plain, begun=begun)
            spellings += [[_phrase([word], begun=begun)] for word in joined(comparable(text)) if word and not phrase]
        yield Term(spellings, bool(minus), words, begun)


def _phrase(words: Sequence[str], *, begun: bool) -> Phrase:
    tokens = pieces(words)
    last = tokens[-1]
    if len(last) == 1 and _LAST_OF_RUN.match(last):
        if len(tokens) > 1 and len(tokens[-2]) == 2 and tokens[-2][1] == last:
            return Phrase(tokens[:-1], begun=False)  # more of the run may follow
        return Phrase(tokens, begun=True)
    return Phrase(tokens, begun and len(last) >= _PREFIXES_FROM)


def _in_one_letter(words: Sequence[str], *, begun: bool) -> Iterator[list[Phrase]]:
    """Spellings that find the text "Herr Jürgen" for the phrase "herr juergen".

    The tokens of that text are herr, jurgen and, after the BREAK, juergen.
    """
    for spelling in islice(product(*map(_in_one_letter_each, words)), 1, _MOST_SPELLINGS):
        yield [
            _phrase(spelling, begun=begun),
            *(
                _phrase([word], begun=begun and place == len(words) - 1)
                for place, (word, one) in enumerate(zip(words, spelling, strict=True))
                if word != one
            ),
        ]


def _in_one_letter_each(word: str) -> list[str]:
    """The word, then the word with one letter for some or all of its pairs ae, oe, ue and aa."""
    parts: list[list[str]] = []
    end = 0
    for pair in _IN_TWO_LETTERS.finditer(word):
        parts += [[word[end : pair.start()]], [pair[0], pair[0][0]]]
        end = pair.end()
    return ["".join(choice) for choice in islice(product(*parts, [word[end:]]), _MOST_SPELLINGS)]
