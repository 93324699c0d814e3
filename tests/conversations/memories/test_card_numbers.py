"""Card and social security numbers are not remembered; the payload keeps what arrived."""

from typing import Any

import pytest
from pytest_django.fixtures import Settings

from conversations.files.paths import transcription_path
from conversations.memories import reprocess
from conversations.memories.corrections import delete_memory
from conversations.memories.remember import preview, remember
from elmemory.memory import kinds
from elmemory.memory.openmemory.embedded.store import EmbeddedOpenMemory
from elmemory.memory.records import Memory
from tests.harness.samples import transcription
from tests.harness.stored import deliver

pytestmark = [
    pytest.mark.django_db(transaction=True, databases=["default", "memory", "index"]),
    pytest.mark.usefixtures("payloads"),
]

CALLER = "+14155550100"
NUMBERS = "4111 1111 1111 1111", "123-45-6789", "123 45 6789"


def call() -> dict[str, Any]:
    return transcription(
        CALLER,
        "My card is 4111 1111 1111 1111.",
        "No, my dog is called Biscuit.",
        facts={"card": "4111 1111 1111 1111", "social security number": "123 45 6789", "city": "Ely"},
        summary="She gave the card 4111 1111 1111 1111 and 123-45-6789.",
    )


def said(store: EmbeddedOpenMemory) -> list[Memory]:
    return [memory for memory in store.memories(CALLER) if memory.kind == kinds.MESSAGE]


def test_no_memory_holds_a_number_and_the_payload_does(store: EmbeddedOpenMemory) -> None:
    event = call()
    event["data"]["transcript"][2]["message"] = "Is 4111 1111 1111 1111 the card?"
    conversation_id = deliver(event, store)
    remembered = [f"{memory.content} {memory.metadata}" for memory in store.memories(CALLER)]
    assert [text for text in remembered if any(number in text for number in NUMBERS)] == []
    assert "My card is [card number]." in {memory.content for memory in said(store)}
    assert "Is [card number] the card?" in {memory.metadata["asked"] for memory in said(store)}
    raw = transcription_path(conversation_id).read_text()
    assert raw.count("4111 1111 1111 1111") == 4


def test_reprocessing_redacts_what_was_remembered_before(store: EmbeddedOpenMemory, settings: Settings) -> None:
    settings.REDACT = ["off"]
    conversation_id = deliver(call(), store)
    assert "My card is 4111 1111 1111 1111." in {memory.content for memory in said(store)}
    settings.REDACT = []
    assert preview(conversation_id, store) != (0, 0, 0)
    reprocess.request(conversation_id)
    assert remember(conversation_id, store) == "done"
    assert sorted(memory.content for memory in said(store)) == [
        "My card is [card number].",
        "No, my dog is called Biscuit.",
    ]
    assert preview(conversation_id, store) == (0, 0, 0)


@pytest.mark.parametrize(("before", "after"), [(["off"], []), ([], ["off"]), (["cards"], ["ssn"])])
def test_what_staff_deleted_stays_deleted_when_redact_changes(
    store: EmbeddedOpenMemory, settings: Settings, before: list[str], after: list[str]
) -> None:
    settings.REDACT = before
    conversation_id = deliver(call(), store)
    (about_card,) = [memory for memory in said(store) if memory.content.startswith("My card")]
    delete_memory(store, CALLER, about_card)
    settings.REDACT = after
    reprocess.request(conversation_id)
    assert remember(conversation_id, store) == "done"
    assert [memory.content for memory in said(store)] == ["No, my dog is called Biscuit."]
