"""The store of all caller memory: `open_memory()` is the one that the settings name."""

from elmemory.memory.openmemory.factory import open_memory
from elmemory.memory.openmemory.protocol import (
    Entry,
    Health,
    Match,
    Memory,
    NotStorable,
    OpenMemory,
    OpenMemoryError,
    OpenMemoryMisconfigured,
    Put,
)

__all__ = [
    "Entry",
    "Health",
    "Match",
    "Memory",
    "NotStorable",
    "OpenMemory",
    "OpenMemoryError",
    "OpenMemoryMisconfigured",
    "Put",
    "open_memory",
]
