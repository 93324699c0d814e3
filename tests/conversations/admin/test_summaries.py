"""Summaries that staff browse: ours in the list, the store's own beside the card."""

import pytest
from django.test import Client

from conversations.index.references import caller_reference
from conversations.index.sync import refresh_row
from conversations.models import CallerCard
from elmemory.audit.models import Action, Entry
from elmemory.memory.openmemory import OpenMemoryError, Summary
from elmemory.memory.openmemory.embedded.store import EmbeddedOpenMemory
from tests.conftest import As
from tests.harness.samples import transcription
from tests.harness.stored import deliver, place

pytestmark = [
    pytest.mark.django_db(transaction=True, databases=["default", "memory", "index"]),
    pytest.mark.usefixtures("payloads", "index_schema"),
]

MAYA, BEN = "+14155550100", "+14155550101"
CALLERS = "/admin/conversations/caller/"
PAGE = f"{CALLERS}{caller_reference(MAYA)}/"


class Server(EmbeddedOpenMemory):
    """A store with a summary of its own, that counts what is asked of it."""

    asked: list[tuple[str, bool]]

    def summary(self, user_id: str, *, regenerate: bool = False) -> Summary:
        self.asked.append((user_id, regenerate))
        return Summary(f"A regular, {len(self.asked)}.", 1_795_341_150_172) if user_id == MAYA else Summary()


@pytest.fixture
def maya(store: EmbeddedOpenMemory) -> str:
    return deliver(
        transcription(MAYA, "My dog is called Biscuit.", facts={"first_name": "Maya", "city": "Duluth"}), store
    )


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> Server:
    server = Server()
    server.asked = []
    for module in ("callers", "caller_decisions"):
        monkeypatch.setattr(f"conversations.admin.{module}.open_memory", lambda: server)
    monkeypatch.setattr("conversations.admin.caller_page.EmbeddedOpenMemory", str)
    return server


def test_the_list_shows_the_beginning_of_our_summary(staff: Client, maya: str, own: Server) -> None:  # noqa: ARG001
    page = staff.get(CALLERS).content.decode()
    assert "The caller is Maya. City: Duluth." in page
    assert "elmemory&#x27;s" in page
    assert own.asked == []


def test_the_list_says_why_there_is_none(staff: Client) -> None:
    place(transcription(MAYA, "Hello.", conversation_id="conv_new"))
    refresh_row("conv_new")
    page = staff.get(CALLERS).content.decode()
    assert "none yet: a call is not processed yet" in page


def test_numbers_in_a_summary_are_masked(as_role: As, store: EmbeddedOpenMemory) -> None:
    deliver(transcription(MAYA, "Hello.", facts={"account": "55501999", "pin": "8319"}), store)
    page = as_role("viewer").get(CALLERS).content.decode()
    assert "Account: ••••" in page
    assert "8319" not in page


def test_the_page_shows_the_stores_own_summary_with_its_time(staff: Client, maya: str, own: Server) -> None:  # noqa: ARG001
    page = staff.get(f"{PAGE}change/").content.decode()
    assert "A regular, 1." in page
    assert "Made on" in page
    assert own.asked == [(MAYA, False)]


def test_staff_have_it_made_again(staff: Client, maya: str, own: Server) -> None:  # noqa: ARG001
    page = staff.post(f"{PAGE}regenerate/", follow=True).content.decode()
    assert own.asked == [(MAYA, True), (MAYA, False)]
    assert "A regular, 2." in page
    assert Entry.objects.filter(action=Action.CHANGE, kind="caller", object=caller_reference(MAYA)).exists()


def test_a_viewer_has_nothing_made_again(as_role: As, maya: str, own: Server) -> None:  # noqa: ARG001
    assert as_role("viewer").post(f"{PAGE}regenerate/").status_code == 403
    assert own.asked == []


def test_the_page_works_while_the_server_has_no_summary_to_give(
    staff: Client,
    maya: str,  # noqa: ARG001
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*args: object, **kwargs: object) -> None:  # noqa: ARG001
        raise OpenMemoryError("connection refused")

    monkeypatch.setattr(EmbeddedOpenMemory, "summary", fail)
    page = staff.get(f"{PAGE}change/").content.decode()
    assert "Not available: connection refused" in page
    assert "City: Duluth" in page


def test_the_list_shows_the_stores_own_where_ours_says_nothing(staff: Client, own: Server) -> None:
    place(transcription(MAYA, "Hello.", conversation_id="conv_new"))
    refresh_row("conv_new")
    CallerCard.objects.create(pk=caller_reference(MAYA))
    CallerCard.objects.create(pk=caller_reference(BEN), number=BEN)
    staff.get(f"{PAGE}change/")
    staff.get(f"{CALLERS}{caller_reference(BEN)}/change/")
    page = staff.get(CALLERS).content.decode()
    assert page.count("A regular, 1.") == 1
    assert "OpenMemory&#x27;s own" in page
    assert [user for user, _ in own.asked] == [MAYA, BEN]
