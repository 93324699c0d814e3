"""In the admin: opting out with what will go shown first, opting out any number, and restoring what staff deleted."""

from pathlib import Path

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from conversations.files.decisions import about
from conversations.index.references import caller_reference
from conversations.memories import corrections
from conversations.memories.worker import Worker
from conversations.models import CallerCard
from elmemory.audit.models import Action, Entry
from elmemory.memory import kinds
from elmemory.memory.openmemory import OpenMemoryError
from elmemory.memory.openmemory.embedded.store import EmbeddedOpenMemory
from tests.conftest import As
from tests.harness.samples import transcription
from tests.harness.stored import deliver

pytestmark = [
    pytest.mark.django_db(transaction=True, databases=["default", "memory", "index"]),
    pytest.mark.usefixtures("payloads", "index_schema"),
]
MAYA = "+14155550100"
CALLERS = "/admin/conversations/caller/"
PAGE = f"{CALLERS}{caller_reference(MAYA)}/"


@pytest.fixture
def called(store: EmbeddedOpenMemory, payloads: Path, index_schema: None) -> str:  # noqa: ARG001
    """The id of a call that is remembered."""
    return deliver(transcription(MAYA, "My dog is called Biscuit.", facts={"first_name": "Maya"}), store)


def page(client: Client) -> str:
    return client.get(f"{PAGE}change/").content.decode()


def remove(store: EmbeddedOpenMemory, content: str) -> None:
    (memory,) = (memory for memory in store.memories(MAYA) if memory.content == content)
    corrections.delete_memory(store, MAYA, memory)


@pytest.mark.usefixtures("called")
def test_opting_out_shows_first_what_will_be_deleted(staff: Client, store: EmbeddedOpenMemory) -> None:
    text = staff.get(f"{PAGE}say/opt_out/yes/").content.decode()
    assert "about this caller: 4 memories." in text
    assert "The files of 1 stored call stay" in text
    assert store.memories(MAYA)


@pytest.mark.usefixtures("called")
def test_opting_out_deletes_and_is_shown_until_it_is_taken_back(staff: Client, store: EmbeddedOpenMemory) -> None:
    for holds in ("yes", "no"):
        staff.post(f"{PAGE}say/opt_out/{holds}/")
        assert store.memories(MAYA) == []
        assert about(MAYA).opted_out is (holds == "yes")
        listed = staff.get(CALLERS, {"opted_out__exact": "1"}).content.decode()
        assert (caller_reference(MAYA) in listed) is (holds == "yes")
        assert ("Take the opt-out back" in page(staff)) is (holds == "yes")
        assert ("Correct or add a fact" in page(staff)) is (holds == "no")
    assert [entry.detail for entry in Entry.objects.filter(action=Action.OPT_OUT).order_by("pk")] == ["yes", "no"]


def test_the_page_of_a_call_says_that_its_caller_opted_out(staff: Client, called: str) -> None:
    staff.post(f"{PAGE}say/opt_out/yes/")
    text = staff.get(f"/admin/conversations/conversation/{called}/change/").content.decode()
    assert "Nothing: the caller is opted out" in text


@pytest.mark.usefixtures("called")
def test_the_page_says_that_an_opt_out_is_recorded_while_openmemory_is_away(
    staff: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object) -> None:
        raise OpenMemoryError("nobody listens")

    monkeypatch.setattr(EmbeddedOpenMemory, "forget", gone)
    text = staff.post(f"{PAGE}say/opt_out/yes/", follow=True).content.decode()
    assert "The opt-out is recorded. OpenMemory does not answer (nobody listens)" in text
    assert about(MAYA).opted_out


def test_a_number_that_never_called_is_opted_out_after_confirmation(staff: Client) -> None:
    assert "opt-out/" in staff.get(CALLERS).content.decode()
    form = {"number": "+1 (415) 555-0100", "holds": "yes"}
    text = staff.post(f"{CALLERS}opt-out/", form).content.decode()
    assert "about this caller: 0 memories." in text
    assert 'data-number="+1 415-555-0100"' in text
    assert not about(MAYA).opted_out
    answer = staff.post(f"{CALLERS}opt-out/", form | {"confirmed": "yes"}, follow=True)
    assert "+14•••••••00 is opted out." in answer.content.decode()
    assert about(MAYA).opted_out
    entry = Entry.objects.get(action=Action.OPT_OUT)
    assert (entry.object, entry.detail) == (caller_reference(MAYA), "yes")
    staff.post(f"{CALLERS}opt-out/", form | {"holds": "no", "confirmed": "yes"})
    assert not about(MAYA).opted_out


def test_the_question_whether_to_opt_out_masks_the_number_for_staff_who_may_not_see_it(as_role: As) -> None:
    client = as_role("supervisor")
    User.objects.get(username="supervisor").user_permissions.add(Permission.objects.get(codename="correct_caller"))
    text = client.post(f"{CALLERS}opt-out/", {"number": "+1 (415) 555-0100", "holds": "yes"}).content.decode()
    assert '<span class="number">+14•••••••00</span>' in text
    assert "555-0100" not in text


@pytest.mark.parametrize("number", ["", "anonymous", "12", "+10000000000"])
def test_a_number_of_nobody_is_refused(staff: Client, number: str) -> None:
    answer = staff.post(f"{CALLERS}opt-out/", {"number": number, "holds": "yes", "confirmed": "yes"})
    assert answer.status_code == 200
    assert not Entry.objects.filter(action=Action.OPT_OUT)


def test_what_staff_deleted_is_listed_and_restored_after_confirmation(
    staff: Client, store: EmbeddedOpenMemory, called: str
) -> None:
    assert "Deleted by staff" not in page(staff)
    remove(store, "My dog is called Biscuit.")
    text = page(staff)
    assert "Deleted by staff" in text
    address = next(part for part in text.split('"') if part.endswith("/restore/"))
    assert "Biscuit" in staff.get(address).content.decode()
    assert "My dog is called Biscuit." not in [memory.content for memory in store.memories(MAYA)]
    assert "Restored." in staff.post(address, follow=True).content.decode()
    assert "My dog is called Biscuit." in [memory.content for memory in store.memories(MAYA)]
    assert "Deleted by staff" not in page(staff)
    entry = Entry.objects.get(action=Action.CHANGE)
    assert (entry.object, entry.detail) == (caller_reference(MAYA), f"restored: message of {called}")
    assert staff.post(address).status_code == 404


@pytest.mark.usefixtures("called")
def test_a_viewer_sees_what_was_deleted_but_can_neither_restore_nor_opt_out(
    as_role: As, staff: Client, store: EmbeddedOpenMemory
) -> None:
    remove(store, "My dog is called Biscuit.")
    address = next(part for part in page(staff).split('"') if part.endswith("/restore/"))
    viewer = as_role("viewer")
    assert "Deleted by staff" in page(viewer)
    assert "/restore/" not in page(viewer)
    assert viewer.post(address).status_code == 403
    assert viewer.get(f"{CALLERS}opt-out/").status_code == 403
    assert "opt-out/" not in viewer.get(CALLERS).content.decode()


def test_digits_of_deleted_memories_are_masked_for_viewers(as_role: As, store: EmbeddedOpenMemory) -> None:
    deliver(transcription(MAYA, "My account is 123456789."), store)
    remove(store, "My account is 123456789.")
    assert "123456789" not in page(as_role("viewer"))


@pytest.mark.usefixtures("called")
def test_the_list_shows_an_opt_out_again_when_the_index_is_rebuilt(staff: Client) -> None:
    staff.post(f"{PAGE}say/opt_out/yes/")
    CallerCard.objects.all().delete()
    store = EmbeddedOpenMemory()
    Worker(store).reconcile()
    assert CallerCard.objects.get(pk=caller_reference(MAYA)).opted_out


FINAL = "This is final: it cannot be undone."


@pytest.mark.parametrize("action", ["forget/", f"say/{kinds.OPT_OUT}/yes/"])
def test_what_cannot_be_undone_is_called_final(staff: Client, store: EmbeddedOpenMemory, action: str) -> None:
    deliver(transcription(MAYA, "My dog is called Biscuit."), store)
    assert FINAL in staff.get(f"{CALLERS}{caller_reference(MAYA)}/{action}").content.decode()
    assert FINAL in staff.post(f"{CALLERS}opt-out/", {"number": MAYA, "holds": "yes"}).content.decode()


def test_what_can_be_undone_is_not_called_final(staff: Client, store: EmbeddedOpenMemory) -> None:
    deliver(transcription(MAYA, "My dog is called Biscuit."), store)
    for action in (f"say/{kinds.OPT_OUT}/no/", f"say/{kinds.SHARED_LINE}/yes/"):
        assert FINAL not in staff.get(f"{CALLERS}{caller_reference(MAYA)}/{action}").content.decode()
