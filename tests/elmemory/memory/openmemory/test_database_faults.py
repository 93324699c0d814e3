"""Errors of databases are reported without the names and values in the driver's text."""

import sqlite3
from pathlib import Path

import pytest
from django.db import OperationalError

from elmemory.memory.openmemory.database_faults import summary
from tests.harness.server import Server, free_port

HOST, USER, DATABASE = "db7.internal.example.com", "maya_okafor", "callers_of_ours"


def error(text: str, sqlstate: str | None = None) -> OperationalError:
    cause = Exception(text)
    cause.sqlstate = sqlstate  # type: ignore[attr-defined]
    found = OperationalError(text)
    found.__cause__ = cause
    return found


@pytest.mark.parametrize(
    ("text", "sqlstate", "reason"),
    [
        (
            f'connection to server at "{HOST}" (192.0.2.7), port 5432 failed: Connection refused',
            None,
            "connection refused",
        ),
        (f'FATAL:  password authentication failed for user "{USER}"', "28P01", "28P01, password authentication failed"),
        (f'FATAL:  database "{DATABASE}" does not exist', "3D000", "3D000, does not exist"),
        (f"failed to resolve host '{HOST}': [Errno -2] Name or service not known", None, "failed to resolve host"),
    ],
)
def test_the_reason_is_reported_without_names(text: str, sqlstate: str | None, reason: str) -> None:
    assert summary(error(text, sqlstate)) == f"OperationalError ({reason})"


def test_an_unknown_text_is_left_out() -> None:
    assert summary(error(f"Key (user_id)=(+14155550100) of {USER} is odd")) == "OperationalError"


def test_sqlites_message_holds_no_values_and_is_kept() -> None:
    found = OperationalError("database is locked")
    found.__cause__ = sqlite3.OperationalError("database is locked")
    assert summary(found) == "OperationalError (database is locked)"


def test_serve_names_the_setting_of_a_database_that_does_not_answer(tmp_path: Path) -> None:
    pytest.importorskip("psycopg")
    server = Server(tmp_path)
    server.client.close()
    url = f"postgres://{USER}:a-password@127.0.0.1:{free_port()}/{DATABASE}?connect_timeout=1"
    done = server.manage("serve", DATABASE_URL=url)
    assert done.returncode == 1
    assert "DATABASE_URL: the database does not answer: OperationalError (connection refused)" in done.stderr
    for part in (USER, DATABASE, "a-password", "127.0.0.1", "Traceback"):
        assert part not in done.stdout + done.stderr
