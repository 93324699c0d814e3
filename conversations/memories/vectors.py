"""Vectors for memories that have none by the present encoder: from before it was installed, or of another one."""

from collections.abc import Iterator

from conversations.files import decisions
from conversations.files.locks import caller_lock
from conversations.memories.decided import permits
from elmemory.memory.encoder import Encoder
from elmemory.memory.encoder.vectors import has_vector, vector_of, wants_vector
from elmemory.memory.openmemory import Entry, OpenMemory
from elmemory.memory.records import Memory

# Encoded without the lock, in some five seconds; written under it in a moment.
_AT_ONCE = 200


def without_vector(encoder: Encoder, store: OpenMemory, caller: str) -> list[Memory]:
    """The caller's memories that a search may find and that have no vector by this encoder. Raises OpenMemoryError.

    Memories of other clients, which have no key, stay without one.
    """
    return [
        memory
        for memory in store.memories(caller)
        if memory.key and wants_vector(memory) and not has_vector(encoder, memory)
    ]


def add_vectors(encoder: Encoder, store: OpenMemory, caller: str) -> Iterator[int]:
    """Add the vectors that are missing of the caller, and yield how many after each batch.

    May be interrupted and repeated. What is changed, deleted or forbidden meanwhile stays as it is then. Raises
    OpenMemoryError.
    """
    missing = without_vector(encoder, store, caller)
    for first in range(0, len(missing), _AT_ONCE):
        made = {
            memory.id: vector_of(encoder, memory.content, memory.metadata)
            for memory in missing[first : first + _AT_ONCE]
        }
        with caller_lock(caller) as lock:
            about = decisions.about(caller)
            written = store.put_all(
                caller,
                [
                    Entry.of(memory)
                    for now in without_vector(encoder, store, caller)
                    if permits(about, now) and has_vector(encoder, memory := now._replace(vector=made.get(now.id, b"")))
                ],
            )
            lock.confirm()
        yield len(written)
