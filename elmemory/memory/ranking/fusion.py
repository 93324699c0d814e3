"""Fusion of two scores of the same memories: by their words, and by how much they mean what the question means."""

from collections.abc import Callable, Collection, Mapping, MutableSequence, Sequence
from statistics import fmean, pstdev

# Tuned on the tuning halves of bench/recall.py.
type Likeness = Callable[[], Mapping[int, float]]
"""Returns, by the place of a memory, how much it means what the question means; nothing if that is not known."""

_LEAST_WEIGHT, _MOST_WEIGHT = 1.0, 3.0


def add_likeness(
    scores: MutableSequence[float], memory_at: Sequence[int], likeness: Mapping[int, float], unknown: float
) -> None:
    """Add to the scores of words, by place, what the memories there gain by their likeness to the question.

    `likeness` is by memory; one that is missing gains nothing. `unknown` is the share of the question's words that no
    memory contains: the more, the less the words say. Scores stay in the unit of words, so that what is added for days
    afterwards weighs as much as without an encoder.
    """
    gains = _standard(likeness)
    places = [place for place, memory in enumerate(memory_at) if memory in gains]
    spread = pstdev(scores[place] for place in places) if places else 0.0
    weight = (_LEAST_WEIGHT + (_MOST_WEIGHT - _LEAST_WEIGHT) * unknown) * (spread or 1.0)
    for place in places:
        scores[place] += weight * max(gains[memory_at[place]], 0.0)


def _standard(values: Mapping[int, float]) -> dict[int, float]:
    """The values as z-scores."""
    mean = fmean(values.values()) if values else 0.0
    spread = pstdev(values.values(), mean) if values else 0.0
    return {name: (value - mean) / spread if spread else 0.0 for name, value in values.items()}


def share_unknown(wanted: Sequence[str], known: Collection[str]) -> float:
    """The share of the terms that are not known; 1 without terms."""
    return sum(term not in known for term in wanted) / len(wanted) if wanted else 1.0
