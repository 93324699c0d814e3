"""One caller's memories, laid out as the conversations they come from, and ranked against a question."""

import re
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from heapq import nlargest
from typing import NamedTuple

from elmemory.memory import kinds
from elmemory.memory.ranking.dates import DAY_WORDS, Days, days_named
from elmemory.memory.ranking.postings import Postings
from elmemory.memory.ranking.sentence_types import QUESTION, sentence_type, type_weights
from elmemory.memory.ranking.synonyms import SYNONYMS
from elmemory.memory.ranking.words import folded, is_empty, terms_of, words
from elmemory.memory.records import Match, Memory

# Tuned on half of the questions of bench/recall.py. The optimum is flat: a tenth more or less changes next to nothing.
# Shares of a turn's BM25 score that its neighbours gain.
_NEXT, _NEXT_BUT_ONE = 0.45, 0.45
_PREVIOUS, _PREVIOUS_BUT_ONE = 0.35, 0.3
_ANSWER_TO_CALLER, _ANSWER_TO_AGENT = 0.75, 1.05
# Share of a conversation's BM25 score that each of its memories gains.
_CONVERSATION = 0.9
# Share of the weight of a term that its synonyms and similar spellings have.
_SYNONYM, _SPELLED_LIKE = 0.6, 0.35
# For a call near the days asked for: share of the memory's own score, and of the question's whole weight.
_CALLED_THEN, _CALLED_THEN_FLAT = 0.6, 0.75
# For a call on the one day asked for: share of the question's whole weight. For a memory that names the days asked for:
# share of its own score.
_CALLED_THAT_DAY, _NAMES_THEN = 0.4, 1.1
# A call that many days away gains nothing.
_DAYS_NEAR = 7
# Share of its score that a memory of the newest call gains when the question asks for the present.
_NEWEST = 0.3
_MOST_TERMS = 100
_FIRST_YEAR, _LAST_YEAR = 1900, 2200
_NO_MEMORY = -1

_NOW = re.compile(r"\b(?:now|current|currently|newest|latest|still|any ?more|these days)\b")
_LAST_TIME = re.compile(
    r"\b(?:last|previous|recent) (?:time|call|conversation)\b|\blast (?:\w+ )?(?:spoke|talked|called)\b"
)


class Corpus:
    """One caller's memories, prepared for any number of questions; never changed afterwards.

    Preparing takes about 50 ms for 1,000 memories, a question a hundredth of that: worth caching.
    """

    def __init__(self, memories: Sequence[Memory]) -> None:
        self.memories = tuple(memories)
        self._called_on = array("l", map(_day_called, self.memories))
        # A place counts the turns of all conversations laid end to end. By place: the memory, its sentence type, and
        # the days that it names.
        self._memory_at: list[int] = []
        self._type_at: list[int] = []
        self._days_at: dict[int, list[Days]] = {}
        self._places_of: list[list[int]] = []
        counts: list[Counter[str]] = []
        wholes: list[Counter[str]] = []
        for conversation, turns in _conversations(self.memories):
            places: list[int] = []
            whole: Counter[str] = Counter()
            for place, (text, memory) in enumerate(turns, start=len(counts)):
                spoken = words(text)
                counts.append(Counter(terms_of(spoken)))
                whole.update(counts[-1])
                self._memory_at.append(memory)
                self._type_at.append(sentence_type(text, set(spoken)))
                if memory != _NO_MEMORY:
                    places.append(place)
                    if (day := self._called_on[memory]) and not DAY_WORDS.isdisjoint(spoken):
                        self._days_at[place] = days_named(folded(text), date.fromordinal(day))
            if conversation:
                self._places_of.append(places)
                wholes.append(whole)
        self._turns = Postings(counts)
        # With one conversation all memories would gain the same.
        self._conversations = Postings(wholes if len(wholes) > 1 else [])
        called = sorted({day for day in self._called_on if day})
        self._age = {day: number / len(called) for number, day in enumerate(reversed(called))}
        self._newest_call = called[-1] if called else None
        self._years = sorted({date.fromordinal(day).year for day in called})

    def rank(self, question: str, k: int, today: date | None = None) -> list[Match]:
        """The memories that best answer the question, best first, at most k.

        "Yesterday" in the question counts from `today`; without it relative days are ignored. If a word of the question
        occurs in no memory, nor any synonym of it, the answer may be in other words: then the most plausible of the
        remaining memories follow, with the score 0.
        """
        asked = folded(question)
        wanted = list(dict.fromkeys(terms_of(words(question))))[:_MOST_TERMS]
        exact = self._turns.weights(wanted)
        weights, has_unknown_term = self._widened(exact, wanted)
        factors = type_weights(asked)
        own = self._turns.scores(weights)
        scores = self._with_neighbours(own, factors)
        for conversation, score in self._conversations.scores(self._conversations.weights(wanted)).items():
            for place in self._places_of[conversation]:
                scores[place] += score * _CONVERSATION
        if days := self._days_asked(asked, today):
            self._add_days(scores, own, days, sum(exact.values()) or 1.0)
        found = {memory: score for place, score in scores.items() if (memory := self._memory_at[place]) != _NO_MEMORY}
        if _NOW.search(asked):
            found = {memory: score * (1 + _NEWEST * self._newness(memory)) for memory, score in found.items()}
        best = self._best(found, k)
        if len(best) < k and (has_unknown_term or not best):
            plausible = {
                memory: factors[self._type_at[place]] * (1 + self._newness(memory))
                for place, memory in enumerate(self._memory_at)
                if memory != _NO_MEMORY and memory not in found
            }
            best += [Match(match.memory, 0.0) for match in self._best(plausible, k - len(best))]
        return best

    def _widened(self, exact: dict[str, float], wanted: Sequence[str]) -> tuple[dict[str, float], bool]:
        """The weights with synonyms and similar spellings; and whether some term occurs nowhere, nor its synonyms."""
        weights = dict(exact)
        has_unknown_term = False
        for term in wanted:
            others = self._turns.weights(SYNONYMS.get(term, ()))
            has_unknown_term |= not others and term not in exact
            # A synonym that is rarer than the term must not weigh more than the term.
            most = exact.get(term, max(others.values(), default=0.0))
            for other, weight in others.items():
                weights[other] = max(weights.get(other, 0.0), _SYNONYM * min(weight, most))
            alike = self._turns.spelled_like(term)
            for other, weight in self._turns.weights(alike).items():
                weights[other] = max(weights.get(other, 0.0), _SPELLED_LIKE * alike[other] * weight)
        return weights, has_unknown_term

    def _with_neighbours(self, own: dict[int, float], factors: Sequence[float]) -> defaultdict[int, float]:
        """By place: its own score times the factor of its sentence type, plus what it gains from its neighbours."""
        scores: defaultdict[int, float] = defaultdict(float)
        for place, score in own.items():
            type_here = self._type_at[place]
            following = _NEXT
            if type_here & QUESTION:
                following += _ANSWER_TO_AGENT if self._memory_at[place] == _NO_MEMORY else _ANSWER_TO_CALLER
            scores[place] += score * factors[type_here]
            scores[place + 1] += score * following
            scores[place + 2] += score * _NEXT_BUT_ONE
            scores[place - 1] += score * _PREVIOUS
            scores[place - 2] += score * _PREVIOUS_BUT_ONE
        return scores

    def _days_asked(self, asked: str, today: date | None) -> list[Days]:
        """The days that the question names; the newest call's day if it says "last time" or has no content words."""
        days = days_named(asked, today, self._years)
        if not days and self._newest_call and (_LAST_TIME.search(asked) or is_empty(asked)):
            return [Days(self._newest_call, self._newest_call)]
        return days

    def _add_days(self, scores: dict[int, float], own: dict[int, float], asked: Sequence[Days], whole: float) -> None:
        """Add what memories gain for a call near the days asked for, and for naming them.

        `whole` is the weight of all terms of the question together.
        """
        gaps = {day: min(days.gap(day) for days in asked) for day in self._age}
        a_day = any(days.first == days.last for days in asked)
        for place, memory in enumerate(self._memory_at):
            if memory == _NO_MEMORY or (gap := gaps.get(self._called_on[memory], _DAYS_NEAR)) >= _DAYS_NEAR:
                continue
            scores[place] += (1 - gap / _DAYS_NEAR) * (own.get(place, 0.0) * _CALLED_THEN + whole * _CALLED_THEN_FLAT)
            if gap == 0 and a_day:
                scores[place] += whole * _CALLED_THAT_DAY
        for place, named in self._days_at.items():
            if place in own and any(days.holds(other) for other in named for days in asked):
                scores[place] += own[place] * _NAMES_THEN

    def _newness(self, memory: int) -> float:
        """1 for a memory of the newest call, falling towards 0 for the oldest; 0 for a memory without a day."""
        return 1 - self._age.get(self._called_on[memory], 1.0)

    def _best(self, scores: dict[int, float], k: int) -> list[Match]:
        def in_order(memory: int) -> tuple[float, float, int, int]:
            return scores[memory], self.memories[memory].salience, self._called_on[memory], -memory

        return [Match(self.memories[memory], scores[memory]) for memory in nlargest(k, scores, key=in_order)]


def rank(question: str, memories: Sequence[Memory], k: int, today: date | None = None) -> list[Match]:
    """The memories that best answer the question, best first, at most k. See `Corpus.rank`; for a single question."""
    return Corpus(memories).rank(question, k, today)


class _Turn(NamedTuple):
    """A turn, and the place of its memory in the list; _NO_MEMORY for the agent's words and for gaps."""

    text: str
    memory: int


# Two empty turns, so that turns which do not belong together are no neighbours.
_GAP = [_Turn("", _NO_MEMORY)] * 2


def _conversations(memories: Sequence[Memory]) -> Iterator[tuple[str, list[_Turn]]]:
    """The id and the turns of each conversation, in order, its summary apart at the end; gaps between.

    Facts are true beyond their conversation: they, and memories without a conversation, come first with the id "", each
    between gaps.
    """
    solitary: list[_Turn] = [*_GAP]
    spoken: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    apart: defaultdict[str, list[_Turn]] = defaultdict(list)
    for at, memory in enumerate(memories):
        conversation, position = str(memory.metadata.get("conversation_id") or ""), memory.metadata.get("position")
        if not conversation or memory.kind == kinds.FACT:
            solitary += *_turns(memories, [at]), *_GAP
        elif isinstance(position, int) and memory.kind != kinds.CALL:
            spoken[conversation].append((position, at))
        else:
            apart[conversation] += *_turns(memories, [at]), *_GAP
    yield "", solitary
    for conversation in dict.fromkeys((*spoken, *apart)):
        in_order = [at for _, at in sorted(spoken[conversation])]
        yield conversation, [*_turns(memories, in_order), *_GAP, *apart[conversation]]


def _turns(memories: Sequence[Memory], in_order: Iterable[int]) -> Iterator[_Turn]:
    """The turns of these memories, each after the agent's words that it answered, once."""
    before = ""
    for at in in_order:
        asked = str(memories[at].metadata.get("asked") or "")
        if asked and asked != before:
            yield _Turn(asked, _NO_MEMORY)
            before = asked
        yield _Turn(memories[at].content, at)


def _day_called(memory: Memory) -> int:
    """The ordinal (`date.toordinal`) of the day of the memory's call; 0 where it has none, or an impossible one."""
    try:
        called = datetime.fromisoformat(str(memory.metadata.get("called_at")))
    except ValueError:
        return 0
    return called.toordinal() if _FIRST_YEAR <= called.year <= _LAST_YEAR else 0
