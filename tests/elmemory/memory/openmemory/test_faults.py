"""What our clients do when an OpenMemory server, or what stands in its place, does not keep its word."""

import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from elmemory.memory.card import FEW, read_card, write_card
from elmemory.memory.openmemory import OpenMemoryError, OpenMemoryMisconfigured, Summary
from elmemory.memory.openmemory import sdk as sdk_store
from elmemory.memory.openmemory.factory import server_url
from elmemory.memory.openmemory.remote import connection as remote_connection
from elmemory.memory.openmemory.remote import store as remote_store
from elmemory.memory.openmemory.remote.connection import Connection
from elmemory.memory.openmemory.remote.store import RemoteOpenMemory
from elmemory.memory.records import Entry
from tests.harness.openmemory_servers import Stub, client_of, new_caller, sdk_is_installed, stub_server, stub_store

CALLER = new_caller()
OTHER = new_caller()
OF_A_CALL = {"conversation_id": "conv_1"}
TENANT_MISMATCH = (403, {"error": "tenant_mismatch", "message": "user_id does not match authenticated tenant"})


@pytest.fixture
def served() -> Iterator[tuple[Stub, str]]:
    with stub_server() as served:
        yield served


@pytest.fixture
def stub(served: tuple[Stub, str]) -> Stub:
    return served[0]


@pytest.fixture(params=["remote", "sdk"])
def store(request: pytest.FixtureRequest, served: tuple[Stub, str]) -> Iterator[RemoteOpenMemory]:
    if request.param == "sdk" and not sdk_is_installed():
        pytest.skip("openmemory-py 1.0.x is not installed")
    client = client_of(request.param, served[1])
    yield client
    client.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (remote_store, sdk_store):
        for limit in ("NEWEST_SECONDS", "ALL_SECONDS", "WRITE_SECONDS", "FORGET_SECONDS", "PING_SECONDS"):
            if hasattr(module, limit):
                monkeypatch.setattr(module, limit, 0.2)


@pytest.fixture
def idle_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every connection that is not in use has been idle for too long."""
    monkeypatch.setattr(remote_connection, "IDLE_SECONDS", 0)


def contents(store: RemoteOpenMemory) -> list[str]:
    return [memory.content for memory in store.memories(CALLER)]


# Writing


def test_forty_memories_cost_one_reading_and_two_requests_each(store: RemoteOpenMemory, stub: Stub) -> None:
    store.put_all(CALLER, [Entry(f"message:{number}", f"Number {number}") for number in range(40)])

    assert len(stub.asked("GET")) == 1
    assert len(stub.asked("POST")) == len(stub.asked("PATCH")) == 40


def test_what_a_caller_said_never_goes_where_it_is_compared(store: RemoteOpenMemory, stub: Stub) -> None:
    store.put(CALLER, "k", "My dog is called Biscuit.")

    (added,) = stub.asked("POST", "/memory/add")
    assert "Biscuit" not in str(added.body)


def test_another_callers_memory_is_never_patched(store: RemoteOpenMemory, stub: Stub) -> None:
    others = stub.row(OTHER, "Yes please.")
    answers = iter([True, True, False])
    stub.collides = lambda _: next(answers)

    store.put(CALLER, "k", "Yes please.")

    assert [patch.path.endswith(others["id"]) for patch in stub.asked("PATCH")] == [False]
    assert others in stub.of(OTHER)
    assert contents(store) == ["Yes please."]


def test_a_server_that_takes_everything_for_known_is_given_up(store: RemoteOpenMemory, stub: Stub) -> None:
    stub.row(OTHER, "Yes please.")
    stub.collides = lambda _: True

    with pytest.raises(OpenMemoryError, match="for one that it has"):
        store.put(CALLER, "k", "Yes please.")

    assert not stub.asked("PATCH")


def test_nothing_is_lost_among_sixty_thousand_rows_when_every_eighth_nonce_collides(
    store: RemoteOpenMemory, stub: Stub
) -> None:
    for number in range(60_000):
        stub.row(OTHER, f"Number {number}")
    stub.collides = lambda content: content[0] in "01"

    store.put_all(CALLER, [Entry(f"message:{number}", f"Number {number}") for number in range(100)])

    assert contents(store) == [f"Number {number}" for number in reversed(range(100))]
    assert len(stub.of(OTHER)) == 60_000


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("fault", ["commit, hang", "commit, close"])
def test_an_addition_that_was_not_answered_is_finished_by_the_next_run(
    store: RemoteOpenMemory, stub: Stub, fault: str
) -> None:
    stub.faults = {("POST", "/memory/add"): fault}
    with pytest.raises(OpenMemoryError):
        store.put(CALLER, "k", "My dog is called Biscuit.", metadata=OF_A_CALL)
    assert contents(store) == []
    left = stub.of(CALLER)

    stub.faults = {}
    put = store.put(CALLER, "k", "My dog is called Biscuit.", metadata=OF_A_CALL)

    assert put.outcome == "added"
    assert put.id in [row["id"] for row in left]
    assert contents(store) == ["My dog is called Biscuit."]
    assert len(stub.of(CALLER)) == 1


@pytest.mark.parametrize("fault", ["drop reused", "commit, drop reused"])
def test_an_addition_is_never_sent_twice(store: RemoteOpenMemory, stub: Stub, fault: str) -> None:
    store.put(CALLER, "first", "My name is Maya.")
    stub.seen.clear()
    stub.faults = {("POST", "/memory/add"): fault}

    with pytest.raises(OpenMemoryError, match="closed the connection"):
        store.put(CALLER, "k", "My dog is called Biscuit.", metadata=OF_A_CALL)

    assert len(stub.asked("POST", "/memory/add")) == 1


def test_an_addition_whose_connection_was_dropped_is_finished_by_the_next_run(
    store: RemoteOpenMemory, stub: Stub
) -> None:
    store.put(CALLER, "first", "My name is Maya.")
    stub.faults = {("POST", "/memory/add"): "commit, drop reused"}
    with pytest.raises(OpenMemoryError):
        store.put(CALLER, "k", "My dog is called Biscuit.", metadata=OF_A_CALL)

    stub.faults = {}
    store.put(CALLER, "k", "My dog is called Biscuit.", metadata=OF_A_CALL)

    assert sorted(row["metadata"]["key"] for row in stub.of(CALLER)) == ["first", "k"]


def test_a_nonce_of_no_conversation_is_cleared_away_by_the_next_run_without_one(
    store: RemoteOpenMemory, stub: Stub
) -> None:
    left = stub.row(CALLER, "0123456789abcdef", {"unfinished_key": "correction:city", "conversation_id": None})

    store.put(CALLER, "card:2", "They have called once before.")

    assert left not in stub.rows


@pytest.mark.usefixtures("impatient")
def test_a_change_that_was_not_answered_is_found_made_by_the_next_run(store: RemoteOpenMemory, stub: Stub) -> None:
    stub.faults = {("PATCH", "/memory/"): "commit, hang"}
    with pytest.raises(OpenMemoryError, match="did not answer within"):
        store.put(CALLER, "k", "My dog is called Biscuit.")

    stub.faults = {}

    assert store.put(CALLER, "k", "My dog is called Biscuit.").outcome == "unchanged"
    assert len(stub.of(CALLER)) == 1


def test_an_addition_that_lands_late_is_not_shown_and_cleared_away_by_the_next_run(
    store: RemoteOpenMemory, stub: Stub
) -> None:
    first = store.put(CALLER, "k", "My dog is called Biscuit.", metadata=OF_A_CALL)
    nonce = stub.row(CALLER, "0123456789abcdef", {"unfinished_key": "k", **OF_A_CALL})
    gone_key = stub.row(CALLER, "fedcba9876543210", {"unfinished_key": "gone", **OF_A_CALL})
    assert contents(store) == ["My dog is called Biscuit."]

    again = store.put(CALLER, "k", "My dog is called Biscuit.", metadata=OF_A_CALL)

    assert (again.id, again.outcome) == (first.id, "unchanged")
    assert nonce not in stub.rows
    assert gone_key not in stub.rows


def test_a_nonce_of_another_conversation_is_left_to_its_own_run(store: RemoteOpenMemory, stub: Stub) -> None:
    others = stub.row(CALLER, "0123456789abcdef", {"unfinished_key": "x", "conversation_id": "conv_2"})

    store.put(CALLER, "k", "My dog is called Biscuit.", metadata=OF_A_CALL)

    assert others in stub.rows
    assert contents(store) == ["My dog is called Biscuit."]


def test_of_two_rows_with_one_key_readers_see_the_later_and_the_next_run_removes_the_other(
    store: RemoteOpenMemory, stub: Stub
) -> None:
    older = stub.row(CALLER, "City: Duluth", {"key": "k"})
    newer = stub.row(CALLER, "City: St Paul", {"key": "k"})
    assert contents(store) == ["City: St Paul"]

    store.put(CALLER, "k", "City: St Paul", metadata={})

    assert older not in stub.rows
    assert [row["id"] for row in stub.of(CALLER)] == [newer["id"]]


def test_a_row_that_is_deleted_while_it_is_written_is_written_anew(
    store: RemoteOpenMemory, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    patches: list[str] = []
    patch = RemoteOpenMemory._patch

    def losing(self: RemoteOpenMemory, memory_id: str, wanted: Any) -> bool:
        patches.append(memory_id)
        if len(patches) == 1:
            stub.rows.clear()
        return patch(self, memory_id, wanted)

    monkeypatch.setattr(RemoteOpenMemory, "_patch", losing)

    store.put(CALLER, "k", "City: Duluth")

    assert contents(store) == ["City: Duluth"]
    assert len(patches) == 2


# Reading


def test_the_ring_costs_one_request(store: RemoteOpenMemory, stub: Stub) -> None:
    store.put(CALLER, "fact:c:name", "First name: Maya", metadata={"kind": "fact", "field": "name", "value": "Maya"})
    write_card(store, CALLER)
    stub.seen.clear()

    card = read_card(store, CALLER)

    assert card is not None
    assert card.user_name == "Maya"
    assert [(seen.method, seen.query) for seen in stub.seen] == [("GET", {"l": str(FEW), "u": "0"})]


def test_a_hundred_nonces_do_not_hide_the_memories_behind_them(store: RemoteOpenMemory, stub: Stub) -> None:
    for number in range(150):
        store.put(CALLER, f"message:{number}", f"Number {number}") if number < 3 else stub.row(
            CALLER, f"{number:032x}", {"unfinished_key": f"x:{number}"}
        )

    assert [memory.content for memory in store.memories(CALLER, 2)] == ["Number 2", "Number 1"]


def test_rows_of_others_are_dropped(store: RemoteOpenMemory, stub: Stub) -> None:
    own, others = stub.row(CALLER, "City: Duluth"), stub.row(OTHER, "City: St Paul")
    stub.faults = {("GET", "/users/"): (200, {"user_id": CALLER, "items": [own, others]})}

    assert contents(store) == ["City: Duluth"]


def test_an_answer_about_somebody_else_is_refused(store: RemoteOpenMemory, stub: Stub) -> None:
    stub.faults = {("GET", "/users/"): (200, {"user_id": OTHER, "items": [stub.row(OTHER, "City: St Paul")]})}

    with pytest.raises(OpenMemoryError, match="another user's"):
        store.memories(CALLER)


def test_memories_that_are_unchanged_are_not_parsed(
    store: RemoteOpenMemory, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub.row(CALLER, "City: Duluth")
    token, _ = store.memories_since(CALLER, None)
    with monkeypatch.context() as patched:
        patched.setattr(remote_store, "page_of", None)
        assert store.memories_since(CALLER, token) == (token, None)
    stub.row(CALLER, "City: St Paul")
    _, memories = store.memories_since(CALLER, token)
    assert [memory.content for memory in memories or []] == ["City: St Paul", "City: Duluth"]


def test_a_fault_is_not_taken_for_unchanged_memories(store: RemoteOpenMemory, stub: Stub) -> None:
    stub.faults = {("GET", "/users/"): (500, {"err": "internal"})}
    with pytest.raises(OpenMemoryError):
        store.memories_since(CALLER, None)


def test_the_servers_search_adds_only_what_is_the_callers(store: RemoteOpenMemory, stub: Stub) -> None:
    stub.row(OTHER, "My dog is called Rex.")
    own = stub.row(CALLER, "He is a terrier.")

    matches = store.query(CALLER, "dog")

    assert [(match.memory.id, match.score) for match in matches] == [(own["id"], 0.0)]


def test_a_search_does_without_the_servers_where_that_fails(store: RemoteOpenMemory, stub: Stub) -> None:
    stub.row(CALLER, "My dog is called Biscuit.")
    stub.faults = {("POST", "/memory/query"): (500, {"err": "internal"})}

    assert [match.memory.content for match in store.query(CALLER, "dog")] == ["My dog is called Biscuit."]


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        ("User profile initializing...", ""),
        ("User profile initializing... (No memories recorded yet)", ""),
        ("Active in Unknown Project using General. Focused on various files. (5 memories, 0 saves). ", ""),
        ("A regular who prefers mornings.", "A regular who prefers mornings."),
    ],
)
def test_the_servers_summary_counts_where_it_says_something(
    store: RemoteOpenMemory, stub: Stub, said: str, heard: str
) -> None:
    stub.faults = {("GET", "/users/"): (200, {"user_id": CALLER, "summary": said, "updated_at": 1_795_341_150_172})}

    assert store.summary(CALLER) == Summary(heard, 1_795_341_150_172 if heard else 0)


def test_a_summary_is_made_again_for_this_user_alone(store: RemoteOpenMemory, stub: Stub) -> None:
    stub.faults = {("POST", "/users/"): (200, {"ok": True})}
    store.summary(CALLER, regenerate=True)

    assert stub.seen[0].user_id == CALLER


def test_weights_in_the_metadata_win_over_the_servers(store: RemoteOpenMemory, stub: Stub) -> None:
    stub.row(CALLER, "City: Duluth", {"salience": 0.9, "decay_lambda": 0})
    stub.row(CALLER, "City: St Paul")

    weights = [(memory.salience, memory.decay_lambda) for memory in store.memories(CALLER)]

    assert weights == [(0.4, 0.015), (0.9, 0.0)]


# Deleting


def test_forgetting_goes_on_until_nothing_is_left(store: RemoteOpenMemory, stub: Stub) -> None:
    for number in range(10):
        stub.row(CALLER, f"Number {number}")
    stub.most_deleted = 3

    assert store.forget(CALLER) == 10

    assert not stub.of(CALLER)


@pytest.mark.usefixtures("impatient")
def test_forgetting_outlives_a_request_that_is_cut_short(store: RemoteOpenMemory, stub: Stub) -> None:
    for number in range(10):
        stub.row(CALLER, f"Number {number}")
    stub.faults = {("DELETE", "/users/"): "commit, close"}

    assert store.forget(CALLER) == 10


def test_forgetting_that_gets_nowhere_is_an_error(store: RemoteOpenMemory, stub: Stub) -> None:
    stub.row(CALLER, "City: Duluth")
    stub.most_deleted = 0

    with pytest.raises(OpenMemoryError, match="still holds 1"):
        store.forget(CALLER)


def test_every_request_says_whose_it_is(store: RemoteOpenMemory, stub: Stub) -> None:
    put = store.put(CALLER, "k", "City: Duluth")
    store.put(CALLER, "k", "City: St Paul")
    store.query(CALLER, "anything")
    store.summary(CALLER)
    store.delete(CALLER, put.id)
    store.forget(CALLER)

    assert {seen.user_id for seen in stub.seen} == {CALLER}


@pytest.mark.parametrize("user_id", ["", " "])
def test_nothing_is_sent_for_nobody(store: RemoteOpenMemory, stub: Stub, user_id: str) -> None:
    asked: list[Callable[[], object]] = [
        lambda: store.put(user_id, "k", "text"),
        lambda: store.memories(user_id),
        lambda: store.delete(user_id, "id"),
        lambda: store.forget(user_id),
        lambda: store.summary(user_id),
        lambda: store.query(user_id, "text"),
    ]
    for ask in asked:
        with pytest.raises(ValueError, match="user id"):
            ask()

    assert stub.seen == []


# Faults

ASKED: dict[str, Callable[[RemoteOpenMemory], object]] = {
    "put": lambda store: store.put(CALLER, "k", "City: Duluth"),
    "memories": lambda store: store.memories(CALLER),
    "newest memories": lambda store: store.memories(CALLER, 100),
    "delete": lambda store: store.delete(CALLER, "id"),
    "summary": lambda store: store.summary(CALLER),
}
EVERYTHING = [(method, "/") for method in ("GET", "POST", "PATCH", "DELETE")]


@pytest.fixture(params=ASKED)
def ask(request: pytest.FixtureRequest) -> Callable[[RemoteOpenMemory], object]:
    return ASKED[request.param]


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("fault", [(500, {"err": "internal"}), (502, "<html>"), (429, {}), "half", "hang", "close"])
def test_a_server_in_trouble_is_asked_again_later(
    store: RemoteOpenMemory, stub: Stub, ask: Callable[[RemoteOpenMemory], object], fault: Any
) -> None:
    stub.faults = dict.fromkeys(EVERYTHING, fault)

    with pytest.raises(OpenMemoryError) as raised:
        ask(store)

    assert not isinstance(raised.value, OpenMemoryMisconfigured)
    assert CALLER not in str(raised.value)


@pytest.mark.parametrize(
    ("fault", "remedy"),
    [
        ((401, {"error": "authentication_required"}), "set OPENMEMORY_KEY"),
        ((403, {"error": "invalid_api_key"}), "refuses OPENMEMORY_KEY"),
        (TENANT_MISMATCH, "run v1.2.3"),
        ((200, "<html>Welcome</html>"), "correct OPENMEMORY_PORT"),
        ((200, '{"items": [{'), "correct OPENMEMORY_PORT"),
        ((404, "404: Not Found"), "correct OPENMEMORY_PORT"),
        ((302, ""), "redirects, which is not followed: correct OPENMEMORY_PORT"),
    ],
)
def test_a_server_that_cannot_serve_us_says_what_to_change(
    store: RemoteOpenMemory, stub: Stub, ask: Callable[[RemoteOpenMemory], object], fault: Any, remedy: str
) -> None:
    stub.faults = dict.fromkeys(EVERYTHING, fault)

    with pytest.raises(OpenMemoryMisconfigured, match=remedy):
        ask(store)


@pytest.mark.parametrize("items", [None, "none", [{}], [{"id": "x"}], [{"id": "x", "content": "y", "metadata": 5}]])
def test_memories_in_another_shape_are_no_openmemorys(store: RemoteOpenMemory, stub: Stub, items: object) -> None:
    stub.faults = {("GET", "/users/"): (200, {"user_id": CALLER, "items": items})}

    with pytest.raises(OpenMemoryMisconfigured, match="no OpenMemory"):
        store.memories(CALLER)


def test_a_connection_dropped_while_idle_is_tried_once_more(store: RemoteOpenMemory, stub: Stub) -> None:
    stub.row(CALLER, "City: Duluth")
    assert contents(store) == ["City: Duluth"]
    stub.faults = {("GET", "/users/"): "drop reused"}

    assert contents(store) == ["City: Duluth"]

    assert len(stub.asked("GET")) == 3


def test_an_addition_does_not_go_over_a_connection_that_the_server_has_closed(served: tuple[Stub, str]) -> None:
    stub, url = served
    connection = Connection(url)
    connection.call("GET", "/health", seconds=5)
    stub.connections[0].shutdown(socket.SHUT_RDWR)
    addition = {"content": "0123456789abcdef", "tags": [], "metadata": {}, "user_id": CALLER}

    answer = connection.call("POST", "/memory/add", seconds=5, body=addition)

    assert answer is not None
    assert len(stub.asked("POST")) == 1
    assert len(stub.connections) == 2
    connection.close()


@pytest.mark.usefixtures("idle_for_long")
def test_nothing_goes_over_a_connection_that_was_idle_for_long(store: RemoteOpenMemory, stub: Stub) -> None:
    store.put(CALLER, "first", "My name is Maya.")
    stub.faults = dict.fromkeys(EVERYTHING, "drop reused")

    store.put(CALLER, "k", "My dog is called Biscuit.")

    assert len(stub.of(CALLER)) == 2
    assert len(stub.asked("POST")) == 2


def test_a_connection_just_opened_and_closed_is_not_tried_again(store: RemoteOpenMemory, stub: Stub) -> None:
    stub.faults = {("GET", "/users/"): "close"}

    with pytest.raises(OpenMemoryError, match="closed the connection"):
        store.memories(CALLER)

    assert len(stub.asked("GET")) == 1


# Health


def test_a_server_that_works_is_reported_with_its_version(store: RemoteOpenMemory) -> None:
    assert store.ping() == (store.mode, True, "OpenMemory stub")


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("faults", "remedy"),
    [
        ({("GET", "/users/"): (401, {"error": "authentication_required"})}, "set OPENMEMORY_KEY"),
        ({("GET", "/users/"): (403, {"error": "invalid_api_key"})}, "refuses OPENMEMORY_KEY"),
        ({("GET", "/users/"): TENANT_MISMATCH}, "one single user"),
        ({("GET", "/health"): (200, {"status": "up"})}, "no OpenMemory server"),
        ({("GET", "/health"): (200, "<html>")}, "no OpenMemory server"),
        ({("GET", "/health"): (200, {"ok": False, "version": "1"})}, "not well"),
        ({("GET", "/health"): (500, "")}, "answered 500"),
        ({("GET", "/health"): "hang"}, "did not answer within"),
    ],
)
def test_a_fault_is_reported_in_one_sentence(
    store: RemoteOpenMemory, stub: Stub, faults: dict[tuple[str, str], Any], remedy: str
) -> None:
    stub.faults = faults

    health = store.ping()

    assert not health.ok
    assert remedy in health.detail


@pytest.mark.parametrize("kind", ["remote", "sdk"])
def test_a_server_that_does_not_answer_is_reported(kind: str) -> None:
    if kind == "sdk" and not sdk_is_installed():
        pytest.skip("openmemory-py 1.0.x is not installed")
    with stub_server() as (_, url):
        pass
    store = client_of(kind, url)

    assert "start the OpenMemory server" in store.ping().detail
    for ask in ASKED.values():
        with pytest.raises(OpenMemoryError, match="nothing answers"):
            ask(store)
    store.close()


# Settings


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("8080", "http://127.0.0.1:8080"),
        ("http://127.0.0.1:8080/", "http://127.0.0.1:8080"),
        ("https://memory.example.com/open", "https://memory.example.com/open"),
    ],
)
def test_a_server_is_named_by_its_port_or_its_url(given: str, url: str) -> None:
    assert server_url(given) == url


@pytest.mark.parametrize(
    "given",
    ["0", "70000", "8o80", "localhost:8080", "ftp://x", "http://", "http://x:y", "http://a:b@x", "http://x/?k=1"],
)
def test_anything_else_is_refused(given: str) -> None:
    with pytest.raises(OpenMemoryMisconfigured, match="OPENMEMORY_PORT"):
        server_url(given)


def test_a_key_that_would_kill_the_server_is_not_sent() -> None:
    with pytest.raises(OpenMemoryMisconfigured, match="ASCII"):
        RemoteOpenMemory("http://127.0.0.1:8080", "schlüssel")


def test_a_server_that_repeats_its_pages_cannot_list_its_users(monkeypatch: pytest.MonkeyPatch) -> None:
    stub = Stub()
    for number in range(1000):
        stub.row(f"+1415555{number:04}", "Hello.")
    store, answer = stub_store(stub), stub.answer
    assert len(store.users() or ()) == 1000
    monkeypatch.setattr(stub, "answer", lambda seen: answer(seen._replace(query={**seen.query, "u": "0"})))
    assert store.users() is None
