"""The schema of the index: when it is created again, and when not."""

import sqlite3
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from django.db import DatabaseError, OperationalError, connections
from django.db.models import Index
from pytest_django.fixtures import Settings

from conversations.files.placing import Delivery
from conversations.index.schema import ddl, ensure_schema, leave_to_others, made
from conversations.index.sync import reconcile, record_deliveries
from conversations.models import Conversation
from elmemory import __version__
from tests.harness.samples import transcription
from tests.harness.stored import deliver, row

pytestmark = [
    pytest.mark.sqlite,
    pytest.mark.django_db(transaction=True, databases=["index"]),
    pytest.mark.usefixtures("index_schema", "payloads"),
]


@pytest.fixture
def impatient() -> Iterator[None]:
    """Connections to the index that wait for a lock for a tenth of a second."""
    options = connections["index"].settings_dict["OPTIONS"]
    connections["index"].close()
    usual, options["timeout"] = options["timeout"], 0.1
    yield
    options["timeout"] = usual
    connections["index"].close()


def path() -> Path:
    return Path(connections["index"].settings_dict["NAME"])


def record(conversation_id: str) -> None:
    record_deliveries([Delivery("received", "post_call_audio", conversation_id)])


@pytest.mark.usefixtures("impatient")
def test_a_database_that_is_locked_for_longer_than_the_timeout_loses_nothing() -> None:
    record("conv_before")
    inode = path().stat().st_ino
    with sqlite3.connect(path(), isolation_level=None) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        for attempt in (partial(record, "conv_meanwhile"), ensure_schema):
            with pytest.raises(OperationalError, match="locked"):
                attempt()
        holder.execute("COMMIT")
    holder.close()
    record("conv_after")
    assert path().stat().st_ino == inode
    assert sorted(Conversation.objects.values_list("pk", flat=True)) == ["conv_after", "conv_before"]


def test_a_full_database_loses_nothing() -> None:
    record("conv_before")
    inode = path().stat().st_ino
    with connections["index"].cursor() as cursor:
        cursor.execute("VACUUM")
        cursor.execute("PRAGMA page_count")
        cursor.execute(f"PRAGMA max_page_count = {cursor.fetchone()[0]}")
        with pytest.raises(DatabaseError, match="full"):
            record_deliveries([Delivery("received", "post_call_audio", f"conv_{number}") for number in range(5_000)])
        cursor.execute("PRAGMA max_page_count = 1000000")
    assert path().stat().st_ino == inode
    assert Conversation.objects.filter(pk="conv_before").exists()


def test_garbage_in_the_middle_of_the_file_is_replaced_by_a_new_index() -> None:
    record_deliveries([Delivery("received", "post_call_audio", f"conv_{number}") for number in range(500)])
    connections["index"].close()
    size = path().stat().st_size
    with path().open("r+b") as file:
        file.seek(8192)
        file.write(b"\xff" * (size - 8192))
    record("conv_after")
    assert Conversation.objects.filter(pk="conv_after").exists()


def test_a_missing_table_is_created() -> None:
    with connections["index"].cursor() as cursor:
        cursor.execute("DROP TABLE conversation")
    record("conv_after")
    assert list(Conversation.objects.values_list("pk", flat=True)) == ["conv_after"]


def test_a_process_that_ends_leaves_the_tables_of_another_version_alone() -> None:
    with connections["index"].cursor() as cursor:
        cursor.execute("DROP TABLE conversation")
    leave_to_others(leave=True)
    try:
        with pytest.raises(DatabaseError):
            record("conv_meanwhile")
    finally:
        leave_to_others(leave=False)
    assert "conversation" not in connections["index"].introspection.table_names()
    record("conv_after")
    assert list(Conversation.objects.values_list("pk", flat=True)) == ["conv_after"]


def made_by(release: str) -> None:
    """Leave the index as another version makes it, without a table that this one needs."""
    with connections["index"].cursor() as cursor:
        cursor.execute("UPDATE index_schema SET version = 'other', release = %s", [release])
        cursor.execute("DROP TABLE conversation")


def test_the_tables_of_a_newer_version_stay_while_this_one_runs() -> None:
    made_by("99.0.1")
    with pytest.raises(DatabaseError):
        record("conv_meanwhile")
    assert "conversation" not in connections["index"].introspection.table_names()


def test_a_process_that_starts_creates_its_tables_where_a_newer_version_ran() -> None:
    made_by("99.0.1")
    ensure_schema(starting=True)
    record("conv_after")
    assert list(Conversation.objects.values_list("pk", flat=True)) == ["conv_after"]


@pytest.mark.parametrize("release", ["0.9.12", __version__, ""])
def test_the_tables_of_a_version_that_is_not_newer_are_replaced(release: str) -> None:
    made_by(release)
    record("conv_after")
    assert list(Conversation.objects.values_list("pk", flat=True)) == ["conv_after"]


def test_an_index_that_is_created_again_has_another_mark() -> None:
    before = made()
    assert made() == before
    made_by("0.9")
    assert made() == before
    ensure_schema()
    assert made() != before


def test_the_index_is_created_again_when_a_model_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    record("conv_before")
    ddl.cache_clear()
    more = [*Conversation._meta.indexes, Index(fields=["cost"], name="conversation_cost")]
    with monkeypatch.context() as changed:
        changed.setattr(Conversation._meta, "indexes", more)
        ensure_schema()
        assert not Conversation.objects.exists()
        with connections["index"].cursor() as cursor:
            assert "conversation_cost" in connections["index"].introspection.get_constraints(cursor, "conversation")
    ddl.cache_clear()
    ensure_schema()


def test_another_time_zone_makes_other_days(settings: Settings) -> None:
    settings.TIME_ZONE = "Pacific/Kiritimati"
    ensure_schema()
    deliver(transcription("+14155550100", "Hi.", conversation_id="conv_late"))
    before = row("conv_late").started_on
    assert before
    settings.TIME_ZONE = "Pacific/Honolulu"
    ensure_schema()
    reconcile()
    assert (day := row("conv_late").started_on)
    assert day < before
