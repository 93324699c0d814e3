"""Commands that change data, and the doctor, are recorded with the operating system's user."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx2
import pytest

from elmemory.audit.record import command_user
from tests.harness.samples import new_number, transcription
from tests.harness.server import NewServer, Server
from tests.harness.staff import logged_in

pytestmark = pytest.mark.sqlite


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with NewServer(tmp_path_factory.mktemp("audited")) as running:
        yield running


def entries(server: Server, username: str) -> list[tuple[str, str, str, str]]:
    with closing(sqlite3.connect(server.environment["DATABASE_URL"])) as database:
        query = "SELECT action, kind, object, detail FROM audit_entry WHERE username = ? ORDER BY id"
        return list(database.execute(query, [username]))


@pytest.mark.parametrize(
    ("arguments", "name", "detail"),
    [
        (("reprocess", "--all", "--yes", "--quiet"), "reprocess", "call"),
        (("reprocess", "--unreadable", "--quiet"), "reprocess --unreadable", ""),
        (("doctor",), "doctor", ""),
        (("audit", "export"), "audit export", ""),
        (("simulate", "--cleanup", "--url", "URL"), "simulate --cleanup", "its own calls and their memories"),
    ],
)
def test_a_command_is_recorded_with_the_user_of_the_system(
    audited: Server, arguments: tuple[str, ...], name: str, detail: str
) -> None:
    audited.deliver(transcription(new_number(), "Hi."))
    audited.manage(*(audited.url if argument == "URL" else argument for argument in arguments))
    found = {entry[2]: entry for entry in entries(audited, command_user()) if entry[:2] == ("run", "command")}
    assert detail in found[name][3]


def test_a_command_that_only_looks_is_not_recorded(audited: Server) -> None:
    before = len(entries(audited, command_user()))
    audited.manage("reprocess", "--all", "--dry-run")
    audited.manage("audit", "verify")
    assert len(entries(audited, command_user())) == before


def test_users_made_by_commands_are_recorded(audited: Server) -> None:
    names = "--username", "second", "--email", "second@example.com"
    audited.manage("createsuperuser", "--noinput", *names, DJANGO_SUPERUSER_PASSWORD="a passphrase 1")
    changed = [entry for entry in entries(audited, command_user()) if entry[:2] == ("change", "user")]
    assert changed[0][3] == "admin: created"  # at the first start
    assert changed[-1][3] == "second: created"


def test_a_command_that_cannot_be_recorded_runs_all_the_same(tmp_path: Path) -> None:
    server = Server(tmp_path)
    server.client.close()
    assert not Path(server.environment["DATABASE_URL"]).exists()
    output = server.manage("reprocess", "--all", "--yes", "--quiet")
    assert output.returncode == 0
    assert "a command was not recorded in the audit log" in output.stderr


def test_the_doctors_page_records_who_ran_it_and_only_that(audited: Server) -> None:
    before = len(entries(audited, command_user()))
    with logged_in(audited) as browser:
        run_doctor(browser)
    assert ("run", "doctor", "", "") in entries(audited, "staff")
    ours = [entry for entry in entries(audited, command_user())[before:] if entry[1] == "command"]
    assert ours == []


def run_doctor(browser: httpx2.Client) -> None:
    token = browser.cookies["csrftoken"]
    answer = browser.post(
        "/admin/doctor/", data={"csrfmiddlewaretoken": token}, headers={"referer": str(browser.base_url)}
    )
    assert answer.status_code == 200


def test_a_change_through_the_real_server_names_the_user_who_made_it(audited: Server) -> None:
    with logged_in(audited) as browser:
        form = {"name": "night shift", "csrfmiddlewaretoken": browser.cookies["csrftoken"]}
        browser.post("/admin/auth/group/add/", data=form, headers={"referer": audited.url})
    assert ("change", "role", "night shift: created") in [
        (action, kind, detail) for action, kind, _, detail in entries(audited, "staff")
    ]


def test_the_log_of_a_real_server_and_its_commands_verifies(audited: Server) -> None:
    output = audited.manage("audit", "verify")
    assert output.returncode == 0, output.stdout + output.stderr
    assert "; head " in output.stdout
    with closing(sqlite3.connect(audited.environment["DATABASE_URL"])) as database:
        database.execute("DROP TRIGGER audit_entry_no_delete")
        database.execute("DELETE FROM audit_entry WHERE id = (SELECT max(id) FROM audit_entry)")
        database.commit()
    output = audited.manage("audit", "verify")
    assert output.returncode == 1
    assert "the end of the log was removed" in output.stdout
    assert "the trigger audit_entry_no_delete is missing" in output.stdout
