"""Makes excerpts of texts: the words around the hits of a search, with the hits marked."""

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from conversations.index.question import Term, terms
from conversations.index.tokens import JOINTS, comparable, comparable_otherwise, with_places
from elmemory.memory.caches import kept_briefly
from elmemory.memory.ranking.words import MARKS, UNSPACED

# These mark a hit. No stored text has these characters.
HIT_BEGINS, HIT_ENDS = "\x02", "\x03"

_BEFORE, _LENGTH = 40, 120
_MOST_HITS = 200
_FEWEST_JOINED = 3
_LETTER = rf"(?:[^\W_]|[{MARKS}])"
_BEGINS_WORD = rf"(?<![^\W_{UNSPACED}])(?<![{MARKS}])"
_BETWEEN_WORDS = r"(?:['’]s)?[\W_]+"
_IS_UNSPACED = re.compile(f"[{UNSPACED}]")

type _Hit = tuple[int, int, int]  # start, end, number of the term


def excerpt(question: str, parts: Sequence[str]) -> str:
    """Some words around the best hits, from the first of the parts with the most terms; empty without a hit."""
    patterns = _patterns(question)
    if not patterns:
        return ""
    best: tuple[int, list[_Hit], str] = (0, [], "")
    for part in parts:
        hits = sorted(_hits(patterns, part))
        amount, window = _best_window(hits)
        if amount > best[0]:
            best = amount, window, part
    return _marked(best[2], best[1])


def with_hits(question: str, text: str) -> str:
    """The text with the hits of the question's terms between HIT_BEGINS and HIT_ENDS; the text itself without a hit."""
    text = text.replace(HIT_BEGINS, "").replace(HIT_ENDS, "")
    return _between(text, sorted(_hits(_patterns(question), text)), 0, len(text))


def matcher(question: str) -> Callable[[str], bool]:
    """Return whether a text has every word of the question and none of its -unwanted ones, as a function of the text.

    It is always False if all words are unwanted.
    """
    wanted = _patterns(question)
    unwanted = _patterns(question, unwanted=True)
    tests = [(pattern.search, True) for pattern in wanted] + [(pattern.search, False) for pattern in unwanted]

    def matches(text: str) -> bool:
        folded = (text.lower(),) if text.isascii() else (comparable(text), comparable_otherwise(text))
        return bool(wanted) and all(any(map(search, folded)) == is_wanted for search, is_wanted in tests)

    return matches


def marked(found: str) -> SafeString:
    """An excerpt as HTML, with its hits in <mark>."""
    return mark_safe(escape(found).replace(HIT_BEGINS, "<mark>").replace(HIT_ENDS, "</mark>"))  # noqa: S308


@kept_briefly(maxsize=16)
def _patterns(question: str, *, unwanted: bool = False) -> list[re.Pattern[str]]:
    return [_pattern(term) for term in terms(question) if term.unwanted == unwanted]


def _pattern(term: Term) -> re.Pattern[str]:
    spellings = []
    for words in term.words:
        first, last = words[0][0], words[-1][-1]
        begins = "" if _IS_UNSPACED.match(first) else _BEGINS_WORD
        is_prefix = term.begun and len(words[-1]) > 1
        ends = "" if _IS_UNSPACED.match(last) else f"{_LETTER}*" if is_prefix else f"(?!{_LETTER})"
        spellings.append(begins + _BETWEEN_WORDS.join(map(_in_any_joints, words)) + ends)
    return re.compile("|".join(spellings))


def _in_any_joints(word: str) -> str:
    """The word with apostrophes and hyphens allowed anywhere: obrien finds o'brien."""
    if len(word) < _FEWEST_JOINED or not word.isalpha() or _IS_UNSPACED.search(word):
        return re.escape(word)
    return f"[{JOINTS}]?".join(word)


def _hits(patterns: Sequence[re.Pattern[str]], text: str) -> Iterator[_Hit]:
    folds: Sequence[Callable[[str], str]] = (comparable,) if text.isascii() else (comparable, comparable_otherwise)
    for fold in folds:
        folded, places = (fold(text), None) if text.isascii() else with_places(text, fold)
        for number, pattern in enumerate(patterns):
            for match in islice(pattern.finditer(folded), _MOST_HITS):
                start, end = match.span()
                yield (places[start][0], places[end - 1][1], number) if places else (start, end, number)


def _best_window(hits: Sequence[_Hit]) -> tuple[int, list[_Hit]]:
    """The number of terms in the best window, and its hits."""
    best: tuple[int, list[_Hit]] = (0, [])
    for at, (begins, _, _) in enumerate(hits):
        window: list[_Hit] = []
        for hit in islice(hits, at, None):
            if window and hit[1] > begins + _LENGTH - _BEFORE:
                break
            window.append(hit)
        amount = len({number for _, _, number in window})
        if amount > best[0]:
            best = amount, window
    return best


def _marked(text: str, hits: Sequence[_Hit]) -> str:
    if not hits:
        return ""
    begins, ends = _cut(text, hits[0][0], max(hit[1] for hit in hits))
    return f"{'…' if begins else ''}{_between(text, hits, begins, ends).rstrip()}{'…' if ends < len(text) else ''}"


def _between(text: str, hits: Sequence[_Hit], begins: int, ends: int) -> str:
    """This part of the text, with its hits marked."""
    pieces, at = [], begins
    for start, end, _ in hits:
        if start >= at:
            pieces += [text[at:start], HIT_BEGINS, text[start:end], HIT_ENDS]
            at = end
    return "".join((*pieces, text[at:ends]))


def _cut(text: str, first: int, last: int) -> tuple[int, int]:
    """Start and end of the excerpt. They are moved to a blank if one is near."""
    begins = max(0, first - _BEFORE)
    if begins:
        blank = re.search(r"\s", text[begins - 1 : first])
        begins += blank.start() if blank else 0
    ends = max(last, begins + _LENGTH)
    if ends < len(text):
        blanks = [blank.start() for blank in re.finditer(r"\s", text[last : ends + 1])]
        ends = last + blanks[-1] if blanks else ends
    return begins, ends
