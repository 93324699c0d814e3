"""Finds names that are spelled nearly like the words of a question."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from conversations.index.tokens import comparable, comparable_otherwise
from conversations.models import CallerCard, Conversation
from elmemory.memory.caches import kept_briefly
from elmemory.memory.ranking.words import split

_MOST_OFFERED = 5
_MOST_NAMES = 50_000
_MOST_WORDS = 6
_LONGEST = 40
# From this length on, a name may differ by so many edits; shorter words are like too many names.
_LIMITS = ((8, 2.0), (5, 1.5), (3, 1.0))
_FARTHEST = 4
_SOUND_AS_ONE = re.compile(r"ph|sch|sh|ch|ck|th|(?<=.)h")
_ONE = {"ph": "f", "sch": "s", "sh": "s", "ch": "k", "ck": "k", "th": "t"}
# Letters that sound alike, and the one that stands for them.
_ALIKE = str.maketrans("eiouyjcqzvwdb", "aaaaaakksfftp")
_DOUBLED = re.compile(r"(.)\1+")

# Folded words of names -> their distance from a typed word; 0 if they begin with it.
type _Near = Mapping[str, float]


class _Spelled(NamedTuple):
    text: str
    keys: Sequence[str]


def near_questions(question: str) -> list[str]:
    """Questions with near names in place of the words, the nearest first.

    Empty if the words are already a name, or begin one.
    """
    typed = [_spelled(word) for word in question.replace('"', " ").split()]
    asked = [place for place, word in enumerate(typed) if word.keys and not word.text.startswith("-")]
    if not asked or len(asked) > _MOST_WORDS:
        return []
    names = [[_spelled(word) for word in name.split()] for name in _names()]
    keys = {key for name in names for word in name for key in word.keys}
    near = {place: _nearest(typed[place].keys[0], keys) for place in asked}
    offered: dict[str, tuple[int, float]] = {}
    for name in names:
        like = {place: match for place in asked if (match := _like(name, near[place]))}
        unlike, distance = len(asked) - len(like), sum(distance for distance, _ in like.values())
        if unlike:
            # Words that are a name already stay.
            like = {place: match for place, match in like.items() if 0 not in near[place].values()}
            distance = sum(distance for distance, _ in like.values())
        elif not distance:
            return []
        if like:
            words = [like[place][1] if place in like else word.text for place, word in enumerate(typed)]
            text, rank = " ".join(words), (unlike, distance)
            offered[text] = min(rank, offered.get(text, rank))
    return sorted(offered, key=lambda text: (offered[text], text))[:_MOST_OFFERED]


def _names() -> set[str]:
    """The names of callers in calls and on cards."""
    named = Conversation.objects.exclude(caller_name="").order_by().values_list("caller_name", flat=True).distinct()
    cards = CallerCard.objects.exclude(name="").order_by().values_list("name", flat=True).distinct()
    return {*named[:_MOST_NAMES], *cards[:_MOST_NAMES]}


def _spelled(word: str) -> _Spelled:
    """The one or two foldings of a word; none if it has digits or no letters."""
    if word.isascii() and word.isalpha():
        return _Spelled(word, (word.lower(),))
    foldings = (comparable,) if word.isascii() else (comparable, comparable_otherwise)
    keys = dict.fromkeys("".join(split(fold(word))) for fold in foldings)
    return _Spelled(word.strip(",;.()"), [key for key in keys if key and not any(map(str.isdigit, key))])


def _like(name: Sequence[_Spelled], near: _Near) -> tuple[float, str] | None:
    """The distance of the nearest word of the name, and the word; None if none is near."""
    found = [(near[key], word.text) for word in name for key in word.keys if key in near]
    return min(found) if found else None


def _nearest(key: str, known: Iterable[str]) -> _Near:
    letters, heard = _letters(key), _heard(key)
    limit = next((limit for length, limit in _LIMITS if len(letters) >= length), 0.0)
    near = {}
    for other in known:
        if other.startswith(key):
            near[other] = 0.0
        elif limit and abs(len(other) - len(key)) <= _FARTHEST and len(key) <= _LONGEST:
            heard_other = _heard(other)
            if abs(len(heard_other) - len(heard)) <= limit and len({*heard_other} ^ {*heard}) <= 2 * limit:
                distance = (_edits(letters, _letters(other)) + _edits(heard, heard_other)) / 2
                if distance <= limit:
                    near[other] = distance
    return near


def _letters(key: str) -> str:
    """The word, with syllables of Hangul and voiced kana decomposed."""
    return key if key.isascii() else unicodedata.normalize("NFD", key)


@kept_briefly(maxsize=1 << 14)
def _heard(key: str) -> str:
    """The word with one letter in place of all letters that sound alike."""
    alike = _SOUND_AS_ONE.sub(lambda found: _ONE.get(found[0], ""), _letters(key)).translate(_ALIKE)
    return _DOUBLED.sub(r"\1", alike)


def _edits(one: str, other: str) -> int:
    """The number of letters to insert, remove, change or swap with the next one (optimal string alignment)."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for at, letter in enumerate(one, start=1):
        last, before, row = before, row, [at]
        for place, wanted in enumerate(other, start=1):
            edits = min(before[place] + 1, row[-1] + 1, before[place - 1] + (letter != wanted))
            if at > 1 < place and letter == other[place - 2] and one[at - 2] == wanted:
                edits = min(edits, last[place - 2] + 1)
            row.append(edits)
    return row[-1]
