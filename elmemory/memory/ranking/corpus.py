"""One caller's memories, laid out as the conversations they come from, and ranked."""

import re
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from heapq import nlargest
from typing import NamedTuple

from elmemory.memory import kinds
from elmemory.memory.ranking.dates import DAY_WORDS, Days, days_named
from elmemory.memory.ranking.forms import ASKING, form_of, worth_of_forms
from elmemory.memory.ranking.postings import Postings
from elmemory.memory.ranking.synonyms import SYNONYMS
from elmemory.memory.ranking.words import folded, is_empty, terms_of, words
from elmemory.memory.records import Match, Memory

# Tuned on half of what bench/recall.py asks; the best is flat, a tenth more or less of any changes next to nothing.
# Shares of a turn's BM25 score that its neighbours gain.
_NEXT, _NEXT_BUT_ONE = 0.45, 0.45
_PREVIOUS, _PREVIOUS_BUT_ONE = 0.35, 0.3
_ANSWER_TO_CALLER, _ANSWER_TO_AGENT = 0.75, 1.05
# Of the conversation's own BM25 score.
_CONVERSATION = 0.9
# Of the weight of the term that was asked for.
_SYNONYM, _SPELLED_LIKE = 0.6, 0.35
# For the call's day: of the memory's score, and of the question's whole weight; and for days named in the memory.
_CALLED_THEN, _CALLED_THEN_FLAT, _CALLED_THAT_DAY, _NAMES_THEN = 0.6, 0.75, 0.4, 1.1
_DAYS_NEAR = 7
_NEWEST = 0.3
_MOST_TERMS = 100
_FIRST_YEAR, _LAST_YEAR = 1900, 2200
_NOBODY = -1

_NOW = re.compile(r"\b(?:now|current|currently|newest|latest|still|any ?more|these days)\b")
_LAST_TIME = re.compile(
    r"\b(?:last|previous|recent) (?:time|call|conversation)\b|\blast (?:\w+ )?(?:spoke|talked|called)\b"
)


class Corpus:
    """One caller's memories, prepared for any number of questions; never changed afterwards.

    Preparing takes about 50 ms for 1,000 memories, a question a hundredth of it: worth keeping while the memories
    stay the same.
    """

    def __init__(self, memories: Sequence[Memory]) -> None:
        self.memories = tuple(memories)
        self._called_on = array("l", map(_day_called, self.memories))
        # By place in the conversations laid end to end: whose memory was said there, its form, the days it names.
        self._memory_at: list[int] = []
        self._form_at: list[int] = []
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
                self._form_at.append(form_of(text, set(spoken)))
                if memory != _NOBODY:
                    places.append(place)
                    if (day := self._called_on[memory]) and not DAY_WORDS.isdisjoint(spoken):
                        self._days_at[place] = days_named(folded(text), date.fromordinal(day))
            if conversation:
                self._places_of.append(places)
                wholes.append(whole)
        self._turns = Postings(counts)
        # A single conversation tells nothing apart.
        self._conversations = Postings(wholes if len(wholes) > 1 else [])
        called = sorted({day for day in self._called_on if day})
        self._age = {day: number / len(called) for number, day in enumerate(reversed(called))}
        self._newest_call = called[-1] if called else None
        self._years = sorted({date.fromordinal(day).year for day in called})

    def rank(self, question: str, k: int, today: date | None = None) -> list[Match]:
        """The memories that best answer the question, best first, at most k.

        `today` is what "yesterday" counts from when the question says it; without it only the words are looked for.
        Where the caller never used a word of the question, or another for the same thing, the answer may be in any
        words: then the most plausible of the other memories follow those that were found.
        """
        asked = folded(question)
        wanted = list(dict.fromkeys(terms_of(words(question))))[:_MOST_TERMS]
        exact = self._turns.weights(wanted)
        weights, unheard = self._widened(exact, wanted)
        worth = worth_of_forms(asked)
        own = self._turns.scores(weights)
        scores = self._with_neighbours(own, worth)
        for conversation, score in self._conversations.scores(self._conversations.weights(wanted)).items():
            for place in self._places_of[conversation]:
                scores[place] += score * _CONVERSATION
        if days := self._days_asked(asked, today):
            self._add_days(scores, own, days, sum(exact.values()) or 1.0)
        found = {memory: score for place, score in scores.items() if (memory := self._memory_at[place]) != _NOBODY}
        if _NOW.search(asked):
            found = {memory: score * (1 + _NEWEST * self._newness(memory)) for memory, score in found.items()}
        best = self._best(found, k)
        if len(best) < k and (unheard or not best):
            plausible = {
                memory: worth[self._form_at[place]] * (1 + self._newness(memory))
                for place, memory in enumerate(self._memory_at)
                if memory != _NOBODY and memory not in found
            }
            best += [Match(match.memory, 0.0) for match in self._best(plausible, k - len(best))]
        return best

    def _widened(self, exact: dict[str, float], wanted: Sequence[str]) -> tuple[dict[str, float], bool]:
        """The weights with other words for the same thing, and whether a term has none that was ever used."""
        weights = dict(exact)
        unheard = False
        for term in wanted:
            others = self._turns.weights(SYNONYMS.get(term, ()))
            unheard |= not others and term not in exact
            # A rarer word than the one asked for says no more than that.
            most = exact.get(term, max(others.values(), default=0.0))
            for other, weight in others.items():
                weights[other] = max(weights.get(other, 0.0), _SYNONYM * min(weight, most))
            alike = self._turns.spelled_like(term)
            for other, weight in self._turns.weights(alike).items():
                weights[other] = max(weights.get(other, 0.0), _SPELLED_LIKE * alike[other] * weight)
        return weights, unheard

    def _with_neighbours(self, own: dict[int, float], worth: Sequence[float]) -> defaultdict[int, float]:
        scores: defaultdict[int, float] = defaultdict(float)
        for place, score in own.items():
            form = self._form_at[place]
            following = _NEXT
            if form & ASKING:
                following += _ANSWER_TO_AGENT if self._memory_at[place] == _NOBODY else _ANSWER_TO_CALLER
            scores[place] += score * worth[form]
            scores[place + 1] += score * following
            scores[place + 2] += score * _NEXT_BUT_ONE
            scores[place - 1] += score * _PREVIOUS
            scores[place - 2] += score * _PREVIOUS_BUT_ONE
        return scores

    def _days_asked(self, asked: str, today: date | None) -> list[Days]:
        days = days_named(asked, today, self._years)
        if not days and self._newest_call and (_LAST_TIME.search(asked) or is_empty(asked)):
            return [Days(self._newest_call, self._newest_call)]
        return days

    def _add_days(self, scores: dict[int, float], own: dict[int, float], asked: Sequence[Days], whole: float) -> None:
        """Add what a memory gains for a call near the days asked for, and for naming them.

        `whole` is what a memory with every word of the question would weigh.
        """
        gaps = {day: min(days.gap(day) for days in asked) for day in self._age}
        a_day = any(days.first == days.last for days in asked)
        for place, memory in enumerate(self._memory_at):
            if memory == _NOBODY or (gap := gaps.get(self._called_on[memory], _DAYS_NEAR)) >= _DAYS_NEAR:
                continue
            scores[place] += (1 - gap / _DAYS_NEAR) * (own.get(place, 0.0) * _CALLED_THEN + whole * _CALLED_THEN_FLAT)
            if gap == 0 and a_day:
                scores[place] += whole * _CALLED_THAT_DAY
        for place, named in self._days_at.items():
            if place in own and any(days.holds(other) for other in named for days in asked):
                scores[place] += own[place] * _NAMES_THEN

    def _newness(self, memory: int) -> float:
        """1 for the newest call, towards 0 for the oldest; 0 for one without a day."""
        return 1 - self._age.get(self._called_on[memory], 1.0)

    def _best(self, scores: dict[int, float], k: int) -> list[Match]:
        def in_order(memory: int) -> tuple[float, float, int, int]:
            return scores[memory], self.memories[memory].salience, self._called_on[memory], -memory

        return [Match(self.memories[memory], scores[memory]) for memory in nlargest(k, scores, key=in_order)]


def rank(question: str, memories: Sequence[Memory], k: int, today: date | None = None) -> list[Match]:
    """The same for memories that are asked but once."""
    return Corpus(memories).rank(question, k, today)


class _Turn(NamedTuple):
    """What was said, and which memory it is: nobody's where the agent said it before one."""

    text: str
    memory: int


# Two of these keep what does not belong together from being neighbours.
_GAP = [_Turn("", _NOBODY)] * 2


def _conversations(memories: Sequence[Memory]) -> Iterator[tuple[str, list[_Turn]]]:
    """The turns of each conversation in their order, its summary apart at the end, with gaps between.

    Facts are true beyond their conversation: they and what has none come first, each for itself.
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
    before = ""
    for at in in_order:
        asked = str(memories[at].metadata.get("asked") or "")
        if asked and asked != before:
            yield _Turn(asked, _NOBODY)
            before = asked
        yield _Turn(memories[at].content, at)


def _day_called(memory: Memory) -> int:
    """As `date.toordinal` counts; 0 where no call of this age can have been."""
    try:
        called = datetime.fromisoformat(str(memory.metadata.get("called_at")))
    except ValueError:
        return 0
    return called.toordinal() if _FIRST_YEAR <= called.year <= _LAST_YEAR else 0
