"""BM25 in two steps: the weights of terms, then the scores of texts."""

from array import array
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from itertools import accumulate
from math import log

from elmemory.memory.ranking.words import is_unspaced

_K1 = 0.9
_B = 0.4
_GRAM = 4
_LEAST_ALIKE = 0.1


class _TextsWith(dict[str, "array[int]"]):
    """Maps a term to the texts that hold it. `repeated` has the counts for texts that hold it more than once.

    `codes` maps term to code, and `text` is the codes of all texts. Terms are searched for in it on first access.
    """

    def __init__(self, codes: Mapping[str, str], text: str, lengths: Iterable[int]) -> None:
        super().__init__()
        self.repeated: dict[str, dict[int, int]] = {}
        self._codes = codes
        self._text = text
        # The end of each text. A list, because bisecting an array takes three times as long.
        self._ends = list(accumulate(lengths))

    def __missing__(self, term: str) -> "array[int]":
        if not (code := self._codes.get(term)):
            return array("I")
        find, ends = self._text.find, self._ends
        texts, at = [], find(code)
        while at >= 0:
            texts.append(bisect_right(ends, at))
            at = find(code, at + 1)
        if len(texts) > 1 and len(set(texts)) < len(texts):
            times_in = Counter(texts)
            self.repeated[term] = {text: times for text, times in times_in.items() if times > 1}
            texts = list(times_in)
        # Set last, because another thread may read it at once.
        found = self[term] = array("I", texts)
        return found


class Postings:
    """An index of texts, each known by its number. `text` has the codes of the terms of all, one after the other.

    `codes` maps term to code, and `lengths` are the numbers of terms of each text; texts may be empty. `groups` has the
    group of each text, numbered from 0, -1 for none; groups have scores too, and `group_lengths` in terms.
    """

    def __init__(
        self,
        text: str,
        lengths: "array[int]",
        codes: Mapping[str, str],
        groups: Sequence[int] = (),
        group_lengths: Sequence[int] = (),
    ) -> None:
        self._codes = codes
        self._lengths = lengths
        self._texts_with = _TextsWith(codes, text, lengths)
        self._count = len(lengths) - lengths.count(0)
        self._damping = _damping(lengths, len(text), self._count)
        self._groups = groups
        self._group_lengths = group_lengths
        self._group_count = len(group_lengths) - group_lengths.count(0)
        self._group_damping = _damping(group_lengths, sum(group_lengths), self._group_count)

    def length(self, text: int) -> int:
        """Return the number of terms in the text."""
        return self._lengths[text]

    def weights(self, terms: Iterable[str]) -> dict[str, float]:
        """Return the inverse document frequency of each known term: the rarer, the higher."""
        return {term: _rarity(len(held), self._count) for term in terms if (held := self._texts_with[term])}

    def scores(self, weights: Mapping[str, float]) -> dict[int, float]:
        """Return the BM25 score of each text that holds one of the terms."""
        scores: defaultdict[int, float] = defaultdict(float)
        damping, lengths = self._damping, self._lengths
        for term, weight in weights.items():
            whole = weight * (_K1 + 1)
            for text in self._texts_with[term]:
                scores[text] += whole / (1 + damping[lengths[text]])
            for text, times in self._texts_with.repeated.get(term, {}).items():
                damped = damping[lengths[text]]
                scores[text] += whole * (times / (times + damped) - 1 / (1 + damped))
        return scores

    def group_scores(self, terms: Iterable[str]) -> dict[int, float]:
        """Return the BM25 score of each group whose texts hold one of the terms."""
        scores: defaultdict[int, float] = defaultdict(float)
        damping, lengths = self._group_damping, self._group_lengths
        for term in terms:
            if not (held := self._texts_with[term]):
                continue
            times_in = Counter(map(self._groups.__getitem__, held))
            for text, times in self._texts_with.repeated.get(term, {}).items():
                times_in[self._groups[text]] += times - 1
            del times_in[-1]
            weight = _rarity(len(times_in), self._group_count) * (_K1 + 1)
            for group, times in times_in.items():
                scores[group] += weight * times / (times + damping[lengths[group]])
        return scores

    def alike(self, term: str) -> dict[str, float]:
        """Return the terms with common n-grams, and their share of the weight of this term's n-grams, up to 1."""
        grams = _grams(term)
        found: defaultdict[str, float] = defaultdict(float)
        whole = 0.0
        for gram in grams:
            holding = self._terms_holding(gram)
            rarity = _rarity(len(holding), len(self._codes))
            whole += rarity
            for other in holding:
                found[other] += rarity
        return {other: share / whole for other, share in found.items() if share >= _LEAST_ALIKE * whole}

    def _terms_holding(self, gram: str) -> set[str]:
        found = set()
        vocabulary, at = self._vocabulary, -1
        while (at := vocabulary.find(gram, at + 1)) >= 0:
            start = vocabulary.rfind("\n", 0, at + 1) + 1
            end = vocabulary.index("\n", at + 1)
            found.add(vocabulary[start:end])
            at = end - 1
        return found

    @cached_property
    def _vocabulary(self) -> str:
        """All terms between line breaks: fast to search, without an index of n-grams."""
        return "\n".join(["", *self._codes, ""])


def _rarity(holding: int, texts: int) -> float:
    return log(1 + (texts - holding + 0.5) / (holding + 0.5))


def _damping(lengths: Sequence[int], whole: int, count: int) -> dict[int, float]:
    """Return how much a text of each of these lengths damps the weight of its terms.

    `whole` is the sum of all lengths, and `count` the number of texts that are not empty.
    """
    mean = whole / (count or 1) or 1.0
    return {length: _K1 * (1 - _B + _B * length / mean) for length in set(lengths)}


def _grams(term: str) -> set[str]:
    """Return the n-grams of a term, with line breaks as its boundaries; none for unspaced scripts."""
    if is_unspaced(term):
        return set()
    bounded = f"\n{term}\n"
    return {bounded[at : at + _GRAM] for at in range(max(len(bounded) - _GRAM, 0) + 1)}
