"""The stored form of vectors, and which memories have one.

A stored vector is bytes: a mark, then one signed byte per dimension. The mark is a hash of the model's name and the
encoded text. A vector with another mark, of an older text or another model, is ignored.
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
# In characters: about what the model reads at a time, which bounds the time per memory.
_LONGEST_ASKED, _LONGEST_CONTENT = 300, 1200
_NEVER_FOUND = frozenset((kinds.CARD, kinds.PREFERENCE))


def mark_of(encoder: Encoder, content: str, metadata: Mapping[str, Any]) -> bytes:
    """Return the mark of this encoder's vector for such a memory."""
    text = f"{encoder.model}\n{text_of(content, metadata)}"
    return blake2b(text.encode("utf-8", "replace"), digest_size=MARK_BYTES).digest()


def text_of(content: str, metadata: Mapping[str, Any]) -> str:
    """Return the text of a memory to encode: what the agent asked, and the content."""
    asked = str(metadata.get("asked") or "")[-_LONGEST_ASKED:]
    return f"{asked} {content[:_LONGEST_CONTENT]}".strip()


def has_vector(encoder: Encoder, memory: Memory) -> bool:
    """Whether the memory has this encoder's vector of its present text."""
    return len(memory.vector) == MARK_BYTES + encoder.dimensions and memory.vector.startswith(
        mark_of(encoder, memory.content, memory.metadata)
    )


def wants_vector(memory: Memory) -> bool:
    """Whether memories of this kind need a vector, because searches may find them."""
    return memory.kind not in _NEVER_FOUND


def vector_of(encoder: Encoder, content: str, metadata: Mapping[str, Any]) -> bytes:
    """Return the vector of such a memory; empty if the encoder fails, which is logged without the text."""
    try:
        vector = encoder.passage(text_of(content, metadata))
    except Exception as error:
        log.error("a memory could not be encoded", error=type(error).__name__)
        return b""
    return mark_of(encoder, content, metadata) + _quantized(vector)


def with_vectors(
    encoder: Encoder, memories: Iterable[kinds.NewMemory], stored: Iterable[Memory] = ()
) -> list[kinds.NewMemory]:
    """Return the memories with vectors: those of `stored` memories with the same text, else new ones."""
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
    """Return one signed byte per dimension, scaled so that the largest is 127."""
    scale = _LARGEST / (max(map(abs, vector), default=0.0) or 1.0)
    return bytes(round(value * scale) & 0xFF for value in vector)
