"""A caller's rights: exporting what is stored about them, and forgetting them."""

import contextlib
import errno
import io
import json
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zipfile import ZIP_STORED, ZipFile

import pytest
from asgiref.sync import async_to_sync
from django.test import Client
from pytest_django.fixtures import Settings

from conversations.files.locks import HeldLock, caller_lock
from conversations.files.paths import AUDIO, TRANSCRIPTION, payload_path, transcription_path
from conversations.files.placing import Delivery
from conversations.files.receipts import read_receipt
from conversations.index.references import caller_reference
from conversations.index.sync import reconcile, record_deliveries, refresh_stale_rows
from conversations.memories import corrections
from conversations.memories.remember import preview
from conversations.memories.reprocess import request as request_reprocessing
from conversations.memories.worker import Worker
from conversations.models import Caller, CallerCard, Conversation, MemoryState
from elmemory.audit.models import Action, Entry
from elmemory.memory import kinds
from elmemory.memory.card import read_card
from elmemory.memory.openmemory import OpenMemoryError
from elmemory.memory.openmemory.embedded.store import EmbeddedOpenMemory
from tests.conftest import As
from tests.harness.samples import sample, transcription
from tests.harness.stored import deliver
from webhooks.ring import client_data

pytestmark = [
    pytest.mark.django_db(transaction=True, databases=["default", "memory", "index"]),
    pytest.mark.usefixtures("payloads", "index_schema"),
]

MAYA, PEPE = "+14155550100", "+14155550101"


def address(caller: str, what: str) -> str:
    return f"/admin/conversations/caller/{caller_reference(caller)}/{what}/"


@pytest.fixture
def officer(as_role: As) -> Client:
    return as_role("privacy officer")


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch) -> None:
    for method in ("memories", "forget"):
        monkeypatch.setattr(EmbeddedOpenMemory, method, gone)


def gone(*args: object) -> None:  # noqa: ARG001
    raise OpenMemoryError("nobody listens on port 8080")


def read_only(*args: object) -> None:  # noqa: ARG001
    raise OSError(errno.EROFS, os.strerror(errno.EROFS))


# Export


def pieces(client: Client, caller: str = MAYA) -> list[bytes]:
    answer: Any = client.get(address(caller, "export"))
    assert answer.status_code == 200

    async def read() -> list[bytes]:
        return [piece async for piece in answer.streaming_content]

    return async_to_sync(read)()


def archive(client: Client, caller: str = MAYA) -> ZipFile:
    exported = ZipFile(io.BytesIO(b"".join(pieces(client, caller))))
    assert exported.testzip() is None
    return exported


def exported(client: Client, name: str) -> Any:
    return json.loads(archive(client).read(f"caller-{caller_reference(MAYA)}/{name}"))


def test_all_memories_are_exported_with_their_kind_and_dates(officer: Client, store: EmbeddedOpenMemory) -> None:
    deliver(transcription(MAYA, "My dog is called Biscuit.", facts={"city": "Duluth"}), store)
    memories = exported(officer, "memories.json")
    assert {(memory["kind"], memory["content"]) for memory in memories} == {
        (memory.kind, memory.content) for memory in store.memories(MAYA)
    }
    fact = next(memory for memory in memories if memory["kind"] == "fact")
    assert (fact["salience"], fact["metadata"]["value"]) == (0.9, "Duluth")
    assert fact["created_at"].startswith("20")


def test_the_card_and_the_calls_are_exported(officer: Client, store: EmbeddedOpenMemory) -> None:
    conversation_id = deliver(transcription(MAYA, "Hi.", facts={"first_name": "Maya"}, summary="Said hello."), store)
    assert exported(officer, "caller.json")["number"] == MAYA
    assert exported(officer, "caller.json")["card"]["facts"] == {"first_name": "Maya"}
    (call,) = exported(officer, "calls.json")
    assert (call["conversation_id"], call["title"]) == (conversation_id, "Said hello.")


def test_every_file_of_their_calls_is_exported_as_it_is(officer: Client, store: EmbeddedOpenMemory) -> None:
    event = transcription(MAYA, "Hi.", conversation_id="conv_a")
    deliver(event, store)
    deliver({**event, "event_timestamp": event["event_timestamp"] + 1}, store)
    deliver({"type": "post_call_audio", "data": {"conversation_id": "conv_a", "full_audio": "SUQz"}})
    failure = sample("call_initiation_failure_sip")
    failure["data"]["metadata"]["body"]["to_number"] = MAYA
    deliver(failure)
    deliver(transcription(PEPE, "Hi.", conversation_id="conv_of_another"), store)
    files = {
        f"caller-{caller_reference(MAYA)}/calls/{path.parent.name}/{path.name}": path.read_bytes()
        for conversation_id in ("conv_a", failure["data"]["conversation_id"])
        for path in payload_path(conversation_id, AUDIO).parent.iterdir()
    }
    assert len(files) == 5
    whole = archive(officer)
    assert {name: whole.read(name) for name in whole.namelist() if "/calls/" in name} == files


def test_a_call_that_the_index_missed_is_exported(officer: Client) -> None:
    for conversation_id in ("conv_a", "conv_b"):
        deliver(transcription(MAYA, "Hi.", conversation_id=conversation_id))
    Conversation.objects.filter(pk="conv_b").delete()
    assert [call["conversation_id"] for call in exported(officer, "calls.json")] == ["conv_a", "conv_b"]


def test_a_long_recording_is_never_whole_in_memory(officer: Client) -> None:
    deliver(transcription(MAYA, "Hi.", conversation_id="conv_a"))
    recording = os.urandom(20 * 2**20)
    payload_path("conv_a", AUDIO).write_bytes(recording)
    sent = pieces(officer)
    assert max(map(len, sent)) < 2**20
    (entry,) = (entry for entry in ZipFile(io.BytesIO(b"".join(sent))).infolist() if entry.filename.endswith(".mp3"))
    assert (entry.file_size, entry.compress_type) == (len(recording), ZIP_STORED)


def test_a_file_of_an_impossible_time_is_exported_too(officer: Client) -> None:
    deliver(transcription(MAYA, "Hi.", conversation_id="conv_a"))
    audio = {"conversation_id": "conv_a", "full_audio": "SUQz"}
    deliver({"type": "post_call_audio", "event_timestamp": 1, "data": audio})
    assert any(name.endswith("_audio.mp3") for name in archive(officer).namelist())


def test_no_file_name_holds_the_number(officer: Client, store: EmbeddedOpenMemory) -> None:
    deliver(transcription(MAYA, "Hi."), store)
    answer = officer.get(address(MAYA, "export"))
    assert answer.headers["Content-Disposition"] == f'attachment; filename="caller-{caller_reference(MAYA)}.zip"'
    assert not [name for name in archive(officer).namelist() if "4155550100" in name]


def test_exporting_a_caller_is_recorded(officer: Client, store: EmbeddedOpenMemory) -> None:
    deliver(transcription(MAYA, "Hi."), store)
    officer.get(address(MAYA, "export"))
    entry = Entry.objects.get()
    assert (entry.username, entry.action, entry.kind) == ("privacy_officer", Action.EXPORT, "caller")
    assert (entry.object, entry.detail) == (caller_reference(MAYA), "3 memories, 1 call")


@pytest.mark.usefixtures("away")
def test_nothing_is_exported_while_openmemory_is_away(officer: Client) -> None:
    deliver(transcription(MAYA, "Hi."))
    text = officer.get(address(MAYA, "export"), follow=True).content.decode()
    assert "Nothing was exported: OpenMemory does not answer (nobody listens on port 8080)." in text
    assert not Entry.objects.filter(action=Action.EXPORT)


# Forgetting


def forget(client: Client, caller: str = MAYA, *, payloads: bool = False) -> str:
    """What the page after it says."""
    form = {"payloads": "on"} if payloads else {}
    return client.post(address(caller, "forget"), form, follow=True).content.decode()


def contents(store: EmbeddedOpenMemory, caller: str = MAYA) -> list[str]:
    return [memory.content for memory in store.memories(caller) if memory.kind == kinds.MESSAGE]


def ago(seconds: int) -> int:
    return int(time.time()) - seconds


def test_nothing_is_forgotten_before_it_is_confirmed(officer: Client, store: EmbeddedOpenMemory) -> None:
    deliver(transcription(MAYA, "Hi.", "Bye."), store)
    text = officer.get(address(MAYA, "forget")).content.decode()
    assert "<strong>4 memories in OpenMemory</strong>" in text
    assert "1 call, 2 files" in text
    assert len(store.memories(MAYA)) == 4


def test_a_forgotten_caller_has_no_memory_left_and_another_keeps_theirs(
    officer: Client, store: EmbeddedOpenMemory
) -> None:
    deliver(transcription(MAYA, "Hi.", facts={"first_name": "Maya"}), store)
    corrections.correct(store, MAYA, "city", "Duluth")
    corrections.set_preference(store, MAYA, kinds.OPT_OUT, holds=True)
    deliver(transcription(PEPE, "Hello.", facts={"first_name": "Pepe"}), store)
    forget(officer)
    assert store.memories(MAYA) == []
    assert not CallerCard.objects.filter(pk=caller_reference(MAYA)).exists()
    assert contents(store, PEPE) == ["Hello."]
    assert CallerCard.objects.get(pk=caller_reference(PEPE)).name == "Pepe"


def test_the_files_of_a_forgotten_caller_stay_unless_that_is_chosen(officer: Client, store: EmbeddedOpenMemory) -> None:
    conversation_id = deliver(transcription(MAYA, "My dog is called Biscuit."), store)
    raw = transcription_path(conversation_id).read_bytes()
    assert "1 call kept" in forget(officer)
    assert transcription_path(conversation_id).read_bytes() == raw
    assert Conversation.objects.get().memory_state == MemoryState.NONE
    text = officer.get(f"/admin/conversations/conversation/{conversation_id}/change/").content.decode()
    assert "the caller was forgotten afterwards" in text


def test_files_that_stay_bring_nothing_back(officer: Client, store: EmbeddedOpenMemory, settings: Settings) -> None:
    conversation_id = deliver(transcription(MAYA, "My dog is called Biscuit."), store)
    forget(officer)
    settings.SECRET_KEY = "another-secret-key-0123456789-0123456789-0123456789"
    request_reprocessing(conversation_id)
    reconcile()
    assert preview(conversation_id, store) == (0, 0, 0)
    assert Worker(store).process_due() == 1
    assert store.memories(MAYA) == []


def test_another_version_of_a_call_brings_nothing_back(officer: Client, store: EmbeddedOpenMemory) -> None:
    event = transcription(MAYA, "My dog is called Biscuit.", conversation_id="conv_a")
    deliver(event, store)
    forget(officer)
    event["data"]["transcript"][1]["message"] = "My cat is called Biscuit."
    deliver({**event, "event_timestamp": event["event_timestamp"] + 1}, store)
    assert store.memories(MAYA) == []
    assert Conversation.objects.get().memory_state == MemoryState.NONE


def test_a_corrected_version_with_another_caller_is_remembered_for_that_caller(
    officer: Client, store: EmbeddedOpenMemory
) -> None:
    event = transcription(MAYA, "Hello.", conversation_id="conv_a")
    deliver(event, store)
    forget(officer)
    event = transcription(PEPE, "Hello.", conversation_id="conv_a")
    deliver({**event, "event_timestamp": event["event_timestamp"] + 1}, store)
    assert contents(store, PEPE) == ["Hello."]


def test_a_call_that_waits_for_the_worker_is_not_remembered(officer: Client, store: EmbeddedOpenMemory) -> None:
    deliver(transcription(MAYA, "Hi.", started_at=ago(600)))
    forget(officer)
    assert Worker(store).process_due() == 1
    assert store.memories(MAYA) == []


def test_a_call_that_was_going_on_is_stored_but_not_remembered(officer: Client, store: EmbeddedOpenMemory) -> None:
    deliver(transcription(MAYA, "Hi.", started_at=ago(3600)), store)
    started_at = ago(60)
    forget(officer)
    conversation_id = deliver(transcription(MAYA, "Please forget me.", started_at=started_at), store)
    assert transcription_path(conversation_id).exists()
    assert store.memories(MAYA) == []
    assert Conversation.objects.get(pk=conversation_id).memory_state == MemoryState.NONE


@pytest.mark.parametrize("payloads", [False, True])
def test_the_next_new_call_is_a_strangers(officer: Client, store: EmbeddedOpenMemory, *, payloads: bool) -> None:
    deliver(transcription(MAYA, "Hi.", facts={"first_name": "Maya", "city": "Duluth"}, started_at=ago(600)), store)
    forget(officer, payloads=payloads)
    assert client_data(read_card(store, MAYA)) == client_data(None)
    deliver(transcription(MAYA, "Hello.", facts={"first_name": "Maja"}, started_at=ago(-60)), store)
    assert (card := read_card(store, MAYA))
    assert (card.facts, card.call_count) == ({"first_name": "Maja"}, 1)


def test_deleted_calls_leave_no_file_and_no_row(officer: Client, store: EmbeddedOpenMemory, payloads: Path) -> None:
    event = transcription(MAYA, "My dog is called Biscuit.", conversation_id="conv_a")
    deliver(event, store)
    deliver({**event, "event_timestamp": event["event_timestamp"] + 1}, store)
    deliver({"type": "post_call_audio", "data": {"conversation_id": "conv_a", "full_audio": "SUQz"}})
    deliver(transcription(PEPE, "My dog is called Biscuit.", conversation_id="conv_b"), store)
    forget(officer, payloads=True)
    assert [path.name for path in payloads.iterdir() if not path.name.startswith("_")] == ["conv_b"]
    assert [row.pk for row in Conversation.objects.all()] == ["conv_b"]
    text = officer.get("/admin/conversations/conversation/", {"q": "biscuit"}).content.decode()
    assert "conv_a" not in text
    assert officer.get(address(MAYA, "change")).status_code == 404


def test_the_tombstone_of_a_deleted_call_does_not_name_its_caller(
    officer: Client, store: EmbeddedOpenMemory, payloads: Path
) -> None:
    deliver(transcription(MAYA, "My dog is called Biscuit.", facts={"first_name": "Maya"}), store)
    forget(officer, payloads=True)
    personal = re.compile(rb"4155550100|Maya|Biscuit")
    left = [path for path in payloads.rglob("*") if path.is_file()]
    assert not [path for path in left if personal.search(path.name.encode() + path.read_bytes())]


@pytest.mark.parametrize("later", [0, 1])
def test_a_deleted_call_is_not_stored_again(
    officer: Client, store: EmbeddedOpenMemory, payloads: Path, later: int
) -> None:
    event = transcription(MAYA, "Hi.", conversation_id="conv_a")
    deliver(event, store)
    forget(officer, payloads=True)
    deliver({**event, "event_timestamp": event["event_timestamp"] + later}, store)
    deliver({"type": "post_call_audio", "data": {"conversation_id": "conv_a", "full_audio": "SUQz"}})
    assert not (payloads / "conv_a").exists()
    assert not Conversation.objects.exists()
    assert store.memories(MAYA) == []


def test_the_thin_row_of_a_delivery_of_a_deleted_call_is_deleted_by_refreshing(
    officer: Client, store: EmbeddedOpenMemory
) -> None:
    deliver(transcription(MAYA, "Hi.", conversation_id="conv_a"), store)
    forget(officer, payloads=True)
    record_deliveries([Delivery("duplicate", TRANSCRIPTION, "conv_a"), Delivery("duplicate", AUDIO, "conv_a")])
    refresh_stale_rows()
    assert not Conversation.objects.exists()


def test_a_call_that_the_index_missed_is_deleted_too(
    officer: Client, store: EmbeddedOpenMemory, payloads: Path
) -> None:
    for conversation_id in ("conv_a", "conv_b"):
        deliver(transcription(MAYA, "Hi.", conversation_id=conversation_id), store)
    Conversation.objects.filter(pk="conv_b").delete()
    forget(officer, payloads=True)
    assert not (payloads / "conv_b").exists()


def test_a_call_processed_while_forgetting_waits_for_the_lock_is_forgotten_too(
    officer: Client, store: EmbeddedOpenMemory, payloads: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(transcription(MAYA, "Hi.", conversation_id="conv_a"), store)

    @contextmanager
    def lock_that_was_waited_for(*callers: str) -> Iterator[HeldLock]:
        deliver(transcription(MAYA, "Hello.", conversation_id="conv_b"), store)
        with caller_lock(*callers) as held:
            yield held

    monkeypatch.setattr("conversations.memories.forgetting.caller_lock", lock_that_was_waited_for)
    forget(officer, payloads=True)
    assert store.memories(MAYA) == []
    assert not list(payloads.glob("conv_*"))


def test_a_card_is_not_copied_while_another_process_holds_the_callers_lock(store: EmbeddedOpenMemory) -> None:
    deliver(transcription(MAYA, "Hi.", facts={"first_name": "Maya"}), store)
    CallerCard.objects.all().delete()
    with caller_lock(MAYA):
        Worker(store).reconcile()
        assert not CallerCard.objects.exists()
    Worker(store).reconcile()
    assert CallerCard.objects.get().name == "Maya"


def test_forgetting_a_caller_is_recorded(officer: Client, store: EmbeddedOpenMemory) -> None:
    deliver(transcription(MAYA, "Hi."), store)
    forget(officer, payloads=True)
    entry = Entry.objects.get(action=Action.FORGET)
    assert (entry.username, entry.kind, entry.object) == ("privacy_officer", "caller", caller_reference(MAYA))
    assert entry.detail == "3 memories, 1 call deleted"


def test_nothing_is_forgotten_while_openmemory_is_away(
    officer: Client, store: EmbeddedOpenMemory, request: pytest.FixtureRequest
) -> None:
    conversation_id = deliver(transcription(MAYA, "Hi."), store)
    before = read_receipt(conversation_id)
    request.getfixturevalue("away")
    for text in (
        officer.get(address(MAYA, "forget"), follow=True).content.decode(),
        forget(officer, payloads=True),
    ):
        assert "Nothing can be forgotten: OpenMemory does not answer (nobody listens on port 8080)." in text
    assert read_receipt(conversation_id) == before
    assert not Entry.objects.filter(action=Action.FORGET)


def test_the_page_says_that_openmemory_failed_while_forgetting(
    officer: Client, store: EmbeddedOpenMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(transcription(MAYA, "Hi.", conversation_id="conv_a"), store)
    with monkeypatch.context() as going:
        going.setattr(EmbeddedOpenMemory, "forget", gone)
        text = forget(officer, payloads=True)
    assert "forgotten only in part. Forget them again" in text
    assert transcription_path("conv_a").exists()
    forget(officer, payloads=True)
    assert store.memories(MAYA) == []


def test_the_page_says_that_a_folder_could_not_be_changed(
    officer: Client, store: EmbeddedOpenMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(transcription(MAYA, "Hi.", conversation_id="conv_a"), store)
    with monkeypatch.context() as locking:
        locking.setattr("conversations.memories.forgetting.delete_conversation", read_only)
        assert "Not every file could be changed (Read-only file system)." in forget(officer, payloads=True)
    assert Caller.objects.get().number == MAYA


# An interrupted forgetting can be repeated


class Died(Exception):
    """The process was killed here."""


def died(*args: object, **kwargs: object) -> None:  # noqa: ARG001
    raise Died


@pytest.mark.parametrize(
    "at",
    [
        "conversations.memories.forgetting.decide",
        "conversations.memories.forgetting.write_receipt",
        "elmemory.memory.openmemory.embedded.store.EmbeddedOpenMemory.forget",
        "conversations.memories.forgetting.delete_card",
        "conversations.memories.forgetting.delete_conversation",
        "conversations.memories.forgetting.refresh_row",
    ],
)
def test_forgetting_can_be_repeated_after_a_crash_at_any_step(
    officer: Client, store: EmbeddedOpenMemory, payloads: Path, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    for conversation_id in ("conv_a", "conv_b"):
        deliver(transcription(MAYA, "Hi.", conversation_id=conversation_id), store)
    with monkeypatch.context() as killing:
        killing.setattr(at, died)
        with pytest.raises(Died):
            forget(officer, payloads=True)
    assert Entry.objects.filter(action=Action.FORGET, object=caller_reference(MAYA)).exists()
    Worker(store).process_due()
    forget(officer, payloads=True)
    reconcile()
    assert store.memories(MAYA) == []
    assert not list(payloads.glob("conv_*"))
    assert not Caller.objects.exists()
    assert not CallerCard.objects.filter(pk=caller_reference(MAYA)).exists()


def test_a_call_whose_deletion_was_interrupted_is_still_found_under_its_caller(
    officer: Client, store: EmbeddedOpenMemory, payloads: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(transcription(MAYA, "Hi.", conversation_id="conv_a"), store)
    deliver({"type": "post_call_audio", "data": {"conversation_id": "conv_a", "full_audio": "SUQz"}})
    unlink = Path.unlink
    for _ in range(3):
        left = [1]

        def once(path: Path, *, missing_ok: bool = False, left: list[int] = left) -> None:
            if path.parent.name == "conv_a" and not left:
                raise Died
            if path.parent.name == "conv_a":
                left.pop()
            unlink(path, missing_ok)

        assert Caller.objects.get().number == MAYA
        with monkeypatch.context() as killing, contextlib.suppress(Died):
            killing.setattr(Path, "unlink", once)
            forget(officer, payloads=True)
        reconcile()
        Worker(store).process_due()
        assert store.memories(MAYA) == []
    forget(officer, payloads=True)
    assert not (payloads / "conv_a").exists()
