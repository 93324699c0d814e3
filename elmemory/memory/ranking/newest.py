"""Puts the newer of two contradicting memories first if a question is about the present."""

import re
from collections.abc import Collection, Sequence
from datetime import datetime
from functools import partial
from itertools import pairwise
from typing import NamedTuple

from elmemory.memory.caches import kept_briefly
from elmemory.memory.ranking.dates import DAY_WORDS
from elmemory.memory.ranking.languages import ENGLISH, terms_in
from elmemory.memory.ranking.time_words import time_words
from elmemory.memory.ranking.words import folded, terms
from elmemory.memory.records import Match, Memory

_PRESENT = re.compile(r"\b(?:does|do|is|are|has|have)\b|\b(?:what|who|where|how)['’]s\b")
_PAST = re.compile(
    r"\b(?:did|was|were|had|ago|last|first|when|before|used to|ever|yesterday|earlier|previous(?:ly)?|original(?:ly)?"
    r"|initially|since|how long)\b"
)
# The share of the older memory's score that the newer one must have.
_CLOSE = 0.6
_LONGEST = 2000
_FIRST_YEAR, _LAST_YEAR = 1900, 2200
_OTHERS = re.compile(
    r"\b(?:(?:step|grand)?(?:sons?|daughters?|mothers?|fathers?|mums?|moms?|dads?|parents?|child(?:ren)?|kids?)|boys?|girls?"
    r"|bab(?:y|ies)|husbands?|wife|partners?|brothers?|sisters?|siblings?|aunts?|uncles?|cousins?|nieces?|nephews?"
    r"|granny|nan(?:a)?|grandpa|friends?|neighbou?rs?|boss|colleagues?|carers?|dogs?|cats?|pupp(?:y|ies)|kittens?"
    r"|horses?|he|she|they)\b"
)
_NAME = re.compile(r"(?<=[\w,;] )(?!I\b)[A-Z][\w'’-]+")
_WORD = re.compile(r"[\w'’-]+[.!?]?")
_PLACE = re.compile(
    r"(?:\d+\w?\s)?(?:[A-Z][\w'’-]+\s)+(?:Street|St|Road|Rd|Avenue|Ave|Lane|Drive|Court|Square|Way|Close|Place|Terrace)\b"
    r"|\b(?:at|in|on|to|from|near|around)\s+(?:the\s+)?(?:\d+\w?\s)?(?:[A-Z][\w'’-]+\s?)+"
)
_MEDICINE = re.compile(
    r"\b\w+(?:pril|sartan|olol|dipine|statin|formin|gliptin|gliflozin|cillin|mycin|floxacin|azole|prazole|oxetine|pram"
    r"|profen|cetamol|caine|codone|codeine|sone|solone|thyroxine|parin|xaban|farin|zepam|zolam|triptan|insulin|aspirin)\b"
)
_AMOUNT = re.compile(
    r"\d+(?:[.,]\d+)?|\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|forty|fifty"
    r"|sixty|seventy|eighty|ninety|hundred|thousand|half|once|twice)\b"
)


class _Subject(NamedTuple):
    """The terms of the question that a memory answers, its people and medicines, and its amounts."""

    asked: frozenset[str]
    about: frozenset[str]
    amounts: frozenset[str]


def asks_how_things_are(question: str, language: str = ENGLISH) -> bool:
    """Whether the folded question is about the present; except in English, whether it has a word for "now".

    False for languages in which other people cannot be distinguished from the caller.
    """
    if language == ENGLISH:
        return bool(_PRESENT.search(question)) and not _PAST.search(question)
    words = time_words(language)
    return words.people is not None and words.now.search(question) is not None


def newest_first(
    ranked: Sequence[Match], called_on: Sequence[int], wanted: Collection[str], language: str = ENGLISH
) -> list[Match]:
    """Return the matches, best first, but each before older ones that it contradicts if their scores are close.

    `called_on` are the days of their calls, 0 if unknown. `wanted` are the terms of the question.
    """
    subject_of = _subject if language == ENGLISH else partial(_subject_in, language)
    placed: list[tuple[Match, int, _Subject]] = []
    for match, day in zip(ranked, called_on, strict=True):
        subject, at = subject_of(match.memory, wanted), len(placed)
        for place, (other, other_day, other_subject) in enumerate(placed):
            is_newer = 0 < other_day < day and match.score >= _CLOSE * other.score
            if is_newer and _contradict(other_subject, subject):
                at, match = place, match._replace(score=other.score)
                break
        placed.insert(at, (match, day, subject))
    return [match for match, _, _ in placed]


def _contradict(older: _Subject, newer: _Subject) -> bool:
    """Whether both answer the question about the same people and medicines, without different amounts."""
    other_amounts = older.amounts and newer.amounts and older.amounts != newer.amounts
    return bool(older.asked) and older.asked <= newer.asked and older.about == newer.about and not other_amounts


def _subject(memory: Memory, wanted: Collection[str]) -> _Subject:
    said, asked = memory.content[:_LONGEST], str(memory.metadata.get("asked") or "")[:_LONGEST]
    elsewhere = _PLACE.sub(" ", said)
    lower = folded(elsewhere)
    names = {folded(name) for name in _NAME.findall(elsewhere)} - DAY_WORDS
    about = names.union(_OTHERS.findall(lower), _MEDICINE.findall(lower))
    answered = frozenset(terms(f"{asked} {said}")).intersection(wanted)
    return _Subject(answered, frozenset(about), frozenset(_AMOUNT.findall(lower)))


def _subject_in(language: str, memory: Memory, wanted: Collection[str]) -> _Subject:
    """Return the subject of a memory in another language. Capitalised words within a sentence count as names."""
    said, asked = memory.content[:_LONGEST], str(memory.metadata.get("asked") or "")[:_LONGEST]
    lower, people = folded(said), time_words(language).people
    about = {
        folded(word) for before, word in pairwise(_WORD.findall(said)) if word[0].isupper() and before[-1] not in ".!?"
    }
    about.update(people.findall(lower) if people else (), _MEDICINE.findall(lower))
    answered = frozenset(terms_in(language, f"{asked} {said}")).intersection(wanted)
    return _Subject(answered, frozenset(about), frozenset(_AMOUNT.findall(lower)))


def day_called(memory: Memory) -> int:
    """Return the ordinal (`date.toordinal`) of the day of the memory's call; 0 if it is missing or impossible."""
    return _ordinal(str(memory.metadata.get("called_at")))


@kept_briefly(maxsize=1024)
def _ordinal(called_at: str) -> int:
    try:
        called = datetime.fromisoformat(called_at)
    except ValueError:
        return 0
    return called.toordinal() if _FIRST_YEAR <= called.year <= _LAST_YEAR else 0
