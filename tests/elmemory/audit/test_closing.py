"""Old entries of the audit log are closed: removed, with one signed summary in their place."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.utils.timezone import now
from pytest_django.fixtures import Settings

from elmemory.audit import triggers
from elmemory.audit.chain import digest, read_head
from elmemory.audit.closing import NotClosed, close_entries
from elmemory.audit.models import Action, Entry
from tests.elmemory.audit.test_chain import add, sql, verify

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("payloads")]

LATER = timedelta(seconds=1)


def close(most: int = 1000) -> int:
    """Close what was added up to now."""
    return close_entries(now() + LATER, most)


def ids() -> list[int]:
    return list(Entry.objects.order_by("pk").values_list("pk", flat=True))


@pytest.fixture
def seven(transactional_db: None, payloads: Path) -> list[Entry]:  # noqa: ARG001
    return [add(number) for number in range(1, 8)]


@pytest.mark.usefixtures("audit_triggers")
def test_old_entries_are_replaced_by_one_summary_from_which_the_rest_is_verified(
    transactional_db: None,  # noqa: ARG001
) -> None:
    for number in range(1, 8):
        add(number)
    middle = now()
    add(8)
    assert close_entries(middle, 1000) == 7
    assert ids() == [-7, 8, 9]
    output = verify()
    today = f"{now():%Y-%m-%d}"
    assert f"Entries up to 7 were closed by retention: 7 entries, {today} to {today}.\n2 entries; head 9:" in output
    assert "error" not in output


@pytest.mark.usefixtures("seven")
def test_the_summary_is_the_last_of_the_list_and_has_a_page(staff: Client) -> None:
    close()
    page = staff.get("/admin/audit/entry/").content.decode()
    assert "closed old entries" in page
    assert "7 entries, " in staff.get("/admin/audit/entry/-7/change/").content.decode()


@pytest.mark.usefixtures("seven")
def test_the_closing_is_itself_an_entry_of_the_system() -> None:
    close()
    newest = Entry.objects.order_by("pk").last()
    assert newest
    assert (newest.action, newest.kind) == (Action.RETAIN, "log")
    assert newest.username.startswith("command:")
    assert newest.detail.startswith("closing entries from before 20")


@pytest.mark.usefixtures("seven")
def test_the_next_summary_replaces_the_one_before_and_counts_on() -> None:
    assert [close(most=3), close(most=3)] == [3, 3]
    assert ids() == [-6, 7, 8, 9]
    summary = Entry.objects.order_by("pk").first()
    assert summary
    assert summary.detail.startswith("6 entries, ")
    assert "error" not in verify()
    assert add(10).pk == 10
    assert "error" not in verify()


@pytest.mark.usefixtures("seven")
def test_young_entries_stay() -> None:
    assert close_entries(now() - timedelta(days=1), 1000) == 0
    assert ids() == [1, 2, 3, 4, 5, 6, 7]


def test_the_newest_entry_stays_and_an_empty_log_stays_empty() -> None:
    assert close() == 0
    add(1)
    assert close() == 0
    assert ids() == [1]


@pytest.mark.usefixtures("seven")
def test_a_few_more_entries_are_closed_once_a_day_only() -> None:
    assert close() == 7
    assert close() == 0
    add(9)
    assert close() == 0


@pytest.mark.usefixtures("seven")
def test_nothing_is_closed_while_the_old_entries_are_not_what_was_written() -> None:
    sql("UPDATE audit_entry SET username = 'mallory' WHERE id = 3")
    with pytest.raises(NotClosed, match="entry 3 does not follow entry 2"):
        close()
    assert ids() == [1, 2, 3, 4, 5, 6, 7]
    assert "entry 3 does not follow" in verify()


def forge_summary() -> None:
    """Stand a summary of everything up to 5 in place of the signed one, with a right hash."""
    last = Entry.objects.get(pk=5)
    Entry(
        pk=-5, at=now(), username="command:root", action=Action.CLOSE, kind="log", object="0" * 64, hash=last.hash,
        detail="5 entries, 2026-01-01 to 2026-01-02",
    ).save_base(raw=True, force_insert=True)  # fmt: skip
    sql("DELETE FROM audit_entry WHERE id BETWEEN -4 AND 5")


def drop_next() -> None:
    sql("DELETE FROM audit_entry WHERE id = 4")


@pytest.mark.usefixtures("seven")
@pytest.mark.parametrize(
    ("attack", "found"),
    [
        (lambda: sql("UPDATE audit_entry SET detail = '1 entries, x to y' WHERE id < 0"), "up to 3 is not signed"),
        (lambda: sql("UPDATE audit_entry SET username = 'mallory' WHERE id < 0"), "is not signed"),
        (lambda: sql("UPDATE audit_entry SET at = '2020-01-01' WHERE id < 0"), "is not signed"),
        (lambda: sql("UPDATE audit_entry SET hash = object WHERE id < 0"), "entry 4 does not follow entry 3"),
        (lambda: sql("UPDATE audit_entry SET id = -4 WHERE id < 0"), "closed entries up to 4 is not signed"),
        (lambda: sql("DELETE FROM audit_entry WHERE id < 0"), "entry 4 does not follow entry 0; entries 1 to 3 are"),
        (drop_next, "entry 5 does not follow entry 3; entries 4 to 4 are missing"),
        (forge_summary, "closed entries up to 5 is not signed"),
        (lambda: sql("UPDATE audit_entry SET username = 'x' WHERE id = 4"), "entry 4 does not follow entry 3"),
    ],
)  # fmt: skip
def test_what_was_done_to_a_closed_log_is_found(attack: Callable[[], None], found: str) -> None:
    close(most=3)
    attack()
    output = verify()
    assert found in output
    assert "error: " in output


@pytest.mark.usefixtures("seven")
def test_a_summary_of_another_secret_key_is_reported_and_one_of_a_former_key_is_not(settings: Settings) -> None:
    close()
    key, settings.SECRET_KEY = settings.SECRET_KEY, "another-key-" * 5
    assert "is not signed with this SECRET_KEY" in verify()
    settings.SECRET_KEY_FALLBACKS = [key]
    assert "error" not in verify()
    for number in range(8, 12):
        add(number)
    close(most=2)
    settings.SECRET_KEY_FALLBACKS = []
    assert "error" not in verify()


@pytest.mark.usefixtures("seven")
def test_a_head_kept_elsewhere_is_compared_as_far_as_that_is_possible(seven: list[Entry]) -> None:
    kept = str(read_head())
    close(most=3)
    assert "error" not in verify("--head", kept)
    assert "error" not in verify("--head", f"3:{seven[2].hash}")
    assert "entry 3, which is closed, is not the one" in verify("--head", f"3:{seven[1].hash}")
    output = verify("--head", f"2:{seven[1].hash}")
    assert "The given head is of a closed entry: it cannot be compared." in output
    assert "error" not in output


def summary(pk: int, of: int) -> str:
    columns = "at, user_id, username, action, kind, object, detail, address, caller, hash"
    return f"INSERT INTO audit_entry (id, {columns}) SELECT {pk}, {columns} FROM audit_entry WHERE id = {of}"


@pytest.mark.usefixtures("audit_triggers")
@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM audit_entry WHERE id = 4",
        "DELETE FROM audit_entry WHERE id < 0",
        "DELETE FROM audit_entry",
        "UPDATE audit_entry SET detail = '' WHERE id < 0",
        "UPDATE audit_entry SET id = -5 WHERE id < 0",
        # A summary of an entry that is not there, one with a hash that is another's, and one of the newest entry.
        summary(-99, of=4),
        summary(-5, of=4),
        summary(-8, of=8),
    ],
)
def test_the_database_refuses_everything_but_closing(statement: str) -> None:
    for number in range(1, 8):
        add(number)
    close(most=3)
    before = list(Entry.objects.order_by("pk").values_list("pk", "hash"))
    assert [pk for pk, _ in before] == [-3, 4, 5, 6, 7, 8]
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        sql(statement)
    assert list(Entry.objects.order_by("pk").values_list("pk", "hash")) == before
    triggers.remove(connection)


def test_a_closed_log_from_before_has_the_same_hashes(seven: list[Entry]) -> None:
    close(most=3)
    fourth = Entry.objects.get(pk=4)
    assert fourth.hash == digest(seven[2].hash, fourth)
