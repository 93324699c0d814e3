"""The kinds of memory, their salience, and their form as entries for a store."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from elmemory.memory.records import Entry, Memory

FACT = "fact"
INSIGHT = "insight"
MESSAGE = "message"
CALL = "call"
CARD = "card"
PREFERENCE = "preference"

SALIENCE = {FACT: 0.9, INSIGHT: 0.9, MESSAGE: 0.8, CALL: 0.85, CARD: 1.0, PREFERENCE: 1.0}

# Values of `metadata["preference"]` of a preference memory: what staff may state about a caller.
OPT_OUT = "opt_out"
SHARED_LINE = "shared_line"
CORRECTION = "correction"
# Marks the metadata of an insight that staff reworded.
CORRECTED = "corrected"


def is_stated(memory: Memory) -> bool:
    """Whether staff stated the memory: a preference, or an insight that they reworded."""
    return memory.kind == PREFERENCE or (memory.kind == INSIGHT and memory.metadata.get(CORRECTED) is True)


@dataclass(frozen=True, slots=True)
class NewMemory:
    """A memory to be written. `entries` adds kind, key, salience and decay to the metadata."""

    kind: str
    key: str
    content: str
    metadata: Mapping[str, Any] = field(default_factory=dict)
    vector: bytes = field(default=b"", repr=False)

    @property
    def tags(self) -> list[str]:
        """The kind, and the field of a fact or a correction."""
        name = self.metadata.get("field")
        return [self.kind, name] if name else [self.kind]


def entries(memories: Iterable[NewMemory]) -> list[Entry]:
    """Return the memories as entries for a store, with the salience of their kind and no decay."""
    return [
        Entry(
            memory.key,
            memory.content,
            memory.tags,
            {"kind": memory.kind, **memory.metadata},
            salience=SALIENCE[memory.kind],
            decay_lambda=0.0,
            vector=memory.vector,
        )
        for memory in memories
    ]
