"""Of two rows of one key on a server the last written holds, whatever the server does to its times."""

from collections.abc import Iterator

import pytest

from elmemory.memory.openmemory.remote.store import RemoteOpenMemory
from tests.harness.openmemory_servers import Stub, new_caller, stub_server


@pytest.fixture
def stub() -> Iterator[tuple[Stub, RemoteOpenMemory]]:
    with stub_server() as (stub, url):
        store = RemoteOpenMemory(url)
        yield stub, store
        store.close()


def test_the_last_written_holds_though_the_server_touched_the_other_one_later(
    stub: tuple[Stub, RemoteOpenMemory],
) -> None:
    server, store = stub
    caller = new_caller()
    store.put(caller, "fact:city", "City: Duluth")
    (older,) = [dict(row) for row in server.rows]
    store.put(caller, "other", "Something else")
    store.put(caller, "fact:city", "City: Fargo")
    server.rows.append(older | {"id": "left-behind", "updated_at": 10**15, "version": 99})
    assert {memory.content for memory in store.memories(caller)} == {"City: Fargo", "Something else"}
    assert store.put(caller, "fact:city", "City: Fargo").outcome == "unchanged"
    assert [row["id"] for row in server.rows if row["id"] == "left-behind"] == []


def test_rows_of_one_batch_are_written_in_its_order(stub: tuple[Stub, RemoteOpenMemory]) -> None:
    server, store = stub
    caller = new_caller()
    for content in ("One", "Two", "Three"):
        store.put(caller, content, content)
    store.put(caller, "One", "One again")
    numbers = {row["content"]: row["metadata"]["write_number"] for row in server.rows}
    assert sorted(numbers, key=numbers.__getitem__) == ["Two", "Three", "One again"]


def test_the_number_of_a_write_is_no_part_of_the_memory(stub: tuple[Stub, RemoteOpenMemory]) -> None:
    _, store = stub
    caller = new_caller()
    store.put(caller, "k", "Text", metadata={"a": 1})
    (memory,) = store.memories(caller)
    assert memory.metadata == {"a": 1, "key": "k", "salience": 0.5, "decay_lambda": 0.0}
    assert store.put(caller, "k", "Text", metadata={"a": 1}).outcome == "unchanged"


@pytest.mark.parametrize("number", [None, "5", 2.5, [], True])
def test_rows_without_a_number_are_older_than_rows_with_one(
    stub: tuple[Stub, RemoteOpenMemory], number: object
) -> None:
    server, store = stub
    caller = new_caller()
    store.put(caller, "k", "New")
    server.row(caller, "Old", {"key": "k", "write_number": number})["updated_at"] = 10**15
    assert [memory.content for memory in store.memories(caller)] == ["New"]


def test_of_rows_without_numbers_the_last_updated_holds(stub: tuple[Stub, RemoteOpenMemory]) -> None:
    server, store = stub
    caller = new_caller()
    server.row(caller, "New", {"key": "k"})["updated_at"] = 9
    server.row(caller, "Old", {"key": "k"})["updated_at"] = 8
    assert [memory.content for memory in store.memories(caller)] == ["New"]
