"""The audit log notices, and the database refuses, what was done to its entries from outside."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, connections, transaction
from django.db.migrations.executor import MigrationExecutor
from django.test import Client

from elmemory.audit import triggers
from elmemory.audit.chain import digest, head_path, read_head
from elmemory.audit.models import Action, AppendOnly, Entry

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("payloads")]

type Attack = Callable[[], None]


def add(number: int) -> Entry:
    return Entry.objects.create(username="maya", action=Action.VIEW, kind="call", object=f"conv_{number}")


@pytest.fixture
def seven(transactional_db: None, payloads: Path) -> list[Entry]:  # noqa: ARG001
    return [add(number) for number in range(1, 8)]


def verify(*arguments: str) -> str:
    """What `audit verify` prints; it puts the triggers in their place first."""
    triggers.install(connection)
    out = StringIO()
    try:
        call_command("audit", "verify", *arguments, stdout=out, no_color=True)
    except CommandError as error:
        out.write(f"error: {error}")
    finally:
        triggers.remove(connection)
    return out.getvalue()


def sql(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def swap() -> None:
    sql("UPDATE audit_entry SET id = 100 WHERE id = 3")
    sql("UPDATE audit_entry SET id = 3 WHERE id = 5")
    sql("UPDATE audit_entry SET id = 5 WHERE id = 100")


def insert() -> None:
    """Between entries 3 and 4, after making room, with a hash that follows entry 3."""
    for pk in (7, 6, 5, 4):
        sql(f"UPDATE audit_entry SET id = {pk + 1} WHERE id = {pk}")
    forge(4, after=3)


def forge(pk: int, after: int) -> None:
    entry = Entry.objects.get(pk=after)
    entry.pk, entry.username = pk, "mallory"
    entry.hash = digest(Entry.objects.get(pk=after).hash, entry)
    entry.save_base(raw=True, force_insert=True)


def rewrite() -> None:
    """All of the chain, with right hashes, after a change."""
    sql("UPDATE audit_entry SET username = 'mallory' WHERE id = 4")
    previous = ""
    for entry in Entry.objects.order_by("pk"):
        previous = digest(previous, entry)
        sql(f"UPDATE audit_entry SET hash = '{previous}' WHERE id = {entry.pk}")


@pytest.mark.usefixtures("seven")
@pytest.mark.parametrize(
    ("attack", "found"),
    [
        (lambda: sql("DELETE FROM audit_entry WHERE id = 1"), "entries 1 to 1 are missing"),
        (lambda: sql("DELETE FROM audit_entry WHERE id IN (3, 4)"), "entry 5 does not follow entry 2; entries 3 to 4"),
        (lambda: sql("DELETE FROM audit_entry WHERE id = 7"), "the end of the log was removed, from 7 on"),
        (lambda: sql("DELETE FROM audit_entry WHERE id > 2"), "the end of the log was removed, from 3 on"),
        (lambda: sql("DELETE FROM audit_entry"), "the end of the log was removed, from 1 on"),
        (lambda: sql("UPDATE audit_entry SET username = 'x' WHERE id = 4"), "entry 4 does not follow entry 3"),
        (lambda: sql("UPDATE audit_entry SET address = '192.0.2.1' WHERE id = 1"), "entry 1 does not follow entry 0"),
        (lambda: sql("UPDATE audit_entry SET at = '2020-01-01' WHERE id = 7"), "entry 7 does not follow entry 6"),
        (swap, "entry 3 does not follow entry 2"),
        (insert, "entry 5 does not follow entry 4"),
        (lambda: forge(8, after=7), "entries 8 to 8 are newer than the head"),
        (rewrite, "entry 7 is not the one that was written"),
        (lambda: head_path().write_text("nonsense"), "file of the head cannot be read"),
    ],
)
def test_what_was_done_to_the_log_is_found_with_its_place(attack: Attack, found: str) -> None:
    attack()
    output = verify()
    assert found in output
    assert "error: " in output


@pytest.mark.usefixtures("seven")
def test_an_untouched_log_has_no_fault() -> None:
    assert re.fullmatch(r"7 entries; head 7:[0-9a-f]{64}\n", verify())


def test_an_empty_log_has_no_fault() -> None:
    assert verify().endswith("0 entries; head none\n")


@pytest.mark.usefixtures("seven")
def test_a_head_that_was_kept_elsewhere_shows_a_rewritten_log_and_file() -> None:
    kept = str(read_head())
    rewrite()
    newest = Entry.objects.get(pk=7)
    head_path().write_text(f"7:{newest.hash}\n")
    assert "error" not in verify()
    assert "entry 7 is not the one that was written" in verify("--head", kept)


@pytest.mark.usefixtures("seven")
def test_a_head_that_was_kept_elsewhere_may_be_an_older_one() -> None:
    kept = str(read_head())
    add(8)
    assert "error" not in verify("--head", kept)


def test_entries_of_several_processes_make_one_chain() -> None:
    def write(number: int) -> None:
        try:
            add(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(40)))
    assert [entry.pk for entry in Entry.objects.order_by("pk")] == list(range(1, 41))
    assert verify().startswith("40 entries; head 40:")


def test_an_entry_that_is_rolled_back_leaves_no_trace() -> None:
    add(1)
    with transaction.atomic():
        add(2)
        transaction.set_rollback(True)
    assert verify().startswith("1 entry; head 1:")


def test_without_the_head_file_the_log_is_still_verified_and_the_reader_is_warned(seven: list[Entry]) -> None:
    head_path().unlink()
    assert verify() == (
        f"The file of the head is missing: a removed end would not be seen.\n7 entries; head 7:{seven[-1].hash}\n"
    )


def test_a_head_that_cannot_be_written_keeps_no_entry_out() -> None:
    head_path().mkdir(parents=True)
    try:
        add(1)
    finally:
        head_path().rmdir()
    assert Entry.objects.count() == 1


@pytest.mark.usefixtures("audit_triggers")
@pytest.mark.parametrize(
    "statement",
    ["UPDATE audit_entry SET username = 'x'", "DELETE FROM audit_entry", "DELETE FROM audit_entry WHERE id = 1"],
)
def test_the_database_refuses_to_change_and_delete_entries(statement: str) -> None:
    entry = add(1)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        sql(statement)
    assert Entry.objects.get().hash == entry.hash
    triggers.remove(connection)


def test_missing_triggers_are_reported() -> None:
    out = StringIO()
    with pytest.raises(CommandError):
        call_command("audit", "verify", stdout=out, no_color=True)
    assert "the trigger audit_entry_no_update is missing" in out.getvalue()
    assert "the trigger audit_entry_no_delete is missing" in out.getvalue()


def test_no_entry_is_added_outside_the_chain() -> None:
    with pytest.raises(AppendOnly):
        Entry.objects.bulk_create([Entry(username="maya", action=Action.VIEW, kind="call")])


def test_entries_from_before_the_chain_are_chained_by_the_migration() -> None:
    MigrationExecutor(connection).migrate([("audit", "0002_reprocessed")])
    for number in range(1, 4):
        sql(
            "INSERT INTO audit_entry (id, at, username, action, kind, object, detail)"
            f" VALUES ({2 * number}, '2026-11-0{number} 10:00:00.5', 'maya', 'view', 'caller', 'ref{number}', '')"
        )
    MigrationExecutor(connection).migrate(MigrationExecutor(connection).loader.graph.leaf_nodes("audit"))
    assert triggers.missing(connection) == []
    assert "3 entries; head 6:" in verify()
    assert Entry.objects.get(pk=6).caller == "ref3"
    assert add(7).pk == 7


def test_the_log_is_exported_as_csv() -> None:
    Entry.objects.create(username="=1+1", action=Action.VIEW, kind="call", object="conv_1")
    out = StringIO()
    call_command("audit", "export", stdout=out)
    header, first, second = out.getvalue().splitlines()
    assert header == "id,at,username,action,kind,object,caller,detail,address,document,hash"
    assert re.match(r"1,\d{4}-\d\d-\d\dT[\d:.]+\+00:00,'=1\+1,view,call,conv_1,,,,,[0-9a-f]{64}$", first)
    assert ",run,command,audit export," in second


@pytest.mark.parametrize("question", ["192.0.2.7", "conv_7", "nobody"])
def test_the_log_can_be_searched_for_an_address_and_for_other_words(staff: Client, question: str) -> None:
    Entry(username="maya", action=Action.VIEW, kind="call", object="conv_7", address="192.0.2.7").save()
    answer = staff.get("/admin/audit/entry/", {"q": question})
    assert answer.status_code == 200
    assert ("conv_7</a>" in answer.content.decode()) == (question != "nobody")
