"""Unreadable deliveries and parked calls as pages: their reasons, what is stored, retrying and discarding."""

import gzip
import json
import os
from pathlib import Path

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from conversations.backup.restore import carry_out_decisions
from conversations.files.paths import conversation_folder
from conversations.index.sync import refresh_row
from conversations.memories.discard import NotParked, discard_call
from conversations.memories.worker import Worker
from conversations.models import Conversation, MemoryState
from elmemory.audit.models import Action, Entry, Review
from elmemory.memory.openmemory.embedded.store import EmbeddedOpenMemory
from tests.conftest import As
from tests.harness.samples import transcription
from tests.harness.stored import deliver, place

pytestmark = [
    pytest.mark.django_db(transaction=True, databases=["default", "memory", "index"]),
    pytest.mark.usefixtures("payloads", "index_schema"),
]

LIST = "/admin/conversations/conversation/unreadable/"
BROKEN = b'{"type": "post_call_transcription", "from": "+1 (415) 555-0100", "pin": "8 3 1 9", "secret__key": "xyzzy'


@pytest.fixture
def name(payloads: Path) -> str:
    """The name of an unreadable delivery."""
    place(BROKEN)
    return next((payloads / "_unreadable").iterdir()).name


@pytest.fixture
def readable(payloads: Path) -> str:
    """The name of a delivery that could not be read by an earlier version."""
    place(BROKEN)
    path = next((payloads / "_unreadable").iterdir())
    path.write_text(json.dumps(transcription(None, "Hello.", conversation_id="conv_late")))
    return path.name


@pytest.fixture
def parked(store: EmbeddedOpenMemory) -> str:
    deliver(transcription("+14155550100", "My dog is called Biscuit.", conversation_id="conv_parked"), store)
    path = conversation_folder("conv_parked") / "conv_parked_transcription.json"
    path.write_text("{broken")
    os.utime(path, (1_790_000_900,) * 2)
    refresh_row("conv_parked")
    Worker(store).process_due()
    assert Conversation.objects.get(pk="conv_parked").memory_state == MemoryState.FAILED
    return "conv_parked"


def test_the_list_gives_reasons(staff: Client, name: str, parked: str) -> None:
    page = staff.get(LIST).content.decode()
    assert f"{LIST}{name}/" in page
    assert f"/conversation/{parked}/change/" in page
    assert Conversation.objects.get(pk=parked).error.lower() in page.lower()


def test_a_parked_call_is_not_said_to_be_of_the_web_or_of_a_withheld_number(staff: Client, parked: str) -> None:
    calls = "/admin/conversations/conversation/"
    for address in (calls, f"{calls}{parked}/change/"):
        page = staff.get(address).content.decode()
        assert "unknown" in page, address
        assert not [said for said in ('<span class="quiet">web', "web visitor", "withheld") if said in page]


def test_the_front_page_leads_there(staff: Client, name: str) -> None:  # noqa: ARG001
    assert f'<a href="{LIST}">1</a>' in staff.get("/admin/").content.decode()


def test_a_delivery_shows_its_content_without_secrets(staff: Client, name: str) -> None:
    page = staff.get(f"{LIST}{name}/").content.decode()
    assert "+1 (415) 555-0100" in page
    assert "xyzzy" not in page
    assert Entry.objects.filter(action=Action.VIEW, kind="delivery", object=name).exists()


def test_numbers_and_keys_are_masked_for_those_who_may_not_see_them(as_role: As, name: str) -> None:
    page = as_role("viewer").get(f"{LIST}{name}/").content.decode()
    assert "post_call_transcription" in page
    assert "0100" not in page
    assert "8 3 1 9" not in page


def test_a_compressed_delivery_is_shown_as_text(staff: Client, payloads: Path) -> None:
    place(gzip.compress(BROKEN))
    (path,) = (payloads / "_unreadable").iterdir()
    assert "post_call_transcription" in staff.get(f"{LIST}{path.name}/").content.decode()


def test_a_huge_delivery_is_not_rendered(staff: Client, name: str, payloads: Path) -> None:
    with (payloads / "_unreadable" / name).open("r+b") as file:
        file.truncate(200 * 2**20)
    page = staff.get(f"{LIST}{name}/").content
    assert len(page) < 80_000
    assert b"too large" in page
    assert len(staff.get(LIST).content) < 80_000


def test_retrying_stores_what_can_be_read_by_now(staff: Client, readable: str, payloads: Path) -> None:
    answer = staff.post(f"{LIST}{readable}/retry/")
    assert answer["Location"] == "/admin/conversations/conversation/conv_late/change/"
    assert not list((payloads / "_unreadable").iterdir())
    assert Conversation.objects.filter(pk="conv_late").exists()
    assert Entry.objects.filter(action=Action.REPROCESS, kind="delivery", object=readable).exists()


def test_retrying_keeps_what_still_cannot_be_read(staff: Client, name: str, payloads: Path) -> None:
    assert "still cannot be read" in staff.post(f"{LIST}{name}/retry/", follow=True).content.decode()
    assert [path.name for path in (payloads / "_unreadable").iterdir()] == [name]


def test_a_get_retries_nothing(staff: Client, readable: str, payloads: Path) -> None:
    staff.get(f"{LIST}{readable}/retry/")
    assert list((payloads / "_unreadable").iterdir())


@pytest.mark.parametrize("acts", ["retry retry", "retry discard", "discard discard", "discard retry"])
def test_who_is_second_is_led_to_the_list_with_a_reason(staff: Client, readable: str, acts: str) -> None:
    first, second = acts.split()
    staff.post(f"{LIST}{readable}/{first}/", {"reason": "test"})
    answer = staff.post(f"{LIST}{readable}/{second}/", {"reason": "test"}, follow=True)
    assert answer.request["PATH_INFO"] == LIST
    assert "it was retried or discarded meanwhile" in answer.content.decode()
    assert Entry.objects.filter(kind="delivery").count() == 1


def test_reasons_are_in_the_language_of_the_page(staff: Client, name: str, parked: str) -> None:  # noqa: ARG001
    for address in (LIST, f"/admin/conversations/conversation/{parked}/change/"):
        assert "ohdaten: kein JSON" in staff.get(address, headers={"Accept-Language": "de"}).content.decode()


@pytest.mark.parametrize("act", ["", "retry/", "discard/", "file/"])
def test_who_may_act_but_not_see_calls_sees_nothing(as_role: As, name: str, act: str, payloads: Path) -> None:
    client = as_role("")
    user = User.objects.get()
    names = ("reprocess_conversation", "discard_conversation", "download_conversation", "reveal_number")
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    assert client.post(f"{LIST}{name}/{act}", {"reason": "test"}).status_code == 403
    assert list((payloads / "_unreadable").iterdir())


def test_discarding_needs_a_reason_which_is_recorded(staff: Client, name: str, payloads: Path) -> None:
    staff.post(f"{LIST}{name}/discard/", {"reason": ""})
    staff.post(f"{LIST}{name}/discard/", {"reason": "+14155550100 asked"})
    assert list((payloads / "_unreadable").iterdir())
    staff.post(f"{LIST}{name}/discard/", {"reason": "test"})
    assert not list((payloads / "_unreadable").iterdir())
    assert Entry.objects.get(action=Action.DISCARD).detail == "test"


def test_a_discarded_delivery_does_not_come_back(staff: Client, name: str, payloads: Path) -> None:
    staff.post(f"{LIST}{name}/discard/", {"reason": "privacy"})
    place(BROKEN)
    assert not list((payloads / "_unreadable").iterdir())
    (payloads / "_unreadable" / name).write_bytes(BROKEN)  # as a restored backup does
    list(carry_out_decisions())
    assert not list((payloads / "_unreadable").iterdir())


def test_a_call_that_was_remembered_meanwhile_is_not_discarded(store: EmbeddedOpenMemory) -> None:
    deliver(transcription("+14155550100", "Hello.", conversation_id="conv_retried"), store)
    Conversation.objects.filter(pk="conv_retried").update(memory_state=MemoryState.FAILED)
    with pytest.raises(NotParked):
        discard_call(store, "conv_retried")
    assert store.of_conversation("+14155550100", "conv_retried")


def test_a_parked_call_shows_why_and_what_is_stored(staff: Client, parked: str) -> None:
    page = staff.get(f"/admin/conversations/conversation/{parked}/change/").content.decode()
    assert "the payload is not JSON" in page
    assert "{broken" in page


def test_a_discarded_call_is_gone_with_what_was_remembered_of_it(
    staff: Client, parked: str, store: EmbeddedOpenMemory, payloads: Path
) -> None:
    assert store.memories("+14155550100")
    Review.objects.create(pk=parked, note="It cannot be read.")
    staff.post(f"/admin/conversations/conversation/{parked}/discard/", {"reason": "damaged"})
    assert not conversation_folder(parked).exists()
    assert (payloads / "_deleted" / parked).exists()
    assert store.of_conversation("+14155550100", parked) == []
    assert not Review.objects.exists()
    assert Entry.objects.get(action=Action.DISCARD).object == parked


def test_a_call_that_is_not_parked_cannot_be_discarded(staff: Client, store: EmbeddedOpenMemory) -> None:
    deliver(transcription("+14155550100", "Hello.", conversation_id="conv_fine"), store)
    address = "/admin/conversations/conversation/conv_fine/discard/"
    assert staff.post(address, {"reason": "test"}).status_code == 404
    assert conversation_folder("conv_fine").exists()


@pytest.mark.parametrize("path", ["..json", "nothing.json"])
def test_only_names_in_the_folder_are_paths(staff: Client, name: str, path: str) -> None:  # noqa: ARG001
    assert staff.get(f"{LIST}{path}/").status_code == 404


@pytest.mark.parametrize("act", ["retry", "discard", "file"])
def test_a_viewer_may_not_act(as_role: As, name: str, act: str, payloads: Path) -> None:
    assert as_role("viewer").post(f"{LIST}{name}/{act}/", {"reason": "test"}).status_code == 403
    assert list((payloads / "_unreadable").iterdir())


def test_a_discarded_call_without_a_receipt_leaves_nothing_remembered(store: EmbeddedOpenMemory, parked: str) -> None:
    (conversation_folder(parked) / f"{parked}_memory.json").unlink()
    discard_call(store, parked)
    assert store.memories("+14155550100") == []


def test_a_discarded_call_leaves_the_memories_of_other_clients(store: EmbeddedOpenMemory, parked: str) -> None:
    for user in ("alice", "+14155550100"):
        store.put(user, "ticket", "Ticket 12", metadata={"conversation_id": parked})
    discard_call(store, parked)
    assert [memory.content for memory in store.memories("alice")] == ["Ticket 12"]
    assert "Ticket 12" in [memory.content for memory in store.memories("+14155550100")]
