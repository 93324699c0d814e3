"""Caches of values that may be personal data. A long-running process clears them every ten minutes.

A forgotten caller is removed from them then. The memory is freed, not overwritten: bytes may remain until the process
ends.
"""

import time
from collections.abc import Callable
from functools import cache, lru_cache
from threading import Thread

from django.core.signals import setting_changed

CLEARED_EVERY_SECONDS = 600

_clear: list[Callable[[], object]] = []


def kept_briefly[**P, R](maxsize: int) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorate a function like `lru_cache`, with a cache that `clear_caches` empties."""

    def cached(function: Callable[P, R]) -> Callable[P, R]:
        with_cache = lru_cache(maxsize)(function)
        on_clearing(with_cache.cache_clear)
        return with_cache  # type: ignore[return-value]  # hashable arguments are the caller's to give

    return cached


def read_once[R](read: Callable[[], R]) -> Callable[[], R]:
    """Decorate a function that reads settings, which live calls need: each read takes a microsecond."""
    cached = cache(read)
    setting_changed.connect(lambda **_: cached.cache_clear(), weak=False)
    return cached


def on_clearing(clear: Callable[[], object]) -> None:
    """Register a function that `clear_caches` calls."""
    _clear.append(clear)


def clear_caches() -> None:
    """Empty the caches of this process."""
    for clear in _clear:
        clear()


def clear_caches_regularly() -> None:
    """Start the thread that clears the caches of a serving process."""

    def run() -> None:
        while True:
            time.sleep(CLEARED_EVERY_SECONDS)
            clear_caches()

    Thread(target=run, name="clear caches", daemon=True).start()
