"""Search over one caller's memories."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.utils.timezone import localdate

from elmemory.memory import kinds
from elmemory.memory.card import Card, call_order, card_from, cards_among, newest_facts, one_per_key, unwritten_card
from elmemory.memory.openmemory.protocol import OpenMemory
from elmemory.memory.ranking import Corpus
from elmemory.memory.records import Match, Memory


@dataclass(frozen=True, slots=True)
class Found:
    """The caller's card, None for a stranger or an opted-out caller; and the matches, best first."""

    card: Card | None
    matches: Sequence[Match]


class PreparedCaller:
    """One caller's card, and their memories laid out for the ranking.

    Found are the newest fact of each field, and equal texts once; never cards and preferences, and nothing of a caller
    who opted out.
    """

    def __init__(self, memories: Iterable[Memory]) -> None:
        memories = one_per_key(memories)
        cards = cards_among(memories)
        card = card_from(cards[0].metadata) if cards else unwritten_card(memories)
        opted_out = card is not None and card.opted_out
        self._card = None if opted_out else card
        self._corpus = Corpus(() if opted_out else _searchable(memories))

    def search(self, question: str, k: int) -> Found:
        """The card, and at most k memories that best answer the question. "Today" is today in TIME_ZONE."""
        return Found(self._card, self._corpus.rank(question, k, localdate()))


def search(store: OpenMemory, caller: str, question: str, k: int) -> Found:
    """Search the caller's memories in the store without caching anything. Raises OpenMemoryError."""
    return PreparedCaller(store.memories(caller)).search(question, k)


def _searchable(memories: Iterable[Memory]) -> list[Memory]:
    """The memories that a search may find; of equal texts the newest."""
    memories = list(memories)
    holding = {memory.id for memory in newest_facts(memories)}
    texts: dict[str, Memory] = {}
    for memory in sorted(memories, key=call_order):
        outdated = memory.kind == kinds.FACT and memory.id not in holding
        if memory.kind not in (kinds.CARD, kinds.PREFERENCE) and not outdated:
            texts[" ".join(memory.content.casefold().split())] = memory
    return list(texts.values())
