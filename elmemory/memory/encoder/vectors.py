"""Vectors as stores keep them, and the memories that have one.

A vector is bytes: a mark, then one signed byte per dimension. The mark is a hash of the model's name and of the text
that was encoded. A vector whose mark differs, of a text that was changed or of another model, counts as none.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from hashlib import blake2b
from typing import Any

import structlog

from elmemory.memory import kinds
from elmemory.memory.encoder.protocol import Encoder, Vector
from elmemory.memory.records import Memory

log = structlog.get_logger(__name__)

MARK_BYTES = 8
_LARGEST = 127
# In characters: about as much as the model reads at a time, so that one memory takes a bounded time.
_LONGEST_ASKED, _LONGEST_CONTENT = 300, 1200
_NEVER_FOUND = frozenset((kinds.CARD, kinds.PREFERENCE))


def mark_of(encoder: Encoder, content: str, metadata: Mapping[str, Any]) -> bytes:
    """The mark of a vector that this encoder makes of such a memory."""
    text = f"{encoder.model}\n{text_of(content, metadata)}"
    return blake2b(text.encode("utf-8", "replace"), digest_size=MARK_BYTES).digest()


def text_of(content: str, metadata: Mapping[str, Any]) -> str:
    """What is encoded of a memory: what the agent asked, and the words."""
    asked = str(metadata.get("asked") or "")[-_LONGEST_ASKED:]
    return f"{asked} {content[:_LONGEST_CONTENT]}".strip()


def has_vector(encoder: Encoder, memory: Memory) -> bool:
    """Whether the memory has a vector of its present text, by this encoder."""
    return len(memory.vector) == MARK_BYTES + encoder.dimensions and memory.vector.startswith(
        mark_of(encoder, memory.content, memory.metadata)
    )


def wants_vector(memory: Memory) -> bool:
    """Whether a search may find the memory, by its kind."""
    return memory.kind not in _NEVER_FOUND


def vector_of(encoder: Encoder, content: str, metadata: Mapping[str, Any]) -> bytes:
    """The vector of such a memory; empty if the encoder fails, which is logged without the text."""
    try:
        vector = encoder.passage(text_of(content, metadata))
    except Exception as error:
        log.error("a memory could not be encoded", error=type(error).__name__)
        return b""
    return mark_of(encoder, content, metadata) + _quantized(vector)


def with_vectors(
    encoder: Encoder, memories: Iterable[kinds.NewMemory], stored: Iterable[Memory] = ()
) -> list[kinds.NewMemory]:
    """The memories with vectors: those that `stored` memories with the same text have, else new ones."""
    known = {memory.vector[:MARK_BYTES]: memory.vector for memory in stored if memory.vector}
    return [
        replace(
            memory,
            vector=known.get(mark_of(encoder, memory.content, memory.metadata))
            or vector_of(encoder, memory.content, memory.metadata),
        )
        if memory.kind not in _NEVER_FOUND
        else memory
        for memory in memories
    ]


def _quantized(vector: Vector) -> bytes:
    """One signed byte per dimension; the longest way of the vector along one is 127."""
    scale = _LARGEST / (max(map(abs, vector), default=0.0) or 1.0)
    return bytes(round(value * scale) & 0xFF for value in vector)
