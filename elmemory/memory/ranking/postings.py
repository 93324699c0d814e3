"""Which texts hold a term, and how much that says: BM25, taken apart."""

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from math import log

_K1 = 0.9
_B = 0.4
_LEAST_LIKENESS = 0.7
_SHORTEST_SPELLED = 5


class Postings:
    """The terms of texts, which are known by their places in `counts`; empty ones only hold a place."""

    def __init__(self, counts: Sequence[Counter[str]]) -> None:
        lengths = [count.total() for count in counts]
        self._texts = sum(length > 0 for length in lengths)
        mean = sum(lengths) / self._texts if self._texts else 1.0
        self._of: dict[str, tuple[array[int], array[float]]] = {}
        for at, (count, length) in enumerate(zip(counts, lengths, strict=True)):
            damping = _K1 * (1 - _B + _B * length / mean)
            for term, times in count.items():
                texts, parts = self._of.get(term) or self._of.setdefault(term, (array("l"), array("f")))
                texts.append(at)
                parts.append(times * (_K1 + 1) / (times + damping))

    def __contains__(self, term: str) -> bool:
        return term in self._of

    def weights(self, terms: Iterable[str]) -> dict[str, float]:
        """How much each of the terms says, the rarer the more; those that no text holds are left out."""
        return {
            term: log(1 + (self._texts - len(held[0]) + 0.5) / (len(held[0]) + 0.5))
            for term in terms
            if (held := self._of.get(term))
        }

    def scores(self, weights: Mapping[str, float]) -> dict[int, float]:
        """The BM25 of each text that holds any of the terms, all of which must be held somewhere."""
        scores: defaultdict[int, float] = defaultdict(float)
        for term, weight in weights.items():
            for text, part in zip(*self._of[term], strict=True):
                scores[text] += weight * part
        return scores

    def spelled_like(self, term: str) -> dict[str, float]:
        """For a term that no text holds, those that share most of its letters, and how much of them, up to 1.

        They are names misheard and words put together.
        """
        if term in self._of or len(term) < _SHORTEST_SPELLED:
            return {}
        parts = _trigrams(term)
        shared = Counter(other for part in parts for other in self._spellings.get(part, ()))
        return {
            other: likeness
            for other, count in shared.items()
            if count > 1 and (likeness := count / min(len(parts), len(other) - 2)) >= _LEAST_LIKENESS
        }

    @cached_property
    def _spellings(self) -> Mapping[str, list[str]]:
        found: defaultdict[str, list[str]] = defaultdict(list)
        for term in self._of:
            for part in _trigrams(term):
                found[part].append(term)
        return found


def _trigrams(term: str) -> dict[str, None]:
    return dict.fromkeys(term[at : at + 3] for at in range(len(term) - 2))
