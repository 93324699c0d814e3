"""The protocol that every encoder implements."""

from collections.abc import Sequence
from typing import Protocol

type Vector = Sequence[float]


class Encoder(Protocol):
    """Turns texts into vectors of length 1. Methods may be called from several threads at a time.

    They accept any text and send nothing anywhere. After an exception there is no vector; nothing else fails.
    """

    model: str
    """The name of the model and its weights. Only vectors with the same name are compared."""

    dimensions: int

    def passage(self, text: str) -> Vector:
        """Return the vector of a text that searches may find."""

    def question(self, text: str) -> Vector:
        """Return the vector of a question."""
