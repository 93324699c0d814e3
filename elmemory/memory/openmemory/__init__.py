"""The store of all callers' memories: `open_memory()` returns the one that the settings name."""

from elmemory.memory.openmemory.factory import open_memory
from elmemory.memory.openmemory.protocol import (
    Health,
    NotStorable,
    OpenMemory,
    OpenMemoryError,
    OpenMemoryMisconfigured,
    Summary,
)
from elmemory.memory.records import Entry, Match, Memory, Put

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
    "Summary",
    "open_memory",
]
