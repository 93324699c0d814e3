from functools import cache

from elmemory.memory.openmemory.protocol import OpenMemory


@cache
def open_memory() -> OpenMemory:
    """The store that the settings name; the same object for the life of the process."""
    from elmemory.memory.openmemory.embedded.store import EmbeddedOpenMemory

    return EmbeddedOpenMemory()
