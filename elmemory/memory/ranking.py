"""The one ranker: a caller's memories against a question, whoever stores them.

BM25 over lightly stemmed words. It sees one caller's memories at a time, so it can neither starve a
caller behind other callers' memories nor show one caller what another one said.
"""

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

from elmemory.memory.openmemory.protocol import Match, Memory

_K1 = 1.2
_B = 0.75
_WORD = re.compile(r"[^\W_]+")
_SUFFIXES = "ingly", "edly", "ings", "ing", "ied", "ies", "ed", "es", "s"
_STOP_WORDS = frozenset(
    "a about am an and are as at be been but by can could did do does for from had has have he her hers him his how i"
    " if in into is it its me my of on or our s she so t than that the their them then there these they this those to"
    " us was we were what when where which who whom why will with would you your caller tell told say said".split()
)


def rank(question: str, memories: Sequence[Memory], k: int) -> list[Match]:
    """The memories that best answer the question, best first, at most k; those that share no word are left out."""
    documents = [Counter(terms(f"{memory.content} {memory.metadata.get('asked') or ''}")) for memory in memories]
    lengths = [document.total() for document in documents]
    mean_length = (sum(lengths) / len(lengths) if lengths else 0) or 1
    weights = {
        term: math.log(1 + (len(documents) - found + 0.5) / (found + 0.5))
        for term in set(terms(question))
        if (found := sum(term in document for document in documents))
    }
    matches = []
    for memory, document, length in zip(memories, documents, lengths, strict=True):
        score = 0.0
        for term, weight in weights.items():
            if count := document[term]:
                score += weight * count * (_K1 + 1) / (count + _K1 * (1 - _B + _B * length / mean_length))
        if score:
            matches.append(Match(memory, score))
    matches.sort(key=lambda match: (-match.score, -match.memory.salience))
    return matches[:k]


def terms(text: str) -> list[str]:
    """The words that carry meaning, folded and stemmed; all words where nothing else is left."""
    words = _WORD.findall(_folded(text))
    return [_stem(word) for word in words if word not in _STOP_WORDS] or [_stem(word) for word in words]


def _folded(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(char for char in decomposed if not unicodedata.combining(char))


def _stem(word: str) -> str:
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= 3:
            return word.removesuffix(suffix) + ("y" if suffix in ("ied", "ies") else "")
    return word
