"""The certificate of a forgotten caller: on its page, as files, by command, and protected by the chain."""

import io
import json
import re

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client

from elmemory.audit.chain import faults
from elmemory.audit.models import Entry
from elmemory.audit.record import certify, record
from tests.conftest import As

pytestmark = pytest.mark.django_db(transaction=True)

DOCUMENT = json.dumps({"caller": "0123456789abcdef01234567", "deleted": {"memories": 3}, "searched": {"hits": 0}})


@pytest.fixture
def entry() -> Entry:
    return certify(None, "0123456789abcdef01234567", "0 traces found afterwards", DOCUMENT)


@pytest.fixture
def officer(as_role: As) -> Client:
    return as_role("privacy officer")


def test_its_page_shows_what_was_deleted_and_the_hash(officer: Client, entry: Entry) -> None:
    text = officer.get(f"/admin/audit/entry/{entry.pk}/certificate/").content.decode()
    assert re.search("memories +3\n", text)
    assert entry.hash in text
    assert entry.username in text


def test_it_is_downloaded_as_json_and_as_text(officer: Client, entry: Entry) -> None:
    answer = officer.get(f"/admin/audit/entry/{entry.pk}/certificate/", {"as": "json"})
    assert f'filename="certificate-{entry.pk}.json"' in answer.headers["Content-Disposition"]
    assert json.loads(answer.content) == json.loads(DOCUMENT) | {
        "entry": entry.pk,
        "certified_at": entry.at.isoformat(timespec="seconds"),
        "by": entry.username,
        "hash": entry.hash,
    }
    answer = officer.get(f"/admin/audit/entry/{entry.pk}/certificate/", {"as": "text"})
    assert answer.content.startswith(b"CERTIFICATE: a caller was forgotten\n")


def test_the_entry_links_to_it(officer: Client, entry: Entry) -> None:
    text = officer.get(f"/admin/audit/entry/{entry.pk}/change/").content.decode()
    assert f"/admin/audit/entry/{entry.pk}/certificate/" in text


def test_another_entry_has_none(officer: Client) -> None:
    record(None, "run", "command", "worker")  # type: ignore[arg-type]
    assert officer.get(f"/admin/audit/entry/{Entry.objects.get().pk}/certificate/").status_code == 404


def test_staff_who_may_not_read_the_audit_log_do_not_see_it(as_role: As, entry: Entry) -> None:
    assert as_role("operator").get(f"/admin/audit/entry/{entry.pk}/certificate/").status_code == 403


def test_the_chain_covers_it(entry: Entry) -> None:
    assert list(faults([entry], None)) == []
    entry.document = DOCUMENT.replace("3", "4")
    assert list(faults([entry], None)) != []


def test_the_database_refuses_to_change_it(audit_triggers: None, entry: Entry) -> None:  # noqa: ARG001
    with pytest.raises(Exception, match="append-only"), connection.cursor() as cursor:
        cursor.execute("UPDATE audit_entry SET document = ''")


def test_a_command_prints_it(entry: Entry) -> None:
    out = io.StringIO()
    call_command("audit", "certificate", str(entry.pk), "--json", stdout=out)
    assert json.loads(out.getvalue())["hash"] == entry.hash
    with pytest.raises(CommandError, match="is no certificate"):
        call_command("audit", "certificate", "99999")
