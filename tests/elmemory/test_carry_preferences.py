"""`manage.py carry_preferences`: preferences that staff set survive a change of the store."""

import json
import shutil
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connections
from pytest_django.fixtures import Settings

from conversations.files.decisions import about
from conversations.index.schema import ensure_schema
from conversations.models import Conversation
from elmemory.management.commands import carry_preferences
from elmemory.memory import kinds
from elmemory.memory.openmemory.embedded.store import EmbeddedOpenMemory
from tests.harness.openmemory_servers import stub_server

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "memory", "index"])

MAYA, PEPE = "+14155550100", "+14155550101"
OPT_OUT = {"kind": "preference", "preference": "opt_out", "key": "preference:opt_out"}


@pytest.fixture(autouse=True)
def _payloads(tmp_path: Path, settings: Settings) -> None:
    settings.PAYLOAD_STORAGE_PATH = tmp_path / "payloads"


@pytest.fixture
def store() -> EmbeddedOpenMemory:
    return EmbeddedOpenMemory()


def opt_out(store: EmbeddedOpenMemory, caller: str) -> None:
    preference = kinds.NewMemory(kinds.PREFERENCE, "preference:opt_out", "Opted out.", {"preference": kinds.OPT_OUT})
    store.put_all(caller, kinds.entries([preference]))


def is_opted_out(store: EmbeddedOpenMemory, caller: str) -> bool:
    """Whether that is decided, and the store holds nothing of the caller any more."""
    return about(caller).opted_out and not store.memories(caller)


@pytest.mark.sqlite
def test_preferences_are_copied_from_another_database(store: EmbeddedOpenMemory, tmp_path: Path) -> None:
    opt_out(store, MAYA)
    store.put(PEPE, "message:1", "Yes please.", metadata={"kind": "message"})
    connections["memory"].cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copy(connections["memory"].settings_dict["NAME"], tmp_path / "old.sqlite3")
    store.forget(MAYA)
    store.forget(PEPE)

    for _ in range(2):
        call_command("carry_preferences", str(tmp_path / "old.sqlite3"))

    assert is_opted_out(store, MAYA)
    assert store.memories(PEPE) == []


def test_preferences_are_copied_from_a_server(store: EmbeddedOpenMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    ensure_schema()
    monkeypatch.setattr(carry_preferences, "reconcile", lambda: 0)
    for caller in (MAYA, PEPE):
        Conversation.objects.create(conversation_id=f"conv_{caller[1:]}", caller=caller)
    with stub_server() as (stub, url):
        stub.row(MAYA, "Opted out.", OPT_OUT)
        stub.row(PEPE, "Yes please.", {"kind": "message", "key": "message:1"})

        call_command("carry_preferences", url)

    assert is_opted_out(store, MAYA)
    assert store.memories(PEPE) == []


def test_a_missing_source_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="there is no file"):
        call_command("carry_preferences", str(tmp_path / "none.sqlite3"))


def test_a_server_that_refuses_the_key_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    ensure_schema()
    monkeypatch.setattr(carry_preferences, "reconcile", lambda: 0)
    Conversation.objects.create(conversation_id="conv_1", caller=MAYA)
    with stub_server() as (stub, url):
        stub.faults = {("GET", "/users/"): (403, json.dumps({"error": "invalid_api_key"}))}
        with pytest.raises(CommandError, match="refuses"):
            call_command("carry_preferences", url)
