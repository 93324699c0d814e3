"""What decisions forbid is kept from rings and searches while the store still holds it."""

import time
from pathlib import Path

import pytest
from asgiref.sync import async_to_sync

from conversations.files.decisions import decide
from conversations.memories.decided import settle
from elmemory.memory import kinds
from elmemory.memory.card import write_card
from elmemory.memory.openmemory.embedded.store import EmbeddedOpenMemory
from webhooks.live import reads
from webhooks.live.reads import LiveMemory, card_of_ringing, found_for

MAYA, PEPE = "+14155550100", "+14155550101"

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "memory", "index"])


@pytest.fixture
def live(
    store: EmbeddedOpenMemory,
    payloads: Path,  # noqa: ARG001
    index_schema: None,  # noqa: ARG001
    monkeypatch: pytest.MonkeyPatch,
) -> LiveMemory:
    """Two callers are remembered; one of them was opted out while another store was in use."""
    for caller in (MAYA, PEPE):
        said = {"kind": kinds.MESSAGE, "conversation_id": "conv_a", "called_at": "2026-10-01T10:00:00+00:00"}
        store.put(caller, "message:1", "My dog is called Biscuit.", metadata=said)
        store.put(caller, "call:1", "A call.", metadata=said | {"kind": kinds.CALL, "summary": "", "spoke": True})
        write_card(store, caller)
    decide(MAYA, "opted_out")
    live = LiveMemory(store)
    monkeypatch.setattr(reads, "live_memory", lambda: live)
    return live


def is_known(caller: str) -> bool:
    return async_to_sync(card_of_ringing)(caller, time.monotonic()) is not None


def finds(caller: str) -> list[str]:
    found = async_to_sync(found_for)(caller, time.monotonic(), "What is the dog called?", 8)
    assert found is not None
    return [match.memory.content for match in found.matches]


@pytest.mark.usefixtures("live")
def test_a_caller_with_a_decision_is_a_stranger_from_the_first_ring_on() -> None:
    assert not is_known(MAYA)
    assert finds(MAYA) == []


@pytest.mark.usefixtures("live")
def test_other_callers_are_not_affected() -> None:
    assert is_known(PEPE)
    assert "My dog is called Biscuit." in finds(PEPE)


def test_the_guard_hides_no_one_once_the_store_is_settled(live: LiveMemory, store: EmbeddedOpenMemory) -> None:
    live.guard.look()
    assert live.guard.hides(MAYA)
    assert settle(store)
    live.guard.look()
    assert not live.guard.hides(MAYA)
    assert not is_known(MAYA)


def test_a_decision_that_is_not_carried_out_yet_is_noticed(live: LiveMemory, store: EmbeddedOpenMemory) -> None:
    settle(store)
    live.guard.look()
    assert is_known(PEPE)
    decide(PEPE, "forgotten")
    live.guard.look()
    assert not is_known(PEPE)
