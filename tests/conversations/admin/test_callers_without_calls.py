"""Callers whose files are gone, but of whom the store has memories: found, shown, exported and counted."""

import io
import json
import shutil
from contextlib import closing
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from asgiref.sync import async_to_sync
from django.test import Client

from conversations.files.paths import conversation_folder, transcription_path
from conversations.index.references import caller_reference
from conversations.memories import corrections
from conversations.memories.forgetting import Forgetting, forget
from conversations.memories.worker import Worker
from conversations.models import Caller, Conversation
from elmemory.doctor.checks import run_checks
from elmemory.memory import kinds
from elmemory.memory.openmemory.embedded.store import EmbeddedOpenMemory
from elmemory.memory.openmemory.remote.store import RemoteOpenMemory
from tests.conftest import As
from tests.harness.openmemory_servers import KEY, stub_server, wire_server
from tests.harness.samples import transcription
from tests.harness.stored import deliver, row

pytestmark = [
    pytest.mark.django_db(transaction=True, databases=["default", "memory", "index"]),
    pytest.mark.usefixtures("payloads", "index_schema"),
]

MAYA, PEPE = "+14155550100", "+14155550101"
STARTED_AT = 1_790_000_000
NO_LIST = {("GET", "/memory/all"): (404, "404: Not Found")}


@pytest.fixture
def officer(as_role: As) -> Client:
    return as_role("privacy officer")


@pytest.fixture
def without_files(payloads: Path, index_schema: None, store: EmbeddedOpenMemory) -> None:  # noqa: ARG001
    """Maya has memories and no files; Pepe has both."""
    gone = deliver(
        transcription(MAYA, "My dog is called Biscuit.", facts={"first_name": "Maya"}, started_at=STARTED_AT), store
    )
    deliver(transcription(PEPE, "Hi.", facts={"first_name": "Pepe"}), store)
    shutil.rmtree(conversation_folder(gone))
    Worker(store).reconcile()


def page(client: Client, what: str, caller: str = MAYA, **query: str) -> str:
    return client.get(f"/admin/conversations/caller/{caller_reference(caller)}/{what}/", query).content.decode()


@pytest.mark.usefixtures("without_files")
def test_the_list_has_callers_of_whom_only_the_store_knows(officer: Client) -> None:
    text = officer.get("/admin/conversations/caller/").content.decode()
    assert "Maya" in text
    assert "Pepe" in text
    assert "2 callers" in text
    caller = Caller.objects.get(pk=caller_reference(MAYA))
    assert (caller.number, caller.calls) == (MAYA, 0)
    assert caller.last_call is not None
    assert int(caller.last_call.timestamp()) == STARTED_AT


@pytest.mark.usefixtures("without_files")
@pytest.mark.parametrize("question", ["maya", "0100", "(415) 555-0100", MAYA])
def test_they_are_found_by_name_and_number(officer: Client, question: str) -> None:
    text = officer.post("/admin/conversations/caller/", {"q": question}, follow=True).content.decode()
    assert "Maya" in text
    assert "Pepe" not in text


@pytest.mark.usefixtures("without_files")
def test_their_page_shows_their_memories(officer: Client) -> None:
    text = page(officer, "change")
    assert "My dog is called Biscuit." in text
    assert "remembered without files" in text


@pytest.mark.usefixtures("without_files")
def test_they_are_exported(officer: Client) -> None:
    answer: Any = officer.get(f"/admin/conversations/caller/{caller_reference(MAYA)}/export/")

    async def read() -> bytes:
        return b"".join([piece async for piece in answer.streaming_content])

    archive = ZipFile(io.BytesIO(async_to_sync(read)()))
    (name,) = (name for name in archive.namelist() if name.endswith("memories.json"))
    assert "My dog is called Biscuit." in {memory["content"] for memory in json.loads(archive.read(name))}


@pytest.mark.usefixtures("without_files")
def test_staff_can_opt_them_out_and_the_list_says_so(officer: Client, store: EmbeddedOpenMemory) -> None:
    corrections.set_preference(store, MAYA, kinds.OPT_OUT, holds=True)
    assert "opted out" in officer.get("/admin/conversations/caller/").content.decode()


@pytest.mark.usefixtures("without_files")
def test_a_new_call_makes_them_a_caller_with_calls(officer: Client, store: EmbeddedOpenMemory) -> None:
    deliver(transcription(MAYA, "Hi."), store)
    assert [(caller.number, caller.calls) for caller in Caller.objects.order_by("number")] == [(MAYA, 1), (PEPE, 1)]
    assert "2 callers" in officer.get("/admin/conversations/caller/").content.decode()


@pytest.mark.usefixtures("without_files")
def test_a_caller_whom_the_store_no_longer_has_leaves_the_list(store: EmbeddedOpenMemory) -> None:
    store.forget(MAYA)
    Worker(store).reconcile()
    assert [caller.number for caller in Caller.objects.all()] == [PEPE]


def test_users_of_other_clients_are_no_callers(store: EmbeddedOpenMemory) -> None:
    store.put("alice", "note", "Likes tea.")
    Worker(store).reconcile()
    assert not Caller.objects.exists()


def test_a_receipt_names_the_caller_of_a_call_whose_payload_is_gone(store: EmbeddedOpenMemory) -> None:
    conversation_id = deliver(transcription(MAYA, "Hi."), store)
    transcription_path(conversation_id).unlink()
    Worker(store).reconcile()
    assert row(conversation_id).caller == MAYA
    assert Caller.objects.get().number == MAYA


@pytest.mark.usefixtures("without_files")
def test_the_doctor_counts_memories_without_files(store: EmbeddedOpenMemory) -> None:
    (check,) = (check for check in run_checks() if check.name == "memories without files")
    assert check.state == "note"
    assert check.detail.startswith(f"{len(store.memories(MAYA))} memories of 1 caller, who is")


def test_a_server_of_ours_lists_its_users(tmp_path: Path) -> None:
    with wire_server(tmp_path) as url:
        server = RemoteOpenMemory(url, KEY)
        server.put(MAYA, "a", "One.")
        server.put(MAYA, "b", "Two.")
        server.put("alice", "a", "Three.")
        assert server.users() == {MAYA: 2, "alice": 1}
        server.close()


def test_the_users_of_a_server_that_lists_none_are_unknown() -> None:
    with stub_server() as (stub, url), closing(RemoteOpenMemory(url, KEY)) as server:
        stub.faults |= NO_LIST
        assert server.users() is None


def test_a_caller_of_a_server_that_lists_no_users_is_found_by_the_receipt() -> None:
    with stub_server() as (stub, url), closing(RemoteOpenMemory(url, KEY)) as server:
        stub.faults |= NO_LIST
        conversation_id = deliver(transcription(MAYA, "Hi."), server)
        transcription_path(conversation_id).unlink()
        Worker(server).reconcile()
        assert Caller.objects.get().number == MAYA
        assert Conversation.objects.get().caller_ref == caller_reference(MAYA)


def test_the_doctor_reports_a_forgetting_that_was_not_finished(
    store: EmbeddedOpenMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as dying:
        dying.setattr("conversations.memories.forgetting.certify", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            forget(store, MAYA, Forgetting())
    assert [check.state for check in run_checks() if check.name == "forgetting"] == ["fault"]
    forget(store, MAYA, Forgetting())
    assert not [check for check in run_checks() if check.name == "forgetting"]
