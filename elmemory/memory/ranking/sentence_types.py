"""What form a sentence has, and which forms answer a question: a "when" wants a time, a "where" a place."""

import re
from collections.abc import Set

from elmemory.memory.ranking.dates import DAY_WORDS

# A form is the sum of these.
OWN, TIMED, COUNTED, PLACED, NAMING, ASKING, ONLY_ASKING = (1 << bit for bit in range(7))
_FORMS = 1 << 7

# How much of its own score a sentence gains for suiting the question.
_OWN_WORTH = 0.4
_ONLY_ASKING_WORTH = -0.45

_FIRST_PERSON = frozenset("i my mine me myself we our ours us".split())
_TIMES = (
    DAY_WORDS - frozenset("may march fall spring this past".split())  # too often something else
    | frozenset("morning noon afternoon evening midnight clock am pm since".split())
)
_NUMBERS = frozenset(
    "one two three four five six seven eight nine ten eleven twelve once twice couple few several first second third"
    " half dozen hundred thousand".split()
)
_PLACE = re.compile(r"\b(?:at|in|on|to|from|near|around)\s+(?:the\s+)?[A-Z\d]")
_NAME = re.compile(r"(?<=[a-z,] )[A-Z][a-z]{2}")
_SENTENCE_END = re.compile(r"[.!]\s")

# Question, the form that suits it, and what that is worth.
_SUITING = [
    (re.compile(r"^\W*when\b|\b(?:what|which) (?:date|day|month|year|time)\b"), TIMED, 0.8),
    (re.compile(r"\bhow (?:many|long|old|often|much|far|big)\b"), COUNTED, 0.5),
    (re.compile(r"\bwhere\b|\b(?:what|which) (?:city|country|place|state|town|address|street|area)\b"), PLACED, 0.6),
    (re.compile(r"\b(?:who|whose|whom|names?|called)\b"), NAMING, 0.75),
]


def form_of(text: str, spoken: Set[str]) -> int:
    """The form of a text, of which `spoken` are the words."""
    form = 0
    if not spoken.isdisjoint(_FIRST_PERSON):
        form |= OWN
    if not spoken.isdisjoint(_TIMES):
        form |= TIMED
    if not spoken.isdisjoint(_NUMBERS) or any(word.isdigit() for word in spoken):
        form |= COUNTED
    if _PLACE.search(text):
        form |= PLACED
    if _NAME.search(text):
        form |= NAMING
    if text.rstrip().endswith(("?", "？", "؟")):
        form |= ASKING if _SENTENCE_END.search(text) else ASKING | ONLY_ASKING
    return form


def worth_of_forms(asked: str) -> list[float]:
    """For each form, what the own score of a sentence is to be multiplied by for this lower-case question."""
    suits = [(form, worth) for question, form, worth in _SUITING if question.search(asked)]
    suits += [(OWN, _OWN_WORTH), (ONLY_ASKING, _ONLY_ASKING_WORTH)]
    return [1 + sum(worth for bit, worth in suits if form & bit) for form in range(_FORMS)]
