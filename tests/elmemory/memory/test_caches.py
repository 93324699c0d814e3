"""What a process keeps of callers it drops within a bounded time."""

from collections.abc import Hashable, Sequence

import pytest

from elmemory.memory.caches import clear_caches, kept_briefly, on_clearing
from elmemory.memory.identity import caller_key
from elmemory.memory.numbers import Conventions, Number, read_number
from elmemory.memory.openmemory.protocol import OpenMemory
from elmemory.memory.records import Memory
from elmemory.memory.search_cache import SearchCache
from tests.harness.clock import Clock


def test_clearing_empties_every_cache() -> None:
    read = []

    @kept_briefly(maxsize=8)
    def digits(text: str) -> str:
        read.append(text)
        return text[1:]

    assert [digits("+1"), digits("+1")] == ["1", "1"]
    clear_caches()
    digits("+1")
    assert read == ["+1", "+1"]


def test_numbers_that_were_read_are_among_them(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def counted(raw: str, conventions: Conventions) -> Number | None:
        read.append(raw)
        return read_number(raw, conventions)

    monkeypatch.setattr("elmemory.memory.identity.read_number", counted)
    for _ in range(2):
        clear_caches()
        caller_key("+1 415 555 0100")
        caller_key("+1 415 555 0100")
    assert len(read) == 2


def test_clearing_calls_whoever_asked() -> None:
    called: list[int] = []
    on_clearing(lambda: called.append(1))
    clear_caches()
    assert called == [1]


class Store:
    def memories_since(
        self,
        caller: str,
        token: Hashable | None,
        known: Sequence[Memory] = (),  # noqa: ARG002
    ) -> tuple[Hashable, list[Memory] | None]:
        return 1, None if token == 1 else [Memory("m", caller, "Hello.")]


def test_prepared_callers_are_dropped_when_unused_for_ten_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr("elmemory.memory.search_cache.time.monotonic", clock)
    store: OpenMemory = Store()  # type: ignore[assignment]
    cache = SearchCache(store)
    cache.search("+1", "hello", 1)
    clock.pass_by(400)
    cache.search("+2", "hello", 1)
    clock.pass_by(400)
    cache.drop_unused()
    assert (cache.is_cached("+1"), cache.is_cached("+2")) == (False, True)
