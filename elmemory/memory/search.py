"""Search over the memories of one caller."""

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
    """What a search knows of the caller: the card, or None for a stranger, and the best memories, best first."""

    card: Card | None
    matches: Sequence[Match]


class PreparedCaller:
    """All that is remembered of one caller, ready for questions.

    They find one memory per field, the newest, and equal texts once; cards and preferences are never among them,
    and nothing is where the caller opted out.
    """

    def __init__(self, memories: Iterable[Memory]) -> None:
        memories = one_per_key(memories)
        cards = cards_among(memories)
        card = card_from(cards[0].metadata) if cards else unwritten_card(memories)
        opted_out = card is not None and card.opted_out
        self._card = None if opted_out else card
        self._corpus = Corpus(() if opted_out else _searchable(memories))

    def search(self, question: str, k: int) -> Found:
        """The card, and the k memories that best answer the question."""
        return Found(self._card, self._corpus.rank(question, k, localdate()))


def search(store: OpenMemory, caller: str, question: str, k: int) -> Found:
    """The same for a caller who is asked about but once."""
    return PreparedCaller(store.memories(caller)).search(question, k)


def _searchable(memories: Iterable[Memory]) -> list[Memory]:
    memories = list(memories)
    holding = {memory.id for memory in newest_facts(memories)}
    texts: dict[str, Memory] = {}
    for memory in sorted(memories, key=call_order):
        outdated = memory.kind == kinds.FACT and memory.id not in holding
        if memory.kind not in (kinds.CARD, kinds.PREFERENCE) and not outdated:
            texts[" ".join(memory.content.casefold().split())] = memory
    return list(texts.values())
