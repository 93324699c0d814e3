"""Callers prepared for questions: never an answer from what is no longer so."""

from collections.abc import Callable

import pytest

from elmemory.memory import kinds
from elmemory.memory.card import write_card
from elmemory.memory.openmemory.embedded.store import EmbeddedOpenMemory
from elmemory.memory.records import Memory
from elmemory.memory.search_cache import PreparedCallers
from tests.harness.memories import CALLER
from tests.harness.server import wait_until

pytestmark = pytest.mark.django_db(transaction=True, databases=["memory"])
OTHER = "+14155550101"


class Counting(EmbeddedOpenMemory):
    """Counts how often everything is read."""

    reads = 0

    def memories(self, user_id: str, limit: int | None = None) -> list[Memory]:
        self.reads += 1
        return super().memories(user_id, limit)


class Untold(Counting):
    """A store that cannot tell its state."""

    def state(self, user_id: str) -> None:  # noqa: ARG002
        return None


@pytest.fixture(params=[Counting, Untold])
def store(transactional_db: None, request: pytest.FixtureRequest) -> Counting:  # noqa: ARG001
    made: Counting = request.param()
    return made


@pytest.fixture
def say(store: Counting) -> Callable[..., str]:
    def say(content: str, key: str = "message:1", caller: str = CALLER) -> str:
        return store.put(caller, key, content, metadata={"kind": kinds.MESSAGE}).id

    return say


def found(callers: PreparedCallers, question: str = "Which dog?", caller: str = CALLER) -> list[str]:
    return [match.memory.content for match in callers.search(caller, question, 8).matches]


def test_what_is_known_is_found_again_without_preparing_it_again(store: Counting, say: Callable[..., str]) -> None:
    say("My dog is called Biscuit.")
    callers = PreparedCallers(store)
    assert found(callers) == found(callers) == ["My dog is called Biscuit."]
    assert len({id(callers._current(CALLER)) for _ in range(3)}) == 1


def test_a_store_that_tells_its_state_is_read_once(say: Callable[..., str]) -> None:
    counting = Counting()
    say("My dog is called Biscuit.")
    callers = PreparedCallers(counting)
    for _ in range(5):
        found(callers)
    assert counting.reads == 1


def test_a_memory_added_in_between_is_found(store: Counting, say: Callable[..., str]) -> None:
    callers = PreparedCallers(store)
    assert found(callers) == []
    say("My dog is called Biscuit.")
    assert found(callers) == ["My dog is called Biscuit."]


def test_a_memory_changed_in_between_is_found_as_it_is(store: Counting, say: Callable[..., str]) -> None:
    callers = PreparedCallers(store)
    say("My dog is called Biscuit.")
    found(callers)
    say("My dog is called Cracker.")
    assert found(callers) == ["My dog is called Cracker."]


def test_a_memory_deleted_in_between_is_gone(store: Counting, say: Callable[..., str]) -> None:
    callers = PreparedCallers(store)
    deleted = say("My dog is called Biscuit.")
    say("My other dog is called Cracker.", "message:2")
    found(callers)
    store.delete(CALLER, deleted)
    assert found(callers) == ["My other dog is called Cracker."]


def test_one_deleted_and_one_added_is_not_the_same(store: Counting, say: Callable[..., str]) -> None:
    callers = PreparedCallers(store)
    deleted = say("My dog is called Biscuit.")
    found(callers)
    store.delete(CALLER, deleted)
    say("My dog is called Cracker.", "message:2")
    assert found(callers) == ["My dog is called Cracker."]


def test_a_caller_who_opts_out_is_not_found_any_more(store: Counting, say: Callable[..., str]) -> None:
    callers = PreparedCallers(store)
    say("My dog is called Biscuit.")
    found(callers)
    store.put(CALLER, "preference:1", "", metadata={"kind": kinds.PREFERENCE, "preference": kinds.OPT_OUT})
    write_card(store, CALLER)
    assert found(callers) == []
    assert callers.search(CALLER, "dog", 8).card is None


def test_each_caller_finds_their_own(store: Counting, say: Callable[..., str]) -> None:
    callers = PreparedCallers(store)
    say("My dog is called Biscuit.")
    say("My dog is called Cracker.", caller=OTHER)
    for _ in range(2):
        assert found(callers) == ["My dog is called Biscuit."]
        assert found(callers, caller=OTHER) == ["My dog is called Cracker."]


def test_no_more_memories_are_kept_than_allowed(store: Counting, say: Callable[..., str]) -> None:
    callers = PreparedCallers(store, most=5)
    for number in range(20):
        say("My dog is called Biscuit.", caller=f"+1415555{number:04d}")
        found(callers, caller=f"+1415555{number:04d}")
    assert len(callers._entries) == callers._size == 5


def test_a_caller_with_more_memories_than_are_kept_is_answered_all_the_same(
    store: Counting, say: Callable[..., str]
) -> None:
    callers = PreparedCallers(store, most=5)
    for number in range(8):
        say(f"Dog number {number}.", f"message:{number}")
    assert len(found(callers)) == 8
    assert len(callers._entries) == 0


def test_a_caller_who_rings_is_prepared_in_the_background(store: Counting, say: Callable[..., str]) -> None:
    say("My dog is called Biscuit.")
    callers = PreparedCallers(store)
    callers.prepare_soon(CALLER)
    wait_until(lambda: CALLER in callers._entries)
