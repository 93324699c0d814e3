"""Makes missing vectors of memories that were written without an encoder, or with another one."""

from collections.abc import Iterator

from conversations.files import decisions
from conversations.files.locks import caller_lock
from conversations.memories.decided import permits
from elmemory.memory.encoder import Encoder
from elmemory.memory.encoder.vectors import has_vector, vector_of, wants_vector
from elmemory.memory.openmemory import Entry, OpenMemory
from elmemory.memory.records import Memory

# A batch is encoded in some five seconds without the lock, and written at once under it.
_AT_ONCE = 200


def without_vector(encoder: Encoder, store: OpenMemory, caller: str) -> list[Memory]:
    """The caller's memories of ours that a search may find but that have no vector of this encoder."""
    return [
        memory
        for memory in store.memories(caller)
        if memory.key and wants_vector(memory) and not has_vector(encoder, memory)
    ]


def add_vectors(encoder: Encoder, store: OpenMemory, caller: str) -> Iterator[int]:
    """Add the caller's missing vectors; yields their number after each batch.

    It may be interrupted and repeated. A memory that is changed, deleted or forbidden meanwhile is not overwritten.
    Raises OpenMemoryError.
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
