"""Which facts are disclosed: SPOKEN_FACTS at the ring, SEARCHABLE_FACTS in searches. A caller id can be forged.

Other text must not state the value of an undisclosed fact either: "My address is 12 Elm Street".
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import cache, lru_cache
from math import ceil

from elmemory.memory.briefing import Briefing
from elmemory.memory.caches import kept_briefly
from elmemory.memory.card import Card
from elmemory.memory.fields import (
    AGENT_PROMISE,
    CALLER_PROFILE,
    MOOD,
    OPEN_REQUEST,
    PREFERRED_LANGUAGE,
    SENTENCES,
    canonical_field,
)
from elmemory.memory.names import NAME_FIELDS
from elmemory.memory.phrases import ENGLISH, Phrases, phrases_for
from elmemory.memory.ranking.dates import days_named
from elmemory.memory.ranking.times_of_day import times_named
from elmemory.memory.ranking.words import UNSPACED, folded, terms, terms_of, words
from elmemory.memory.text import sentences

ALL, NONE = "all", "none"

# Shorter values, and these words, occur in too many unrelated sentences.
_SHORTEST, _SHORTEST_UNSPACED = 3, 2
_SAY_LITTLE = frozenset("yes no true false not none and the for with".split())
_UNSPACED = re.compile(f"[{UNSPACED}]")
_LISTED = re.compile(r"[,;،、，；\n]")
_DIGIT = re.compile(r"\d")
_NUMBER = re.compile(r"\d(?:[ ().,/+-]{0,2}\d)*")
_SHORTEST_NUMBER, _SHORTEST_NUMBER_IN_TEXT = 3, 5
# The last digits identify a number that has a country or area code.
_WHOLE_NUMBER, _SUBSCRIBER_NUMBER = 10, 7
_DIGITS = {word: str(digit) for digit, word in enumerate("zero one two three four five six seven eight nine".split())}
_DIGIT_WORD = re.compile(rf"\b(?:{'|'.join(_DIGITS)}|oh)\b")
_NUMERIC_DATE = re.compile(r"(?<!\d)(\d{1,2})[./-](\d{1,2})[./-](\d{4})(?!\d)")
_SPOKEN_SIGN = re.compile(r"\s*\b(at|dot)\b\s*|\s*([@.])\s*")
# A text with so many words of a secret sentence states it.
_FEWEST_WORDS, _SHARE_OF_WORDS = 2, 0.6
_LONGEST_DAY = 40
# A time of day is stated by a text with the time and half of the words beside it: "Friday 09:00", "Friday at nine".
_SHARE_BESIDE_TIME = 0.5


@lru_cache(maxsize=8)
def fields_of(setting: tuple[str, ...]) -> frozenset[str] | None:
    """Return the canonical fields that a setting names; None for all fields, which an empty setting means too."""
    names = [name.strip().casefold() for name in setting]
    if not names or names == [ALL]:
        return None
    return frozenset(canonical_field(name) for name in setting) - {"", NONE}


def disclosed(card: Card, setting: Sequence[str], secret: "Secrets | None" = None) -> Card:
    """Return the card with the allowed facts only, without facts and sentences that state the value of another fact.

    `setting` names the allowed fields. `secret` may be passed if it was computed already.
    """
    allowed = fields_of(tuple(setting))
    if allowed is None:
        return card
    if PREFERRED_LANGUAGE not in allowed and card.briefing.preferred_language:
        card = _in_language_of_calls(card)
    secret = secret or Secrets([*card.facts.items(), *_stated(card.briefing)], card.facts, allowed)
    facts = {
        name: value for name, value in card.facts.items() if name in allowed and not secret.stated_in_fact(name, value)
    }
    return replace(
        card,
        facts=facts,
        briefing=_disclosed_briefing(card.briefing, secret),
        last_call_summary=secret.without_sentences(card.last_call_summary, _before_summary(phrases_for(card.language))),
        written_summary="",
    )


def _in_language_of_calls(card: Card) -> Card:
    """Return the card in the language of the caller's calls, which cards of older versions lack."""
    language, *texts = card.by_calls or ("",)
    if not texts:
        return replace(card, language=language)
    called_on, outbound_on, summary, open_since, promised_on = texts
    return replace(
        card,
        language=language,
        last_called_on=called_on,
        last_outbound_on=outbound_on,
        last_call_summary=summary,
        briefing=card.briefing._replace(open_since=open_since, promised_on=promised_on),
    )


def _stated(now: Briefing) -> list[tuple[str, str]]:
    named = [(OPEN_REQUEST, now.open_request), (AGENT_PROMISE, now.agent_promise), (MOOD, now.mood)]
    return named + [(CALLER_PROFILE, text) for text in now.insights]


def _disclosed_briefing(now: Briefing, secret: "Secrets") -> Briefing:
    def kept(field: str, text: str) -> str:
        return text if field in secret.allowed and not secret.stated_in(text) else ""

    return now._replace(
        open_request=kept(OPEN_REQUEST, now.open_request),
        agent_promise=kept(AGENT_PROMISE, now.agent_promise),
        preferred_language=kept(PREFERRED_LANGUAGE, now.preferred_language),
        mood=kept(MOOD, now.mood),
        insights=tuple(filter(None, (kept(CALLER_PROFILE, text) for text in now.insights))),
    )


class Secrets:
    """The values of one caller's facts that must not be disclosed.

    `values` are pairs of field and value, including former values; `facts` are the current facts. The text of an
    allowed fact is not secret, nor are the words of an allowed name.
    """

    def __init__(self, values: Iterable[tuple[str, str]], facts: Mapping[str, str], allowed: frozenset[str]) -> None:
        self.allowed = allowed
        open_facts = {_normal(value) for name, value in facts.items() if name in allowed}
        open_names = {
            word for name, value in facts.items() if name in allowed and name in NAME_FIELDS for word in words(value)
        }
        self._texts: set[str] = set()
        self._numbers: set[str] = set()
        self._addresses: set[str] = set()
        self._days: set[int] = set()
        self._years: list[int] = []
        self._times: list[tuple[set[int], set[str]]] = []
        # Secret sentences: how many words are enough to state each, and, by word, the numbers of the sentences.
        self._enough: list[int] = []
        self._sentences_with: defaultdict[str, list[int]] = defaultdict(list)
        for name, value in values:
            if name in allowed or not value:
                continue
            if name in SENTENCES:
                self._add_sentence(value, open_names)
            for part in _parts(name, value, open_names):
                spoken = words(part)
                if (normal := _normal_of(spoken)) not in open_facts:
                    self._add(part, spoken, normal)

    def _add(self, value: str, spoken: Sequence[str], normal: str) -> None:
        plain = normal.replace(" ", "")
        shortest = _SHORTEST_UNSPACED if _UNSPACED.search(plain) else _SHORTEST
        if len(plain) >= shortest and not _SAY_LITTLE.issuperset(spoken):
            self._texts.add(normal)
        if "@" in value:
            self._addresses.add(_address(value))
        times, beside = times_named(value)
        if times:
            self._times.append((times, set(terms(beside))))
        days = _days_in(value)
        self._days |= days
        self._years += [date.fromordinal(day).year for day in days]
        # In a text with letters, such as AC-471182, only longer numbers identify anything.
        shortest = _SHORTEST_NUMBER_IN_TEXT if any(char.isalpha() for char in value) else _SHORTEST_NUMBER
        for digits in () if days else _numbers_in(value):
            if len(digits) >= shortest:
                self._numbers.add(digits[-_SUBSCRIBER_NUMBER:] if len(digits) >= _WHOLE_NUMBER else digits)

    def _add_sentence(self, text: str, open_names: set[str]) -> None:
        stated = set(terms(text)) - open_names
        for word in stated:
            self._sentences_with[word].append(len(self._enough))
        self._enough.append(max(_FEWEST_WORDS, ceil(len(stated) * _SHARE_OF_WORDS)))

    def _states_sentence(self, spoken: Sequence[str]) -> bool:
        if not self._enough:
            return False
        shared: dict[int, int] = {}  # a Counter would be slower than the rest of the method
        for word in set(terms_of(spoken)):
            for number in self._sentences_with.get(word, ()):
                shared[number] = shared.get(number, 0) + 1
        return any(count >= self._enough[number] for number, count in shared.items())

    def _states_time(self, text: str) -> bool:
        if not self._times:
            return False
        times, beside = times_named(text)
        said = set(terms(beside)) if times else set()
        return any(
            not times.isdisjoint(secret) and len(said & words_beside) >= len(words_beside) * _SHARE_BESIDE_TIME
            for secret, words_beside in self._times
        )

    def stated_in_fact(self, name: str, value: str) -> bool:
        """Whether the value of an allowed fact states a secret."""
        return name not in NAME_FIELDS and self.stated_in(value)

    def stated_in(self, text: str) -> bool:
        """Whether the text states a secret: in the same words, or its number, date, time or address in any spelling."""
        if not text:
            return False
        spoken = words(text)
        normal = _normal_of(spoken)
        if any(_contains(normal, secret) for secret in self._texts):
            return True
        if self._addresses and any(address in _address(text) for address in self._addresses):
            return True
        if self._numbers and any(_is_said(number, secret) for number in _numbers_in(text) for secret in self._numbers):
            return True
        if self._states_sentence(spoken) or self._states_time(text):
            return True
        return bool(self._days and not self._days.isdisjoint(_days_in(text, self._years)))

    def without_sentences(self, text: str, before: re.Pattern[str]) -> str:
        """Return the text without sentences that state a secret. What `before` matches at its start stays."""
        prefix = found.group() if (found := before.match(text)) else ""
        said = sentences(text[len(prefix) :])
        kept = [sentence for sentence in said if not self.stated_in(sentence)]
        rest = "".join(kept).strip()
        # A secret may extend over two sentences: "St. Paul".
        if not rest or (len(kept) > 1 and self.stated_in(rest)):
            return ""
        return prefix + rest


@cache
def _before_summary(phrases: Phrases) -> re.Pattern[str]:
    """Return a pattern for the date before a call's summary, in this language or English, as in older cards."""
    day = f"[^:：]{{1,{_LONGEST_DAY}}}?"
    beginnings = (re.escape(one.before_summary("@")).replace("@", day) for one in (phrases, phrases_for(ENGLISH)))
    return re.compile("|".join(beginnings))


def _parts(name: str, value: str, open_names: set[str]) -> list[str]:
    """Return the parts of a value that are secret: the whole, items of a list, words of a name."""
    if name in NAME_FIELDS:
        return [word for word in words(value) if word not in open_names]
    if name in SENTENCES:
        return [value]
    items = [item for item in _LISTED.split(value) if any(char.isalpha() for char in item)]
    return [value, *items] if len(items) > 1 else [value]


def _normal(text: str) -> str:
    """Return the folded words and their stems, each between blanks, so that phrases match at word boundaries."""
    return _normal_of(words(text))


def _normal_of(spoken: Sequence[str]) -> str:
    return f" {' '.join(map(_stem, spoken))} "


@kept_briefly(maxsize=1 << 14)
def _stem(word: str) -> str:
    return word if _UNSPACED.search(word) else terms_of([word])[0]


def _contains(text: str, secret: str) -> bool:
    if secret in text:
        return True
    plain = secret.strip()
    # Unspaced scripts have no word boundaries.
    return bool(_UNSPACED.search(plain)) and plain.replace(" ", "") in text.replace(" ", "")


def _numbers_in(text: str) -> list[str]:
    text = _DIGIT_WORD.sub(lambda found: _DIGITS.get(found.group(), "0"), folded(text))
    return ["".join(char for char in number if char.isdecimal()) for number in _NUMBER.findall(text)]


def _is_said(number: str, secret: str) -> bool:
    return secret in number if len(secret) >= _SUBSCRIBER_NUMBER else secret == number


def _days_in(text: str, years: Sequence[int] = ()) -> set[int]:
    """Return the single days that the text names, as ordinals. 3/12/1984 is two days.

    A day without a year is that day in each of `years`.
    """
    text = folded(text)
    if not _DIGIT.search(text):
        return set()
    for first, second, year in _NUMERIC_DATE.findall(text):
        text += f" {year}-{first:0>2}-{second:0>2} {year}-{second:0>2}-{first:0>2}"
    return {days.first for days in days_named(text, None, years) if days.first == days.last}


def _address(text: str) -> str:
    """Return the text in lower case, with "@" and "." for the words "at" and "dot"."""
    return _SPOKEN_SIGN.sub(lambda found: "@" if found[1] == "at" or found[2] == "@" else ".", folded(text))
