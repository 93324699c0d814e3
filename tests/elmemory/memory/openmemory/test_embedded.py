import sqlite3
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from unittest.mock import patch

import pytest
from django.db import connections
from django.db.migrations.executor import MigrationExecutor

from elmemory.memory.openmemory.embedded.models import StoredMemory
from elmemory.memory.openmemory.embedded.store import EmbeddedOpenMemory
from elmemory.memory.records import Entry

pytestmark = pytest.mark.django_db(transaction=True, databases=["memory"])

MAYA, PEPE = "+14155550100", "+14155550101"


def test_two_callers_who_say_the_same_both_have_it_and_neither_sees_the_others(store: EmbeddedOpenMemory) -> None:
    one, other = (store.put(caller, "message:1", "Yes please.") for caller in (MAYA, PEPE))
    assert one.id != other.id
    assert [memory.id for memory in store.memories(MAYA)] == [one.id]
    assert [memory.id for memory in store.memories(PEPE)] == [other.id]


def test_near_duplicates_are_different_memories(store: EmbeddedOpenMemory) -> None:
    texts = ["Takes 10 mg at 5 pm.", "Takes 20 mg at 5 pm.", "Takes 10 mg at 6 pm.", "是的", "不是"]
    for number, text in enumerate(texts):
        store.put(MAYA, f"message:{number}", text)
    assert [memory.content for memory in store.memories(MAYA)] == texts[::-1]


def test_the_same_key_again_changes_the_memory_and_never_doubles_it(store: EmbeddedOpenMemory) -> None:
    first = store.put(MAYA, "fact:city", "City: St Paul")
    second = store.put(MAYA, "fact:city", "City: Duluth")
    assert (first.outcome, second.outcome) == ("added", "changed")
    assert first.id == second.id
    assert [(memory.content, memory.version) for memory in store.memories(MAYA)] == [("City: Duluth", 2)]


def test_the_same_memory_again_is_left_as_it_is(store: EmbeddedOpenMemory) -> None:
    store.put(MAYA, "fact:city", "City: Duluth", tags=["fact"], metadata={"field": "city"}, salience=0.9)
    before = store.memories(MAYA)
    again = store.put(MAYA, "fact:city", "City: Duluth", tags=["fact"], metadata={"field": "city"}, salience=0.9)
    assert again.outcome == "unchanged"
    assert store.memories(MAYA) == before


def test_everything_comes_back_as_it_was_given(store: EmbeddedOpenMemory) -> None:
    content = "Zoë said: “don’t”.\n" + "x" * 5000
    store.put(MAYA, "k", content, tags=["a", "b"], metadata={"deep": {"list": [1, None, "é"]}}, salience=0.85)
    (memory,) = store.memories(MAYA)
    assert memory.content == content
    assert memory.tags == ["a", "b"]
    assert memory.metadata == {"deep": {"list": [1, None, "é"]}, "key": "k", "salience": 0.85, "decay_lambda": 0.0}
    assert (memory.salience, memory.decay_lambda, memory.user_id) == (0.85, 0.0, MAYA)


@pytest.mark.parametrize(
    ("content", "sector"),
    [
        ("My dog is called Biscuit.", "semantic"),
        ("I visited the dentist yesterday.", "episodic"),
        ("First, click on install, then press the step button.", "procedural"),
        ("I was so worried and upset, I felt awful.", "emotional"),
        ("In hindsight I learned a lesson.", "reflective"),
        ("是的", "semantic"),
        ("", "semantic"),
    ],
)
def test_a_memory_is_classified_by_its_words(store: EmbeddedOpenMemory, content: str, sector: str) -> None:
    store.put(MAYA, "k", content)
    (memory,) = store.memories(MAYA)
    assert memory.primary_sector == sector


def test_the_metadata_may_force_the_sector(store: EmbeddedOpenMemory) -> None:
    store.put(MAYA, "k", "I visited the dentist yesterday.", metadata={"sector": "procedural"})
    (memory,) = store.memories(MAYA)
    assert memory.primary_sector == "procedural"


def test_an_unknown_sector_forces_nothing(store: EmbeddedOpenMemory) -> None:
    store.put(MAYA, "k", "My dog is called Biscuit.", metadata={"sector": "culinary"})
    (memory,) = store.memories(MAYA)
    assert memory.primary_sector == "semantic"


def test_memories_come_newest_first_and_no_more_than_asked_for(store: EmbeddedOpenMemory) -> None:
    for number in range(5):
        store.put(MAYA, f"k{number}", f"{number}")
    assert [memory.content for memory in store.memories(MAYA, 2)] == ["4", "3"]


def test_a_memory_is_deleted_by_its_own_user_only(store: EmbeddedOpenMemory) -> None:
    put = store.put(MAYA, "k", "My dog is called Biscuit.")
    assert store.delete(PEPE, put.id) is False
    assert store.delete(MAYA, put.id) is True
    assert store.delete(MAYA, put.id) is False
    assert store.memories(MAYA) == []


def test_a_forgotten_user_leaves_nothing_and_others_keep_theirs(store: EmbeddedOpenMemory) -> None:
    for caller in (MAYA, PEPE):
        for number in range(3):
            store.put(caller, f"k{number}", "x")
    assert store.forget(MAYA) == 3
    assert store.memories(MAYA) == []
    assert len(store.memories(PEPE)) == 3


def test_a_query_finds_at_once_what_was_just_written_and_not_what_was_just_deleted(store: EmbeddedOpenMemory) -> None:
    put = store.put(MAYA, "k", "My dog is called Biscuit.")
    assert [match.memory.id for match in store.query(MAYA, "dog")] == [put.id]
    store.delete(MAYA, put.id)
    assert store.query(MAYA, "dog") == []


def test_a_query_sees_its_own_users_memories_only(store: EmbeddedOpenMemory) -> None:
    store.put(PEPE, "k", "My dog is called Biscuit.")
    assert store.query(MAYA, "dog") == []


@pytest.mark.parametrize("nobody", ["", "  ", None])
def test_nothing_is_asked_without_a_user(store: EmbeddedOpenMemory, nobody: str) -> None:
    for ask in (
        lambda: store.put(nobody, "k", "x"),
        lambda: store.memories(nobody),
        lambda: store.delete(nobody, "id"),
        lambda: store.forget(nobody),
        lambda: store.query(nobody, "x"),
        lambda: store.summary(nobody),
    ):
        with pytest.raises(ValueError, match="user id"):
            ask()


@pytest.mark.parametrize("text", ["a\x00b", "a\ud800b", "😀", "\u202e"])
def test_odd_characters_do_no_harm(store: EmbeddedOpenMemory, text: str) -> None:
    store.put(MAYA, "k", text, metadata={"asked": text})
    (memory,) = store.memories(MAYA)
    assert memory.content.startswith(text[0])
    assert store.put(MAYA, "k", text, metadata={"asked": text}).outcome == "unchanged"


def test_two_hundred_writers_at_once_lose_nothing(store: EmbeddedOpenMemory) -> None:
    def write(number: int) -> None:
        try:
            store.put(MAYA, f"k{number % 100}", f"Sentence {number % 100}.")
        finally:
            connections["memory"].close()

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(write, range(200)))
    assert len(store.memories(MAYA)) == 100


@pytest.mark.sqlite
def test_the_store_says_that_it_is_there(store: EmbeddedOpenMemory) -> None:
    assert store.ping() == ("embedded", True, "sqlite")


def test_the_token_changes_with_every_change_and_with_nothing_else(store: EmbeddedOpenMemory) -> None:
    tokens = [store.memories_since(MAYA, None)[0]]
    first = store.put(MAYA, "message:1", "One.").id
    tokens.append(store.memories_since(MAYA, None)[0])
    store.put(MAYA, "message:2", "Two.")
    tokens.append(store.memories_since(MAYA, None)[0])
    store.put(MAYA, "message:1", "Another.")
    tokens.append(store.memories_since(MAYA, None)[0])
    store.delete(MAYA, first)
    tokens.append(store.memories_since(MAYA, None)[0])
    store.put(PEPE, "message:1", "Somebody else's.")
    store.put(MAYA, "message:2", "Two.")
    assert len(set(tokens)) == len(tokens)
    assert store.memories_since(MAYA, None)[0] == tokens[-1]


@pytest.mark.parametrize("changed", [(), (0,), (199,), (0, 1, 120, 199)])
def test_only_what_differs_from_known_memories_is_read(store: EmbeddedOpenMemory, changed: Sequence[int]) -> None:
    ids = [put.id for put in store.put_all(MAYA, [Entry(f"message:{number}", f"{number}.") for number in range(200)])]
    token, known = store.memories_since(MAYA, None)
    assert known is not None
    for number in changed:
        store.put(MAYA, f"message:{number}", "Another.")
    store.delete(MAYA, ids[150])
    store.put_all(MAYA, [Entry(f"message:{number}", f"{number}.") for number in range(200, 210)])

    _, memories = store.memories_since(MAYA, token, known)

    assert memories is not None
    assert memories == store.memories(MAYA)
    kept = {id(memory) for memory in known}
    assert sum(id(memory) in kept for memory in memories) == 199 - len(changed)


def test_a_deletion_and_a_change_that_leave_the_number_of_memories_are_noticed(store: EmbeddedOpenMemory) -> None:
    ids = [put.id for put in store.put_all(MAYA, [Entry(f"message:{number}", f"{number}.") for number in range(200)])]
    token, known = store.memories_since(MAYA, None)
    store.delete(MAYA, ids[3])
    store.put(MAYA, "message:4", "Another.")
    store.put(MAYA, "message:200", "One more.")

    _, memories = store.memories_since(MAYA, token, known or ())

    assert memories == store.memories(MAYA)


@pytest.mark.sqlite
def test_a_peek_shows_the_newest_as_reading_does(store: EmbeddedOpenMemory) -> None:
    for number in range(5):
        store.put(MAYA, f"message:{number}", f"{number}.", metadata={"number": number})
    assert list(store.peek(MAYA, 2) or ()) == [dict(memory.metadata) for memory in store.memories(MAYA, 2)]


def test_a_peek_at_a_locked_store_does_not_wait(store: EmbeddedOpenMemory, tmp_path: Path) -> None:
    locked = tmp_path / "locked.sqlite3"
    with sqlite3.connect(locked) as holder:
        holder.execute("CREATE TABLE memory (sequence INTEGER, user_id TEXT, metadata TEXT)")
    with patch.dict(connections.settings["memory"], NAME=str(locked)), sqlite3.connect(locked) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        assert store.peek(MAYA, 2) is None


def test_a_store_of_before_finds_the_memories_of_a_conversation_after_the_migration(store: EmbeddedOpenMemory) -> None:
    MigrationExecutor(connections["memory"]).migrate([("openmemory", "0002_newest_with_version")])
    metadata = ['{"conversation_id":"conv_a"}', '{"conversation_id":5}', "{}", '{"a":{"conversation_id":"conv_a"}}']
    with connections["memory"].cursor() as cursor:
        for number, each in enumerate(metadata):
            cursor.execute(
                "INSERT INTO memory (id, user_id, key, content, tags, metadata, salience, decay_lambda, sectors,"
                " created_at, updated_at, last_seen_at, version)"
                " VALUES (%s, %s, %s, 'x', '[]', %s, 1, 0, '[\"semantic\"]', 0, 0, 0, 1)",
                (f"id-{number}", MAYA, f"k{number}", each),
            )
    MigrationExecutor(connections["memory"]).migrate([("openmemory", "0004_vector")])
    assert [memory.id for memory in store.of_conversation(MAYA, "conv_a")] == ["id-0"]
    assert set(StoredMemory.objects.values_list("conversation_id", flat=True)) == {"conv_a", ""}


def test_a_memory_that_a_running_older_version_writes_is_found_by_its_conversation(store: EmbeddedOpenMemory) -> None:
    store.put(MAYA, "k", "x", metadata={"conversation_id": "conv_a"})
    store.put(MAYA, "other", "x", metadata={"conversation_id": "conv_b"})
    StoredMemory.objects.update(conversation_id=None)
    assert [memory.key for memory in store.of_conversation(MAYA, "conv_a")] == ["k"]
    assert store.users_of("conv_a") == {MAYA}


@pytest.mark.sqlite
def test_threads_that_write_take_turns_and_never_meet_a_locked_database(
    store: EmbeddedOpenMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Who meets another writer fails at once, instead of sleeping before it tries again.
    monkeypatch.setitem(connections["memory"].settings_dict["OPTIONS"], "timeout", 0)
    begun = Barrier(8)

    def write(thread: int) -> None:
        begun.wait()
        for number in range(10):
            store.add_all(MAYA, [Entry(f"{thread}:{number}", "x")])
        connections["memory"].close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))
    assert len(store.memories(MAYA)) == 80
