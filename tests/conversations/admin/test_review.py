"""Notes and reviews: who writes them, where they are found, and that they go with the call and its caller."""

import csv
import io
import json
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from zipfile import ZipFile

import pytest
from asgiref.sync import async_to_sync
from django.db import connections
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from conversations.files.deletion import delete_conversation
from conversations.files.paths import conversation_folder
from conversations.index.references import caller_reference
from conversations.index.sync import refresh_row
from conversations.memories.forgetting import Forgetting, forget
from conversations.memories.retention import pass_over
from conversations.memories.reviews import align, erase_of_deleted_calls
from conversations.memories.worker import Worker
from conversations.models import Conversation
from elmemory.audit.models import Action, Entry, Review
from elmemory.memory.openmemory.embedded.store import EmbeddedOpenMemory
from tests.conftest import As
from tests.harness.samples import transcription
from tests.harness.stored import deliver

pytestmark = [
    pytest.mark.django_db(transaction=True, databases=["default", "memory", "index"]),
    pytest.mark.usefixtures("payloads", "index_schema"),
]

MAYA = "+14155550100"
LIST = "/admin/conversations/conversation/"
NOTE = "Call her back about Biscuit."


@pytest.fixture(autouse=True)
def two_calls(payloads: object, index_schema: None) -> None:  # noqa: ARG001
    deliver(transcription(MAYA, "My dog is called Biscuit.", conversation_id="conv_dog"))
    deliver(transcription("+14155550101", "No allergies.", conversation_id="conv_allergy"))


def write(client: Client, call: str = "conv_dog", **form: str) -> str:
    """Post the form of the call's page as the page has it now; the page that follows."""
    review = Review.objects.filter(pk=call).first()
    shown = review.note_at.isoformat() if review and review.note_at else ""
    answer = client.post(f"{LIST}{call}/review/", {"shown": shown, **form}, follow=True)
    return answer.content.decode()


def listed(client: Client, **filters: str) -> set[str]:
    rows = csv.DictReader(io.StringIO(b"".join(pieces(client.get(f"{LIST}export/csv/", filters))).decode()))
    return {row["conversation_id"] for row in rows}


def pieces(response: object) -> Iterable[bytes]:
    async def collected() -> list[bytes]:
        return [piece async for piece in response]  # type: ignore[attr-defined]

    return async_to_sync(collected)()


def test_a_note_is_shown_with_who_wrote_it(as_role: As) -> None:
    supervisor = as_role("supervisor")
    page = write(supervisor, note=NOTE, act="note")
    assert NOTE in page
    assert "supervisor" in page
    assert Review.objects.get().caller == caller_reference(MAYA)


def test_the_audit_log_knows_of_a_note_but_no_word_of_it(staff: Client) -> None:
    write(staff, note=NOTE, act="reviewed")
    entries = Entry.objects.filter(action__in=(Action.NOTE, Action.REVIEW)).order_by("pk")
    assert [(entry.action, entry.object, entry.caller, entry.detail) for entry in entries] == [
        ("note", "conv_dog", caller_reference(MAYA), f"{len(NOTE)} characters"),
        ("review", "conv_dog", caller_reference(MAYA), ""),
    ]


def test_saving_an_unchanged_note_is_no_change(staff: Client) -> None:
    write(staff, note=NOTE, act="note")
    write(staff, note=NOTE, act="note")
    assert Entry.objects.filter(action=Action.NOTE).count() == 1


def test_a_call_is_found_by_whether_it_was_reviewed(staff: Client) -> None:
    write(staff, act="reviewed")
    assert listed(staff, reviewed__exact="1") == {"conv_dog"}
    assert listed(staff, reviewed__exact="0", outcome__exact="done") == {"conv_allergy"}
    write(staff, act="not_reviewed")
    assert listed(staff, reviewed__exact="1") == set()
    assert not Review.objects.exists()


def test_the_filter_holds_after_the_index_was_rebuilt(staff: Client) -> None:
    write(staff, act="reviewed")
    Conversation.objects.all().delete()
    for call in ("conv_dog", "conv_allergy"):
        refresh_row(call)
    staff.get(LIST)
    assert listed(staff, reviewed__exact="1") == {"conv_dog"}


def test_a_reviewed_call_whose_files_come_back_has_its_mark(staff: Client) -> None:
    Review.objects.create(pk="conv_gone", reviewed_by="staff", reviewed_at=timezone.now())
    staff.get(LIST)
    deliver(transcription(MAYA, "I am back.", conversation_id="conv_gone"))
    assert listed(staff, reviewed__exact="1") == {"conv_gone"}


def test_reviews_made_while_the_files_of_another_are_missing_are_found(staff: Client) -> None:
    gone = Review.objects.create(pk="conv_gone", reviewed_by="staff", reviewed_at=timezone.now())
    staff.get(LIST)
    gone.delete()
    Review.objects.create(pk="conv_dog", reviewed_by="staff", reviewed_at=timezone.now())
    assert listed(staff, reviewed__exact="1") == {"conv_dog"}


def test_reprocessing_leaves_the_mark(staff: Client) -> None:
    write(staff, act="reviewed")
    refresh_row("conv_dog")
    assert Conversation.objects.get(pk="conv_dog").reviewed


def test_after_a_login_that_the_form_led_to_the_call_is_shown(staff: Client) -> None:
    assert staff.get(f"{LIST}conv_dog/review/")["Location"] == f"{LIST}conv_dog/change/#review"
    assert not Review.objects.exists()


@pytest.mark.parametrize("role", ["viewer", ""])
def test_others_may_not_write_notes(as_role: As, role: str) -> None:
    client = as_role(role)
    assert client.post(f"{LIST}conv_dog/review/", {"note": NOTE, "act": "note"}).status_code == 403
    assert not Review.objects.exists()


def test_a_note_that_was_changed_meanwhile_is_not_overwritten(staff: Client) -> None:
    write(staff, note="From Anna.", act="note")
    page = staff.post(f"{LIST}conv_dog/review/", {"shown": "", "note": "From Ben.", "act": "note"}).content.decode()
    assert Review.objects.get().note == "From Anna."
    assert "From Anna." in page
    assert "From Ben." in page


def test_of_notes_saved_at_the_same_instant_one_is_kept_and_the_others_are_shown_it(as_role: As) -> None:
    clients = [as_role(role) for role in ("supervisor", "operator", "privacy officer", "administrator")]
    start = Barrier(len(clients))

    def saved(nth: int) -> str:
        start.wait()
        try:
            return write_blindly(clients[nth], note=f"From number {nth}.")
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(clients)) as threads:
        pages = list(threads.map(saved, range(len(clients))))
    kept = Review.objects.get().note
    assert sum("somebody else has changed the note" in page for page in pages) == len(clients) - 1
    assert all(kept in page for page in pages)
    assert Entry.objects.filter(action=Action.NOTE).count() == 1


def test_a_call_is_reviewed_once_however_many_say_so_at_the_same_instant(as_role: As) -> None:
    clients = [as_role(role) for role in ("supervisor", "operator", "administrator")]
    start = Barrier(len(clients))

    def reviewed(client: Client) -> None:
        start.wait()
        client.post(f"{LIST}conv_dog/review/", {"act": "reviewed"})
        connections.close_all()

    with ThreadPoolExecutor(len(clients)) as threads:
        list(threads.map(reviewed, clients))
    (entry,) = Entry.objects.filter(action=Action.REVIEW)
    assert Review.objects.get().reviewed_by == entry.username


def write_blindly(client: Client, **form: str) -> str:
    answer = client.post(f"{LIST}conv_dog/review/", {"shown": "", "act": "note", **form}, follow=True)
    return answer.content.decode()


def test_a_note_that_is_too_long_is_refused_with_a_reason(staff: Client) -> None:
    assert "at most 4000 characters" in write(staff, note="x" * 4001, act="note")
    assert not Review.objects.exists()


def test_a_note_with_a_null_character_is_refused_with_a_reason(staff: Client) -> None:
    assert "Null characters are not allowed" in write(staff, note="a\0b", act="note")
    assert not Review.objects.exists()


def test_numbers_in_a_note_are_masked_and_the_note_is_safe_from_who_cannot_read_it(staff: Client, as_role: As) -> None:
    write(staff, note=f"Ask {MAYA} again.", act="note")
    supervisor = as_role("supervisor")
    pages = [client.get(f"{LIST}conv_dog/change/").content.decode() for client in (as_role("viewer"), supervisor)]
    for page in pages:
        assert "4155550100" not in page
        assert "Ask +14" in page
        assert "<textarea" not in page
    assert supervisor.post(f"{LIST}conv_dog/review/", {"note": "Mine.", "act": "note"}).status_code == 403
    assert Review.objects.get().note == f"Ask {MAYA} again."


def test_the_list_exports_notes_masked_for_those_who_see_no_numbers(staff: Client, as_role: As) -> None:
    write(staff, note=f"Ask {MAYA} again.", act="reviewed")
    for client, expected in ((staff, f"Ask {MAYA} again."), (as_role("supervisor"), "Ask +14•••••••00 again.")):
        rows = list(csv.DictReader(io.StringIO(b"".join(pieces(client.get(f"{LIST}export/csv/"))).decode())))
        (row,) = (row for row in rows if row["conversation_id"] == "conv_dog")
        assert (row["note"], row["reviewed_by"]) == (expected, "administrator")


def test_the_export_of_a_caller_has_the_notes(staff: Client) -> None:
    write(staff, note=NOTE, act="note")
    response = staff.get(f"/admin/conversations/caller/{caller_reference(MAYA)}/export/")
    archive = ZipFile(io.BytesIO(b"".join(pieces(response))))
    folder = archive.namelist()[0].split("/")[0]
    assert [one["note"] for one in json.loads(archive.read(f"{folder}/notes.json"))] == [NOTE]
    assert NOTE in archive.read(f"{folder}/index.html").decode()


def test_a_forgotten_caller_has_no_notes(staff: Client, store: EmbeddedOpenMemory) -> None:
    write(staff, note=NOTE, act="reviewed")
    write(staff, "conv_allergy", note=f"Her sister is {MAYA}.", act="reviewed")
    entry = forget(store, MAYA, Forgetting(payloads=True, everywhere=True)).entry
    assert {review.pk: review.note for review in Review.objects.all()} == {"conv_allergy": ""}
    assert json.loads(entry.document)["deleted"]["notes of staff"] == 2


def test_the_notes_of_calls_without_files_are_forgotten_too(store: EmbeddedOpenMemory) -> None:
    Review.objects.create(pk="conv_gone", caller=caller_reference(MAYA), note=NOTE)
    forget(store, MAYA, Forgetting(payloads=True))
    assert not Review.objects.exists()


def test_a_call_that_stays_loses_its_note_but_not_its_mark(staff: Client, store: EmbeddedOpenMemory) -> None:
    write(staff, note=NOTE, act="reviewed")
    forget(store, MAYA, Forgetting())
    assert conversation_folder("conv_dog").exists()
    review = Review.objects.get()
    assert (review.note, review.note_by, bool(review.reviewed_at)) == ("", "", True)


def test_a_note_goes_with_the_payload(staff: Client, store: EmbeddedOpenMemory, settings: Settings) -> None:
    Worker(store).process_due()
    write(staff, note=NOTE, act="reviewed")
    settings.RETAIN_PAYLOAD_DAYS = 1
    for _ in pass_over(store):
        pass
    review = Review.objects.get()
    assert (review.note, bool(review.reviewed_at)) == ("", True)


def test_a_deleted_call_has_no_review(staff: Client) -> None:
    write(staff, note=NOTE, act="reviewed")
    delete_conversation("conv_dog")
    refresh_row("conv_dog")
    erase_of_deleted_calls()
    align()
    assert not Review.objects.exists()
