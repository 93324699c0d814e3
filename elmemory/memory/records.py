"""The records that stores return and take."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

Sector = Literal["episodic", "semantic", "procedural", "emotional", "reflective"]


class Memory(NamedTuple):
    """One memory of a store. Times are in milliseconds since 1970, as in OpenMemory.

    A tuple: creating a frozen dataclass takes three times as long, and a caller has thousands of memories.
    """

    id: str
    user_id: str
    content: str
    tags: Sequence[str] = ()
    metadata: Mapping[str, Any] = MappingProxyType({})
    salience: float = 0.5
    decay_lambda: float = 0.0
    primary_sector: Sector = "semantic"
    sectors: Sequence[Sector] = ("semantic",)
    created_at: int = 0
    updated_at: int = 0
    last_seen_at: int = 0
    version: int = 1
    vector: bytes = b""
    """In the form of `elmemory.memory.encoder.vectors`; empty for none."""
    write_number: int = 0
    """On a server: rises with each write for this user. In the embedded store: rises with each added memory.
    0 if unknown: of older versions, and in `OpenMemory.texts`."""

    @property
    def key(self) -> str:
        return str(self.metadata.get("key") or "")

    @property
    def kind(self) -> str:
        return str(self.metadata.get("kind") or "")


class Put(NamedTuple):
    """The result of writing one entry: the store's id of the memory, and what happened to it."""

    id: str
    outcome: Literal["added", "changed", "unchanged"]


class Entry(NamedTuple):
    """A memory to be written, with the parameters of `OpenMemory.put`.

    A changed memory gets this vector, even if it is empty. An unchanged one keeps its vector, unless another is given.
    """

    key: str
    content: str
    tags: Sequence[str] = ()
    metadata: Mapping[str, Any] = MappingProxyType({})
    salience: float = 0.5
    decay_lambda: float = 0.0
    vector: bytes = b""

    @classmethod
    def of(cls, memory: Memory, metadata: Mapping[str, Any] | None = None) -> "Entry":
        """Return the entry for an existing memory, perhaps with other metadata."""
        metadata = memory.metadata if metadata is None else metadata
        weights = memory.salience, memory.decay_lambda
        return cls(memory.key, memory.content, memory.tags, metadata, *weights, memory.vector)


class Match(NamedTuple):
    """A memory that a search found. Scores of one search can be compared; they have no upper bound."""

    memory: Memory
    score: float
