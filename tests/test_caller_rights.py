"""A caller's rights: to have all that is known of them, and to be forgotten."""

import io
import json
import os
from typing import Any
from zipfile import ZIP_STORED, ZipFile

import pytest
from asgiref.sync import async_to_sync
from django.test import Client

from conversations import index
from conversations.models import Conversation
from conversations.references import caller_reference
from conversations.storage import AUDIO, accept, payload_path, spool
from conversations.worker import Worker
from elmemory.audit.models import Action, Entry
from elmemory.memory.openmemory import OpenMemoryError
from elmemory.memory.openmemory.embedded.store import EmbeddedOpenMemory
from tests.conftest import As
from tests.samples import sample, transcription

pytestmark = [
    pytest.mark.django_db(transaction=True, databases=["default", "memory", "index"], serialized_rollback=True),
    pytest.mark.usefixtures("payloads", "index_schema"),
]

MAYA, PEPE = "+14155550100", "+14155550101"


def deliver(event: dict[str, Any], store: EmbeddedOpenMemory | None = None) -> str:
    with spool() as spooled:
        spooled.file.write(json.dumps(event).encode())
        delivery = accept(spooled)
    index.refresh(delivery.conversation_id)
    if store:
        Worker(store).work_off()
    return delivery.conversation_id


def address(caller: str, what: str) -> str:
    return f"/admin/conversations/caller/{caller_reference(caller)}/{what}/"


@pytest.fixture
def officer(as_role: As) -> Client:
    return as_role("privacy officer")


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object) -> None:  # noqa: ARG001
        raise OpenMemoryError("nobody listens on port 8080")

    for method in ("memories", "forget"):
        monkeypatch.setattr(EmbeddedOpenMemory, method, fail)


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


def test_no_name_of_a_file_holds_the_number(officer: Client, store: EmbeddedOpenMemory) -> None:
    deliver(transcription(MAYA, "Hi."), store)
    answer = officer.get(address(MAYA, "export"))
    assert answer.headers["Content-Disposition"] == f'attachment; filename="caller-{caller_reference(MAYA)}.zip"'
    assert not [name for name in archive(officer).namelist() if "4155550100" in name]


def test_who_exports_a_caller_is_written_down(officer: Client, store: EmbeddedOpenMemory) -> None:
    deliver(transcription(MAYA, "Hi."), store)
    officer.get(address(MAYA, "export"))
    entry = Entry.objects.get()
    assert (entry.username, entry.action, entry.kind) == ("privacy_officer", Action.EXPORT, "caller")
    assert (entry.object, entry.detail) == (caller_reference(MAYA), "3 memories, 1 calls")


@pytest.mark.usefixtures("away")
def test_nothing_is_exported_while_openmemory_is_away(officer: Client) -> None:
    deliver(transcription(MAYA, "Hi."))
    text = officer.get(address(MAYA, "export"), follow=True).content.decode()
    assert "Nothing was exported: OpenMemory does not answer (nobody listens on port 8080)." in text
    assert not Entry.objects.filter(action=Action.EXPORT)
