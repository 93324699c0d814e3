"""Which of one caller's memories a search may find."""

from collections.abc import Iterable, Sequence
from copy import copy

from elmemory.memory import kinds
from elmemory.memory.card_state import call_order, newest_facts
from elmemory.memory.insights import replaced_by_staff
from elmemory.memory.ranking import LEFT_OUT
from elmemory.memory.records import Memory

_NEVER_FOUND = frozenset((kinds.CARD, kinds.PREFERENCE))
_STATING = frozenset((kinds.FACT, kinds.PREFERENCE))


class Searchable:
    """The newest fact of each field, and of equal texts that of the newest call; no cards and preferences. Immutable.

    `memories` are the oldest written first. LEFT_OUT takes the place of one that `with_newer` left out. It is given
    memories like a store's: the newest written first.
    """

    def __init__(self, memories: Sequence[Memory]) -> None:
        self.memories: list[Memory] = []
        self._place_of: dict[str, int] = {}  # by text
        self._repeated: set[str] = set()  # texts of several memories
        insights = [memory for memory in memories if memory.metadata.get("kind") == kinds.INSIGHT]
        self._is_reworded = any(map(kinds.is_stated, insights))
        # Only what staff reworded is hidden. What a newer call replaced can still be found.
        replaced = replaced_by_staff(insights) if self._is_reworded else ()
        self._facts: list[Memory] = []
        self._add(memories, self._outdated(memories).union(memory.id for memory in replaced))

    def with_newer(self, memories: Sequence[Memory]) -> "Searchable | None":
        """Return what a search may find if these newer memories are added; None if only all memories determine that."""
        if self._is_reworded or any(memory.kind == kinds.INSIGHT and kinds.is_stated(memory) for memory in memories):
            return None
        now = copy(self)
        outdated = now._outdated(memories)
        replaced = [memory for memory in self._facts if memory.id in outdated and memory.kind == kinds.FACT]
        left_out = [_without_case(memory.content) for memory in replaced]
        if not self._repeated.isdisjoint(left_out):
            return None
        now.memories, now._place_of, now._repeated = list(self.memories), dict(self._place_of), set(self._repeated)
        for text in left_out:
            now.memories[now._place_of.pop(text)] = LEFT_OUT
        now._add(memories, outdated)
        return now

    def _outdated(self, memories: Iterable[Memory]) -> set[str]:
        """Add facts and corrections. Return the ids of those that no longer hold."""
        stated = [memory for memory in memories if memory.metadata.get("kind") in _STATING] + self._facts
        self._facts = newest_facts(stated)
        return {memory.id for memory in stated}.difference(memory.id for memory in self._facts)

    def _add(self, memories: Sequence[Memory], outdated: set[str]) -> None:
        for memory in reversed(memories):
            if memory.metadata.get("kind") in _NEVER_FOUND or memory.id in outdated:
                continue
            text = _without_case(memory.content)
            if (place := self._place_of.get(text)) is None:
                self._place_of[text] = len(self.memories)
                self.memories.append(memory)
            else:
                self._repeated.add(text)
                if call_order(self.memories[place]) <= call_order(memory):
                    self.memories[place] = memory


def _without_case(text: str) -> str:
    """Return the text case-folded, with single blanks."""
    text = text.casefold()
    # The blank is the only printable white space. Splitting takes three times as long as this check.
    is_plain = text.isprintable() and "  " not in text and text.strip() == text
    return text if is_plain else " ".join(text.split())
