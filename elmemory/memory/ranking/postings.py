"""BM25 in two steps: the weights of terms, then the scores of the texts that hold them."""

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from math import log

_K1 = 0.9
_B = 0.4
_LEAST_SIMILARITY = 0.7
_SHORTEST_SIMILAR = 5


class Postings:
    """An inverted index of texts. A text is named by its place in `counts`; empty ones are allowed and never found."""

    def __init__(self, counts: Sequence[Counter[str]]) -> None:
        lengths = [count.total() for count in counts]
        self._texts = sum(length > 0 for length in lengths)
        mean = sum(lengths) / self._texts if self._texts else 1.0
        # Term to the texts that hold it, and the part of the score that depends on the text alone.
        self._postings: dict[str, tuple[array[int], array[float]]] = {}
        for at, (count, length) in enumerate(zip(counts, lengths, strict=True)):
            damping = _K1 * (1 - _B + _B * length / mean)
            for term, times in count.items():
                texts, parts = self._postings.get(term) or self._postings.setdefault(term, (array("l"), array("f")))
                texts.append(at)
                parts.append(times * (_K1 + 1) / (times + damping))

    def weights(self, terms: Iterable[str]) -> dict[str, float]:
        """The inverse document frequency of each term, which is higher the rarer it is; unknown terms are left out."""
        return {
            term: log(1 + (self._texts - len(held[0]) + 0.5) / (len(held[0]) + 0.5))
            for term in terms
            if (held := self._postings.get(term))
        }

    def scores(self, weights: Mapping[str, float]) -> dict[int, float]:
        """The BM25 score of each text that holds one of the terms. Raises KeyError for a term that no text holds."""
        scores: defaultdict[int, float] = defaultdict(float)
        for term, weight in weights.items():
            for text, part in zip(*self._postings[term], strict=True):
                scores[text] += weight * part
        return scores

    def spelled_like(self, term: str) -> dict[str, float]:
        """For a term that no text holds: the terms that share most of its trigrams, with their similarity up to 1.

        They are misheard names and compounds.
        """
        if term in self._postings or len(term) < _SHORTEST_SIMILAR:
            return {}
        parts = _trigrams(term)
        shared = Counter(other for part in parts for other in self._terms_with.get(part, ()))
        return {
            other: similarity
            for other, count in shared.items()
            if count > 1 and (similarity := count / min(len(parts), len(other) - 2)) >= _LEAST_SIMILARITY
        }

    @cached_property
    def _terms_with(self) -> Mapping[str, list[str]]:
        """Trigram to the terms that hold it."""
        found: defaultdict[str, list[str]] = defaultdict(list)
        for term in self._postings:
            for part in _trigrams(term):
                found[part].append(term)
        return found


def _trigrams(term: str) -> dict[str, None]:
    """The trigrams of the term, each once, in order."""
    return dict.fromkeys(term[at : at + 3] for at in range(len(term) - 2))
