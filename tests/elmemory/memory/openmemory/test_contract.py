"""What every store of memories promises, whoever speaks for it.

The embedded store speaks for PostgreSQL too where the tests run on it (make test-postgres).
A real OpenMemory server takes part when OPENMEMORY_TEST_URL and OPENMEMORY_TEST_KEY name one that may be
filled and emptied; OPENMEMORY_TEST_DB names its SQLite file, for the tests that need tens of thousands of rows.
"""

import os
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from django.db import connections

from elmemory.memory import kinds
from elmemory.memory.card import FEW, read_card, write_card
from elmemory.memory.openmemory import OpenMemory, Summary
from elmemory.memory.openmemory.embedded.models import StoredMemory
from elmemory.memory.openmemory.embedded.store import EmbeddedOpenMemory
from elmemory.memory.openmemory.remote import store as remote_store
from elmemory.memory.records import Entry, Memory, Put
from tests.harness.openmemory_servers import (
    client_of,
    fill_embedded,
    fill_openmemory,
    new_caller,
    sdk_is_installed,
    wire_server,
)

pytestmark = pytest.mark.django_db(transaction=True, databases=["memory"])

SENTENCES = [
    "Yes please.",
    "No, thank you.",
    "I would like to book an appointment.",
    "Tomorrow at five.",
    "My dog is called Biscuit.",
    "Could you repeat that?",
    "That is right.",
    "I am allergic to penicillin.",
    "Nothing else.",
    "Goodbye.",
]
NEAR_DUPLICATES = [
    "Takes 10 mg of lisinopril",
    "Takes 20 mg of lisinopril",
    "See you at 5 pm",
    "See you at 6 pm",
    "Has 3 kids",
    "Has 4 kids",
    "私は犬が好きです",
    "私は猫が好きです",
    "Мне завтра к врачу",
    "Мне сегодня к врачу",
    "أنا من القاهرة",
    "أنا من الرياض",
    "dog bites man",
    "man bites dog",
    "???",
    "!!!",
]


class Speaker:
    """A store, and the way to thousands of rows in it."""

    def __init__(self, store: OpenMemory, fill: Callable[[str, int], None]) -> None:
        self.store = store
        self.fill = fill


@pytest.fixture(scope="session")
def wire(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    folder = tmp_path_factory.mktemp("openmemory")
    with wire_server(folder) as url:
        yield url, folder / "memory.sqlite3"


@pytest.fixture(params=["embedded", "remote", "sdk", "real", "real by sdk"])
def speaker(request: pytest.FixtureRequest) -> Iterator[Speaker]:
    if "sdk" in request.param and not sdk_is_installed():
        pytest.skip("openmemory-py 1.0.x is not installed")
    if request.param != "embedded" and connections["memory"].vendor != "sqlite":
        pytest.skip("a server has a file of its own")
    if request.param == "embedded":
        yield Speaker(EmbeddedOpenMemory(), _fill_own)
        return
    with ExitStack() as closing:
        if request.param.startswith("real"):
            yield _real(closing, "sdk" if "sdk" in request.param else "remote")
        else:
            url, database = request.getfixturevalue("wire")
            client = client_of(request.param, url)
            closing.callback(client.close)
            yield Speaker(client, lambda user_id, count: fill_embedded(database, user_id, count))


def _fill_own(user_id: str, count: int) -> None:
    if connections["memory"].vendor == "sqlite":
        fill_embedded(Path(connections["memory"].settings_dict["NAME"]), user_id, count)
        return
    StoredMemory.objects.bulk_create(
        StoredMemory(
            id=uuid.uuid4().hex, user_id=user_id, key=f"filler:{number}", content=f"Filler {number}",
            sectors='["semantic"]', salience=0.5, decay_lambda=0, created_at=1, updated_at=1, last_seen_at=1,
        )
        for number in range(count)
    )  # fmt: skip


def _real(closing: ExitStack, kind: str) -> Speaker:
    url, key = os.environ.get("OPENMEMORY_TEST_URL"), os.environ.get("OPENMEMORY_TEST_KEY")
    if not url or not key:
        pytest.skip("OPENMEMORY_TEST_URL and OPENMEMORY_TEST_KEY name no OpenMemory server")
    client = client_of(kind, url, key)
    closing.callback(client.close)

    def fill(user_id: str, count: int) -> None:
        if not (database := os.environ.get("OPENMEMORY_TEST_DB")):
            pytest.skip("OPENMEMORY_TEST_DB does not name the SQLite file of the OpenMemory server")
        fill_openmemory(Path(database), user_id, count)

    return Speaker(client, fill)


@pytest.fixture
def store(speaker: Speaker) -> OpenMemory:
    return speaker.store


@pytest.fixture
def callers(store: OpenMemory) -> Iterator[Callable[[], str]]:
    """Makes callers; what is remembered of them is forgotten at the end."""
    made: list[str] = []

    def make() -> str:
        made.append(new_caller())
        return made[-1]

    yield make
    for caller in made:
        store.forget(caller)


@pytest.fixture
def caller(callers: Callable[[], str]) -> str:
    return callers()


def contents(memories: list[Memory]) -> list[str]:
    return [memory.content for memory in memories]


def test_a_memory_is_read_as_it_was_written(store: OpenMemory, caller: str) -> None:
    metadata = {"kind": "fact", "field": "dog", "position": 3, "deep": {"list": [1, None, "é", True]}}
    put = store.put(caller, "fact:dog", "Dog: Biscuit", tags=["fact", "dog"], metadata=metadata, salience=0.9)

    (memory,) = store.memories(caller)

    assert (memory.id, memory.user_id, memory.content) == (put.id, caller, "Dog: Biscuit")
    assert list(memory.tags) == ["fact", "dog"]
    assert memory.metadata == {**metadata, "key": "fact:dog", "salience": 0.9, "decay_lambda": 0}


def test_a_memory_is_permanent(store: OpenMemory, caller: str) -> None:
    store.put(caller, "k", "Yesterday I went to the dentist and was worried.", salience=1.0, decay_lambda=0.0)

    (memory,) = store.memories(caller)

    assert (memory.salience, memory.decay_lambda) == (1.0, 0.0)


def test_the_same_put_again_changes_nothing(store: OpenMemory, caller: str) -> None:
    first = store.put(caller, "k", "City: Duluth", tags=["fact"], metadata={"field": "city"}, salience=0.9)
    again = store.put(caller, "k", "City: Duluth", tags=["fact"], metadata={"field": "city"}, salience=0.9)

    assert (first.outcome, again.outcome) == ("added", "unchanged")
    assert [memory.id for memory in store.memories(caller)] == [first.id] == [again.id]


@pytest.mark.parametrize("change", [{"content": "City: St Paul"}, {"tags": ["b"]}, {"metadata": {"x": 1}}])
def test_a_put_of_a_known_key_changes_its_memory(store: OpenMemory, caller: str, change: dict[str, Any]) -> None:
    first = store.put(caller, "k", "City: Duluth")
    wanted: dict[str, Any] = {"content": "City: Duluth", "tags": (), "metadata": {}} | change
    second = store.put(caller, "k", wanted["content"], tags=wanted["tags"], metadata=wanted["metadata"])

    (memory,) = store.memories(caller)

    assert (second.id, second.outcome) == (first.id, "changed")
    assert (memory.content, list(memory.tags)) == (wanted["content"], list(wanted["tags"]))
    assert wanted["metadata"].items() <= memory.metadata.items()


VECTOR, OTHER_VECTOR = bytes(range(256)) + b"1", bytes(range(256)) + b"2"


def put_encoded(store: OpenMemory, caller: str, vector: bytes, content: str = "City: Duluth", asked: str = "") -> Put:
    return store.put_all(caller, [Entry("k", content, metadata={"asked": asked}, vector=vector)])[0]


def vector_in(store: OpenMemory, caller: str) -> bytes:
    (memory,) = store.memories(caller)
    assert "vector" not in memory.metadata
    return memory.vector


def test_a_vector_is_read_as_it_was_written(store: OpenMemory, caller: str) -> None:
    put_encoded(store, caller, VECTOR)

    assert vector_in(store, caller) == VECTOR
    assert put_encoded(store, caller, VECTOR).outcome == "unchanged"


def test_a_memory_may_have_no_vector(store: OpenMemory, caller: str) -> None:
    put_encoded(store, caller, b"")

    assert vector_in(store, caller) == b""


@pytest.mark.parametrize("before", [b"", VECTOR])
def test_another_vector_takes_the_place_of_the_one_before(store: OpenMemory, caller: str, before: bytes) -> None:
    first = put_encoded(store, caller, before)
    token, _ = store.memories_since(caller, None)

    second = put_encoded(store, caller, OTHER_VECTOR)

    assert (second.id, second.outcome) == (first.id, "changed")
    assert vector_in(store, caller) == OTHER_VECTOR
    assert store.memories_since(caller, token)[1] is not None


def test_a_memory_that_stays_as_it_is_keeps_its_vector(store: OpenMemory, caller: str) -> None:
    put_encoded(store, caller, VECTOR)

    assert put_encoded(store, caller, b"").outcome == "unchanged"
    assert vector_in(store, caller) == VECTOR


@pytest.mark.parametrize("change", [{"content": "City: St Paul"}, {"asked": "Where do you live?"}])
def test_no_vector_of_the_text_before_is_left(store: OpenMemory, caller: str, change: dict[str, str]) -> None:
    put_encoded(store, caller, VECTOR)

    put_encoded(store, caller, b"", **change)

    assert vector_in(store, caller) == b""


def test_many_are_put_at_once_in_their_order(store: OpenMemory, caller: str) -> None:
    entries = [Entry(f"message:{number}", text) for number, text in enumerate(SENTENCES)]

    puts = store.put_all(caller, entries)

    assert [put.outcome for put in puts] == ["added"] * len(SENTENCES)
    assert contents(store.memories(caller)) == SENTENCES[::-1]
    assert [put.id for put in store.put_all(caller, entries)] == [put.id for put in puts]
    assert len(store.memories(caller)) == len(SENTENCES)


def test_a_key_twice_among_many_is_one_memory_and_the_later_one_holds(store: OpenMemory, caller: str) -> None:
    store.put_all(caller, [Entry("k", "City: Duluth"), Entry("k", "City: St Paul")])

    assert contents(store.memories(caller)) == ["City: St Paul"]


def test_fifty_callers_who_say_the_same_keep_it_apart(store: OpenMemory, callers: Callable[[], str]) -> None:
    everybody = [callers() for _ in range(50)]
    for caller in everybody:
        store.put_all(caller, [Entry(f"message:{number}", text) for number, text in enumerate(SENTENCES)])

    ids = set()
    for caller in everybody:
        memories = store.memories(caller)
        assert contents(memories) == SENTENCES[::-1]
        assert {memory.user_id for memory in memories} == {caller}
        ids |= {memory.id for memory in memories}
    assert len(ids) == 50 * len(SENTENCES)


def test_what_sounds_alike_is_kept_apart(store: OpenMemory, caller: str) -> None:
    for number, text in enumerate(NEAR_DUPLICATES):
        store.put(caller, f"message:{number}", text)

    assert contents(store.memories(caller)) == NEAR_DUPLICATES[::-1]


@pytest.mark.parametrize(
    "content",
    [
        " ".join(f"and then number {number}" for number in range(230))[:5000],
        "x" * 5000,
        "Überraschungsgeburtstagsfeier 🎂 " * 3000,
        "quotes \" and ' and \\ and {{braces}} and <b>tags</b>\n\tand lines",
    ],
    ids=["5000 characters", "one long word", "100 000 wide characters", "signs"],
)
def test_content_is_kept_whole(store: OpenMemory, caller: str, content: str) -> None:
    store.put(caller, "k", content)

    assert contents(store.memories(caller)) == [content]


def test_what_no_database_can_hold_is_replaced(store: OpenMemory, caller: str) -> None:
    store.put(caller, "k", "a\x00b\ud800c", metadata={"value": "d\ud800e"})

    (memory,) = store.memories(caller)

    assert (memory.content, memory.metadata["value"]) == ("ab?c", "d?e")
    assert store.put(caller, "k", "a\x00b\ud800c", metadata={"value": "d\ud800e"}).outcome == "unchanged"


def test_the_newest_come_first_and_no_more_than_asked_for(store: OpenMemory, caller: str) -> None:
    for number in range(5):
        store.put(caller, f"message:{number}", f"Sentence {number}")

    assert contents(store.memories(caller, 2)) == ["Sentence 4", "Sentence 3"]


def test_a_stranger_has_no_memories(store: OpenMemory, caller: str) -> None:
    assert store.memories(caller) == store.memories(caller, 100) == []
    assert store.query(caller, "anything") == []
    assert store.summary(caller) == Summary()


def test_what_was_just_written_is_found(store: OpenMemory, caller: str) -> None:
    for number, text in enumerate(SENTENCES):
        store.put(caller, f"message:{number}", text)

    assert store.query(caller, "what is the dog called", 3)[0].memory.content == "My dog is called Biscuit."


def test_what_was_just_changed_is_found_as_it_is_now(store: OpenMemory, caller: str) -> None:
    store.put(caller, "k", "The dog is called Biscuit.")
    store.query(caller, "dog")
    store.put(caller, "k", "The dog is called Crumb.")

    assert [match.memory.content for match in store.query(caller, "dog")] == ["The dog is called Crumb."]


def test_what_was_just_deleted_is_not_found(store: OpenMemory, caller: str) -> None:
    put = store.put(caller, "k", "The dog is called Biscuit.")
    assert store.query(caller, "dog")

    assert store.delete(caller, put.id)

    assert not store.query(caller, "dog")
    assert not store.memories(caller)


def test_a_search_finds_the_callers_own_and_no_more_than_asked_for(
    store: OpenMemory, callers: Callable[[], str]
) -> None:
    caller, other = callers(), callers()
    for number in range(6):
        store.put(other, f"message:{number}", f"My dog number {number} is called Rex.")
        store.put(caller, f"message:{number}", f"My dog number {number} is called Biscuit.")

    matches = store.query(caller, "what are the dogs called", 4)

    assert len(matches) == 4
    assert {match.memory.user_id for match in matches} == {caller}
    assert all("Biscuit" in match.memory.content for match in matches)


def test_nobody_deletes_anothers_memory(store: OpenMemory, callers: Callable[[], str]) -> None:
    caller, other = callers(), callers()
    put = store.put(caller, "k", "City: Duluth")

    assert not store.delete(other, put.id)
    assert not store.delete(caller, "00000000-0000-4000-8000-000000000000")
    assert contents(store.memories(caller)) == ["City: Duluth"]


def test_a_deleted_memory_is_gone_and_a_second_deletion_says_so(store: OpenMemory, caller: str) -> None:
    put = store.put(caller, "k", "City: Duluth")

    assert store.delete(caller, put.id)
    assert not store.delete(caller, put.id)


def test_a_deleted_memory_can_be_put_again(store: OpenMemory, caller: str) -> None:
    store.delete(caller, store.put(caller, "k", "City: Duluth").id)

    assert store.put(caller, "k", "City: Duluth").outcome == "added"
    assert contents(store.memories(caller)) == ["City: Duluth"]


def test_forgetting_a_caller_leaves_the_others(store: OpenMemory, callers: Callable[[], str]) -> None:
    caller, other = callers(), callers()
    for who in (caller, other):
        store.put_all(who, [Entry(f"message:{number}", text) for number, text in enumerate(SENTENCES)])

    assert store.forget(caller) == len(SENTENCES)

    assert store.memories(caller) == []
    assert store.forget(caller) == 0
    assert len(store.memories(other)) == len(SENTENCES)


@pytest.mark.parametrize("user_id", ["", "   "])
def test_nothing_is_asked_of_everybody(store: OpenMemory, user_id: str) -> None:
    asked: list[Callable[[], object]] = [
        lambda: store.put(user_id, "k", "text"),
        lambda: store.put_all(user_id, [Entry("k", "text")]),
        lambda: store.memories(user_id),
        lambda: store.memories(user_id, 100),
        lambda: store.delete(user_id, "00000000-0000-4000-8000-000000000000"),
        lambda: store.forget(user_id),
        lambda: store.summary(user_id),
        lambda: store.query(user_id, "text"),
    ]
    for ask in asked:
        with pytest.raises(ValueError, match="user id"):
            ask()


@pytest.mark.parametrize(
    "user_id", ["staff/front desk", "50%zz off", "+1 (415) 555", "naïve user", "a?b=c&d#e", "100%"]
)
def test_any_user_id_is_safe(store: OpenMemory, user_id: str) -> None:
    store.forget(user_id)
    put = store.put(user_id, "k", "City: Duluth")

    assert contents(store.memories(user_id)) == ["City: Duluth"]
    assert store.delete(user_id, put.id)
    assert store.forget(user_id) == 0


def test_two_hundred_writes_at_once_all_arrive(store: OpenMemory, callers: Callable[[], str]) -> None:
    everybody = [callers() for _ in range(4)]

    def write(number: int) -> None:
        store.put(everybody[number % 4], f"message:{number}", f"Number {number}", metadata={"conversation_id": "c"})
        if isinstance(store, EmbeddedOpenMemory):
            connections["memory"].close()

    with ThreadPoolExecutor(20) as threads:
        list(threads.map(write, range(200)))

    for start, caller in enumerate(everybody):
        assert sorted(contents(store.memories(caller))) == sorted(f"Number {n}" for n in range(start, 200, 4))


def test_a_key_written_by_many_at_once_is_one_memory_to_readers(store: OpenMemory, caller: str) -> None:
    def write(number: int) -> None:
        store.put(caller, "k", f"Number {number}")
        if isinstance(store, EmbeddedOpenMemory):
            connections["memory"].close()

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(write, range(8)))

    assert len(store.memories(caller)) == 1
    store.put(caller, "k", "The last word")
    assert contents(store.memories(caller)) == ["The last word"]


def test_a_nonce_that_another_caller_had_before_harms_nobody(
    store: OpenMemory, callers: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = callers(), callers()
    fresh = remote_store.new_nonce
    taken = fresh()
    monkeypatch.setattr(remote_store, "new_nonce", lambda: taken)
    store.put(one, "k", "City: Duluth")
    nonces = iter([taken, taken, fresh()])
    monkeypatch.setattr(remote_store, "new_nonce", lambda: next(nonces))

    store.put(other, "k", "City: St Paul")

    assert contents(store.memories(one)) == ["City: Duluth"]
    assert contents(store.memories(other)) == ["City: St Paul"]


def test_a_caller_among_sixty_thousand_memories_of_others_loses_nothing(
    speaker: Speaker, callers: Callable[[], str]
) -> None:
    crowd, caller = callers(), callers()
    speaker.fill(crowd, 60_000)

    speaker.store.put_all(caller, [Entry(f"message:{n}", text) for n, text in enumerate(SENTENCES)])

    assert contents(speaker.store.memories(caller)) == SENTENCES[::-1]
    assert speaker.store.query(caller, "what is the dog called", 1)[0].memory.content == "My dog is called Biscuit."


def test_a_card_among_ten_thousand_memories_is_found_in_one_read(speaker: Speaker, caller: str) -> None:
    speaker.fill(caller, 10_000)
    name = {"field": "first_name", "value": "Maya", "called_at": "2026-10-01T10:00:00+00:00"}
    speaker.store.put_all(
        caller, kinds.entries([kinds.NewMemory(kinds.FACT, "fact:c:First Name", "First Name: Maya", name)])
    )
    write_card(speaker.store, caller)
    reads: list[int | None] = []

    class Counting:
        def memories(self, user_id: str, limit: int | None = None) -> list[Memory]:
            reads.append(limit)
            return speaker.store.memories(user_id, limit)

    card = read_card(Counting(), caller)  # type: ignore[arg-type]

    assert card is not None
    assert (card.user_name, reads) == ("Maya", [FEW])


def test_more_memories_than_a_page_holds_are_all_read(speaker: Speaker, caller: str) -> None:
    speaker.fill(caller, 10_050)

    assert len(speaker.store.memories(caller)) == 10_050


def test_texts_are_the_memories_with_all_that_people_read(store: OpenMemory, caller: str) -> None:
    for number, text in enumerate(SENTENCES):
        said = {"position": number, "sector": "episodic", "other": {"nested": ["ü", None]}}
        store.put(caller, f"message:{number}", text, tags=["message"], metadata=said, salience=0.8)

    def shown(memory: Memory) -> tuple[object, ...]:
        return (memory.id, memory.user_id, memory.content, memory.metadata, memory.salience, memory.primary_sector)

    assert list(map(shown, store.texts(caller))) == list(map(shown, store.memories(caller)))
    with pytest.raises(ValueError, match="user id"):
        store.texts(" ")


def test_memories_are_returned_again_only_after_a_change(store: OpenMemory, callers: Callable[[], str]) -> None:
    caller, other = callers(), callers()
    token, memories = store.memories_since(caller, None)
    assert memories == []
    changes: list[Callable[[], object]] = [
        lambda: store.put(caller, "message:1", "One."),
        lambda: store.put(caller, "message:2", "Two."),
        lambda: store.put(caller, "message:1", "Another one."),
        lambda: store.delete(caller, store.memories(caller)[0].id),
    ]
    for change in changes:
        change()
        token, memories = store.memories_since(caller, token)
        assert memories == store.memories(caller)
        store.put(other, "message:1", "Somebody else's.")
        assert store.memories_since(caller, token) == (token, None)


def test_more_memories_than_a_page_holds_are_returned_again_after_a_change(
    store: OpenMemory, caller: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_store, "_PAGE", 2)
    for number in range(5):
        store.put(caller, f"message:{number}", f"Number {number}.")
        token, memories = store.memories_since(caller, None)
        assert memories is not None
        assert len(memories) == number + 1
        assert store.memories_since(caller, token) == (token, None)
    store.put(caller, "message:0", "Changed.")
    _, memories = store.memories_since(caller, token)
    assert sorted(contents(memories or [])) == ["Changed.", *(f"Number {number}." for number in range(1, 5))]


def test_a_summary_speaks_of_the_caller_or_not_at_all(store: OpenMemory, caller: str) -> None:
    store.put(caller, "card:1", "The caller is Maya Okafor.", salience=1.0)

    for regenerate in (False, True):
        assert store.summary(caller, regenerate=regenerate).text in ("", "The caller is Maya Okafor.")


def test_a_store_that_works_says_so_and_names_nobody(store: OpenMemory, caller: str) -> None:
    store.put(caller, "k", "My dog is called Biscuit.")

    health = store.ping()

    assert health.ok
    assert health.detail
    assert "Biscuit" not in health.detail
    assert caller not in health.detail


def test_the_memories_of_one_conversation_are_found_among_those_of_others(store: OpenMemory, caller: str) -> None:
    of = [{"conversation_id": "conv_a"}, {"conversation_id": "conv_b"}, {}]
    store.put_all(caller, [Entry(f"key:{number}", f"Text {number}.", metadata=each) for number, each in enumerate(of)])
    assert contents(store.of_conversation(caller, "conv_a")) == ["Text 0."]
    store.put(caller, "key:0", "Text 0.", metadata={"conversation_id": "conv_b"})
    assert sorted(contents(store.of_conversation(caller, "conv_b"))) == ["Text 0.", "Text 1."]
    assert store.of_conversation(caller, "conv_a") == []


def test_a_store_that_finds_conversations_knows_their_users(store: OpenMemory, caller: str) -> None:
    call = f"conv_{caller[1:]}"
    store.put(caller, "key:1", "One.", metadata={"conversation_id": call})
    store.put(caller, "key:2", "Two.", metadata={"conversation_id": call})
    store.put(caller, "key:3", "Three.", metadata={"conversation_id": f"{call}0"})
    assert store.users_of(call) == ({caller} if store.finds_conversations else None)
    if store.finds_conversations:
        assert store.users_of("conv_of_nobody") == set()


def test_memories_that_are_added_are_completed_or_changed_by_later_writes(store: OpenMemory, caller: str) -> None:
    store.put_all(caller, [Entry(f"old:{number}", f"Old {number}.") for number in range(5)])
    added = store.add_all(caller, [Entry("message:1", "One."), Entry("message:2", "Two.")])
    assert [put.outcome for put in added] == ["added", "added"]
    again = store.put_all(caller, [Entry("message:1", "One."), Entry("message:2", "Two, changed.")])
    assert [(put.id, put.outcome) for put in again] == [(added[0].id, "unchanged"), (added[1].id, "changed")]
    assert contents(store.memories(caller, 2)) == ["Two, changed.", "One."]


@pytest.mark.parametrize("name", ["put_all", "memories", "memories_since", "forget", "users", "summary", "ping"])
def test_a_store_without_a_method_that_only_it_can_define_cannot_be_used(name: str) -> None:
    methods = {name: getattr(EmbeddedOpenMemory, name) for name in OpenMemory.__abstractmethods__}
    del methods[name]
    incomplete = type("Incomplete", (OpenMemory,), methods)
    with pytest.raises(TypeError, match=name):
        incomplete()
