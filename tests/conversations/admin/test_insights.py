"""Insights in the admin: what holds, where it came from and why, correcting and deleting."""

import re
from typing import Any

import pytest
from django.test import Client

from conversations.index.references import caller_reference
from conversations.memories.deleted import deleted_memories
from elmemory.audit.models import Action, Entry
from elmemory.memory import kinds
from elmemory.memory.card import read_card
from elmemory.memory.openmemory.embedded.store import EmbeddedOpenMemory
from elmemory.memory.records import Memory
from elmemory.memory.search import search
from tests.conftest import As
from tests.harness.samples import transcription
from tests.harness.stored import deliver

pytestmark = [
    pytest.mark.django_db(transaction=True, databases=["default", "memory", "index"]),
    pytest.mark.usefixtures("payloads", "index_schema"),
]

MAYA = "+14155550100"
PAGE = f"/admin/conversations/caller/{caller_reference(MAYA)}/"
OLDER, NEWER = "The cat Olive takes 2.5 mg methimazole.", "The cat Olive now takes 5 mg methimazole."
RIGHT = "The cat Olive takes 7.5 mg methimazole."


def call(number: int, profile: str, rationale: str = "", **more: Any) -> dict[str, Any]:
    collected = {"caller_profile": {"data_collection_id": "caller_profile", "value": profile, "rationale": rationale}}
    return transcription(
        MAYA, "I call about Olive.", conversation_id=f"conv_{number}", started_at=1_790_000_000 + number * 86_400,
        analysis={"data_collection_results": collected}, **more,
    )  # fmt: skip


@pytest.fixture(autouse=True)
def two_calls(store: EmbeddedOpenMemory, payloads: object, index_schema: None) -> None:  # noqa: ARG001
    deliver(call(1, OLDER, "Maya said so at the start."), store)
    deliver(call(2, NEWER, "The vet raised it."), store)


def insights(store: EmbeddedOpenMemory) -> list[Memory]:
    return [memory for memory in store.memories(MAYA) if memory.kind == kinds.INSIGHT]


def insight(store: EmbeddedOpenMemory, content: str) -> Memory:
    return next(memory for memory in insights(store) if memory.content == content)


def correct(client: Client, store: EmbeddedOpenMemory, before: str = NEWER, text: str = RIGHT) -> str:
    address = f"{PAGE}memory/{insight(store, before).id}/correct/"
    return client.post(address, {"text": text}, follow=True).content.decode()


def section(client: Client) -> str:
    page = client.get(f"{PAGE}change/").content.decode()
    return page.partition('id="insights"')[2].partition("</section>")[0]


def test_what_holds_is_shown_with_its_call_and_its_rationale(staff: Client) -> None:
    shown = section(staff)
    holding, _, history = shown.partition("It replaced")
    assert NEWER in holding
    assert "conv_2/change/" in holding
    assert "The vet raised it." in holding
    assert OLDER not in holding
    assert OLDER in history
    assert "Maya said so at the start." in history


def test_a_correction_wins_over_later_calls(staff: Client, store: EmbeddedOpenMemory) -> None:
    correct(staff, store)
    deliver(call(3, NEWER), store)
    card = read_card(store, MAYA)
    assert card
    assert "7.5 mg" in card.summary
    assert " 5 mg" not in card.summary
    assert RIGHT in section(staff).partition("It replaced")[0]
    found = [match.memory.content for match in search(store, MAYA, "How much methimazole does Olive take?", 8).matches]
    assert RIGHT in found
    assert NEWER not in found
    assert OLDER not in found


def test_the_words_of_the_call_stay_deleted_until_they_are_restored(staff: Client, store: EmbeddedOpenMemory) -> None:
    correct(staff, store)
    assert [one.content for one in deleted_memories(MAYA)] == [NEWER]
    assert {memory.content for memory in insights(store)} == {OLDER, RIGHT}


def test_a_correction_is_corrected_in_its_place(staff: Client, store: EmbeddedOpenMemory) -> None:
    correct(staff, store)
    correct(staff, store, RIGHT, "Olive takes no methimazole any more.")
    assert {memory.content for memory in insights(store)} == {OLDER, "Olive takes no methimazole any more."}


def test_a_correction_is_deleted_like_any_memory(staff: Client, store: EmbeddedOpenMemory) -> None:
    correct(staff, store)
    staff.post(f"{PAGE}memory/{insight(store, RIGHT).id}/delete/", {"confirmed": "yes"})
    assert {memory.content for memory in insights(store)} == {OLDER}
    card = read_card(store, MAYA)
    assert card
    assert "2.5 mg" in card.summary


def test_the_audit_log_names_the_call_and_not_the_words(staff: Client, store: EmbeddedOpenMemory) -> None:
    correct(staff, store)
    assert Entry.objects.get(action=Action.CORRECT).detail == "an insight of conv_2"


def test_an_empty_correction_is_refused(staff: Client, store: EmbeddedOpenMemory) -> None:
    correct(staff, store, text=" ")
    assert {memory.content for memory in insights(store)} == {OLDER, NEWER}


def test_only_insights_are_corrected_so(staff: Client, store: EmbeddedOpenMemory) -> None:
    message = next(memory for memory in store.memories(MAYA) if memory.kind == kinds.MESSAGE)
    assert staff.post(f"{PAGE}memory/{message.id}/correct/", {"text": RIGHT}).status_code == 404


def test_a_viewer_corrects_nothing(as_role: As, store: EmbeddedOpenMemory) -> None:
    address = f"{PAGE}memory/{insight(store, NEWER).id}/correct/"
    assert as_role("viewer").post(address, {"text": RIGHT}).status_code == 403
    assert not re.search("/correct/", section(as_role("supervisor")))
