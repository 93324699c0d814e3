"""Fuses two scores of the same memories: by words, and by likeness of meaning to the question."""

from collections.abc import Callable, Collection, Mapping, MutableSequence, Sequence
from math import sqrt, sumprod

from elmemory.memory.records import Memory

type Likeness = Callable[[], Mapping[int, float]]
"""Returns, by index of a memory, the likeness of its meaning to the question's; empty if unknown."""

# Tuned like the ranker, on half of the questions of bench/recall.py. The weight of meaning if all words of the question
# are known; if none is; and the exponent for the share of unknown ones in between.
_LEAST_WEIGHT, _MOST_WEIGHT, _POWER = 0.5, 3.0, 1.5
# A turn is encoded with the agent's question. A turn without one is explained by adjacent ones: shares of the gains of
# the turns before and after it.
_AFTER, _BEFORE = 0.5, 0.8


def add_likeness(
    scores: MutableSequence[float],
    memory_at: Sequence[int],
    memories: Sequence[Memory],
    likeness: Mapping[int, float],
    unknown: float,
) -> float:
    """Add to the scores, by place, the gains of memories by their likeness. Return the largest gain.

    `memory_at` is the memory at a place, a negative number for none. A memory without a likeness gains nothing.
    `unknown` is the share of the question's words that no memory contains; it raises the weight of meaning. Gains are
    in the unit of `scores`. Gains for days, which are added later, must outweigh the largest.
    """
    standard = _standard(list(likeness.values()))
    gains = {memory: max(gain, 0.0) for memory, gain in zip(likeness, standard, strict=True)}
    places = [place for place, memory in enumerate(memory_at) if memory in gains]
    if not places:
        return 0.0
    spread = _spread([scores[place] for place in places]) or 1.0
    weight = (_LEAST_WEIGHT + (_MOST_WEIGHT - _LEAST_WEIGHT) * unknown**_POWER) * spread
    unasked = {place for place in places if not memories[memory_at[place]].metadata.get("asked")}
    most = 0.0
    for place in places:
        gain = gains[memory_at[place]]
        if place in unasked:
            if place - 1 in unasked:
                gain += _AFTER * gains[memory_at[place - 1]]
            if place + 1 in unasked:
                gain += _BEFORE * gains[memory_at[place + 1]]
        scores[place] += weight * gain
        most = max(most, weight * gain)
    return most


def share_unknown(wanted: Sequence[str], known: Collection[str]) -> float:
    """Return the share of unknown terms; 1 without terms."""
    return sum(term not in known for term in wanted) / len(wanted) if wanted else 1.0


def _standard(values: Sequence[float]) -> list[float]:
    """Return the values as z-scores."""
    mean, spread = sum(values) / (len(values) or 1), _spread(values) or 1.0
    return [(value - mean) / spread for value in values]


def _spread(values: Sequence[float]) -> float:
    """Return the standard deviation."""
    mean = sum(values) / (len(values) or 1)
    return sqrt(max(sumprod(values, values) / (len(values) or 1) - mean * mean, 0.0))
