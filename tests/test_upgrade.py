"""The present version on a folder of each earlier version, tests/data/earlier: four callers, decisions of staff, an
unreadable body, a deleted call, and a call that was not remembered yet."""

import json
import sqlite3
import tarfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.harness.samples import DATA, new_number, transcription
from tests.harness.server import Server, wait_until
from tests.harness.staff import logged_in

MAYA, NOAH, ERIN, LINE, OLGA = (f"+1415555010{number}" for number in range(1, 6))
STRANGER = "+14155550190"


EARLIER = sorted((DATA / "earlier").iterdir())


@pytest.fixture(scope="module", params=EARLIER, ids=lambda pack: pack.name.removesuffix(".tar.xz"))
def pack(request: pytest.FixtureRequest) -> Path:
    earlier: Path = request.param
    return earlier


@pytest.fixture(scope="module")
def upgraded(pack: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("earlier")
    with tarfile.open(pack) as archive:
        archive.extractall(folder, filter="data")
    key = "only-for-tests-0123456789-0123456789-0123456789-0123456789"
    with Server(folder, SECRET_KEY=key) as server:
        wait_until(lambda: server.client.get("/health").json()["queue"]["pending"] == 0)
        yield server


def variables(server: Server, caller: str) -> dict[str, str]:
    found: dict[str, str] = server.ring(caller)["dynamic_variables"]
    return found


def test_a_caller_is_known_with_the_correction_of_staff(upgraded: Server) -> None:
    maya = variables(upgraded, MAYA)
    assert (maya["user_name"], maya["call_count"]) == ("Maya", "2")
    assert "Oslo" in maya["user_profile_summary"]
    assert "Duluth" not in maya["user_profile_summary"]


def test_memories_are_found_except_the_one_that_staff_deleted(upgraded: Server) -> None:
    assert "Biscuit" in json.dumps(upgraded.search("What is the dog called?", MAYA))
    assert "violet" not in json.dumps(upgraded.search("What is the gate code?", MAYA))


@pytest.mark.parametrize("caller", [NOAH, ERIN])
def test_a_caller_who_was_opted_out_or_forgotten_is_a_stranger(upgraded: Server, caller: str) -> None:
    assert variables(upgraded, caller) == variables(upgraded, STRANGER)


def test_a_shared_line_has_no_name(upgraded: Server) -> None:
    assert variables(upgraded, LINE)["user_name"] == ""
    assert variables(upgraded, LINE)["call_count"] == "1"


def test_a_call_that_waited_is_remembered(upgraded: Server) -> None:
    assert upgraded.wait_for_receipt("conv_waiting")["caller"] == OLGA
    assert variables(upgraded, OLGA)["user_name"] == "Olga"


def test_a_deleted_call_stays_deleted_when_it_is_delivered_again(upgraded: Server) -> None:
    upgraded.post_call(transcription(OLGA, "Delete this call.", conversation_id="conv_deleted"))
    assert not (upgraded.payloads / "conv_deleted").exists()


def test_staff_log_in_and_see_the_calls(upgraded: Server) -> None:
    upgraded.has_staff = True
    with logged_in(upgraded) as browser:
        page = browser.get("/admin/conversations/conversation/").text
    assert page.count('name="_selected_action"') == 7


def test_processing_all_calls_again_undoes_no_decision(upgraded: Server) -> None:
    assert upgraded.manage("reprocess", "--all", "--yes").returncode == 0
    wait_until(lambda: upgraded.client.get("/health").json()["queue"]["pending"] == 0)
    test_a_caller_is_known_with_the_correction_of_staff(upgraded)
    test_memories_are_found_except_the_one_that_staff_deleted(upgraded)
    for caller in (NOAH, ERIN):
        test_a_caller_who_was_opted_out_or_forgotten_is_a_stranger(upgraded, caller)


def test_what_is_stored_is_verified(upgraded: Server) -> None:
    done = upgraded.manage("verify")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_bodies_are_as_they_were(upgraded: Server, pack: Path) -> None:
    with tarfile.open(pack) as archive:
        bodies = [
            name for name in archive.getnames() if name.endswith(("_transcription.json", ".mp3", "_failure.json"))
        ]
        bodies += [name for name in archive.getnames() if "_unreadable/" in name]
        for name in bodies:
            file = archive.extractfile(name)
            assert file
            assert (upgraded.folder / name).read_bytes() == file.read()
    assert len(bodies) == 9


def test_every_migration_is_applied(upgraded: Server) -> None:
    with closing(sqlite3.connect(upgraded.environment["DATABASE_URL"])) as database:
        [[applied]] = database.execute("SELECT count(*) FROM django_migrations WHERE app = 'audit'")
    assert applied > 1
    assert upgraded.manage("migrate", "--check").returncode == 0


def test_calls_that_arrive_beside_a_newer_version_are_remembered_after_the_next_start(tmp_path: Path) -> None:
    with Server(tmp_path) as server:
        with closing(sqlite3.connect(server.environment["INDEX_DATABASE_URL"])) as index:
            index.executescript("UPDATE index_schema SET version = 'other', release = '99.0'; DROP TABLE conversation")
        events = [transcription(new_number(), "Yes please.") for _ in range(20)]
        assert {server.post_call(event).status_code for event in events} == {200}
        wait_until(lambda: "the index is another version's: end this process" in server.output)
        server.stop()
        server.start()
        for event in events:
            server.wait_for_receipt(event["data"]["conversation_id"])
