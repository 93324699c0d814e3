"""The one ranker: a caller's memories against a question, whoever stores them.

It sees one caller's memories at a time, so it can neither starve a caller behind other callers' memories
nor show one caller what another one said. BM25 over stemmed words is the ground; on it come
what was said just before and after, the whole conversation's words, what form an answer to such a
question has, and the days that the question names.
"""

import re
from array import array
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from heapq import nlargest
from math import log
from typing import NamedTuple

from elmemory.memory.dates import Days, days_named
from elmemory.memory.openmemory.protocol import Match, Memory
from elmemory.memory.synonyms import SYNONYMS
from elmemory.memory.words import folded, is_empty, terms_of, words

# Tuned on half of the LoCoMo conversations, see bench/recall.py; every figure is a share of a memory's own BM25 score.
_K1, _B = 0.9, 0.4
_BEFORE, _AFTER, _TWO_BEFORE, _TWO_AFTER = 0.45, 0.35, 0.45, 0.3
_ANSWER = 0.6
_CONVERSATION = 0.9
_OWN, _QUESTION = 0.4, -0.3
_WHEN, _MANY, _WHERE = 0.8, 0.5, 0.6
_DATED, _NAMED, _DATED_FLAT, _SAME_DAY = 0.6, 0.8, 0.6, 0.4
_FACT = 0.3
_SYNONYM = 0.6
_DAYS_NEAR = 7
_NEW = 0.0

_FIRST_PERSON = frozenset("i my we our me mine us myself".split())
_NUMBER_WORDS = frozenset(
    "one two three four five six seven eight nine ten eleven twelve once twice couple few several first second third"
    " half dozen hundred thousand".split()
)
_TIME_WORDS = frozenset(
    "yesterday today tonight tomorrow last ago next since week weeks month months year years morning evening noon weekend"
    " monday tuesday wednesday thursday friday saturday sunday january february march april june july august september"
    " october november december am pm clock".split()
)
_YEAR = re.compile(r"(?:19|20)\d\d")
_PLACE = re.compile(r"\b(?:at|in|to|from|near|around|on)\s+(?:the\s+)?[A-Z\d]")
_WHEN_ASKED = re.compile(r"^\W*when\b|\b(?:what|which) (?:date|day|month|year|time)\b")
_MANY_ASKED = re.compile(r"\bhow (?:many|long|old|often|much|far|big)\b")
_WHERE_ASKED = re.compile(r"\bwhere\b|\b(?:what|which) (?:city|country|place|state|town|address|street|area)\b")
_LAST_TIME = re.compile(r"\b(?:last|previous|most recent) (?:time|call|conversation)\b|\blast (?:\w+ )?(?:spoke|talked|called)\b")

# What a turn's form may say of it.
_IS_OWN, _IS_TIMED, _IS_COUNTED, _IS_PLACED, _IS_QUESTION, _ENDS_ASKING, _IS_FACT = (1 << bit for bit in range(7))


class _Turn(NamedTuple):
    """A memory, or what the agent said before it (`memory` -1), in the order of the conversation."""

    text: str
    memory: int


class Corpus:
    """One caller's memories, prepared for any number of questions; never changed afterwards.

    Preparing takes some 40 ms for 1,000 memories, so it is worth keeping for as long as the memories stay the same.
    """

    def __init__(self, memories: Sequence[Memory]) -> None:
        self.memories = tuple(memories)
        self._memory_at: list[int] = []
        self._forms: list[int] = []
        self._members: list[list[int]] = []
        self._days_called = array("l")
        self._days_named: dict[int, list[Days]] = {}
        counts: list[Counter[str]] = []
        talks: list[Counter[str]] = []
        talk_of: dict[str, int] = {}
        for turns, conversation in _conversations(self.memories):
            talk = talk_of.setdefault(conversation, len(talks)) if conversation else len(talks)
            if talk == len(talks):
                talks.append(Counter())
                self._members.append([])
            for turn in turns:
                spoken = words(turn.text)
                count = Counter(terms_of(spoken))
                if turn.memory >= 0:
                    self._members[talk].append(len(counts))
                talks[talk].update(count)
                counts.append(count)
                self._memory_at.append(turn.memory)
                fact = turn.memory >= 0 and self.memories[turn.memory].kind == "fact"
                self._forms.append(_form(turn.text, spoken) | (_IS_FACT if fact else 0))
            # Two empty places keep conversations from being each other's neighbours.
            counts += [Counter(), Counter()]
            self._memory_at += [-1, -1]
            self._forms += [0, 0]
        self._postings = _Postings(counts)
        self._talks = _Postings(talks)
        for memory in self.memories:
            called = _day_called(memory)
            self._days_called.append(called.toordinal() if called else 0)
        for at, memory in enumerate(self.memories):
            if (day := self._days_called[at]) and (days := days_named(folded(memory.content), date.fromordinal(day))):
                self._days_named[at] = days
        called_days = [day for day in self._days_called if day]
        order = {day: n for n, day in enumerate(sorted(set(self._days_called)))}
        self._newness = {at: (order[self._days_called[m]]+1) / len(order) for at, m in enumerate(self._memory_at) if m >= 0}
        self._newest = max(called_days, default=0)
        self._years = sorted({date.fromordinal(day).year for day in called_days})

    def rank(self, question: str, k: int, today: date | None = None) -> list[Match]:
        """The memories that best answer the question, best first, at most k.

        `today` is what "yesterday" in the question counts from; without it only the words are looked for.
        Memories with nothing to do with the question are left out.
        """
        asked = folded(question)
        wanted = set(terms_of(words(question)))
        weights = self._widened(self._postings.weights(wanted), wanted)
        whole = sum(weights.values()) or 1.0
        own = self._postings.scores(weights)
        form_worth = _form_worth(asked)
        scores: defaultdict[int, float] = defaultdict(float)
        for at, score in own.items():
            form = self._forms[at]
            scores[at] += score * form_worth[form]
            scores[at - 1] += score * _AFTER
            scores[at + 1] += score * (_BEFORE + _ANSWER if form & _ENDS_ASKING else _BEFORE)
            scores[at - 2] += score * _TWO_AFTER
            scores[at + 2] += score * _TWO_BEFORE
        for talk, score in self._talks.scores(self._talks.weights(wanted)).items():
            for at in self._members[talk]:
                if not self._forms[at] & _IS_FACT:
                    scores[at] += score * _CONVERSATION
        for at, score in self._newness.items():
            if at in scores: scores[at] *= 1 + _NEW * score
            else: scores[at] = 1e-3 * form_worth[self._forms[at]] * (1 + score)
        if days := self._days_asked(asked, today):
            for at, memory in enumerate(self._memory_at):
                if memory >= 0 and (worth := self._days_worth(memory, days, own.get(at, 0.0), whole)):
                    scores[at] += worth
        found = ((score, self._memory_at[at]) for at, score in scores.items() if score > 0 and self._memory_at[at] >= 0)
        best = nlargest(k, found, key=lambda item: (item[0], self.memories[item[1]].salience, self._days_called[item[1]]))
        return [Match(self.memories[memory], score) for score, memory in best]

    def _widened(self, weights: dict[str, float], wanted: set[str]) -> dict[str, float]:
        """With words of the same meaning, which never weigh more than the word asked for."""
        others = {other: term for term in wanted for other in SYNONYMS.get(term, ()) if other not in wanted}
        for other, weight in self._postings.weights(set(others)).items():
            weights[other] = _SYNONYM * min(weight, weights.get(others[other], weight))
        return weights

    def _days_asked(self, asked: str, today: date | None) -> list[Days]:
        days = days_named(asked, today, self._years)
        if not days and self._newest and (_LAST_TIME.search(asked) or is_empty(asked)):
            return [Days(self._newest, self._newest)]
        return days

    def _days_worth(self, memory: int, days: list[Days], own: float, whole: float) -> float:
        """What the score gains where the call was near the days that the question names, or the memory names them too."""
        if not (called := self._days_called[memory]):
            return 0.0
        gap = min(span.gap(called) for span in days)
        worth = (1 - gap / _DAYS_NEAR) * (own * _DATED + whole * _DATED_FLAT) if gap < _DAYS_NEAR else 0.0
        if gap == 0 and any(span.first == span.last for span in days):
            worth += whole * _SAME_DAY
        if own and (named := self._days_named.get(memory)):
            worth += own * _NAMED * any(
                span.first - 1 <= other.first and other.last <= span.last + 1 for span in days for other in named
            )
        return worth


def rank(question: str, memories: Sequence[Memory], k: int, today: date | None = None) -> list[Match]:
    """The same for memories that are asked but once."""
    return Corpus(memories).rank(question, k, today)


class _Postings:
    """Which texts hold a term, and its BM25 part there without the term's own weight."""

    def __init__(self, counts: list[Counter[str]]) -> None:
        lengths = [count.total() for count in counts]
        self._texts = sum(length > 0 for length in lengths)
        mean = (sum(lengths) / self._texts if self._texts else 0) or 1
        self._of: dict[str, tuple[array[int], array[float]]] = {}
        for at, (count, length) in enumerate(zip(counts, lengths, strict=True)):
            damping = _K1 * (1 - _B + _B * length / mean)
            for term, times in count.items():
                texts, parts = self._of.get(term) or self._of.setdefault(term, (array("l"), array("f")))
                texts.append(at)
                parts.append(times * (_K1 + 1) / (times + damping))

    def weights(self, terms: set[str]) -> dict[str, float]:
        """How much each of the terms says: the rarer the more; those that no text holds are left out."""
        return {
            term: log(1 + (self._texts - found + 0.5) / (found + 0.5))
            for term in terms
            if (found := len(self._of[term][0]) if term in self._of else 0)
        }

    def scores(self, weights: dict[str, float]) -> dict[int, float]:
        """Text to score; texts with none of the terms are left out."""
        scores: defaultdict[int, float] = defaultdict(float)
        for term, weight in weights.items():
            for text, part in zip(*self._of[term], strict=True):
                scores[text] += weight * part
        return scores


def _conversations(memories: Sequence[Memory]) -> list[tuple[list[_Turn], str]]:
    """The turns of each conversation in order; facts and summaries are no turns, they stand alone."""
    spoken: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    alone: list[tuple[list[_Turn], str]] = []
    for at, memory in enumerate(memories):
        conversation, position = str(memory.metadata.get("conversation_id") or ""), memory.metadata.get("position")
        if conversation and isinstance(position, int) and memory.kind in ("message", ""):
            spoken[conversation].append((position, at))
        else:
            alone.append(([_Turn(memory.content, at)], conversation))
    return [(_turns(memories, sorted(places)), conversation) for conversation, places in spoken.items()] + alone


def _turns(memories: Sequence[Memory], places: list[tuple[int, int]]) -> list[_Turn]:
    turns: list[_Turn] = []
    before = ""
    for _, at in places:
        asked = str(memories[at].metadata.get("asked") or "")
        if asked and asked != before:
            turns.append(_Turn(asked, -1))
            before = asked
        turns.append(_Turn(memories[at].content, at))
    return turns


def _form(text: str, spoken: list[str]) -> int:
    said = set(spoken)
    form = 0
    if not said.isdisjoint(_FIRST_PERSON):
        form |= _IS_OWN
    if not said.isdisjoint(_TIME_WORDS) or any(_YEAR.fullmatch(word) for word in said):
        form |= _IS_TIMED
    if not said.isdisjoint(_NUMBER_WORDS) or any(word.isdigit() for word in said):
        form |= _IS_COUNTED
    if _PLACE.search(text):
        form |= _IS_PLACED
    if text.rstrip().endswith("?"):
        form |= _ENDS_ASKING if any(mark in text.rstrip("?! ") for mark in ".!") else _ENDS_ASKING | _IS_QUESTION
    return form


def _form_worth(asked: str) -> list[float]:
    """By form, how well it suits an answer to this question."""
    suits = [(_IS_OWN, _OWN), (_IS_QUESTION, _QUESTION), (_IS_FACT, _FACT)]
    if _WHEN_ASKED.search(asked):
        suits.append((_IS_TIMED, _WHEN))
    if _MANY_ASKED.search(asked):
        suits.append((_IS_COUNTED, _MANY))
    if _WHERE_ASKED.search(asked):
        suits.append((_IS_PLACED, _WHERE))
    return [1 + sum(worth for bit, worth in suits if form & bit) for form in range(1 << 7)]


def _day_called(memory: Memory) -> date | None:
    try:
        return datetime.fromisoformat(str(memory.metadata.get("called_at"))).date()
    except ValueError:
        return None
