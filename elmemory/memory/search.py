"""Searches one caller's memories."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import NamedTuple

from django.conf import settings
from django.utils.timezone import get_default_timezone, localdate

from elmemory.memory import kinds
from elmemory.memory.card import Card, card_from, cards_among, unwritten_card
from elmemory.memory.disclosure import Secrets, disclosed, fields_of
from elmemory.memory.encoder import encoder
from elmemory.memory.encoder.likeness import VectorsOf
from elmemory.memory.encoder.questions import questions_for
from elmemory.memory.fields import CALLER_PROFILE
from elmemory.memory.insights import above_the_same
from elmemory.memory.openmemory.protocol import OpenMemory
from elmemory.memory.ranking import LEFT_OUT, Corpus
from elmemory.memory.records import Match, Memory
from elmemory.memory.searchable import Searchable

_BYTES_PER_MEMORY, _BYTES_PER_LETTER, _BYTES_PER_LETTER_ASKED = 1600, 4, 2
# Remembering a call replaces one card; an interrupted run may leave another.
_MOST_CARDS = 2
# In seconds, for a question without a deadline.
_ENCODED_WITHIN = 5.0


@dataclass(frozen=True, slots=True)
class Found:
    """The result: the card (None for a stranger or an opted-out caller), and the matches, best first."""

    card: Card | None
    matches: Sequence[Match]


class _Change(NamedTuple):
    """Memories that were added, and the cards that they replaced."""

    added: Sequence[Memory]
    gone: Sequence[Memory]


class PreparedCaller:
    """One caller's card, and their memories laid out for the ranking.

    A search finds the newest fact of each field, and equal texts once. It never finds cards, preferences, memories of
    an opted-out caller, or what SEARCHABLE_FACTS excludes. `size` is the approximate size in bytes.
    """

    def __init__(self, memories: Iterable[Memory], before: "PreparedCaller | None" = None) -> None:
        """Prepare the memories, the newest written first. `before` was prepared from earlier ones, which saves time."""
        # Kept, as are the cards, for the next preparation.
        self.memories: tuple[Memory, ...] = tuple(memories)
        self._cards: list[Memory]
        self._size: int
        change = _change(before.memories, self.memories) if before else None
        searchable = before._searchable.with_newer(change.added) if before and change else None
        if before and change and searchable:
            self.memories = (*change.added, *before.memories[len(change.gone) :])
            self._cards = cards_among([*change.added, *(card for card in before._cards if card not in change.gone)])
            self._size = before._size + _size(change.added) - _size(change.gone)
        else:
            before = None
            self._cards = cards_among(self.memories)
            self._size = _size(self.memories)
        card = card_from(self._cards[0].metadata) if self._cards else unwritten_card(self.memories)
        if card is not None and card.opted_out:
            self.memories, self._cards, self._size = (), [], 0
            card, before, searchable = None, None, None
        self._card = card
        self._searchable: Searchable = searchable or Searchable(self.memories)
        found: Sequence[Memory] = self._searchable.memories
        if (allowed := fields_of(tuple(settings.SEARCHABLE_FACTS))) is not None:
            secret = Secrets(_values(self.memories), card.facts if card else {}, allowed)
            self._card = card and disclosed(card, settings.SEARCHABLE_FACTS, secret)
            found = [memory if _is_disclosed(memory, secret) else LEFT_OUT for memory in found]
        self._corpus: Corpus = Corpus(found, before._corpus if before else None)
        self._encoder = encoder()
        self._vectors = None
        if self._encoder:
            vectors = before._vectors if before else None
            self._vectors = VectorsOf(self._encoder, found, vectors, self._corpus.changed)
        self.size = self._size + (self._vectors.size if self._vectors else 0)

    def search(self, question: str, k: int, until: float | None = None) -> Found:
        """Return the card, and at most k memories that best answer the question. "Today" is today in TIME_ZONE.

        With an encoder, meaning counts too, if the question is encoded by `until`, a time of `time.monotonic`; else
        words only.
        """
        today = localdate(timezone=get_default_timezone())
        ranked = self._corpus.rank(question, k, today, self._likeness(question, until))
        return Found(self._card, above_the_same(ranked))

    def _likeness(self, question: str, until: float | None) -> Callable[[], Mapping[int, float]] | None:
        """Return a function for the likeness of each memory to the question, by place; None without an encoder.

        The question is encoded while the words are ranked.
        """
        if not (self._vectors and self._encoder):
            return None
        vectors = self._vectors
        asked = questions_for(self._encoder).ask(question, monotonic() + _ENCODED_WITHIN if until is None else until)
        return lambda: vectors.likeness(vector) if (vector := asked()) else {}


def search(store: OpenMemory, caller: str, question: str, k: int) -> Found:
    """Search the caller's memories in the store without caching anything. Raises OpenMemoryError."""
    return PreparedCaller(store.memories(caller)).search(question, k)


def _change(before: Sequence[Memory], now: Sequence[Memory]) -> _Change | None:
    """Return the change by calls that were remembered; None if more than that has changed."""
    for number in range(_MOST_CARDS + 1):
        added = len(now) - len(before) + number
        if added >= 0 and now[added:] == before[number:]:
            gone = before[:number]
            return _Change(now[:added], gone) if all(memory.kind == kinds.CARD for memory in gone) else None
    return None


def _size(memories: Sequence[Memory]) -> int:
    letters = sum([len(memory.content) for memory in memories])
    asked = sum([len(memory.metadata.get("asked") or "") for memory in memories])
    return _BYTES_PER_MEMORY * len(memories) + _BYTES_PER_LETTER * letters + _BYTES_PER_LETTER_ASKED * asked


def _values(memories: Iterable[Memory]) -> list[tuple[str, str]]:
    """Return pairs of field and value: all values that calls or staff stated, including former ones."""
    return [
        (CALLER_PROFILE, memory.content)
        if memory.kind == kinds.INSIGHT
        else (str(memory.metadata.get("field")), str(memory.metadata.get("value") or ""))
        for memory in memories
        if memory.kind == kinds.INSIGHT
        or (memory.kind in (kinds.FACT, kinds.PREFERENCE) and memory.metadata.get("field"))
    ]


def _is_disclosed(memory: Memory, secret: Secrets) -> bool:
    """Whether a search may find the memory."""
    if memory.kind == kinds.FACT:
        name = str(memory.metadata.get("field"))
        return name in secret.allowed and not secret.stated_in_fact(name, str(memory.metadata.get("value")))
    if memory.kind == kinds.INSIGHT and CALLER_PROFILE not in secret.allowed:
        return False
    return not secret.stated_in(memory.content) and not secret.stated_in(str(memory.metadata.get("asked") or ""))
