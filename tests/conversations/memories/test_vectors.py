"""Vectors are made when a call is remembered or afterwards, live with their memories, and go with them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connections

from conversations.files.decisions import decide
from conversations.files.locks import caller_lock
from conversations.memories import corrections
from conversations.memories.decided import opt_out
from conversations.memories.forgetting import Forgetting, forget
from conversations.memories.move import copy
from conversations.memories.remember import remember
from conversations.memories.reprocess import request
from conversations.memories.vectors import add_vectors, without_vector
from elmemory.memory.encoder.vectors import has_vector
from elmemory.memory.openmemory import OpenMemory, open_memory
from elmemory.memory.openmemory.embedded.models import StoredMemory
from elmemory.memory.openmemory.embedded.store import EmbeddedOpenMemory
from elmemory.memory.openmemory.remote.store import RemoteOpenMemory
from elmemory.memory.records import Memory
from tests.harness.encoders import WordsEncoder, installed
from tests.harness.openmemory_servers import KEY, wire_server
from tests.harness.samples import new_number, transcription
from tests.harness.stored import deliver

pytestmark = [
    pytest.mark.django_db(transaction=True, databases=["default", "memory", "index"]),
    pytest.mark.usefixtures("payloads", "index_schema"),
]
SAYS = "My dog is called Biscuit.", "I moved to Duluth."


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RemoteOpenMemory]:
    with wire_server(tmp_path_factory.mktemp("openmemory")) as url:
        store = RemoteOpenMemory(url, KEY)
        yield store
        store.close()


@pytest.fixture(params=["embedded", "server"])
def any_store(request: pytest.FixtureRequest, store: EmbeddedOpenMemory) -> OpenMemory:
    served: RemoteOpenMemory = request.getfixturevalue("server")
    return store if request.param == "embedded" else served


@pytest.fixture
def encoder() -> Iterator[WordsEncoder]:
    with installed(WordsEncoder()) as encoder:
        yield encoder


@pytest.fixture
def caller() -> str:
    return new_number()


def vectors(store: OpenMemory, caller: str) -> dict[str, bool]:
    """Content to whether there is a vector, of all memories but the card."""
    return {memory.content: bool(memory.vector) for memory in store.memories(caller) if memory.kind != "card"}


def said(store: OpenMemory, caller: str, text: str) -> Memory:
    return next(memory for memory in store.memories(caller) if memory.content == text)


def test_a_call_is_remembered_with_vectors(any_store: OpenMemory, encoder: WordsEncoder, caller: str) -> None:
    deliver(transcription(caller, *SAYS, facts={"city": "Duluth"}), any_store)
    memories = any_store.memories(caller)
    assert {memory.kind for memory in memories if has_vector(encoder, memory)} == {"message", "fact", "call"}
    assert {memory.kind for memory in memories if not memory.vector} == {"card"}
    assert any("Question" in text and SAYS[0] in text for text in encoder.encoded)


def test_without_an_encoder_there_are_no_vectors(any_store: OpenMemory, caller: str) -> None:
    deliver(transcription(caller, *SAYS), any_store)
    assert not any(vectors(any_store, caller).values())


def test_a_call_that_is_remembered_again_is_not_encoded_again(
    any_store: OpenMemory, encoder: WordsEncoder, caller: str
) -> None:
    conversation_id = deliver(transcription(caller, *SAYS), any_store)
    encoder.encoded.clear()
    request(conversation_id)
    assert remember(conversation_id, any_store) == "done"
    assert encoder.encoded == []
    assert all(vectors(any_store, caller).values())


def test_a_text_that_changes_leaves_no_vector_of_the_one_before(
    any_store: OpenMemory, encoder: WordsEncoder, caller: str
) -> None:
    first = transcription(caller, facts={"city": "Duluth"}, conversation_id=f"conv_{caller[1:]}")
    deliver(first, any_store)
    before = said(any_store, caller, "City: Duluth").vector
    changed = transcription(caller, facts={"city": "St Paul"}, conversation_id=f"conv_{caller[1:]}")
    deliver({**changed, "event_timestamp": first["event_timestamp"] + 60}, any_store)
    assert before not in [memory.vector for memory in any_store.memories(caller)]
    assert has_vector(encoder, said(any_store, caller, "City: St Paul"))


@pytest.mark.usefixtures("encoder")
def test_a_correction_has_no_vector(any_store: OpenMemory, caller: str) -> None:
    deliver(transcription(caller, facts={"city": "Duluth"}), any_store)
    corrections.correct(any_store, caller, "city", "St Paul")
    assert [memory.vector for memory in any_store.memories(caller) if memory.kind == "preference"] == [b""]


@pytest.mark.usefixtures("encoder")
def test_a_deleted_memory_leaves_no_vector(any_store: OpenMemory, caller: str) -> None:
    deliver(transcription(caller, *SAYS), any_store)
    gone = said(any_store, caller, SAYS[0])
    any_store.delete(caller, gone.id)
    assert gone.vector not in [memory.vector for memory in any_store.memories(caller)]


@pytest.mark.usefixtures("encoder")
def test_an_opt_out_leaves_no_vector(any_store: OpenMemory, caller: str) -> None:
    deliver(transcription(caller, *SAYS), any_store)
    with caller_lock(caller):
        opt_out(any_store, caller)
    assert any_store.memories(caller) == []


@pytest.mark.sqlite
@pytest.mark.usefixtures("encoder")
def test_forgetting_a_caller_leaves_no_byte_of_a_vector(store: EmbeddedOpenMemory, caller: str) -> None:
    deliver(transcription(caller, *SAYS), store)
    held = [memory.vector for memory in store.memories(caller) if memory.vector]
    assert held
    assert any(vector in _bytes_of_the_store() for vector in held)
    forget(store, caller, Forgetting())
    assert not StoredMemory.objects.filter(vector__isnull=False).exists()
    assert not any(vector in _bytes_of_the_store() for vector in held)


def _bytes_of_the_store() -> bytes:
    file = Path(connections["memory"].settings_dict["NAME"])
    return b"".join(beside.read_bytes() for beside in file.parent.glob(f"{file.name}*"))


# reindex --vectors


def test_missing_vectors_are_made(any_store: OpenMemory, caller: str) -> None:
    deliver(transcription(caller, *SAYS), any_store)
    with installed(WordsEncoder()) as encoder:
        made = sum(add_vectors(encoder, any_store, caller))
        assert made == len(vectors(any_store, caller)) == 3
        assert all(vectors(any_store, caller).values())
        assert sum(add_vectors(encoder, any_store, caller)) == 0


def test_vectors_of_another_model_are_replaced(any_store: OpenMemory, encoder: WordsEncoder, caller: str) -> None:
    deliver(transcription(caller, *SAYS), any_store)
    newer = WordsEncoder("words-2")
    assert len(without_vector(newer, any_store, caller)) == 3
    sum(add_vectors(newer, any_store, caller))
    assert without_vector(newer, any_store, caller) == []
    assert len(without_vector(encoder, any_store, caller)) == 3


class Meanwhile(WordsEncoder):
    """Does something while the first text is being encoded."""

    def __init__(self, store: OpenMemory, caller: str, what: str) -> None:
        super().__init__()
        self._store, self._caller, self._what = store, caller, what

    def passage(self, text: str) -> list[float]:
        if not self.encoded:
            memory = said(self._store, self._caller, SAYS[0])
            if self._what == "deleted":
                self._store.delete(self._caller, memory.id)
            elif self._what == "changed":
                self._store.put(self._caller, memory.key, "My cat is called Biscuit.", metadata=memory.metadata)
            else:
                decide(self._caller, "opted_out")
        return super().passage(text)


@pytest.mark.parametrize("what", ["deleted", "changed", "forbidden"])
def test_what_is_decided_while_vectors_are_made_stands(any_store: OpenMemory, caller: str, what: str) -> None:
    deliver(transcription(caller, *SAYS), any_store)
    made = sum(add_vectors(Meanwhile(any_store, caller, what), any_store, caller))
    held = vectors(any_store, caller)
    assert made == (0 if what == "forbidden" else 2)
    assert not held.get(SAYS[0], False)
    assert held.get("My cat is called Biscuit.") == (False if what == "changed" else None)


def test_the_command_makes_missing_vectors_of_all_callers(
    store: EmbeddedOpenMemory, caller: str, capsys: pytest.CaptureFixture[str]
) -> None:
    other = new_number()
    for each in (caller, other):
        deliver(transcription(each, *SAYS), store)
    open_memory.cache_clear()
    with installed(WordsEncoder()):
        call_command("reindex", "--vectors", "--quiet")
    assert "6 vectors made, of memories of 2 callers." in capsys.readouterr().out
    assert all(vectors(store, caller).values())
    assert all(vectors(store, other).values())


def test_the_command_says_that_there_is_no_encoder() -> None:
    with pytest.raises(CommandError, match="make semantic"):
        call_command("reindex", "--vectors")


def test_moved_memories_keep_their_vectors(server: RemoteOpenMemory, store: EmbeddedOpenMemory, caller: str) -> None:
    with installed(WordsEncoder()) as encoder:
        deliver(transcription(caller, *SAYS), store)
        copy(store, server, caller, delete_extra=False)
        assert [has_vector(encoder, memory) for memory in server.memories(caller)] == [
            has_vector(encoder, memory) for memory in store.memories(caller)
        ]
        store.forget(caller)
        copy(server, store, caller, delete_extra=False)
        assert without_vector(encoder, store, caller) == []
