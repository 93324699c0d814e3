"""A card to which calls are added one by one equals the card that is computed from all memories."""

from collections.abc import Iterable, Iterator
from itertools import islice, permutations
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from elmemory.memory import kinds
from elmemory.memory.card import card_from, card_from_state, card_memory, card_of
from elmemory.memory.card_state import MOST_FACTS, CardState, state_from, state_of
from elmemory.memory.records import Memory
from tests.harness.memories import call, fact, memory

type Call = list[Memory]

ONE, TWO, THREE = (f"2026-10-{day:02}T10:00:00+00:00" for day in (1, 2, 3))


def made(conversation_id: str, called_at: str, *, summary: str = "", facts: dict[str, str], **known: Any) -> Call:
    """The memories of a call, as the worker would write them."""
    common: dict[str, Any] = {"conversation_id": conversation_id, "called_at": called_at}
    said = [fact(name, value, position=position, **common) for position, (name, value) in enumerate(facts.items())]
    return [*said, call(summary=summary or conversation_id, **common, **known)]


# Values that change, that are emptied, that come back; calls that began together; both directions; a silent call.
CALLS = [
    made("conv_a", ONE, facts={"city": "Duluth", "dog": "Biscuit", "first_name": "Maya"}),
    made("conv_b", TWO, facts={"city": "[CITY]", "dog": "Crumb"}, direction="outbound"),
    made("conv_c", TWO, facts={"dog": "Biscuit", "city": "Ely"}, timezone="America/Chicago"),
    made("conv_d", TWO, facts={"first_name": "not provided", "car": "blue"}, spoke=False),
    made("conv_e", THREE, facts={"city": "not provided", "car": ""}, direction="outbound", summary="Talked. " * 120),
]
CORRECTIONS = [
    memory(kinds.PREFERENCE, preference=kinds.CORRECTION, field="dog", value="Toast", called_at=TWO),
    memory(kinds.PREFERENCE, preference=kinds.CORRECTION, field="boat", value="Anna", called_at=TWO),
    memory(kinds.PREFERENCE, preference=kinds.SHARED_LINE),
    memory(kinds.PREFERENCE, preference=kinds.OPT_OUT),
]


def written(state: CardState) -> CardState:
    """The state as it comes back from a store."""
    metadata = orjson.loads(orjson.dumps(card_memory(state, 1).metadata))
    assert card_from(metadata) == card_from_state(state)
    found = state_from(metadata)
    assert found is not None
    return found


def all_of(calls: Iterable[Call]) -> list[Memory]:
    return [each for one in calls for each in one]


def test_calls_added_in_any_order_make_the_card_of_all_memories() -> None:
    for order in permutations(range(5)):
        state = CardState()
        for count, number in enumerate(order, 1):
            state = written(state.with_call(CALLS[number]))
            memories = all_of(CALLS[each] for each in order[:count])
            computed = card_of(memories)
            assert state == state_of(memories), order
            assert computed is not None
            assert list(card_from_state(state).facts.items()) == list(computed.facts.items()), order


@pytest.mark.parametrize("correction", CORRECTIONS, ids=["changes", "adds", "shared line", "opt-out"])
@pytest.mark.parametrize("taken_back", [True, False])
@pytest.mark.parametrize("at", [0, 2, 4])
def test_calls_go_on_being_added_after_a_correction_between_them(correction: Memory, taken_back: bool, at: int) -> None:
    for order in islice(permutations(range(5)), at, None, 3):
        for step, memories in _steps(order, at, correction, taken_back=taken_back):
            assert step == state_of(memories)


def _steps(
    order: tuple[int, ...], at: int, correction: Memory, *, taken_back: bool
) -> Iterator[tuple[CardState | None, list[Memory]]]:
    """The states after each call, where staff correct before the one `at`, and take it back before the last."""
    state, memories = CardState(), list[Memory]()
    for count, number in enumerate(order):
        if count == at:
            memories.append(correction)
            state = state_of(memories) or CardState()
        if taken_back and count == len(order) - 1 and at < count:
            memories.remove(correction)
            state = state_of(memories) or CardState()
        if not state.opted_out:  # nothing is remembered of such a caller
            memories += CALLS[number]
        state = written(state.with_call(CALLS[number]))
        yield state, memories


VALUES = st.sampled_from(["Duluth", "Ely", "[NAME]", "not provided", "", "Maya", "St Paul"])
MANY_FIELDS = st.dictionaries(st.integers(0, MOST_FACTS + 30).map("field_{}".format), VALUES, max_size=60)


@given(st.lists(st.tuples(st.sampled_from([ONE, TWO, THREE]), MANY_FIELDS), max_size=6), st.booleans())
def test_more_fields_than_a_card_holds_make_the_same_card_both_ways(
    calls: list[tuple[str, dict[str, str]]], corrected: bool
) -> None:
    memories = [memory(kinds.PREFERENCE, preference=kinds.CORRECTION, field="field_7", value="Bemidji")] * corrected
    state = state_of(memories) or CardState()
    for number, (called_at, facts) in enumerate(calls):
        new = made(f"conv_{number}", called_at, facts=facts)
        memories = [*memories, *new]
        state = state.with_call(new) if state.is_open else state_of(memories) or CardState()
        assert state == (state_of(memories) or CardState())


def test_no_call_is_added_once_a_correction_is_beyond_the_facts_that_a_card_holds() -> None:
    correction = memory(kinds.PREFERENCE, preference=kinds.CORRECTION, field="city", value="Ely", called_at=ONE)
    known = state_of([correction])
    assert known is not None
    many = made("conv_a", TWO, facts={f"field_{number}": "x y" for number in range(MOST_FACTS)})
    assert known.is_open
    assert not written(known.with_call(many)).is_open


def test_the_size_of_a_card_does_not_grow_with_the_calls() -> None:
    state, sizes = CardState(), []
    for number in range(300):
        facts = {f"field_{(number + each) % 150}": "A long value. " * 60 for each in range(20)}
        state = state.with_call(made(f"conv_{number:04}", TWO, facts=facts, summary="She said a lot. " * 200))
        sizes.append(len(orjson.dumps(card_memory(state, 1).metadata)))
    assert len(state.facts) == MOST_FACTS
    assert max(sizes[200:]) - min(sizes[200:]) < 200
    assert max(sizes) < 64 * 1024


@pytest.mark.parametrize(
    "damage", [{"version": 0}, {"facts": 4}, {"facts": [["city", "Duluth"]]}, {"last_spoken": 4}, {"is_open": ...}]
)
def test_a_state_that_is_damaged_or_of_another_version_is_none(damage: dict[str, Any]) -> None:
    metadata = dict(card_memory(CardState().with_call(CALLS[0]), 1).metadata)
    state = {**orjson.loads(metadata["state"]), **damage}
    metadata["state"] = orjson.dumps({name: value for name, value in state.items() if value is not ...}).decode()
    assert state_from(metadata) is None
    assert state_from({name: value for name, value in metadata.items() if name != "state"}) is None
