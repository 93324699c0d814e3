"""Commands that work on data stop where the server would not start."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.management import get_commands, load_command_class

from elmemory.audit import roles
from elmemory.environment.startup import CheckedCommand
from tests.harness.server import ROOT, Server

MARK = "zq7vault"

# The doctor reports the checks; the others send requests to ElevenLabs or to a server, and keep no data.
WITHOUT_DATA = {"doctor", "provision", "simulate", "tunnel"}
OURS = {
    name: app
    for name, app in get_commands().items()
    if str(app).startswith(("elmemory", "conversations", "webhooks")) and name not in WITHOUT_DATA
}


@pytest.mark.parametrize("name", OURS)
def test_every_command_that_works_on_data_runs_the_checks(name: str) -> None:
    assert isinstance(load_command_class(OURS[name], name), CheckedCommand)


@pytest.mark.parametrize("command", ["worker", "reprocess --all --dry-run"])
def test_a_command_does_not_run_with_faults_and_reports_them(tmp_path: Path, command: str) -> None:
    done = Server(tmp_path).manage(
        *command.split(), OPENMEMORY_PORT="http://memory.example.com", OPENMEMORY_KEY="k" * 20
    )
    assert done.returncode == 1
    assert "OPENMEMORY_PORT: with http:// callers' data cross the network in the clear." in done.stderr
    assert "to correct first" in done.stderr


def test_a_command_warns_of_loose_modes_and_runs(tmp_path: Path) -> None:
    server = Server(tmp_path)
    server.payloads.mkdir()
    os.chmod(server.payloads, 0o755)  # noqa: PTH101, S103
    done = server.manage("reindex")
    assert done.returncode == 0, done.stderr
    assert "chmod" in done.stderr


@pytest.mark.django_db
def test_an_upgraded_database_gets_the_present_texts_and_permissions() -> None:
    texts = dict(Permission.objects.values_list("codename", "name"))
    by_hand = Permission.objects.get(codename="export_entry")
    Group.objects.get(name="viewer").permissions.add(by_hand)
    assert not roles.is_behind("default")
    Permission.objects.filter(codename="run_doctor").update(name="Can have this server and its agents examined")
    Permission.objects.filter(codename="view_caller").update(name="Can view somebody")

    assert roles.is_behind("default")
    roles.make_roles("default")

    assert not roles.is_behind("default")
    assert dict(Permission.objects.values_list("codename", "name")) == texts
    assert by_hand in Group.objects.get(name="viewer").permissions.all()


def test_the_server_updates_the_texts_where_no_migration_is_due(tmp_path: Path) -> None:
    with Server(tmp_path, "--no-worker") as server, closing(sqlite3.connect(tmp_path / "default.sqlite3")) as database:
        database.execute("UPDATE auth_permission SET name = 'Can do it' WHERE codename = 'run_doctor'")
        database.commit()
        server.stop()
        server.start()
        (name,) = database.execute("SELECT name FROM auth_permission WHERE codename = 'run_doctor'").fetchone()
        assert name == "Can run the doctor"


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        (["simulate", "--url", "ftp://memory.example.com"], "--url is no http"),
        (["simulate", "--url", "memory.example.com"], "--url is no http"),
        (["move_memories", "--to", "ftp://memory.example.com", "--yes"], "--to is no URL of a server"),
    ],
)
def test_an_address_that_cannot_be_right_is_reported_in_one_line(
    tmp_path: Path, command: list[str], problem: str
) -> None:
    done = Server(tmp_path).manage(*command, OPENMEMORY_KEY="key-of-this-test")
    assert done.returncode == 1
    assert f"CommandError: {problem}" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["worker --once", "reindex", "serve --no-worker", "openmemory", "migrate"])
def test_a_database_that_does_not_answer_is_reported_in_one_line(tmp_path: Path, command: str) -> None:
    nobody_listens = {
        name: f"postgres://user:{MARK}@127.0.0.1:1/{name.lower()}"
        for name in ("DATABASE_URL", "INDEX_DATABASE_URL", "OPENMEMORY_DB_PATH")
    }
    done = Server(tmp_path).manage(*command.split(), OPENMEMORY_KEY="key-of-this-test", **nobody_listens)
    assert done.returncode == 1
    assert "OperationalError (connection refused)" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert MARK not in done.stderr + done.stdout


def test_a_disk_that_fails_is_reported_in_one_line_with_the_file(tmp_path: Path) -> None:
    server = Server(tmp_path)
    server.payloads.mkdir()
    (server.payloads / "_locks").write_text("")  # where a folder should be
    done = server.manage("serve", "--no-worker")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(f"CommandError: {server.payloads}/_locks")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("as_json", ["", "true"])
def test_a_traceback_is_shown_where_it_is_asked_for(tmp_path: Path, as_json: str) -> None:
    server = Server(tmp_path)
    server.payloads.mkdir()
    (server.payloads / "_locks").write_text("")  # where a folder should be
    done = server.manage("serve", "--no-worker", "--traceback", LOG_JSON=as_json)
    assert done.returncode == 1
    assert "_flock" in done.stderr


def test_a_reader_that_ends_early_is_no_fault(tmp_path: Path) -> None:
    server = Server(tmp_path)
    server.manage("migrate")
    with subprocess.Popen(
        [sys.executable, "manage.py", "audit", "export"], cwd=ROOT, env=server.environment, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as export:  # fmt: skip
        assert export.stdout
        assert export.stderr
        export.stdout.close()
        assert b"Traceback" not in export.stderr.read()
