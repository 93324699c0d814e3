"""Whatever the store holds when it comes into use: what decisions forbid goes, and is not spoken before that."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connections
from pytest_django.fixtures import Settings

from conversations.files.decisions import about
from conversations.files.paths import transcription_path
from conversations.files.receipts import read_receipt, write_receipt
from conversations.index.references import caller_reference
from conversations.memories import corrections
from conversations.memories.decided import is_settled, settle
from conversations.memories.deleted import deleted_memories, restore
from conversations.memories.forgetting import Forgetting, forget
from conversations.memories.worker import Worker
from conversations.models import CallerCard, Conversation, MemoryState
from elmemory.audit.models import Action, Entry
from elmemory.memory import kinds
from elmemory.memory.card import read_card
from elmemory.memory.openmemory import OpenMemory, OpenMemoryError
from elmemory.memory.openmemory.embedded.store import EmbeddedOpenMemory
from elmemory.memory.openmemory.protocol import BOOKKEEPER
from elmemory.memory.openmemory.remote.store import RemoteOpenMemory
from elmemory.memory.records import Memory
from tests.conversations.memories.test_reprocess import reprocess
from tests.harness.openmemory_servers import KEY, Stub, stub_store, wire_server
from tests.harness.samples import transcription
from tests.harness.stored import deliver
from webhooks.live.guard import Guard
from webhooks.ring import client_data

pytestmark = [
    pytest.mark.django_db(transaction=True, databases=["default", "memory", "index"]),
    pytest.mark.usefixtures("payloads", "index_schema"),
]
MAYA, PEPE = "+14155550100", "+14155550101"
LONG_AGO, FAR_AHEAD = 1_700_000_000, 4_000_000_000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RemoteOpenMemory]:
    with wire_server(tmp_path_factory.mktemp("openmemory")) as url:
        store = RemoteOpenMemory(url, KEY)
        yield store
        store.close()


@pytest.fixture(params=["embedded", "our server", "another server"])
def any_store(request: pytest.FixtureRequest, store: EmbeddedOpenMemory) -> OpenMemory:
    if request.param == "embedded":
        return store
    if request.param == "another server":
        return stub_store(Stub())
    served: RemoteOpenMemory = request.getfixturevalue("server")
    for user in (MAYA, PEPE, BOOKKEEPER):
        served.forget(user)
    return served


def call(caller: str = MAYA, *says: str, started_at: int = LONG_AGO, **more: Any) -> dict[str, Any]:
    says = says or ("My dog is called Biscuit.",)
    return transcription(caller, *says, facts={"first_name": "Maya"}, started_at=started_at, **more)


def opt_out(store: OpenMemory, caller: str = MAYA, *, holds: bool = True) -> None:
    corrections.set_preference(store, caller, kinds.OPT_OUT, holds=holds)


def copy_back(store: OpenMemory, caller: str, memories: list[Memory]) -> None:
    """The memories of an old file or another store, as they were there."""
    for memory in reversed(memories):
        store.put(
            caller, memory.key, memory.content, tags=memory.tags, metadata=memory.metadata, salience=memory.salience
        )


def contents(store: OpenMemory, caller: str = MAYA) -> set[str]:
    return {memory.content for memory in store.memories(caller) if memory.kind != kinds.CARD}


# Opting out


def test_opting_out_deletes_everything_and_keeps_only_the_decision(any_store: OpenMemory) -> None:
    conversation_id = deliver(call(), any_store)
    corrections.correct(any_store, MAYA, "city", "Duluth")
    opt_out(any_store)
    assert any_store.memories(MAYA) == []
    assert about(MAYA).opted_out
    receipt = read_receipt(conversation_id)
    assert receipt
    assert receipt.memories == []


def test_the_next_call_of_an_opted_out_caller_is_neutral_and_not_remembered(any_store: OpenMemory) -> None:
    deliver(call(), any_store)
    opt_out(any_store)
    deliver(call(started_at=FAR_AHEAD), any_store)
    assert client_data(read_card(any_store, MAYA)) == client_data(None)
    assert any_store.memories(MAYA) == []


def test_nothing_of_before_comes_back_after_opting_in(store: EmbeddedOpenMemory) -> None:
    deliver(call(), store)
    opt_out(store)
    deliver(call(MAYA, "Said while opted out.", started_at=LONG_AGO + 60), store)
    opt_out(store, holds=False)
    reprocess("--all")
    assert store.memories(MAYA) == []
    deliver(call(MAYA, "I am back.", started_at=FAR_AHEAD), store)
    assert "I am back." in contents(store)


def test_a_number_that_never_called_can_be_opted_out(store: EmbeddedOpenMemory) -> None:
    call_command("opt_out", "+1 (415) 555-0100")
    deliver(call(started_at=FAR_AHEAD), store)
    assert store.memories(MAYA) == []
    call_command("opt_out", MAYA, "--undo")
    deliver(call(MAYA, "I am back.", started_at=FAR_AHEAD + 60), store)
    assert "I am back." in contents(store)


def test_the_command_shows_what_goes_and_asks(store: EmbeddedOpenMemory, capsys: pytest.CaptureFixture[str]) -> None:
    deliver(call(), store)
    call_command("opt_out", MAYA, "--dry-run")
    assert "Memories: 4; stored calls: 1 (they stay)" in capsys.readouterr().out
    with pytest.raises(CommandError, match="--yes"):
        call_command("opt_out", MAYA)
    assert not about(MAYA).opted_out
    call_command("opt_out", MAYA, "--yes")
    assert about(MAYA).opted_out
    assert Entry.objects.get(object="opt_out").detail == caller_reference(MAYA)


def test_no_fact_can_be_stated_about_an_opted_out_caller(store: EmbeddedOpenMemory) -> None:
    opt_out(store)
    with pytest.raises(corrections.OptedOut):
        corrections.correct(store, MAYA, "city", "Duluth")
    with pytest.raises(corrections.OptedOut):
        corrections.set_preference(store, MAYA, kinds.SHARED_LINE, holds=True)
    assert store.memories(MAYA) == []


def test_an_opt_out_stands_while_the_store_is_away(store: EmbeddedOpenMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    deliver(call(), store)

    def gone(*_: object) -> None:
        raise OpenMemoryError

    with monkeypatch.context() as away:
        away.setattr(EmbeddedOpenMemory, "memories", gone)
        with pytest.raises(OpenMemoryError):
            opt_out(store)
    guard = Guard(store)
    guard.look()
    assert guard.hides(MAYA)
    assert settle(store)
    assert store.memories(MAYA) == []


# The agent's opt-out


def test_a_call_that_collects_the_opt_out_is_removed_with_everything_before(any_store: OpenMemory) -> None:
    deliver(call(), any_store)
    asking = call(MAYA, "Please do not remember me.", started_at=LONG_AGO + 60)
    asking["data"]["analysis"]["data_collection_results"]["do_not_remember"] = {"value": "Yes, please"}
    deliver(asking, any_store)
    assert any_store.memories(MAYA) == []
    assert about(MAYA).opted_out
    assert CallerCard.objects.get(pk=caller_reference(MAYA)).opted_out
    entry = Entry.objects.get(action=Action.OPT_OUT)
    assert (entry.object, entry.detail) == (
        caller_reference(MAYA),
        f"yes, in the call {asking['data']['conversation_id']}",
    )


def test_reprocessing_that_call_after_opting_in_does_not_opt_out_again(store: EmbeddedOpenMemory) -> None:
    deliver(_asking(), store)
    opt_out(store, holds=False)
    reprocess("--all")
    assert not about(MAYA).opted_out
    assert store.memories(MAYA) == []


def test_an_opt_out_that_is_not_asked_for_is_no_fact(store: EmbeddedOpenMemory) -> None:
    deliver(transcription(MAYA, "Hi.", facts={"do_not_remember": False, "city": "Duluth"}), store)
    assert [memory.content for memory in store.memories(MAYA) if memory.kind == kinds.FACT] == ["City: Duluth"]


@pytest.mark.parametrize(("share", "is_stored"), [("all", True), ("metadata", True), ("none", False)])
def test_the_payload_of_the_call_that_opts_out_is_treated_as_a_later_one(
    store: EmbeddedOpenMemory, settings: Settings, share: str, *, is_stored: bool
) -> None:
    settings.STORE_OPTED_OUT = share
    earlier = deliver(call(), store)
    conversation_id = deliver(_asking(conversation_id="conv_asking"), store)
    Worker(store).process_due()
    path = transcription_path(conversation_id)
    assert path.exists() is is_stored
    assert (b"4155550100" in path.read_bytes() if is_stored else False) is (share == "all")
    assert transcription_path(earlier).exists()
    assert store.memories(MAYA) == []
    if share == "metadata":
        row = Conversation.objects.get(pk=conversation_id)
        assert (row.caller, row.memory_state, row.duration_seconds) == ("", MemoryState.NONE, 30)


def _asking(**more: Any) -> dict[str, Any]:
    event = call(MAYA, "Please do not remember me.", started_at=LONG_AGO + 60, **more)
    event["data"]["analysis"]["data_collection_results"]["do_not_remember"] = {"value": True}
    return event


# A store that comes back


def test_an_old_store_loses_what_was_decided_since(any_store: OpenMemory) -> None:
    """Forgotten, opted out and in again, deleted, corrected and taken back, while another store was in use."""
    deliver(call(), any_store)
    deliver(call(PEPE, "I like tea.", "I like cake."), any_store)
    corrections.correct(any_store, PEPE, "city", "Duluth")
    corrections.set_preference(any_store, PEPE, kinds.SHARED_LINE, holds=True)
    before = {caller: any_store.memories(caller) for caller in (MAYA, PEPE)}
    forget(any_store, MAYA, Forgetting(payloads=True))
    for content in ("I like cake.", "City: Duluth"):
        memory = next(memory for memory in any_store.memories(PEPE) if memory.content == content)
        corrections.delete_memory(any_store, PEPE, memory)
    corrections.set_preference(any_store, PEPE, kinds.SHARED_LINE, holds=False)
    after = contents(any_store, PEPE)

    for caller, memories in before.items():
        copy_back(any_store, caller, memories)
    any_store.forget(BOOKKEEPER)

    guard = Guard(any_store)
    guard.look()
    assert guard.hides(MAYA)
    assert guard.hides(PEPE)
    Worker(any_store).reconcile()
    guard.look()
    assert not guard.hides(MAYA)
    assert any_store.memories(MAYA) == []
    assert contents(any_store, PEPE) == after
    card = read_card(any_store, PEPE)
    assert card
    assert not card.shared_line
    assert "city" not in card.facts


def test_a_revoked_opt_out_in_an_old_store_stays_revoked(store: EmbeddedOpenMemory) -> None:
    opt_out(store)
    opt_out(store, holds=False)
    store.put(
        MAYA, "preference:opt_out", "Opted out.", metadata={"kind": kinds.PREFERENCE, "preference": kinds.OPT_OUT}
    )
    store.forget(BOOKKEEPER)
    assert settle(store)
    assert not about(MAYA).opted_out
    assert store.memories(MAYA) == []


def test_an_opt_out_of_an_earlier_version_becomes_a_decision(store: EmbeddedOpenMemory) -> None:
    deliver(call(), store)
    store.put(
        MAYA, "preference:opt_out", "Opted out.", metadata={"kind": kinds.PREFERENCE, "preference": kinds.OPT_OUT}
    )
    CallerCard.objects.filter(pk=caller_reference(MAYA)).update(opted_out=True)
    Worker(store).reconcile()
    assert about(MAYA).opted_out
    assert store.memories(MAYA) == []


def test_an_old_file_of_the_embedded_store_is_safe_at_once(
    store: EmbeddedOpenMemory, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if connections["memory"].vendor != "sqlite":
        pytest.skip("copies a file")
    deliver(call(), store)
    file = Path(connections["memory"].settings_dict["NAME"])
    connections["memory"].cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copy(file, tmp_path / "old.sqlite3")
    opt_out(store)
    assert is_settled(store)
    connections["memory"].close()
    for beside in file.parent.glob(f"{file.name}-*"):
        beside.unlink()
    shutil.copy(tmp_path / "old.sqlite3", file)
    fresh = EmbeddedOpenMemory()
    assert fresh.memories(MAYA)
    guard = Guard(fresh)
    assert guard.hides(MAYA)
    guard.look()
    assert guard.hides(MAYA)
    assert settle(fresh)
    assert fresh.memories(MAYA) == []
    request.addfinalizer(connections["memory"].close)


def test_decisions_that_were_carried_out_need_no_settling(any_store: OpenMemory) -> None:
    deliver(call(), any_store)
    settle(any_store)
    forget(any_store, MAYA, Forgetting(payloads=False))
    opt_out(any_store, PEPE)
    opt_out(any_store, PEPE, holds=False)
    assert is_settled(any_store)


def test_a_caller_without_decisions_is_never_hidden(store: EmbeddedOpenMemory) -> None:
    opt_out(store, PEPE)
    assert not Guard(store).hides(MAYA)


def test_a_restored_receipt_does_not_bring_a_deleted_memory_back(store: EmbeddedOpenMemory) -> None:
    conversation_id = deliver(call(), store)
    before = read_receipt(conversation_id)
    assert before
    (memory,) = (memory for memory in store.memories(MAYA) if memory.kind == kinds.MESSAGE)
    corrections.delete_memory(store, MAYA, memory)
    write_receipt(conversation_id, before)
    reprocess("--all")
    assert "My dog is called Biscuit." not in contents(store)


def test_all_users_of_a_store_are_listed_but_our_own_notes(any_store: OpenMemory) -> None:
    for user in (MAYA, PEPE, BOOKKEEPER):
        any_store.put(user, "note", "A note.")
    assert set(any_store.users() or ()) == {MAYA, PEPE}


# Restoring what staff deleted


def delete(store: OpenMemory, content: str) -> None:
    (memory,) = (memory for memory in store.memories(MAYA) if memory.content == content)
    corrections.delete_memory(store, MAYA, memory)


def test_a_deleted_memory_is_listed_and_can_be_restored(any_store: OpenMemory) -> None:
    conversation_id = deliver(call(MAYA, "I like tea.", "I like cake."), any_store)
    everything = contents(any_store)
    delete(any_store, "I like cake.")
    delete(any_store, "First name: Maya")
    listed = {one.content: one for one in deleted_memories(MAYA)}
    assert set(listed) == {"I like cake.", "First name: Maya"}
    restore(any_store, MAYA, conversation_id, listed["I like cake."].name)
    assert contents(any_store) == everything - {"First name: Maya"}
    assert [one.content for one in deleted_memories(MAYA)] == ["First name: Maya"]


def test_a_restored_memory_can_be_deleted_and_restored_again(store: EmbeddedOpenMemory) -> None:
    conversation_id = deliver(call(), store)
    for _ in range(2):
        delete(store, "My dog is called Biscuit.")
        (deleted,) = deleted_memories(MAYA)
        reprocess("--all")
        assert "My dog is called Biscuit." not in contents(store)
        restore(store, MAYA, conversation_id, deleted.name)
        assert "My dog is called Biscuit." in contents(store)


def test_what_an_earlier_version_withheld_can_be_restored(store: EmbeddedOpenMemory, payloads: Path) -> None:
    conversation_id = deliver(call(), store)
    delete(store, "My dog is called Biscuit.")
    shutil.rmtree(payloads / "_decisions")
    (deleted,) = deleted_memories(MAYA)
    assert deleted.deleted_at is None
    restore(store, MAYA, conversation_id, deleted.name)
    assert "My dog is called Biscuit." in contents(store)


def test_nothing_can_be_restored_of_a_caller_who_was_forgotten_or_opted_out(store: EmbeddedOpenMemory) -> None:
    conversation_id = deliver(call(), store)
    delete(store, "My dog is called Biscuit.")
    (deleted,) = deleted_memories(MAYA)
    forget(store, MAYA, Forgetting(payloads=False))
    assert deleted_memories(MAYA) == []
    with pytest.raises(FileNotFoundError):
        restore(store, MAYA, conversation_id, deleted.name)
    assert store.memories(MAYA) == []


def test_nothing_can_be_restored_whose_call_is_gone(store: EmbeddedOpenMemory) -> None:
    conversation_id = deliver(call(), store)
    delete(store, "My dog is called Biscuit.")
    transcription_path(conversation_id).unlink()
    assert deleted_memories(MAYA) == []


def test_the_memory_of_another_caller_cannot_be_restored(store: EmbeddedOpenMemory) -> None:
    conversation_id = deliver(call(), store)
    delete(store, "My dog is called Biscuit.")
    (deleted,) = deleted_memories(MAYA)
    with pytest.raises(FileNotFoundError):
        restore(store, PEPE, conversation_id, deleted.name)
