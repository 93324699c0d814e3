"""The server on PostgreSQL: all of its way, databases that go away, and several machines on one index.

Machines are processes with payload folders of their own: what they share is PostgreSQL alone.
"""

import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.harness.openmemory_servers import fill_embedded
from tests.harness.postgres import Cluster, why_there_is_none
from tests.harness.samples import new_number, transcription
from tests.harness.server import ROOT, Server, wait_until
from tests.harness.staff import logged_in

pytestmark = pytest.mark.postgres

LIST, CALLERS = "/admin/conversations/conversation/", "/admin/conversations/caller/"
LOGIN = {"DJANGO_SUPERUSER_USERNAME": "staff", "DJANGO_SUPERUSER_PASSWORD": "staff-password-1"}
GREETING = "Welcome back, Maya! How can I help you today?"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    if reason := why_there_is_none():
        pytest.skip(reason)
    with Cluster() as running:
        yield running


@pytest.fixture(scope="module")
def server(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("postgres"), **cluster.databases(), **LOGIN) as running:
        yield running


def call_of_maya(caller: str, *says: str, **changes: Any) -> dict[str, Any]:
    return transcription(caller, *says, facts={"first_name": "Maya", "last_name": "Okafor"}, **changes)


def greeting(answer: dict[str, Any]) -> str | None:
    reported: str | None = answer["conversation_config_override"].get("agent", {}).get("first_message")
    return reported


def execute(url: str, sql: str, *values: object) -> list[tuple[Any, ...]]:
    import psycopg

    with closing(psycopg.connect(url, autocommit=True)) as connection:
        cursor = connection.execute(sql.encode(), values)
        return cursor.fetchall() if cursor.description else []


# All of the way


def test_the_second_ring_greets_by_name(server: Server) -> None:
    caller = new_number()
    assert server.ring(caller)["dynamic_variables"]["returning_caller"] == "no"
    server.deliver(call_of_maya(caller, "My dog is called Biscuit."))
    assert greeting(server.ring(caller)) == GREETING


def test_the_agent_finds_what_was_said(server: Server) -> None:
    caller = new_number()
    server.deliver(call_of_maya(caller, "My dog is called Biscuit."))
    found = server.search("What is the dog called?", caller)
    assert found["memories"][0]["content"] == "My dog is called Biscuit."
    assert found["profile"]["name"] == "Maya"


def test_memories_move_from_a_file_to_postgresql_and_back(cluster: Cluster, tmp_path: Path) -> None:
    here = Server(tmp_path)
    there = cluster.databases()["OPENMEMORY_DB_PATH"]
    to, password = without_password(there)
    assert here.manage("migrate", "--database", "memory").returncode == 0
    fill_embedded(tmp_path / "memory.sqlite3", "+14155550100", 20)

    options = ("--yes", "--quiet")
    done = here.manage("move_memories", "--to", to, *options, PGPASSWORD=password)
    assert "1 user is equal, 0 differ" in done.stdout, done.stderr
    back = tmp_path / "back.sqlite3"
    done = here.manage("move_memories", "--to", str(back), *options, OPENMEMORY_DB_PATH=there)
    assert "1 user is equal, 0 differ" in done.stdout, done.stderr

    def rows(path: Path) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(path)) as database:
            return database.execute(
                "SELECT id, user_id, content, tags, created_at FROM memory ORDER BY sequence"
            ).fetchall()

    assert rows(back) == rows(tmp_path / "memory.sqlite3")
    done = here.manage("move_memories", "--to", to, *options, OPENMEMORY_DB_PATH=there, PGPASSWORD=password)
    assert "the same store" in done.stderr


def without_password(url: str) -> tuple[str, str]:
    """The URL of a database without its password, and the password."""
    password = urlsplit(url).password or ""
    return url.replace(f":{password}@", "@"), password


@pytest.mark.parametrize("question", ["zanzibar", "ZANZ", '"to zanzibar by"', "zanzibar -lisbon"])
def test_staff_find_a_call_by_words(server: Server, staff_browser: httpx2.Client, question: str) -> None:
    event = transcription(new_number(), "I travel to Zanzíbar by ship.")
    server.deliver(event)
    assert event["data"]["conversation_id"] in staff_browser.get(LIST, params={"q": question}).text


@pytest.mark.parametrize("question", ["anzibar", '"to zanzi"', "zanzibar -ship", "-lisbon", "%"])
def test_staff_find_nothing_by_other_words(server: Server, staff_browser: httpx2.Client, question: str) -> None:
    event = transcription(new_number(), "I travel to Zanzibar by ship.")
    server.deliver(event)
    assert event["data"]["conversation_id"] not in staff_browser.get(LIST, params={"q": question}).text


def test_staff_open_a_call_and_its_caller(server: Server, staff_browser: httpx2.Client) -> None:
    event = call_of_maya(new_number(), "My dog is called Biscuit.", summary="Told the name of the dog.")
    server.deliver(event)
    page = staff_browser.get(f"{LIST}{event['data']['conversation_id']}/change/")
    assert "Told the name of the dog." in page.text
    (address,) = {part.split('"')[0] for part in page.text.split(f'href="{CALLERS}')[1:] if "/change/" in part[:60]}
    caller_page = staff_browser.get(f"{CALLERS}{address}")
    assert (caller_page.status_code, "Maya Okafor" in caller_page.text) == (200, True)
    assert address in staff_browser.get(CALLERS, params={"q": "okafor"}).text


def test_staff_note_and_review_a_call(server: Server, staff_browser: httpx2.Client) -> None:
    event = transcription(new_number(), "The invoice is wrong.")
    server.deliver(event)
    call = event["data"]["conversation_id"]
    form = {
        "note": "Call them back.",
        "shown": "",
        "act": "reviewed",
        "csrfmiddlewaretoken": staff_browser.cookies["csrftoken"],
    }
    page = staff_browser.post(f"{LIST}{call}/review/", data=form, headers={"referer": server.url})
    assert (page.status_code, "Call them back." in page.text) == (200, True)
    assert call in staff_browser.get(LIST, params={"reviewed__exact": "1"}).text
    assert call not in staff_browser.get(LIST, params={"reviewed__exact": "0"}).text


def test_an_unreadable_delivery_is_shown(server: Server, staff_browser: httpx2.Client) -> None:
    server.post_call(b'{"type": "post_call_transcription", "data"')
    page = staff_browser.get(f"{LIST}unreadable/").text
    (name,) = {part.split('"')[0] for part in page.split(f'href="{LIST}unreadable/')[1:]} - {""}
    assert "not JSON" in staff_browser.get(f"{LIST}unreadable/{name}").text


def test_the_server_is_well(server: Server) -> None:
    health = server.client.get("/health").json()
    assert (health["status"], health["openmemory"]["detail"]) == ("ok", "postgresql")


# What goes away


def test_a_dropped_index_is_made_anew_from_the_files(cluster: Cluster, tmp_path: Path) -> None:
    with Server(tmp_path, **cluster.databases()) as server:
        event = call_of_maya(new_number(), "Yes please.")
        server.deliver(event)
        index = server.environment["INDEX_DATABASE_URL"]
        execute(index, "DROP TABLE conversation, conversation_text, caller_card, index_schema CASCADE")
        server.deliver(call_of_maya(new_number(), "No, thank you."))
        reported = server.manage("reindex", "--quiet")
        assert "2 conversations indexed" in reported.stdout, reported.stderr
        rows = "SELECT memory_state FROM conversation JOIN conversation_text ON rowid = sort_key"
        assert execute(index, rows) == [("written",), ("written",)]


@pytest.fixture
def own_cluster() -> Iterator[Cluster]:
    """One that may be stopped."""
    if reason := why_there_is_none():
        pytest.skip(reason)
    with Cluster() as running:
        yield running


def heals(server: Server, caller: str, waiting: dict[str, Any]) -> None:
    """What came meanwhile is remembered, and the caller known again, without anybody's help."""
    server.wait_for_receipt(waiting["data"]["conversation_id"])
    wait_until(lambda: greeting(server.ring(caller)) == GREETING)
    wait_until(lambda: server.client.get("/health").json()["status"] == "ok")


def seconds_of(work: Callable[[], object]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


def test_a_restart_between_two_calls_is_not_noticed(own_cluster: Cluster, tmp_path: Path) -> None:
    with Server(tmp_path, **own_cluster.databases(), **LOGIN) as server, logged_in(server) as browser:
        caller = new_number()
        server.deliver(call_of_maya(caller, "Yes please."))
        server.ring(caller)
        assert browser.get(LIST).status_code == 200
        own_cluster.stop()
        own_cluster.start()
        assert greeting(server.ring(caller)) == GREETING
        assert browser.get(LIST).status_code == 200
        server.deliver(call_of_maya(caller, "No, thank you."))


def test_while_the_databases_are_away_rings_are_neutral_and_deliveries_kept(
    own_cluster: Cluster, tmp_path: Path
) -> None:
    with Server(tmp_path, **own_cluster.databases()) as server:
        caller, later = new_number(), call_of_maya(new_number(), "No, thank you.")
        server.deliver(call_of_maya(caller, "Yes please."))
        own_cluster.stop()
        for _ in range(8):
            assert seconds_of(lambda: server.ring(caller)) < 1
        assert server.ring(caller)["conversation_config_override"] == {}
        assert "notice" in server.search("dog", caller)
        assert server.post_call(later).json()["status"] == "received"
        assert server.client.get("/health").status_code == 200
        wait_until(lambda: "the worker failed and continues" in server.output)
        own_cluster.start()
        heals(server, caller, later)


def test_while_the_databases_hang_rings_are_neutral_and_deliveries_kept(own_cluster: Cluster, tmp_path: Path) -> None:
    with Server(tmp_path, **own_cluster.databases()) as server:
        caller, later = new_number(), call_of_maya(new_number(), "No, thank you.")
        server.deliver(call_of_maya(caller, "Yes please."))
        own_cluster.hang()
        try:
            for _ in range(8):
                assert seconds_of(lambda: server.ring(caller)) < 1.5
            assert seconds_of(lambda: server.post_call(later)) < 1.5
            transcription_path = server.payloads / later["data"]["conversation_id"]
            assert list(transcription_path.glob("*_transcription.json"))
        finally:
            own_cluster.go_on()
        heals(server, caller, later)


def test_when_the_primary_dies_the_server_goes_on_with_the_standby(own_cluster: Cluster, tmp_path: Path) -> None:
    databases = own_cluster.databases()
    with Cluster(primary=own_cluster) as standby:
        port = f":{own_cluster.port}/"
        both = {name: url.replace(port, f"{port[:-1]},127.0.0.1:{standby.port}/") for name, url in databases.items()}
        with Server(tmp_path, **both) as server:
            caller, later = new_number(), call_of_maya(new_number(), "No, thank you.")
            server.deliver(call_of_maya(caller, "Yes please."))
            replayed = "SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn"
            position = execute(f"{own_cluster.url}/postgres", "SELECT pg_current_wal_lsn()")[0][0]
            wait_until(lambda: execute(f"{standby.url}/postgres", replayed, position) == [(True,)])
            own_cluster.kill()
            assert server.post_call(later).json()["status"] == "received"
            assert seconds_of(lambda: server.ring(caller)) < 1
            standby.promote()
            heals(server, caller, later)


def test_a_server_that_finds_no_database_when_it_starts_says_so(own_cluster: Cluster, tmp_path: Path) -> None:
    server = Server(tmp_path, **own_cluster.databases())
    own_cluster.stop()
    reported = server.manage("serve")
    server.client.close()
    assert reported.returncode == 1
    assert "INDEX_DATABASE_URL: the database does not answer" in reported.stderr
    assert "Traceback" not in reported.stderr


# Several machines


class Machine:
    """A process that takes a lock, with a payload folder of its own."""

    def __init__(self, server: Server, folder: Path, *lock: str) -> None:
        environment = server.environment | {"PAYLOAD_STORAGE_PATH": str(folder)}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.harness.locking", *lock],
            cwd=ROOT, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    def says(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def confirms(self) -> str:
        assert self.process.stdin
        self.process.stdin.write("confirm\n")
        self.process.stdin.flush()
        return self.says()

    def let_go(self) -> None:
        if self.process.stdin and not self.process.stdin.closed:
            self.process.stdin.close()
        self.process.wait(10)
        if self.process.stdout:
            self.process.stdout.close()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def machine(server: Server, tmp_path: Path) -> Iterator[Callable[..., Machine]]:
    """Starts a machine that takes this lock, in the named folder of the test."""
    with ExitStack() as stack:

        def start(folder: str, *lock: str) -> Machine:
            started = Machine(server, tmp_path / folder, *lock)
            stack.callback(started.let_go)
            return started

        yield start


@pytest.mark.parametrize("lock", [("caller", "+14155550100"), ("backfill",)])
def test_a_lock_that_another_machine_holds_is_busy_until_it_is_let_go(
    machine: Callable[..., Machine], lock: tuple[str, ...]
) -> None:
    first = machine("a", *lock)
    assert first.says() == "held"
    assert machine("b", *lock).says() == "busy"
    first.let_go()
    assert machine("b", *lock).says() == "held"


def test_another_caller_is_not_busy(machine: Callable[..., Machine]) -> None:
    assert machine("a", "caller", "+14155550100").says() == "held"
    assert machine("b", "caller", "+14155550101").says() == "held"


def test_the_free_ones_of_many_callers_are_locked_on_one_connection(
    machine: Callable[..., Machine], server: Server
) -> None:
    callers = [f"+1415555{number:04}" for number in range(200, 220)]
    holder = machine("a", "caller", callers[0])
    assert holder.says() == "held"
    second = machine("b", "free-callers", *callers)
    assert second.says().split() == callers[1:]
    index = server.environment["INDEX_DATABASE_URL"]
    locking = "SELECT count(DISTINCT pid) FROM pg_locks WHERE locktype = 'advisory'"
    of_index = "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    assert execute(index, f"{locking} {of_index}") == [(2,)]
    assert machine("c", "caller", callers[1]).says() == "busy"
    second.let_go()
    assert machine("c", "caller", callers[1]).says() == "held"


def test_whoever_waits_gets_the_lock_when_its_holder_is_killed(machine: Callable[..., Machine], server: Server) -> None:
    holder = machine("a", "caller", "+14155550102")
    assert holder.says() == "held"
    waiting = machine("b", "waiting-caller", "+14155550102")
    index = server.environment["INDEX_DATABASE_URL"]
    wait_until(lambda: execute(index, "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"))
    holder.kill()
    assert waiting.says() == "held"


def test_a_holder_notices_that_its_connection_was_lost(machine: Callable[..., Machine], server: Server) -> None:
    holder = machine("a", "caller", "+14155550103")
    assert (holder.says(), holder.confirms()) == ("held", "held")
    drop_locks(server.environment["INDEX_DATABASE_URL"])
    assert holder.confirms() == "lost"
    assert machine("b", "caller", "+14155550103").says() == "held"


def drop_locks(index: str) -> None:
    locks = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
    assert execute(index, f"{locks} AND database = (SELECT oid FROM pg_database WHERE datname = current_database())")


@pytest.fixture
def two_machines(cluster: Cluster, tmp_path: Path) -> Iterator[tuple[Server, Server]]:
    """Started at the same time on empty databases and an empty volume."""
    shared = {"SECRET_KEY": "the-same-on-every-machine" * 2, "PAYLOAD_STORAGE_PATH": str(tmp_path / "payloads")}
    environment = cluster.databases() | LOGIN | shared
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    machines = Server(tmp_path / "a", **environment), Server(tmp_path / "b", **environment)
    with ThreadPoolExecutor(2) as pool, ExitStack() as stack:
        for machine in machines:
            machine.payloads = tmp_path / "payloads"
            stack.push(machine)
        list(pool.map(Server.start, machines))
        yield machines


def test_one_machine_knows_who_called_the_other(two_machines: tuple[Server, Server]) -> None:
    first, second = two_machines
    caller = new_number()
    first.deliver(call_of_maya(caller, "Yes please."))
    assert greeting(second.ring(caller)) == GREETING


def test_calls_of_one_caller_on_two_machines_are_each_remembered_once(two_machines: tuple[Server, Server]) -> None:
    caller = new_number()
    calls = [call_of_maya(caller, f"Sentence {number}.") for number in range(20)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: two_machines[number % 2].post_call(calls[number]), range(len(calls))))
    for call in calls:
        two_machines[0].wait_for_receipt(call["data"]["conversation_id"])
    assert two_machines[1].ring(caller)["dynamic_variables"]["call_count"] == "20"
    memory = two_machines[0].environment["OPENMEMORY_DB_PATH"]
    kept = "SELECT count(*) FILTER (WHERE content LIKE 'Sentence %%'), count(*) FROM memory WHERE user_id = %s"
    assert execute(memory, kept, caller) == [(20, 20 * 4 + 1)]
