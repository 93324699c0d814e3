"""Memories as stores return and take them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

Sector = Literal["episodic", "semantic", "procedural", "emotional", "reflective"]


@dataclass(frozen=True, slots=True)
class Memory:
    """One memory as the store holds it. Times are milliseconds since 1970, as OpenMemory has them."""

    id: str
    user_id: str
    content: str
    tags: Sequence[str] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    salience: float = 0.5
    decay_lambda: float = 0.0
    primary_sector: Sector = "semantic"
    sectors: Sequence[Sector] = ("semantic",)
    created_at: int = 0
    updated_at: int = 0
    last_seen_at: int = 0
    version: int = 1

    @property
    def key(self) -> str:
        return str(self.metadata.get("key") or "")

    @property
    def kind(self) -> str:
        return str(self.metadata.get("kind") or "")


class Put(NamedTuple):
    id: str
    outcome: Literal["added", "changed", "unchanged"]


class Entry(NamedTuple):
    """A memory to be written, as `OpenMemory.put` takes it."""

    key: str
    content: str
    tags: Sequence[str] = ()
    metadata: Mapping[str, Any] = MappingProxyType({})
    salience: float = 0.5
    decay_lambda: float = 0.0


class Match(NamedTuple):
    memory: Memory
    score: float
