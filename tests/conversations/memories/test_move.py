"""`manage.py move_memories`: another store gets all that this one holds, once."""

import io
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connections
from pytest_django.fixtures import Settings

from conversations.files.receipts import read_receipt
from conversations.index.references import caller_reference
from conversations.memories import corrections
from conversations.memories.remember import preview, remember
from conversations.memories.reprocess import request
from elmemory.memory import kinds
from elmemory.memory.card import read_card
from elmemory.memory.openmemory import open_memory
from elmemory.memory.openmemory.embedded.store import EmbeddedOpenMemory
from elmemory.memory.openmemory.remote.store import RemoteOpenMemory
from elmemory.memory.records import Entry, Memory
from tests.harness.openmemory_servers import KEY, fill_embedded, stub_server, wire_server
from tests.harness.samples import transcription
from tests.harness.server import ROOT, Server, wait_until
from tests.harness.stored import deliver

pytestmark = [
    pytest.mark.django_db(transaction=True, databases=["default", "memory", "index"]),
    pytest.mark.usefixtures("payloads", "index_schema"),
]

MAYA, PEPE, OTHER = "+14155550100", "+14155550101", "an editor"


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENMEMORY_TARGET_KEY", KEY)


@pytest.fixture(autouse=True)
def _configured_store_of_each_test() -> Iterator[None]:
    open_memory.cache_clear()
    yield
    store = open_memory()
    if isinstance(store, RemoteOpenMemory):
        store.close()
    open_memory.cache_clear()


@pytest.fixture
def calls(store: EmbeddedOpenMemory, payloads: Path, index_schema: None) -> list[str]:  # noqa: ARG001
    """Two callers with calls and preferences, and memories of other clients; the conversation ids of the calls."""
    first = transcription(MAYA, "My dog is called Biscuit.", "Yes please.", facts={"first_name": "Maya"})
    second = transcription(PEPE, "Yes please.", facts={"first_name": "Pepe"})
    ids = [deliver(event, store) for event in (first, second)]
    corrections.correct(store, MAYA, "first_name", "Maja")
    corrections.set_preference(store, PEPE, kinds.SHARED_LINE, holds=True)
    store.add(OTHER, Entry("", "Uses tabs.", ["style"], {"project": "x", "deep": {"a": [1, 2.5, None]}}, 0.4, 0.015))
    store.add(OTHER, Entry("", "Uses tabs.", [], {}, 1.0, 0.0))
    store.add(MAYA, Entry("", "Written by another client ü.", [], {"from": "elsewhere"}, 0.7, 0.005))
    return ids


@pytest.fixture(scope="module")
def wire(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """The embedded store of another machine, over HTTP: its file and its URL."""
    folder = tmp_path_factory.mktemp("wire")
    with wire_server(folder) as url:
        yield folder / "memory.sqlite3", url


@pytest.fixture
def url(wire: tuple[Path, str]) -> str:
    with closing(RemoteOpenMemory(wire[1], KEY)) as server:
        for user_id in server.users() or ():
            server.forget(user_id)
    return wire[1]


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def use(settings: Settings, url: str) -> RemoteOpenMemory:
    """Make the server at this URL the configured store."""
    settings.OPENMEMORY_PORT, settings.OPENMEMORY_KEY = url, KEY
    open_memory.cache_clear()
    store = open_memory()
    assert isinstance(store, RemoteOpenMemory)
    return store


def move(to: str | Path, *options: str) -> str:
    out = io.StringIO()
    call_command("move_memories", "--to", str(to), "--yes", "--quiet", *options, stdout=out)
    return out.getvalue()


def held(memories: list[Memory], *without: str) -> list[tuple[Any, ...]]:
    return [
        (
            memory.content,
            list(memory.tags),
            {name: value for name, value in memory.metadata.items() if name not in without},
            memory.salience,
            memory.decay_lambda,
        )
        for memory in memories
    ]


def rows(path: Path, columns: str) -> list[Any]:
    """Of each user the rows of a file, in the order in which they were written."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(f"SELECT {columns} FROM memory ORDER BY user_id, sequence").fetchall()


def rows_here(columns: str) -> list[Any]:
    """The rows of the store of the settings, likewise."""
    with connections["memory"].cursor() as cursor:
        cursor.execute(f"SELECT user_id, {columns} FROM memory ORDER BY sequence")
        return [tuple(row[1:]) for row in sorted(cursor.fetchall(), key=itemgetter(0))]


EVERYTHING = "user_id, key, content, tags, metadata, salience, decay_lambda, sectors"


@pytest.mark.usefixtures("calls")
def test_a_file_holds_the_same_rows_afterwards(tmp_path: Path) -> None:
    output = move(tmp_path / "other.sqlite3")
    columns = f"{EVERYTHING}, id, created_at, updated_at, last_seen_at, version"
    assert rows(tmp_path / "other.sqlite3", columns) == rows_here(columns)
    count = len(rows_here("id"))
    assert f"Copied {count} memories." in output
    assert f"Compared {count} memories of 3 users: 3 users are equal, 0 differ." in output


@pytest.mark.usefixtures("calls")
def test_all_that_went_to_a_server_comes_back_as_it_was(
    store: EmbeddedOpenMemory, settings: Settings, url: str, tmp_path: Path
) -> None:
    output = move(url)
    assert "3 users are equal, 0 differ" in output
    assert "A server sets ids and times itself" in output
    server = use(settings, url)
    weights = ("key", "salience", "decay_lambda")
    for user_id in (MAYA, PEPE, OTHER):
        assert held(server.memories(user_id), *weights) == held(store.memories(user_id), *weights)

    move(tmp_path / "back.sqlite3")

    assert rows(tmp_path / "back.sqlite3", EVERYTHING) == rows_here(EVERYTHING)


@pytest.mark.usefixtures("calls")
def test_a_second_run_copies_what_has_come_since_and_doubles_nothing(
    store: EmbeddedOpenMemory, settings: Settings, url: str
) -> None:
    move(url)
    assert "Copied 0 memories." in move(url)
    corrections.correct(store, MAYA, "first_name", "Marie")
    deliver(transcription(MAYA, "I have a new number."), store)

    assert "3 users are equal, 0 differ" in move(url)

    memories = use(settings, url).memories(MAYA)
    assert len(memories) == len(store.memories(MAYA))
    assert [memory.kind for memory in memories].count(kinds.CARD) == 1
    assert memories[0].kind == kinds.CARD
    card = read_card(open_memory(), MAYA)
    assert card is not None
    assert (card.user_name, card.call_count) == ("Marie", 2)


@pytest.mark.sqlite
def test_a_run_that_was_killed_is_completed_by_the_next_one(tmp_path: Path, wire: tuple[Path, str], url: str) -> None:
    server = Server(tmp_path)
    assert server.manage("migrate", "--database", "memory").returncode == 0
    file = tmp_path / "memory.sqlite3"
    for user_id in (MAYA, PEPE):
        fill_embedded(file, user_id, 60)
    command = [sys.executable, "manage.py", "move_memories", "--to", url, "--yes", "--quiet"]
    environment = server.environment | {"OPENMEMORY_TARGET_KEY": KEY}
    arrived = wire[0]

    killed = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_until(lambda: len(rows(arrived, "id")) > 65)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert len(rows(arrived, "id")) < 120

    done = server.manage(*command[2:], OPENMEMORY_TARGET_KEY=KEY)
    assert done.returncode == 0, done.stderr
    assert "Compared 120 memories of 2 users: 2 users are equal, 0 differ." in done.stdout
    assert rows(arrived, "user_id, content") == rows(file, "user_id, content")


def test_after_a_move_staff_delete_and_the_worker_reprocesses_as_before(
    store: EmbeddedOpenMemory, settings: Settings, url: str, calls: list[str]
) -> None:
    receipt = read_receipt(calls[0])
    assert receipt is not None
    move(url)
    server = use(settings, url)

    assert set(preview(calls[0], server)) == {0}
    (said,) = [memory for memory in server.memories(MAYA) if memory.content == "My dog is called Biscuit."]
    assert said.id not in {named.id for named in receipt.memories}
    corrections.delete_memory(server, MAYA, said)
    request(calls[0])
    remember(calls[0], server)

    contents = [memory.content for memory in server.memories(MAYA)]
    assert "My dog is called Biscuit." not in contents
    assert sorted([*contents, said.content]) == sorted(memory.content for memory in store.memories(MAYA))


@pytest.mark.usefixtures("calls")
def test_verifying_names_who_differs_by_reference_and_changes_nothing(
    store: EmbeddedOpenMemory, settings: Settings, url: str, opened: ExitStack
) -> None:
    move(url)
    server = use(settings, url)
    lost, changed = server.memories(MAYA)[1:3]
    server.delete(MAYA, lost.id)
    server.put(MAYA, changed.key, "Something else.", metadata=changed.metadata)
    server.put(PEPE, "note:1", "Only there.")
    settings.OPENMEMORY_PORT = ""
    open_memory.cache_clear()
    opened.callback(server.close)
    before = {user_id: held(server.memories(user_id)) for user_id in (MAYA, PEPE)}

    out = io.StringIO()
    with pytest.raises(CommandError, match="lacks memories"):
        call_command("move_memories", "--to", url, "--verify", "--quiet", stdout=out)

    assert "1 user is equal, 2 differ" in out.getvalue()
    count = len(store.memories(MAYA))
    assert f"{caller_reference(MAYA)}  here {count}, missing there 1, different 1, only there 0;" in out.getvalue()
    assert f"{caller_reference(PEPE)}  " in out.getvalue()
    assert MAYA not in out.getvalue()
    assert {user_id: held(server.memories(user_id)) for user_id in (MAYA, PEPE)} == before
    assert "--delete-extra deletes it" in move(url)
    assert "3 users are equal, 0 differ" in move(url, "--delete-extra")
    assert "Only there." not in [memory.content for memory in server.memories(PEPE)]


@pytest.mark.usefixtures("calls")
def test_a_caller_whom_this_store_has_forgotten_is_deleted_there_on_request(
    store: EmbeddedOpenMemory, tmp_path: Path
) -> None:
    other = tmp_path / "other.sqlite3"
    move(other)
    store.forget(PEPE)
    assert "only there" in move(other)
    assert PEPE in {user_id for (user_id,) in rows(other, "user_id")}
    move(other, "--delete-extra")
    assert PEPE not in {user_id for (user_id,) in rows(other, "user_id")}


@pytest.mark.usefixtures("calls")
def test_a_dry_run_says_what_would_be_copied_and_makes_nothing(store: EmbeddedOpenMemory, tmp_path: Path) -> None:
    other = tmp_path / "other.sqlite3"
    count = sum(len(store.memories(user_id)) for user_id in (MAYA, PEPE, OTHER))
    assert f"{count} memories would be copied and 0 changed" in move(other, "--dry-run")
    assert not other.exists()


@pytest.mark.usefixtures("calls")
def test_without_a_list_of_users_the_callers_are_those_of_receipts(
    store: EmbeddedOpenMemory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(EmbeddedOpenMemory, "users", lambda _: None)
    output = move(tmp_path / "other.sqlite3")
    assert "the callers that receipts name are copied" in output
    assert {user_id for (user_id,) in rows(tmp_path / "other.sqlite3", "user_id")} == {MAYA, PEPE}
    assert len(rows(tmp_path / "other.sqlite3", "id")) == len(store.memories(MAYA)) + len(store.memories(PEPE))


def test_what_a_server_never_takes_is_reported_and_the_rest_is_copied(store: EmbeddedOpenMemory) -> None:
    store.put(MAYA, "note:1", "short")
    store.put(MAYA, "note:2", "x" * 2_000_000)
    store.put(MAYA, "note:3", "also short")
    with stub_server() as (stub, url):
        answer = stub.answer

        def limited(seen: Any) -> tuple[int, Any]:
            too_long = len(str(seen.body.get("content", ""))) > 1_000_000
            return (413, {"err": "too large"}) if too_long else answer(seen)

        stub.answer = limited  # type: ignore[method-assign]
        with pytest.raises(CommandError, match="lacks memories"):
            move(url)
        there = RemoteOpenMemory(url)
        assert sorted(memory.key for memory in there.memories(MAYA)) == ["note:1", "note:3"]
        there.close()


@pytest.mark.parametrize(
    ("to", "options", "problem"),
    [
        ("http://memory.example.com", (), "cross the network in the clear"),
        ("postgres://elmemory:secret@db.example.com/memory", (), "PGPASSWORD"),
        ("oracle://db.example.com/memory", (), "no URL of a server, no path"),
        ("/nowhere/to/be/found.sqlite3", ("--verify",), "there is no file"),
        ("other.sqlite3", ("--numbers",), "on a terminal only"),
        ("http://127.0.0.1:1", (), "nothing answers at --to"),
    ],
)
def test_what_cannot_be_done_is_refused(to: str, options: tuple[str, ...], problem: str) -> None:
    with pytest.raises(CommandError, match=problem) as refused:
        move(to, *options)
    assert "secret" not in str(refused.value)


def test_a_wrong_key_is_named_by_its_variable(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENMEMORY_TARGET_KEY", "wrong")
    with pytest.raises(CommandError, match="refuses OPENMEMORY_TARGET_KEY"):
        move(url)


@pytest.mark.sqlite
def test_a_file_is_not_moved_to_itself(store: EmbeddedOpenMemory) -> None:
    store.put(MAYA, "note:1", "Once.")
    with pytest.raises(CommandError, match="the same store"):
        move(connections["memory"].settings_dict["NAME"])


def test_a_server_is_not_moved_to_itself(settings: Settings, url: str) -> None:
    use(settings, url)
    with pytest.raises(CommandError, match="the same store"):
        move(f"{url}/")


def test_without_a_terminal_and_yes_nothing_is_copied(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="add --yes"):
        call_command("move_memories", "--to", str(tmp_path / "other.sqlite3"), "--quiet", stdout=io.StringIO())
