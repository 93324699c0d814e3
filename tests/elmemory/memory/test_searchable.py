"""Which memories a search may find, as calls are added."""

import random

import pytest

from elmemory.memory import kinds
from elmemory.memory.ranking import LEFT_OUT
from elmemory.memory.records import Memory
from elmemory.memory.searchable import Searchable
from tests.harness.memories import call, fact, memory


def _found(searchable: Searchable) -> list[str]:
    return [each.id for each in searchable.memories if each is not LEFT_OUT]


def _call(chance: random.Random) -> list[Memory]:
    """The memories of a call, the newest written first."""
    at = f"2026-0{chance.randint(1, 9)}-01T10:00:00+00:00"
    said = [memory(kinds.MESSAGE, chance.choice(["Yes.", "yes. ", "No.", "city: Oslo", "Hi."]), called_at=at)]
    facts = [fact(chance.choice(["city", "dog"]), chance.choice(["Oslo", "Rex", "[NAME]", "Kiel"]), at)]
    corrected = {"preference": kinds.CORRECTION, "field": "city", "value": "Bergen", "called_at": at}
    stated = [memory(kinds.PREFERENCE, "city: Bergen", **corrected)] if chance.random() < 0.2 else []
    insights = [memory(kinds.INSIGHT, "Maya has a dog.", called_at=at)] if chance.random() < 0.2 else []
    insights += [memory(kinds.INSIGHT, "Maya has no dog.", corrected=True)] if chance.random() < 0.02 else []
    return [memory(kinds.CARD), *stated, *insights, call(at, f"Summary {chance.random()}"), *facts, *said]


@pytest.mark.parametrize("seed", range(20))
def test_added_calls_are_found_as_if_all_were_read_at_once(seed: int) -> None:
    chance = random.Random(seed)
    memories: list[Memory] = []
    searchable = Searchable(memories)
    for _ in range(15):
        newer = _call(chance)
        memories = newer + memories
        whole = Searchable(memories)
        searchable = searchable.with_newer(newer) or whole
        assert _found(searchable) == _found(whole)


def test_a_fact_of_a_newer_call_takes_the_place_of_the_older_one() -> None:
    old, new = fact("city", "Kiel"), fact("city", "Oslo", "2026-11-01T10:00:00+00:00")
    searchable = Searchable([old]).with_newer([new])
    assert searchable is not None
    assert searchable.memories == [LEFT_OUT, new]


def test_what_an_outdated_fact_said_is_looked_for_among_all_memories_if_another_says_it_too() -> None:
    said, old = memory(kinds.MESSAGE, "City: Kiel"), fact("city", "Kiel")
    assert Searchable([old, said]).with_newer([fact("city", "Oslo", "2026-11-01T10:00:00+00:00")]) is None


def test_what_staff_reword_needs_all_memories() -> None:
    reworded = memory(kinds.INSIGHT, "Maya has a cat.", corrected=True)
    assert Searchable([memory(kinds.INSIGHT, "Maya has a dog.")]).with_newer([reworded]) is None
