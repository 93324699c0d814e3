"""The type of a sentence, and the types that answer a question: "when" asks for a time, "where" for a place."""

import re
from collections.abc import Sequence
from functools import cache

from elmemory.memory.ranking.dates import DAY_WORDS

# A sentence type is the sum of these bits: it is in the first person; has a time, a number, a place, a name, a
# question; is only a question.
FIRST_PERSON, TIME, NUMBER, PLACE, NAME, QUESTION, ONLY_QUESTION = (1 << bit for bit in range(7))
_TYPES = 1 << 7

# Shares of its own score that a sentence gains by its type for any question.
_FIRST_PERSON_GAIN = 0.4
_ONLY_QUESTION_GAIN = -0.45

FIRST_PERSON_WORDS = frozenset("i my mine me myself we our ours us".split())
_TIME_WORDS = (
    DAY_WORDS - frozenset("may march fall spring this past".split())  # too often wrong
    | frozenset("morning noon afternoon evening midnight clock am pm since".split())
)
_NUMBER_WORDS = frozenset(
    "one two three four five six seven eight nine ten eleven twelve once twice couple few several first second third"
    " half dozen hundred thousand".split()
)
_PLACE_PATTERN = re.compile(r"\b(?:at|in|on|to|from|near|around)\s+(?:the\s+)?[A-Z\d]")
_NAME_PATTERN = re.compile(r"(?<=[a-z,] )[A-Z][a-z]{2}")
_SENTENCE_END = re.compile(r"[.!]\s")

# A pattern for questions, the type that answers them, and the share of its score that such a sentence gains.
_ANSWERS = [
    (re.compile(r"^\W*when\b|\b(?:what|which) (?:date|day|month|year|time)\b"), TIME, 0.8),
    (re.compile(r"\bhow (?:many|long|old|often|much|far|big)\b"), NUMBER, 0.5),
    (re.compile(r"\bwhere\b|\b(?:what|which) (?:city|country|place|state|town|address|street|area)\b"), PLACE, 0.6),
    (re.compile(r"\b(?:who|whose|whom|names?|called)\b"), NAME, 0.75),
]


def plain_type(text: str, is_first_person: bool) -> int:
    """Return the bits that count for any question: first person, and question."""
    bits = FIRST_PERSON if is_first_person else 0
    if text.rstrip().endswith(("?", "？", "؟")):
        bits |= QUESTION if _SENTENCE_END.search(text) else QUESTION | ONLY_QUESTION
    return bits


def answer_type(text: str, spoken: Sequence[str]) -> int:
    """Return the bits that count if a question asks for them: time, number, place, name."""
    bits = 0
    if not _TIME_WORDS.isdisjoint(spoken):
        bits |= TIME
    if not _NUMBER_WORDS.isdisjoint(spoken) or any(map(str.isdigit, spoken)):
        bits |= NUMBER
    if _PLACE_PATTERN.search(text):
        bits |= PLACE
    if _NAME_PATTERN.search(text):
        bits |= NAME
    return bits


def type_weights(question: str) -> tuple[Sequence[float], bool]:
    """Return the factor of a sentence's score by sentence type, for this lower-case question.

    Also return whether the question asks for a type of answer.
    """
    asked = tuple((bit, gain) for pattern, bit, gain in _ANSWERS if pattern.search(question))
    return _factors(asked), bool(asked)


@cache
def _factors(asked: tuple[tuple[int, float], ...]) -> Sequence[float]:
    gains = [*asked, (FIRST_PERSON, _FIRST_PERSON_GAIN), (ONLY_QUESTION, _ONLY_QUESTION_GAIN)]
    return tuple(1 + sum(gain for bit, gain in gains if bits & bit) for bits in range(_TYPES))
