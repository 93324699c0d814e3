"""Ranks one caller's memories, arranged as the conversations from which they come."""

from array import array
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from heapq import nlargest
from math import log1p

from elmemory.memory.ranking.dates import DAY_WORDS, Days, days_named
from elmemory.memory.ranking.fusion import Likeness, add_likeness, share_unknown
from elmemory.memory.ranking.languages import ENGLISH, language_of, spoken_words, terms_in
from elmemory.memory.ranking.layout import Layout
from elmemory.memory.ranking.newest import asks_how_things_are, day_called, newest_first
from elmemory.memory.ranking.postings import Postings
from elmemory.memory.ranking.sentence_types import QUESTION, answer_type, type_weights
from elmemory.memory.ranking.synonyms import SYNONYMS
from elmemory.memory.ranking.time_words import days_in, language_of_time, time_words
from elmemory.memory.ranking.words import folded, is_empty, split, words
from elmemory.memory.records import Match, Memory

# Tuned on half of the questions of bench/recall.py. The optimum is flat: a tenth more or less has little effect. Shares
# of a turn's BM25 score that are added to adjacent turns.
_NEXT, _NEXT_BUT_ONE = 0.45, 0.45
_PREVIOUS, _PREVIOUS_BUT_ONE = 0.35, 0.3
_ANSWER_TO_CALLER, _ANSWER_TO_AGENT = 0.75, 1.05
# Share of a conversation's BM25 score that is added to each of its memories.
_CONVERSATION = 0.9
# Share of a term's weight for its synonyms; for terms with common n-grams, if the term occurs nowhere; and if it does.
_SYNONYM, _LIKE_UNKNOWN, _LIKE_KNOWN = 0.6, 0.5, 0.1
# For a call near the days asked for: share of the memory's own score, and of the question's whole weight.
_CALLED_THEN, _CALLED_THEN_FLAT = 0.6, 0.75
# For a call on the one day asked for: share of the question's whole weight. For a memory that names the days asked for:
# share of its own score.
_CALLED_THAT_DAY, _NAMES_THEN = 0.4, 1.1
# A call so many days away gains nothing.
_DAYS_NEAR = 7
# Share of its score that a memory of the newest call gains if the question is about the present.
_NEWEST = 0.3
_MOST_TERMS = 100
_COMPARED = 8  # how many of the best are checked for contradictions
# In how many memories, those with the highest own scores, named days are searched for.
_MOST_NAMING_DAYS = 100


class Corpus:
    """One caller's memories, prepared for any number of questions. Immutable.

    Preparing 1,000 memories takes about 10 ms, a question a tenth of that. `before` is a corpus of as many or
    fewer: then only the conversations of memories that have `changed` are prepared. LEFT_OUT is never found.
    """

    def __init__(self, memories: Sequence[Memory], before: "Corpus | None" = None) -> None:
        self.memories = memories
        layout = Layout(memories, before._layout if before else None)
        self._layout: Layout = layout
        self.changed = layout.changed
        # By place: the turn, its conversation, the type of its sentence.
        self._turn_at, self._conversation_at, self._type_at = layout.turn_at, layout.conversation_at, layout.type_at
        groups = layout.conversation_at, layout.lengths_of_conversations
        self._turns = Postings(layout.text, layout.lengths, layout.codes, *groups)
        self._called_on: array[int] = array("l", before._called_on if before else ())
        self._called_on.extend([0] * (len(memories) - len(self._called_on)))
        # By turn, computed if a question needs them: the type of answer, and the named days.
        self._answer_types: dict[int, int] = dict(before._answer_types) if before else {}
        is_language_same = before and before._layout.language == layout.language
        self._named_days: dict[int, list[Days]] = dict(before._named_days) if before and is_language_same else {}
        for number in self.changed:
            self._called_on[number] = day_called(memories[number])
            self._answer_types.pop(number, None)
            self._answer_types.pop(~number, None)
            self._named_days.pop(number, None)
        time_words(layout.language)  # compiled now, so that no question waits for it
        called = sorted({*self._called_on} - {0})
        self._age = {day: number / len(called) for number, day in enumerate(reversed(called))}
        self._years = sorted({date.fromordinal(day).year for day in called})

    def rank(self, question: str, k: int, today: date | None = None, likeness: Likeness | None = None) -> list[Match]:
        """Return at most k memories, those that best answer the question, best first.

        "Yesterday" is relative to `today`; without `today`, relative days are ignored. If a word of the question and
        all its synonyms occur in no memory, the answer may be in other words: then the most plausible other memories
        follow, with the score 0. `likeness`, from an encoder, is added to the scores by words.
        """
        asked = folded(question)
        language = self._language_asked(question)
        wanted = list(dict.fromkeys(terms_in(language, question)))[:_MOST_TERMS]
        exact = self._turns.weights(wanted)
        weights, has_unknown_term = self._widened(exact, wanted, SYNONYMS if language == ENGLISH else {})
        factors, asks_for_type = type_weights(asked)
        type_of = self._whole_type if asks_for_type else self._type_at.__getitem__
        own = self._turns.scores(weights)
        scores = self._with_neighbours(own, factors, type_of)
        self._add_conversations(scores, wanted)
        whole = sum(exact.values()) or 1.0
        if likeness and (alike := likeness()):
            whole += add_likeness(scores, self._turn_at, self.memories, alike, share_unknown(wanted, exact))
        language_of_days = language_of_time(question, language)
        if days := self._days_asked(language_of_days, asked, today):
            self._add_days(scores, own, days, whole)
        places = zip(self._turn_at, scores, strict=False)
        found = {turn: score for turn, score in places if score and turn >= 0}
        if time_words(language_of_days).now.search(asked):
            found = {memory: score * (1 + _NEWEST * self._newness(memory)) for memory, score in found.items()}
        if asks_how_things_are(asked, language):
            best = self._newest_first(self._best(found, max(k, _COMPARED)), wanted, language)[: max(k, 0)]
        else:
            best = self._best(found, k)
        if len(best) < k and (has_unknown_term or not best):
            plausible = {
                turn: factors[type_of(place)] * (1 + self._newness(turn)) * log1p(self._turns.length(place))
                for place, turn in enumerate(self._turn_at)
                if turn >= 0 and turn not in found
            }
            best += [Match(match.memory, 0.0) for match in self._best(plausible, k - len(best))]
        return best

    def _widened(
        self, exact: dict[str, float], wanted: Sequence[str], synonyms: Mapping[str, Sequence[str]]
    ) -> tuple[dict[str, float], bool]:
        """Return the weights with synonyms and similar terms, and whether a term and all its synonyms occur nowhere."""
        weights = dict(exact)
        has_unknown_term = False
        for term in wanted:
            others = self._turns.weights(synonyms.get(term, ()))
            has_unknown_term |= not others and term not in exact
            # A synonym that is rarer than the term must not weigh more than the term.
            most = exact.get(term, max(others.values(), default=0.0))
            for other, weight in others.items():
                weights[other] = max(weights.get(other, 0.0), _SYNONYM * min(weight, most))
            alike = self._turns.alike(term)
            share = _LIKE_KNOWN if term in exact else _LIKE_UNKNOWN
            for other, weight in self._turns.weights(alike).items():
                weights[other] = max(weights.get(other, 0.0), share * alike[other] * weight)
        return weights, has_unknown_term

    def _language_asked(self, question: str) -> str:
        if self._layout.languages == {ENGLISH}:
            return ENGLISH
        return language_of(set(spoken_words(question)), self._layout.languages, self._layout.language, least=0)

    def _with_neighbours(
        self, own: dict[int, float], factors: Sequence[float], type_of: Callable[[int], int]
    ) -> list[float]:
        """Return by place: its score times the factor of its sentence type, plus the shares from adjacent turns.

        Two extra places at the end catch the shares beyond both ends, for the first turns by the indexes -1 and -2.
        """
        scores = [0.0] * (len(self._turn_at) + 2)
        for place, score in own.items():
            type_here = type_of(place)
            following = _NEXT
            if type_here & QUESTION:
                following += _ANSWER_TO_AGENT if self._turn_at[place] < 0 else _ANSWER_TO_CALLER
            scores[place] += score * factors[type_here]
            scores[place + 1] += score * following
            scores[place + 2] += score * _NEXT_BUT_ONE
            scores[place - 1] += score * _PREVIOUS
            scores[place - 2] += score * _PREVIOUS_BUT_ONE
        return scores

    def _add_conversations(self, scores: list[float], wanted: Sequence[str]) -> None:
        """Add each memory's share of the score of its conversation."""
        gains = self._turns.group_scores(wanted)
        # With a single conversation all memories would gain the same.
        count = len(self._layout.lengths_of_conversations)
        if gains and count > 1:
            gain_at = [gains.get(number, 0.0) * _CONVERSATION for number in range(count)]
            gain_at.append(0.0)  # for -1, no conversation
            scores[:] = [score + gain_at[number] for score, number in zip(scores, self._conversation_at, strict=False)]

    def _days_asked(self, language: str, asked: str, today: date | None) -> list[Days]:
        """Return the days that the question names, or the day of the first or last call if it asks for that."""
        days, time = days_in(language, asked, today, self._years), time_words(language)
        if not days and self._age:
            is_last = time.last_time.search(asked) or is_empty(asked)
            day = min(self._age) if time.first_time.search(asked) else max(self._age) if is_last else 0
            return [Days(day, day)] if day else []
        return days

    def _add_days(self, scores: list[float], own: dict[int, float], asked: Sequence[Days], whole: float) -> None:
        """Add the gains of memories whose call was near the days asked for, or that name these days.

        `whole` is the weight of all terms of the question, plus the largest gain by likeness.
        """
        gaps = {day: min(days.gap(day) for days in asked) for day in self._age}
        a_day = any(days.first == days.last for days in asked)
        for place, turn in enumerate(self._turn_at):
            if turn < 0 or (gap := gaps.get(self._called_on[turn], _DAYS_NEAR)) >= _DAYS_NEAR:
                continue
            scores[place] += (1 - gap / _DAYS_NEAR) * (own.get(place, 0.0) * _CALLED_THEN + whole * _CALLED_THEN_FLAT)
            if gap == 0 and a_day:
                scores[place] += whole * _CALLED_THAT_DAY
        for place in nlargest(_MOST_NAMING_DAYS, own, key=own.__getitem__):
            if any(days.holds(other) for other in self._days_named(place) for days in asked):
                scores[place] += own[place] * _NAMES_THEN

    def _whole_type(self, place: int) -> int:
        turn = self._turn_at[place]
        found = self._answer_types.get(turn)
        if found is None:
            text = self._layout.text_of(turn)
            found = self._answer_types[turn] = answer_type(text, words(text))
        return self._type_at[place] | found

    def _days_named(self, place: int) -> list[Days]:
        """Return the days that the memory at the place names, relative to its call; none if its day is unknown."""
        turn = self._turn_at[place]
        if turn < 0 or not (day := self._called_on[turn]):
            return []
        found = self._named_days.get(turn)
        if found is None:
            text, language = folded(self.memories[turn].content), self._layout.language
            found = [] if DAY_WORDS.isdisjoint(split(text)) else days_named(text, date.fromordinal(day))
            found += days_in(language, text, date.fromordinal(day)) if language != ENGLISH else []
            self._named_days[turn] = found
        return found

    def _newest_first(self, best: Sequence[Match], wanted: Sequence[str], language: str) -> list[Match]:
        called_on = [day_called(match.memory) for match in best[:_COMPARED]]
        return [*newest_first(best[:_COMPARED], called_on, wanted, language), *best[_COMPARED:]]

    def _newness(self, memory: int) -> float:
        """Return 1 for a memory of the newest call, falling towards 0 for the oldest; 0 for a memory without a day."""
        return 1 - self._age.get(self._called_on[memory], 1.0)

    def _best(self, scores: dict[int, float], k: int) -> list[Match]:
        def in_order(memory: int) -> tuple[float, float, int, int]:
            return scores[memory], self.memories[memory].salience, self._called_on[memory], -memory

        least = nlargest(k, scores.values())[-1:]
        last = [memory for memory, score in scores.items() if score >= least[0]] if least else []
        return [Match(self.memories[memory], scores[memory]) for memory in nlargest(k, last, key=in_order)]


def rank(question: str, memories: Sequence[Memory], k: int, today: date | None = None) -> list[Match]:
    """Rank memories for a single question: at most k, those that best answer it, best first (`Corpus.rank`)."""
    return Corpus(memories).rank(question, k, today)
