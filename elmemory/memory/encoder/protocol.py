"""The protocol that every encoder keeps, whichever package provides it."""

from collections.abc import Sequence
from typing import Protocol

type Vector = Sequence[float]


class Encoder(Protocol):
    """Both methods return a vector of length 1 and may be called from several threads at a time.

    They take any text and send nothing anywhere. An exception costs the vector, and nothing else.
    """

    model: str
    """The name of the model and its weights: vectors of another name are never compared with its own."""

    dimensions: int

    def passage(self, text: str) -> Vector:
        """The vector of a text that may be found."""

    def question(self, text: str) -> Vector:
        """The vector of what is asked."""
