"""The search cache: it never answers with outdated memories."""

import random
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest
from django.db import connections

from elmemory.memory import kinds
from elmemory.memory.card import write_card
from elmemory.memory.openmemory import OpenMemoryError
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

    def memories_since(
        self, user_id: str, token: Hashable | None, known: Sequence[Memory] = ()
    ) -> tuple[Hashable, list[Memory] | None]:
        now, memories = super().memories_since(user_id, token, known)
        self.reads += memories is not None
        return now, memories


@pytest.fixture
def store(transactional_db: None) -> Counting:  # noqa: ARG001
    return Counting()


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


def test_an_unchanged_caller_is_read_once(store: Counting, say: Callable[..., str]) -> None:
    say("My dog is called Biscuit.")
    cache = SearchCache(store)
    for _ in range(5):
        found(cache)
    assert store.reads == 1


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


_SAID = ("My dog is called {}.", "The invoice of {} is wrong.", "Llegué en {} con mi perro.", "I live in {}, near you.")
_QUESTIONS = ("Which dog?", "What is wrong with the invoice?", "¿Cuándo llegó el perro?", "Where do they live now?")


def change_something(store: EmbeddedOpenMemory, chance: random.Random) -> None:
    """Add a call or a correction, change or delete a memory, or let the caller opt out or in."""
    held = store.memories(CALLER)
    match chance.randrange(6):
        case 0 | 1 | 2:
            number = chance.randrange(1000)
            about: dict[str, Any] = {
                "conversation_id": f"conv_{number}",
                "called_at": f"2026-{1 + number % 9:02}-10T10:00:00+00:00",
            }
            for position in range(chance.randrange(4)):
                said = chance.choice(_SAID).format(chance.choice(("Duluth", "Biscuit", "Friday")))
                metadata = {"kind": kinds.MESSAGE, "position": position, "asked": "And then?", **about}
                store.put(CALLER, f"message:{number}:{position}", said, metadata=metadata)
            city = chance.choice(("Duluth", "Oslo"))
            fact = {"kind": kinds.FACT, "field": "city", "value": city, **about}
            store.put(CALLER, f"fact:{number}:city", f"City: {city}", metadata=fact)
        case 3 if held:
            store.delete(CALLER, chance.choice(held).id)
        case 4 if held:
            changed = chance.choice(held)
            store.put(CALLER, changed.key, f"{changed.content} Changed.", metadata=changed.metadata)
        case _:
            key = "preference:opt_out"
            stated = [memory for memory in held if memory.key == key]
            if stated:
                store.delete(CALLER, stated[0].id)
            else:
                store.put(CALLER, key, "", metadata={"kind": kinds.PREFERENCE, "preference": kinds.OPT_OUT})


@pytest.mark.parametrize("seed", range(4))
def test_a_caller_who_is_prepared_again_finds_what_one_prepared_from_scratch_finds(store: Counting, seed: int) -> None:
    chance = random.Random(seed)
    cache = SearchCache(store)
    for _ in range(25):
        for _ in range(chance.randrange(3)):
            change_something(store, chance)
        write_card(store, CALLER)
        for question in _QUESTIONS:
            assert cache.search(CALLER, question, 8) == SearchCache(store).search(CALLER, question, 8)


def test_a_memory_that_has_not_changed_is_not_read_again(store: Counting, say: Callable[..., str]) -> None:
    say("My dog is called Biscuit.")
    token, before = store.memories_since(CALLER, None)
    say("My cat is called Tom.", "message:2")
    _, after = store.memories_since(CALLER, token, before or ())
    assert before
    assert after
    assert [memory.content for memory in after] == ["My cat is called Tom.", "My dog is called Biscuit."]
    assert after[1] is before[0]


def test_what_an_opted_out_caller_said_is_not_cached(store: Counting, say: Callable[..., str]) -> None:
    say("My dog is called Biscuit.")
    store.put(CALLER, "preference:1", "", metadata={"kind": kinds.PREFERENCE, "preference": kinds.OPT_OUT})
    assert PreparedCaller(store.memories(CALLER)).memories == ()


def test_each_caller_finds_their_own_memories(store: Counting, say: Callable[..., str]) -> None:
    cache = SearchCache(store)
    say("My dog is called Biscuit.")
    say("My dog is called Cracker.", caller=OTHER)
    for _ in range(2):
        assert found(cache) == ["My dog is called Biscuit."]
        assert found(cache, caller=OTHER) == ["My dog is called Cracker."]


def test_the_least_recently_used_callers_are_evicted(store: Counting, say: Callable[..., str]) -> None:
    cache = SearchCache(store, most=10_000)
    numbers = [f"+1415555{number:04d}" for number in range(20)]
    for number in numbers:
        say("My dog is called Biscuit.", caller=number)
        found(cache, caller=number)
    kept = [number for number in numbers if cache.is_cached(number)]
    assert 0 < len(kept) < 20
    assert kept == numbers[-len(kept) :]
    assert cache.size <= 10_000


def test_a_caller_larger_than_the_cache_is_cached_and_evicts_no_other(store: Counting, say: Callable[..., str]) -> None:
    cache = SearchCache(store, most=20_000)
    say("My dog is called Biscuit.", caller=OTHER)
    found(cache, caller=OTHER)
    for number in range(30):
        say(f"Dog number {number}.", f"message:{number}")
    for _ in range(2):
        assert len(found(cache)) == 8
    assert cache.size > 20_000
    assert cache.is_cached(OTHER)
    assert store.reads == 2


def test_of_several_callers_larger_than_the_cache_the_last_is_cached(store: Counting, say: Callable[..., str]) -> None:
    cache = SearchCache(store, most=20_000)
    for caller in (CALLER, OTHER):
        for number in range(30):
            say(f"Dog number {number}.", f"message:{number}", caller)
        found(cache, caller=caller)
    assert (cache.is_cached(CALLER), cache.is_cached(OTHER)) == (False, True)


class Slow(Counting):
    """A store in which the first reading waits until others want the same caller, and fails if `fault` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.is_reading, self.go_on = Event(), Event()
        self.fault: OpenMemoryError | None = None

    def memories_since(
        self, user_id: str, token: Hashable | None, known: Sequence[Memory] = ()
    ) -> tuple[Hashable, list[Memory] | None]:
        read = super().memories_since(user_id, token, known)
        if not self.is_reading.is_set():
            self.is_reading.set()
            assert self.go_on.wait(10)
            if self.fault:
                raise self.fault
        connections.close_all()
        return read


@pytest.fixture
def slow(transactional_db: None) -> Slow:  # noqa: ARG001
    return Slow()


def in_turn(slow: Slow, cache: SearchCache, searches: int) -> list["Future[list[str]]"]:
    """Searches for the same caller that begin while the first of them is reading."""
    searching: list[int] = []

    def search(number: int) -> list[str]:
        searching.append(number)
        return found(cache)

    with ThreadPoolExecutor(searches) as threads:
        begun = [threads.submit(search, 0)]
        assert slow.is_reading.wait(10)
        begun += [threads.submit(search, number) for number in range(1, searches)]
        # Either all others wait for the first one, or they read.
        wait_until(lambda: slow.reads > 1 or len(searching) == searches)
        slow.go_on.set()
    return begun


def test_searches_wait_for_the_preparation_of_their_caller(
    slow: Slow, say: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared: list[PreparedCaller] = []

    def prepare(memories: Sequence[Memory]) -> PreparedCaller:
        prepared.append(PreparedCaller(memories))
        return prepared[-1]

    monkeypatch.setattr("elmemory.memory.search_cache.PreparedCaller", prepare)
    say("My dog is called Biscuit.")
    assert [each.result() for each in in_turn(slow, SearchCache(slow), 4)] == [["My dog is called Biscuit."]] * 4
    assert len(prepared) == 1


def test_searches_that_wait_fail_with_the_preparation(slow: Slow, say: Callable[..., str]) -> None:
    slow.fault = OpenMemoryError("the store is away")
    say("My dog is called Biscuit.")
    cache = SearchCache(slow)
    failed = in_turn(slow, cache, 3)
    assert isinstance(failed[0].exception(), OpenMemoryError)
    assert found(cache) == ["My dog is called Biscuit."]


def test_a_memory_that_is_written_during_a_preparation_is_found_by_who_waited(
    slow: Slow, say: Callable[..., str]
) -> None:
    say("My dog is called Biscuit.")
    cache = SearchCache(slow)
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(found, cache)
        assert slow.is_reading.wait(10)
        say("My dog is ill.", "message:2")
        second = threads.submit(found, cache)
        slow.go_on.set()
    assert first.result() == ["My dog is called Biscuit."]
    assert "My dog is ill." in second.result()


def test_a_caller_is_prepared_in_the_background(store: Counting, say: Callable[..., str]) -> None:
    say("My dog is called Biscuit.")
    cache = SearchCache(store)
    cache.prepare_soon(CALLER)
    wait_until(lambda: cache.is_cached(CALLER))


def test_a_caller_who_cannot_be_prepared_does_not_keep_others_from_it(
    store: Counting, say: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    say("My dog is called Biscuit.", caller=OTHER)
    read = store.memories_since

    def broken(user_id: str, *others: Any) -> Any:
        if user_id == CALLER:
            raise ValueError
        return read(user_id, *others)

    monkeypatch.setattr(store, "memories_since", broken)
    cache = SearchCache(store)
    cache.prepare_soon(CALLER)
    cache.prepare_soon(OTHER)
    wait_until(lambda: cache.is_cached(OTHER))


def test_what_the_agent_asked_takes_memory_too(store: Counting) -> None:
    sizes = []
    for caller, asked in ((CALLER, "Which dog?"), (OTHER, "Which dog? " * 1000)):
        store.put(caller, "message:1", "Biscuit.", metadata={"kind": kinds.MESSAGE, "asked": asked})
        cache = SearchCache(store)
        found(cache, caller=caller)
        sizes.append(cache.size)
    assert sizes[1] - sizes[0] > 10_000


def _one_more_call(chance: random.Random, number: int) -> list[kinds.NewMemory]:
    at = f"2026-0{chance.randint(1, 9)}-11T10:00:00+00:00"
    common = {"conversation_id": f"conv_{number}", "called_at": at}
    city, said = chance.choice(["Duluth", "Oslo"]), chance.choice(["Yes.", "My dog is ill.", f"Dog number {number}."])
    return [
        kinds.NewMemory(kinds.FACT, f"fact:{number}", f"city: {city}", {"field": "city", "value": city, **common}),
        kinds.NewMemory(kinds.MESSAGE, f"message:{number}:1", said, {"position": 1, "asked": "And the dog?", **common}),
        kinds.NewMemory(kinds.MESSAGE, f"message:{number}:2", f"I moved to {city}.", {"position": 2, **common}),
        kinds.NewMemory(kinds.CALL, f"call:{number}", f"They talked, {number}.", {"spoke": True, **common}),
    ]


def _changes(store: Counting, chance: random.Random) -> None:
    """Delete or change one memory, or opt the caller out or in again."""
    memory, change = chance.choice(store.memories(CALLER)), chance.randrange(3)
    if change == 0:
        store.delete(CALLER, memory.id)
    elif change == 1:
        store.put(CALLER, memory.key, "My cat is ill.", metadata={"kind": kinds.MESSAGE})
    else:
        store.put(CALLER, "opt", "", metadata={"kind": kinds.PREFERENCE, "preference": kinds.OPT_OUT})
    for each in store.memories(CALLER):
        if each.kind == kinds.PREFERENCE and chance.random() < 0.7:
            store.delete(CALLER, each.id)


@pytest.mark.parametrize("seed", range(5))
def test_searches_between_calls_and_changes_find_what_a_first_search_finds(store: Counting, seed: int) -> None:
    chance, cache = random.Random(seed), SearchCache(store)
    for number in range(12):
        store.put_all(CALLER, kinds.entries(_one_more_call(chance, number)))
        write_card(store, CALLER)
        if chance.random() < 0.3:
            _changes(store, chance)
            write_card(store, CALLER)
        for question in ("Which dog?", "Where do they live now?", "what happened yesterday", "Yes"):
            assert cache.search(CALLER, question, 8) == SearchCache(store).search(CALLER, question, 8)
