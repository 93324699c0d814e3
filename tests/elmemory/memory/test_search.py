from collections.abc import Callable

import pytest

from elmemory.memory import kinds
from elmemory.memory.card import NEWEST, card_of, read_card, write_card
from elmemory.memory.openmemory.embedded.store import EmbeddedOpenMemory
from elmemory.memory.records import Memory
from elmemory.memory.search import search
from tests.harness.memories import CALLER, call, fact, memory

pytestmark = pytest.mark.django_db(transaction=True, databases=["memory"])


def remember(store: EmbeddedOpenMemory, *memories: Memory) -> None:
    for each in memories:
        store.put(CALLER, each.key, each.content, metadata=each.metadata)


def stored_cards(store: EmbeddedOpenMemory) -> list[Memory]:
    return [each for each in store.memories(CALLER) if each.kind == kinds.CARD]


def test_the_card_that_is_read_is_the_card_that_the_facts_amount_to(store: EmbeddedOpenMemory) -> None:
    facts = [fact("first_name", "Maya"), fact("city", "Duluth"), call("2026-10-07T10:00:00+00:00", "Moved.")]
    remember(store, *facts)
    write_card(store, CALLER)
    assert read_card(store, CALLER) == card_of(facts)


def test_a_changed_card_is_written_anew_as_the_newest_memory_and_the_old_one_goes(store: EmbeddedOpenMemory) -> None:
    remember(store, fact("city", "St Paul"))
    write_card(store, CALLER)
    remember(store, fact("city", "Duluth", "2026-11-01T10:00:00+00:00"))
    write_card(store, CALLER)
    newest = store.memories(CALLER)[0]
    assert stored_cards(store) == [newest]
    assert newest.metadata["revision"] == 2
    assert newest.salience == 1.0


def test_an_unchanged_card_is_left_alone(store: EmbeddedOpenMemory) -> None:
    remember(store, fact("city", "Duluth"))
    write_card(store, CALLER)
    before = stored_cards(store)
    write_card(store, CALLER)
    assert stored_cards(store) == before


def test_of_two_cards_the_higher_revision_is_read(store: EmbeddedOpenMemory) -> None:
    for revision, city in ((2, "Duluth"), (1, "St Paul")):
        store.put(
            CALLER, f"card:{revision}", "", metadata={"kind": "card", "revision": revision, "facts": [["city", city]]}
        )
    found = read_card(store, CALLER)
    assert found is not None
    assert found.facts == {"city": "Duluth"}


def test_a_card_is_found_even_behind_many_newer_memories(store: EmbeddedOpenMemory) -> None:
    remember(store, fact("city", "Duluth"))
    write_card(store, CALLER)
    remember(store, *(memory(kinds.MESSAGE, f"Sentence {number}.") for number in range(NEWEST + 20)))
    found = read_card(store, CALLER)
    assert found is not None
    assert found.facts == {"city": "Duluth"}


def test_a_new_caller_is_not_half_known_while_the_first_call_is_being_written(store: EmbeddedOpenMemory) -> None:
    remember(store, fact("first_name", "Maya"), memory(kinds.MESSAGE, "Hi."))
    assert read_card(store, CALLER) is None


def test_a_card_with_its_facts_in_another_order_is_another_card(store: EmbeddedOpenMemory) -> None:
    remember(store, fact("dog", "Biscuit", position=0), fact("city", "Duluth", position=1))
    write_card(store, CALLER)
    remember(store, fact("dog", "Biscuit", "2026-12-01T10:00:00+00:00"))
    write_card(store, CALLER)
    found = read_card(store, CALLER)
    assert found is not None
    assert list(found.facts) == ["dog", "city"]


def test_with_nothing_left_to_remember_the_card_goes_too(store: EmbeddedOpenMemory) -> None:
    remember(store, fact("city", "Duluth"))
    write_card(store, CALLER)
    for each in store.memories(CALLER):
        if each.kind == kinds.FACT:
            store.delete(CALLER, each.id)
    write_card(store, CALLER)
    assert store.memories(CALLER) == []


@pytest.fixture
def ask(store: EmbeddedOpenMemory) -> Callable[..., list[str]]:
    def contents(*memories: Memory, question: str, k: int = 8) -> list[str]:
        remember(store, *memories)
        write_card(store, CALLER)
        return [match.memory.content for match in search(store, CALLER, question, k).matches]

    return contents


def test_a_search_finds_what_the_caller_said(ask: Callable[..., list[str]]) -> None:
    said = memory(kinds.MESSAGE, "My dog is called Biscuit.")
    other = memory(kinds.MESSAGE, "Friday at nine would be fine.")
    assert ask(said, other, question="What is the dog's name?") == ["My dog is called Biscuit."]


def test_a_search_finds_an_answer_by_the_question_before_it(ask: Callable[..., list[str]]) -> None:
    said = memory(kinds.MESSAGE, "Yes, Tuesday at five.", asked="When is your daughter's recital?")
    other = memory(kinds.MESSAGE, "No, thank you.", asked="Anything else?")
    assert ask(said, other, question="daughter's recital")[0] == "Yes, Tuesday at five."


def test_a_search_shows_one_memory_per_field_the_newest(ask: Callable[..., list[str]]) -> None:
    old = fact("city", "Saint Paul", "2026-09-01T10:00:00+00:00")
    new = fact("city", "Duluth", "2026-10-01T10:00:00+00:00")
    assert ask(new, old, question="Which city?") == ["city: Duluth"]


def test_a_search_shows_equal_texts_once(ask: Callable[..., list[str]]) -> None:
    twice = [memory(kinds.MESSAGE, text) for text in ("My dog is called Biscuit.", "my dog  is called Biscuit.")]
    assert len(ask(*twice, question="dog")) == 1


def test_a_search_never_shows_cards_or_preferences(ask: Callable[..., list[str]]) -> None:
    shared = memory(kinds.PREFERENCE, "Biscuit line", preference=kinds.SHARED_LINE)
    assert ask(fact("dog", "Biscuit"), shared, question="Biscuit") == ["dog: Biscuit"]


def test_a_search_shows_at_most_k(ask: Callable[..., list[str]]) -> None:
    said = [memory(kinds.MESSAGE, f"My dog number {number}.") for number in range(9)]
    assert len(ask(*said, question="dog", k=3)) == 3


def test_a_search_for_an_opted_out_caller_finds_nothing(store: EmbeddedOpenMemory) -> None:
    remember(store, fact("dog", "Biscuit"), memory(kinds.PREFERENCE, preference=kinds.OPT_OUT))
    write_card(store, CALLER)
    found = search(store, CALLER, "Biscuit", 8)
    assert (found.card, list(found.matches)) == (None, [])
