"""Error pages of our own, and dates in one format with their zone."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from django.utils.html import strip_tags
from pytest_django.fixtures import Settings

from conversations.index.references import caller_reference
from conversations.index.schema import ensure_schema
from conversations.models import Conversation
from elmemory.memory.openmemory.embedded.store import EmbeddedOpenMemory
from tests.conftest import As
from tests.harness.samples import transcription
from tests.harness.stored import deliver

pytestmark = [
    pytest.mark.django_db(transaction=True, databases=["default", "memory", "index"]),
    pytest.mark.usefixtures("payloads", "index_schema"),
]

CALLER = "+14155550100"
CALLS, CALLERS = "/admin/conversations/conversation/", "/admin/conversations/caller/"


def is_our_own(answer: Any, heading: str) -> bool:
    page = answer.content.decode()
    return f"<h1>{heading}</h1>" in page and 'href="/admin/"' in page and "<html lang=" in page


@pytest.mark.parametrize("address", ["/nowhere", f"{CALLS}conv_none/change/", "/admin/nowhere/"])
def test_what_is_not_there_has_a_page(staff: Client, address: str) -> None:
    answer = staff.get(address)
    assert answer.status_code == 404
    assert is_our_own(answer, "This page does not exist")


def test_what_one_may_not_do_has_a_page(as_role: As) -> None:
    answer = as_role("viewer").get("/admin/doctor/")
    assert answer.status_code == 403
    assert is_our_own(answer, "You may not do this")


def test_a_form_without_its_token_has_a_page(staff: Client) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = staff.cookies
    answer = strict.post(CALLS, {"q": "0100"})
    assert answer.status_code == 403
    assert is_our_own(answer, "This form has expired")


def test_a_request_that_is_not_allowed_has_a_page(staff: Client) -> None:
    answer = staff.get(CALLS, {"caller__startswith": "+1"})
    assert answer.status_code == 400
    assert is_our_own(answer, "This request cannot be understood")


def test_a_fault_of_ours_has_a_page_that_shows_nothing_of_it(staff: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object) -> None:  # noqa: ARG001
        raise RuntimeError("the secret of +14155550100")

    monkeypatch.setattr("conversations.admin.calls.ConversationAdmin.get_queryset", fail)
    staff.raise_request_exception = False
    answer = staff.get(CALLS)
    assert answer.status_code == 500
    assert is_our_own(answer, "Something went wrong on this server")
    assert "secret" not in answer.content.decode()


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York"])
def test_every_page_writes_dates_alike_and_names_the_zone(
    staff: Client, store: EmbeddedOpenMemory, settings: Settings, zone: str
) -> None:
    settings.TIME_ZONE = zone
    ensure_schema()
    conversation_id = deliver(transcription(CALLER, "Hi.", facts={"city": "Duluth"}), store)
    started = Conversation.objects.get(pk=conversation_id).started_at
    assert started == datetime.fromtimestamp(1_790_000_000, UTC)
    name = {"UTC": "14:13 UTC", "Europe/Berlin": "16:13 CEST", "America/New_York": "10:13 EDT"}[zone]
    for address in (
        CALLS,
        f"{CALLS}{conversation_id}/change/",
        CALLERS,
        f"{CALLERS}{caller_reference(CALLER)}/change/",
    ):
        text = " ".join(strip_tags(staff.get(address).content.decode()).split())
        assert f"21 Sep 2026, {name}" in text, address
        assert not re.search(r"Sept\.|[0-9] [ap]\.m\.|\b2026-09-21", text), address
