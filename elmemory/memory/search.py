"""Searches one caller's memories."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic

from django.conf import settings
from django.utils.timezone import get_default_timezone, localdate

from elmemory.memory import kinds
from elmemory.memory.card import Card, card_from, cards_among, unwritten_card
from elmemory.memory.card_state import call_order, newest_facts
from elmemory.memory.disclosure import Secrets, disclosed, fields_of
from elmemory.memory.encoder import encoder
from elmemory.memory.encoder.likeness import VectorsOf
from elmemory.memory.encoder.questions import questions_for
from elmemory.memory.fields import CALLER_PROFILE
from elmemory.memory.insights import above_the_same, replaced_by_staff
from elmemory.memory.openmemory.protocol import OpenMemory
from elmemory.memory.ranking import Corpus
from elmemory.memory.records import Match, Memory

_BYTES_PER_MEMORY, _BYTES_PER_LETTER, _BYTES_PER_LETTER_ASKED = 1600, 4, 2
# In seconds, for a question without a deadline.
_ENCODED_WITHIN = 5.0


@dataclass(frozen=True, slots=True)
class Found:
    """The result: the card (None for a stranger or an opted-out caller), and the matches, best first."""

    card: Card | None
    matches: Sequence[Match]


class PreparedCaller:
    """One caller's card, and their memories laid out for the ranking.

    A search finds the newest fact of each field, and equal texts once. It never finds cards, preferences, memories of
    an opted-out caller, or what SEARCHABLE_FACTS excludes. `size` is the approximate size in bytes.
    """

    def __init__(self, memories: Iterable[Memory]) -> None:
        memories = tuple(memories)
        cards = cards_among(memories)
        card = card_from(cards[0].metadata) if cards else unwritten_card(memories)
        opted_out = card is not None and card.opted_out
        self._card = None if opted_out else card
        # Kept for the next preparation.
        self.memories = () if opted_out else memories
        found = [] if opted_out else _searchable(memories)
        if (allowed := fields_of(tuple(settings.SEARCHABLE_FACTS))) is not None:
            secret = Secrets(_values(memories), card.facts if card else {}, allowed)
            self._card = self._card and disclosed(self._card, settings.SEARCHABLE_FACTS, secret)
            found = [memory for memory in found if _is_disclosed(memory, secret)]
        self._corpus: Corpus = Corpus(found)
        self._encoder = encoder()
        self._vectors = VectorsOf(self._encoder, found) if self._encoder else None
        self.size = sum(map(_size, self.memories))
        self.size += self._vectors.size if self._vectors else 0

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


def _size(memory: Memory) -> int:
    asked = len(memory.metadata.get("asked") or "")
    return _BYTES_PER_MEMORY + _BYTES_PER_LETTER * len(memory.content) + _BYTES_PER_LETTER_ASKED * asked


def _searchable(memories: Iterable[Memory]) -> list[Memory]:
    """Return the memories that a search may find, oldest written first. Of equal texts, that of the newest call."""
    by_kind = [(memory.metadata.get("kind"), memory) for memory in memories]
    stated = [memory for kind, memory in by_kind if kind in (kinds.FACT, kinds.PREFERENCE)]
    outdated = {memory.id for memory in stated} - {memory.id for memory in newest_facts(stated)}
    insights = [memory for kind, memory in by_kind if kind == kinds.INSIGHT]
    if any(map(kinds.is_stated, insights)):
        # Only what staff reworded is hidden. What a newer call replaced can still be found.
        outdated |= {old.id for old in replaced_by_staff(insights)}
    texts: dict[str, Memory] = {}
    for kind, memory in reversed(by_kind):
        if kind in (kinds.CARD, kinds.PREFERENCE) or memory.id in outdated:
            continue
        text = _without_case(memory.content)
        if (before := texts.get(text)) is None or call_order(before) <= call_order(memory):
            texts[text] = memory
    return list(texts.values())


def _without_case(text: str) -> str:
    """Return the text case-folded, with single blanks."""
    text = text.casefold()
    # The blank is the only printable white space. Splitting takes three times as long as this check.
    is_plain = text.isprintable() and "  " not in text and text.strip() == text
    return text if is_plain else " ".join(text.split())


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
