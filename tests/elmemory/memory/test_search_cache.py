"""The search cache: it never answers with outdated memories."""

from collections.abc import Callable, Sequence

import pytest

from elmemory.memory import kinds
from elmemory.memory.card import write_card
from elmemory.memory.openmemory.embedded.store import EmbeddedOpenMemory
from elmemory.memory.records import Memory
from elmemory.memory.search import PreparedCaller
from elmemory.memory.search_cache import SearchCache
from tests.harness.memories import CALLER
from tests.harness.server import wait_until

pytestmark = pytest.mark.django_db(transaction=True, databases=["memory"])
OTHER = "+14155550101"


class Counting(EmbeddedOpenMemory):
    """A store that counts how often all memories of a caller are read."""

    reads = 0

    def memories(self, user_id: str, limit: int | None = None) -> list[Memory]:
        self.reads += 1
        return super().memories(user_id, limit)


class WithoutTokens(Counting):
    """A store without change tokens."""

    def change_token(self, user_id: str) -> None:  # noqa: ARG002
        return None


@pytest.fixture(params=[Counting, WithoutTokens])
def store(transactional_db: None, request: pytest.FixtureRequest) -> Counting:  # noqa: ARG001
    made: Counting = request.param()
    return made


@pytest.fixture
def say(store: Counting) -> Callable[..., str]:
    def say(content: str, key: str = "message:1", caller: str = CALLER) -> str:
        return store.put(caller, key, content, metadata={"kind": kinds.MESSAGE}).id

    return say


def found(cache: SearchCache, question: str = "Which dog?", caller: str = CALLER) -> list[str]:
    return [match.memory.content for match in cache.search(caller, question, 8).matches]


def test_an_unchanged_caller_is_prepared_once(
    store: Counting, say: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared: list[PreparedCaller] = []

    def prepare(memories: Sequence[Memory]) -> PreparedCaller:
        prepared.append(PreparedCaller(memories))
        return prepared[-1]

    monkeypatch.setattr("elmemory.memory.search_cache.PreparedCaller", prepare)
    say("My dog is called Biscuit.")
    cache = SearchCache(store)
    for _ in range(3):
        assert found(cache) == ["My dog is called Biscuit."]
    assert len(prepared) == 1


def test_a_store_with_change_tokens_is_read_once(say: Callable[..., str]) -> None:
    counting = Counting()
    say("My dog is called Biscuit.")
    cache = SearchCache(counting)
    for _ in range(5):
        found(cache)
    assert counting.reads == 1


def test_an_added_memory_is_found(store: Counting, say: Callable[..., str]) -> None:
    cache = SearchCache(store)
    assert found(cache) == []
    say("My dog is called Biscuit.")
    assert found(cache) == ["My dog is called Biscuit."]


def test_a_changed_memory_is_found_with_its_new_content(store: Counting, say: Callable[..., str]) -> None:
    cache = SearchCache(store)
    say("My dog is called Biscuit.")
    found(cache)
    say("My dog is called Cracker.")
    assert found(cache) == ["My dog is called Cracker."]


def test_a_deleted_memory_is_not_found(store: Counting, say: Callable[..., str]) -> None:
    cache = SearchCache(store)
    deleted = say("My dog is called Biscuit.")
    say("My other dog is called Cracker.", "message:2")
    found(cache)
    store.delete(CALLER, deleted)
    assert found(cache) == ["My other dog is called Cracker."]


def test_one_memory_deleted_and_one_added_is_a_change(store: Counting, say: Callable[..., str]) -> None:
    cache = SearchCache(store)
    deleted = say("My dog is called Biscuit.")
    found(cache)
    store.delete(CALLER, deleted)
    say("My dog is called Cracker.", "message:2")
    assert found(cache) == ["My dog is called Cracker."]


def test_a_caller_who_opts_out_is_not_found_any_more(store: Counting, say: Callable[..., str]) -> None:
    cache = SearchCache(store)
    say("My dog is called Biscuit.")
    found(cache)
    store.put(CALLER, "preference:1", "", metadata={"kind": kinds.PREFERENCE, "preference": kinds.OPT_OUT})
    write_card(store, CALLER)
    assert found(cache) == []
    assert cache.search(CALLER, "dog", 8).card is None


def test_each_caller_finds_their_own_memories(store: Counting, say: Callable[..., str]) -> None:
    cache = SearchCache(store)
    say("My dog is called Biscuit.")
    say("My dog is called Cracker.", caller=OTHER)
    for _ in range(2):
        assert found(cache) == ["My dog is called Biscuit."]
        assert found(cache, caller=OTHER) == ["My dog is called Cracker."]


def test_the_least_recently_used_callers_are_evicted(store: Counting, say: Callable[..., str]) -> None:
    cache = SearchCache(store, most=5)
    numbers = [f"+1415555{number:04d}" for number in range(20)]
    for number in numbers:
        say("My dog is called Biscuit.", caller=number)
        found(cache, caller=number)
    assert [number for number in numbers if cache.holds(number)] == numbers[-5:]
    assert cache.size == 5


def test_a_caller_with_more_memories_than_the_cache_takes_is_not_cached(
    store: Counting, say: Callable[..., str]
) -> None:
    cache = SearchCache(store, most=5)
    for number in range(8):
        say(f"Dog number {number}.", f"message:{number}")
    assert len(found(cache)) == 8
    assert not cache.holds(CALLER)
    assert cache.size == 0


def test_a_caller_is_prepared_in_the_background(store: Counting, say: Callable[..., str]) -> None:
    say("My dog is called Biscuit.")
    cache = SearchCache(store)
    cache.prepare_soon(CALLER)
    wait_until(lambda: cache.holds(CALLER))
