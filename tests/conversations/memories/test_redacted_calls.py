"""Calls whose payloads say nothing in words: what was known of the caller before stays."""

import json
from typing import Any

import pytest

from conversations.files.placing import accept
from conversations.files.receipts import read_receipt
from conversations.files.spool import spool
from conversations.memories.remember import remember
from conversations.payloads.transcription import Transcription
from elmemory.memory import kinds
from elmemory.memory.card import Card, card_of, read_card, write_card
from elmemory.memory.openmemory.embedded.store import EmbeddedOpenMemory
from elmemory.memory.search import search
from tests.harness.memories import fact, memory
from tests.harness.samples import DATA, transcription
from webhooks.ring import client_data

pytestmark = [
    pytest.mark.django_db(transaction=True, databases=["memory", "index"]),
    pytest.mark.usefixtures("payloads"),
]


def case(name: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((DATA / "cases" / f"{name}.json").read_bytes())
    return value


def process(store: EmbeddedOpenMemory, event: dict[str, Any]) -> str:
    with spool() as spooled:
        spooled.file.write(json.dumps(event).encode())
        conversation_id = accept(spooled).conversation_id
    assert remember(conversation_id, store) == "done"
    return conversation_id


def known(store: EmbeddedOpenMemory, caller: str) -> Card:
    card = read_card(store, caller)
    assert card is not None
    return card


def facts(store: EmbeddedOpenMemory, caller: str) -> list[str]:
    return sorted(memory.content for memory in store.memories(caller) if memory.kind == kinds.FACT)


def test_a_redacted_call_leaves_the_facts_that_were_known(store: EmbeddedOpenMemory) -> None:
    event = case("redacted")
    caller = event["data"]["metadata"]["phone_call"]["external_number"]
    before = {"First Name": "Maya", "Last name": "Okafor", "Email": "maya@example.com"}
    process(store, transcription(caller, "Hello.", facts=before))
    process(store, event)
    assert known(store, caller).facts == {
        "preferred_time": "Friday", "email": "maya@example.com", "last_name": "Okafor", "first_name": "Maya",
    }  # fmt: skip
    assert client_data(known(store, caller))["dynamic_variables"]["user_name"] == "Maya"


def test_a_redacted_call_of_a_stranger_leaves_no_name(store: EmbeddedOpenMemory) -> None:
    event = case("redacted")
    caller = event["data"]["metadata"]["phone_call"]["external_number"]
    process(store, event)
    assert facts(store, caller) == ["Preferred time: Friday"]
    assert client_data(known(store, caller))["conversation_config_override"] == {}


def test_an_extractors_words_for_nothing_are_no_facts(store: EmbeddedOpenMemory) -> None:
    event = case("no_name_phrase")
    caller = event["data"]["metadata"]["phone_call"]["external_number"]
    process(store, event)
    assert facts(store, caller) == []
    assert known(store, caller).user_name == ""


def test_a_call_confirms_a_name_that_looks_like_none_and_the_card_keeps_it(store: EmbeddedOpenMemory) -> None:
    event = transcription("+14155550142", "Hello.", facts={"last_name": "Null"})
    result = event["data"]["analysis"]["data_collection_results"]["last_name"]
    result["rationale"] = "The caller said her name is Jennifer Null."
    conversation_id = process(store, event)
    assert known(store, "+14155550142").facts == {"last_name": "Null"}
    receipt = read_receipt(conversation_id)
    assert receipt is not None
    assert len(receipt.memories) == len(store.memories("+14155550142")) - 1


def test_a_sentence_of_the_caller_confirms_a_name_that_looks_like_none() -> None:
    event = transcription("+14155550142", "My name is Theo None.", facts={"first_name": "Theo", "last_name": "None"})
    call = Transcription(event)
    assert [(text, confirmed) for _, text, confirmed in call.collected_texts()] == [("Theo", False), ("None", True)]
    assert call.caller_name == "Theo None"


def test_what_says_nothing_and_was_stored_once_is_neither_spoken_nor_found(store: EmbeddedOpenMemory) -> None:
    caller = "+14155550100"
    old = [
        fact("first_name", "Maya", "2026-10-01T10:00:00+00:00"),
        fact("first_name", "[NAME]", "2026-10-02T10:00:00+00:00"),
        fact("city", "nicht genannt", "2026-10-02T10:00:00+00:00"),
        fact("vip", "False", "2026-10-02T10:00:00+00:00"),
    ]
    for stored in old:
        store.put(caller, str(stored.key), stored.content, metadata=stored.metadata)
    card = card_of(store.memories(caller))
    assert card is not None
    assert dict(card.facts) == {"vip": "no", "first_name": "Maya"}
    write_card(store, caller)
    found = [match.memory.content for match in search(store, caller, "name city", 10).matches]
    assert "first_name: Maya" in found
    assert not {"first_name: [NAME]", "city: nicht genannt"} & set(found)


def test_a_card_that_was_written_before_is_read_without_what_says_nothing(store: EmbeddedOpenMemory) -> None:
    caller = "+14155550100"
    stored = [["first_name", "NAME"], ["email", "N/A (not asked)"], ["city", "Duluth"]]
    metadata = {"kind": kinds.CARD, "revision": 1, "facts": stored, "call_count": 1}
    store.put(caller, "card:1", "", metadata=metadata)
    assert known(store, caller).facts == {"city": "Duluth"}


def test_what_staff_wrote_is_never_taken_for_nothing() -> None:
    correction = memory(kinds.PREFERENCE, preference=kinds.CORRECTION, field="last_name", value="Null")
    card = card_of([correction])
    assert card is not None
    assert card.facts == {"last_name": "Null"}
