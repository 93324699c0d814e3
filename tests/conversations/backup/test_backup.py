"""What a backup holds, what it leaves alone, and what restoring refuses."""

import io
import shutil
import sqlite3
import stat
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as present
from django.core.management import CommandError, call_command
from django.db import connections
from django.test import Client
from django.utils.timezone import now
from pytest_django.fixtures import Settings

from conversations.backup.compression import zstd
from conversations.files import decisions, heartbeat
from conversations.files.last_runs import last_run
from conversations.files.paths import transcription_path
from conversations.files.receipts import read_receipt, receipt_path
from conversations.memories import corrections
from conversations.memories.forgetting import Forgetting, forget
from conversations.memories.worker import Worker
from conversations.models import Conversation
from elmemory.audit.chain import faults, read_head
from elmemory.audit.models import Entry, Review
from elmemory.memory.card import read_card
from elmemory.memory.openmemory.embedded.store import EmbeddedOpenMemory
from elmemory.memory.openmemory.remote.store import RemoteOpenMemory
from tests.harness.damage import tear_page
from tests.harness.openmemory_servers import stub_server
from tests.harness.samples import transcription
from tests.harness.stored import deliver, place

pytestmark = [
    pytest.mark.django_db(transaction=True, databases=["default", "memory", "index"]),
    pytest.mark.usefixtures("payloads", "index_schema"),
    pytest.mark.sqlite,
]

MAYA, PEPE = "+14155550100", "+14155550101"


def run(*arguments: object) -> str:
    out = io.StringIO()
    call_command(*map(str, arguments), "--quiet", stdout=out, stderr=out)
    return out.getvalue()


def unpacked(copy: Path) -> sqlite3.Connection:
    """A connection to the copy of a database."""
    connection = sqlite3.connect(":memory:")
    connection.deserialize(zstd.decompress(copy.read_bytes()))
    return connection


def refusal(*arguments: object) -> str:
    with pytest.raises(CommandError) as refused:
        run(*arguments)
    return str(refused.value)


@pytest.fixture
def maya(payloads: Path, index_schema: None, store: EmbeddedOpenMemory) -> str:  # noqa: ARG001
    """A processed call of Maya."""
    return deliver(call_of(MAYA, "My dog is called Biscuit."), store)


def call_of(caller: str, *says: str, **changes: Any) -> dict[str, Any]:
    return transcription(caller, *says, facts={"first_name": "Maya"}, **changes)


@pytest.fixture
def elsewhere(tmp_path: Path, settings: Settings) -> "Elsewhere":
    return Elsewhere(tmp_path, settings)


class Elsewhere:
    """Makes this process another, empty installation."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self._folder, self._settings = folder, settings

    def __call__(self) -> Path:
        self._settings.PAYLOAD_STORAGE_PATH = self._folder / "elsewhere"
        with connections["memory"].cursor() as cursor:
            cursor.execute("DELETE FROM memory")
        with connections["default"].cursor() as cursor:
            cursor.execute("DELETE FROM audit_entry")
            cursor.execute("DELETE FROM auth_user")
        Conversation.objects.all().delete()
        return self._folder / "elsewhere"


def test_a_restored_archive_is_what_was_backed_up(
    maya: str, store: EmbeddedOpenMemory, tmp_path: Path, elsewhere: Elsewhere
) -> None:
    raw, receipt = transcription_path(maya).read_bytes(), read_receipt(maya)
    run("backup", tmp_path / "backup.tar.zst")
    folder = elsewhere()
    assert "No fault." in run("restore", tmp_path / "backup.tar.zst", "--yes")
    assert (transcription_path(maya).read_bytes(), read_receipt(maya)) == (raw, receipt)
    assert transcription_path(maya).is_relative_to(folder)
    card = read_card(store, MAYA)
    assert card is not None
    assert Conversation.objects.get(pk=maya).caller == MAYA
    assert Worker(store).process_due() == 0
    assert {entry.object for entry in Entry.objects.all()} >= {"backup", "restore"}
    assert list(faults(Entry.objects.order_by("pk"), read_head())) == []


def test_a_second_backup_copies_what_has_changed_and_both_can_be_restored(
    maya: str, store: EmbeddedOpenMemory, tmp_path: Path, elsewhere: Elsewhere
) -> None:
    backups = tmp_path / "backups"
    run("backup", backups)
    second = deliver(call_of(PEPE, "My cat sleeps."), store)
    assert "2 calls, 4 files" in (said := run("backup", backups))
    assert ", 2 new " in said
    assert ", 0 new " in run("backup", backups)
    elsewhere()
    run("restore", min(backups.glob("2*")), "--yes")
    assert (transcription_path(maya).exists(), transcription_path(second).exists()) == (True, False)
    run("restore", backups, "--yes", "--replace")
    assert (transcription_path(maya).exists(), transcription_path(second).exists()) == (True, True)


def test_old_backups_go_with_the_files_that_only_they_have(
    maya: str, store: EmbeddedOpenMemory, tmp_path: Path
) -> None:
    backups = tmp_path / "backups"
    run("backup", backups)
    forget(store, MAYA, Forgetting(payloads=True))
    run("backup", backups, "--keep", 1)
    assert len(list(backups.glob("2*"))) == 1
    assert not transcription_path(maya).exists()
    assert [
        path for path in (backups / "objects").rglob("*") if path.is_file() and b"Biscuit" in path.read_bytes()
    ] == []


@pytest.mark.usefixtures("maya")
def test_what_an_interrupted_backup_leaves_is_no_backup_and_is_written_again(tmp_path: Path) -> None:
    backups = tmp_path / "backups"
    run("backup", backups)
    shutil.move(next(backups.glob("2*")), backups / ".partial-20991231T000000Z")
    for path in (backups / "objects").rglob("*"):
        if path.is_file():
            path.write_bytes(b"cut sh")
    assert "no finished backup" in refusal("restore", backups, "--yes")
    run("backup", backups)
    assert list(backups.glob(".partial-*")) == []
    assert "no fault" in run("verify", "--backup", backups)


@pytest.mark.usefixtures("maya")
def test_a_backup_that_fails_is_noted_and_leaves_the_one_before(tmp_path: Path) -> None:
    backups = tmp_path / "backups"
    run("backup", backups)
    with tear_page(Path(connections["memory"].settings_dict["NAME"]), "memory"):
        assert "damaged" in refusal("backup", backups)
    assert len(list(backups.glob("2*"))) == 1
    assert "no fault" in run("verify", "--backup", backups)
    noted = last_run("backup")
    assert noted
    assert (noted.ok, bool(noted.succeeded_at)) == (False, True)


@pytest.mark.usefixtures("maya")
def test_everything_in_it_is_for_its_owner_alone_and_without_secrets_unless_asked(tmp_path: Path) -> None:
    run("backup", tmp_path / "backups")
    run("backup", tmp_path / "backup.tar.zst")
    places = [tmp_path / "backup.tar.zst", tmp_path / "backups", *(tmp_path / "backups").rglob("*")]
    assert [path for path in places if stat.S_IMODE(path.stat().st_mode) & 0o077] == []
    (given,) = (tmp_path / "backups").glob("*/settings.env")
    assert "SECRET_KEY is set, and left out" in given.read_text()
    assert present.SECRET_KEY not in given.read_text()
    run("backup", tmp_path / "whole", "--secrets")
    (given,) = (tmp_path / "whole").glob("*/settings.env")
    assert f"SECRET_KEY={present.SECRET_KEY}\n" in given.read_text()


def test_decisions_that_were_taken_after_the_backup_outlive_it(store: EmbeddedOpenMemory, tmp_path: Path) -> None:
    forgotten = deliver(call_of(MAYA, "My dog is called Biscuit."), store)
    deliver(call_of(PEPE, "My cat sleeps."), store)
    place(unreadable := b'{"number": "+14155550100", cut')
    corrections.correct(store, PEPE, "city", "Duluth")
    run("backup", tmp_path / "backups")
    forget(store, MAYA, Forgetting(payloads=True))
    corrections.set_preference(store, PEPE, "opt_out", holds=True)
    assert "No fault." in run("restore", tmp_path / "backups", "--yes", "--replace")
    assert not transcription_path(forgotten).exists()
    assert [path for path in present.PAYLOAD_STORAGE_PATH.rglob("*.json") if path.read_bytes() == unreadable] == []
    assert store.users() == {}
    assert decisions.about(PEPE).opted_out


def test_a_call_that_was_reduced_after_the_backup_is_reduced_again(
    store: EmbeddedOpenMemory, tmp_path: Path, settings: Settings
) -> None:
    settings.STORE_OPTED_OUT = "metadata"
    call = deliver(call_of(PEPE, "My cat sleeps."), store)
    run("backup", tmp_path / "backups")
    decisions.mark_reduced(call)
    run("restore", tmp_path / "backups", "--yes", "--replace")
    assert b"My cat sleeps." not in transcription_path(call).read_bytes()


def test_the_keys_of_the_decisions_of_both_are_kept(
    store: EmbeddedOpenMemory, tmp_path: Path, elsewhere: Elsewhere
) -> None:
    decisions.decide(MAYA, "forgotten")
    run("backup", tmp_path / "backups")
    folder = elsewhere()
    decisions.decide(PEPE, "forgotten")
    (folder / "_decisions" / "key").write_text(f"{'ab' * 32}\n")
    run("restore", tmp_path / "backups", "--yes")
    assert decisions.about(MAYA).gone_until
    assert len((folder / "_decisions" / "key").read_text().split()) == 2
    del store


def test_a_call_that_is_processed_while_the_databases_are_copied_is_processed_again_after_a_restore(
    store: EmbeddedOpenMemory, tmp_path: Path, elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(call_of(MAYA, "My cat sleeps.", conversation_id="conv_done", started_at=1_700_000_000), store)
    call = deliver(call_of(MAYA, "My dog is called Biscuit."))
    from conversations.backup import create, databases

    def copied_before(alias: str, folder: Path) -> str:
        name = copy(alias, folder)
        if alias == "memory":
            receipt_path("conv_done").touch()
            Worker(store).process_due()
        return name

    copy = databases.copy_database
    monkeypatch.setattr(create, "copy_database", copied_before)
    run("backup", tmp_path / "backup.tar.zst")
    elsewhere()
    assert "No fault." in run("restore", tmp_path / "backup.tar.zst", "--yes")
    assert Worker(store).process_due() == 2
    assert len(store.of_conversation(MAYA, call)) > 0


@pytest.mark.usefixtures("maya")
def test_restoring_over_data_is_refused_and_replacing_puts_them_aside(tmp_path: Path) -> None:
    run("backup", tmp_path / "backups")
    refused = refusal("restore", tmp_path / "backups", "--yes")
    assert f"not empty: {present.PAYLOAD_STORAGE_PATH} holds payloads; the database of " in refused
    assert "conv_" not in refused
    assert "add --yes" in refusal("restore", tmp_path / "backups", "--replace")
    said = run("restore", tmp_path / "backups", "--yes", "--replace")
    assert "is now" in said
    assert list(tmp_path.glob("payloads.before-*/conv_*"))


@pytest.mark.usefixtures("maya")
def test_a_restore_creates_the_index_again_where_a_newer_version_ran(tmp_path: Path, elsewhere: Elsewhere) -> None:
    run("backup", tmp_path / "backups")
    elsewhere()
    with connections["index"].cursor() as cursor:
        cursor.execute("UPDATE index_schema SET version = 'other', release = '99.0'")
        cursor.execute("DROP TABLE conversation")
    assert "1 call indexed." in run("restore", tmp_path / "backups", "--yes")


@pytest.mark.usefixtures("maya")
def test_nothing_is_restored_under_a_running_worker(tmp_path: Path) -> None:
    run("backup", tmp_path / "backups")
    with heartbeat.heartbeat():
        while not heartbeat.a_worker_runs():
            pass
        assert "stop server and worker" in refusal("restore", tmp_path / "backups", "--yes", "--replace")


@pytest.mark.parametrize("damage", ["cut", "object", "database"])
def test_a_damaged_backup_is_not_restored(maya: str, tmp_path: Path, elsewhere: Elsewhere, damage: str) -> None:
    archive, backups = tmp_path / "backup.tar.zst", tmp_path / "backups"
    run("backup", archive)
    run("backup", backups)
    archive.write_bytes(archive.read_bytes()[:-200])
    if damage == "object":
        next(path for path in (backups / "objects").rglob("*") if path.is_file()).write_bytes(b"other")
    else:
        next(backups.glob("*/databases/memory.sqlite3.zst")).write_bytes(b"other")
    elsewhere()
    assert "damaged" in refusal("restore", archive if damage == "cut" else backups, "--yes")
    assert not transcription_path(maya).exists()


@pytest.mark.usefixtures("maya")
def test_a_log_of_the_database_that_was_there_is_not_applied_to_the_restored_one(
    tmp_path: Path, elsewhere: Elsewhere
) -> None:
    run("backup", tmp_path / "backups")
    elsewhere()
    name = connections["memory"].settings_dict["NAME"]
    # As a process leaves it that was killed: with a log.
    with closing(sqlite3.connect(name)) as connection:
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("CREATE TABLE other AS SELECT * FROM memory")
        connection.commit()
        log = Path(f"{name}-wal").read_bytes()
    connections["memory"].close()
    Path(f"{name}-wal").write_bytes(log)
    assert log
    assert "No fault." in run("restore", tmp_path / "backups", "--yes")
    assert "other" not in connections["memory"].introspection.table_names()


@pytest.mark.usefixtures("maya")
def test_sessions_of_staff_are_not_restored(tmp_path: Path, staff: Client, elsewhere: Elsewhere) -> None:
    assert staff.get("/admin/").status_code == 200
    run("backup", tmp_path / "backups")
    elsewhere()
    run("restore", tmp_path / "backups", "--yes")
    assert staff.get("/admin/").status_code == 302


@pytest.mark.usefixtures("maya")
def test_an_interrupted_restore_is_repeated(
    tmp_path: Path, elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    from conversations.backup import databases, restore

    run("backup", tmp_path / "backups")
    elsewhere()

    def fails(alias: str, *more: Any) -> None:
        if alias == "default":
            raise OSError(28, "No space left on device")
        databases.restore_database(alias, *more)

    with monkeypatch.context() as broken:
        broken.setattr(restore, "restore_database", fails)
        assert "Run it again" in refusal("restore", tmp_path / "backups", "--yes")
    assert "No fault." in run("restore", tmp_path / "backups", "--yes")
    assert "not empty" in refusal("restore", tmp_path / "backups", "--yes")


def test_the_target_must_be_a_folder_or_a_new_archive_outside_of_the_payloads(tmp_path: Path) -> None:
    (tmp_path / "there.tar.zst").touch()
    assert "is there already" in refusal("backup", tmp_path / "there.tar.zst")
    assert ".tar.zst" in refusal("backup", tmp_path / "backup.zip")
    assert "must not lie" in refusal("backup", present.PAYLOAD_STORAGE_PATH / "backups")


def test_the_copies_hold_no_deleted_rows(maya: str, store: EmbeddedOpenMemory, tmp_path: Path) -> None:
    for memory in store.memories(MAYA):
        store.delete(MAYA, memory.id)
    run("backup", tmp_path / "backups")
    (copy,) = (tmp_path / "backups").glob("*/databases/memory.sqlite3.zst")
    with closing(unpacked(copy)) as connection:
        assert connection.execute("SELECT count(*) FROM memory").fetchone() == (0,)
        assert b"Biscuit" not in connection.serialize()
    del maya


@pytest.mark.parametrize("option", ["", "--memories"])
def test_memories_of_a_server_are_in_it_if_asked(
    payloads: Path, tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch, option: str
) -> None:
    with stub_server() as (_, url), closing(RemoteOpenMemory(url, "k")) as remote:
        settings.OPENMEMORY_PORT = url
        monkeypatch.setattr("conversations.management.commands.backup.open_memory", lambda: remote)
        deliver(call_of(MAYA, "My dog is called Biscuit."), remote)
        said = run("backup", tmp_path / "backups", *filter(None, [option]))
    assert ("corrections and shared lines of staff are lost" in said) == (not option), payloads
    copies = list((tmp_path / "backups").glob("*/databases/server.sqlite3.zst"))
    assert bool(copies) == bool(option)
    for copy in copies:
        with closing(unpacked(copy)) as connection:
            contents = {content for (content,) in connection.execute("SELECT content FROM memory")}
        assert "My dog is called Biscuit." in contents


@pytest.mark.parametrize("payloads_too", [True, False])
def test_notes_of_a_caller_who_was_forgotten_since_do_not_come_back(
    maya: str, store: EmbeddedOpenMemory, tmp_path: Path, *, payloads_too: bool
) -> None:
    Review.objects.create(conversation_id=maya, note="Afraid of dogs.", note_at=now())
    run("backup", tmp_path / "backups")
    forget(store, MAYA, Forgetting(payloads=payloads_too))
    run("restore", tmp_path / "backups", "--yes", "--replace")
    assert not Review.objects.exclude(note="").exists()
