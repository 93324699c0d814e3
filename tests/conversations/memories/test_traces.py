"""The search for what is left of a caller finds a trace wherever it is, and nothing after forgetting."""

import gzip
import json
import secrets
import shutil
import sqlite3
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.db import connections
from django.test import Client

from conversations.files.paths import AUDIO, payload_path, transcription_path
from conversations.files.receipts import read_receipt, write_receipt
from conversations.index import fulltext
from conversations.index.references import caller_reference
from conversations.index.segments import deleted_words, remove_deleted_words
from conversations.index.sync import reconcile
from conversations.memories import certificate
from conversations.memories.belongings import keys_of_caller
from conversations.memories.forgetting import Forgetting, Forgotten, forget
from conversations.memories.traces import search_everything
from conversations.models import Conversation
from elmemory.audit.models import Action, Entry, Review
from elmemory.audit.record import record
from elmemory.memory import kinds
from elmemory.memory.needles import Needles
from elmemory.memory.openmemory.embedded.store import EmbeddedOpenMemory
from tests.harness.samples import transcription
from tests.harness.stored import deliver, place

pytestmark = [
    pytest.mark.django_db(transaction=True, databases=["default", "memory", "index"]),
    pytest.mark.usefixtures("payloads", "index_schema"),
]

NAME, SENTENCE = "Zelmira Quackenbush", "I live at twelve Quixotic Lane."
STRANGER = "+14155550101"
EVERYTHING = Forgetting(payloads=True, everywhere=True)


@pytest.fixture
def caller() -> str:
    """A number that no other test has put into the databases."""
    return f"+1415{2000000 + secrets.randbelow(7999999)}"


def call(caller: str, *says: str, conversation_id: str = "conv_z", **more: object) -> dict[str, object]:
    facts = {"first_name": "Zelmira", "last_name": "Quackenbush"}
    return transcription(caller, *(says or (SENTENCE,)), facts=facts, conversation_id=conversation_id, **more)  # type: ignore[arg-type]


def traces(store: EmbeddedOpenMemory, caller: str) -> list[str]:
    """The places with traces, without offsets."""
    needles = Needles(caller, [NAME], [SENTENCE])
    found = search_everything(needles, store, keys_of_caller(caller)).traces
    return [trace.where.split(" at ")[0] for trace in found]


def forgotten(store: EmbeddedOpenMemory, caller: str, how: Forgetting = EVERYTHING) -> Forgotten:
    done = forget(store, caller, how)
    assert done.searched.traces == []
    assert traces(store, caller) == []
    return done


def deleted(entry: Entry) -> dict[str, int]:
    counts: dict[str, int] = json.loads(entry.document)["deleted"]
    return counts


def spelled(number: str) -> str:
    """In the national way."""
    return f"({number[2:5]}) {number[5:8]}-{number[8:]}"


# Everything of a caller goes


def test_nothing_is_found_after_forgetting(store: EmbeddedOpenMemory, caller: str) -> None:
    for number in range(3):
        deliver(call(caller, conversation_id=f"conv_{number}"), store)
    deliver(transcription(STRANGER, "Hello, I call about the fence."), store)
    Review.objects.create(pk="conv_1", caller=caller_reference(caller), note=f"{NAME} said: {SENTENCE}")
    assert traces(store, caller)
    entry = forgotten(store, caller).entry
    assert deleted(entry) == {
        "memories": 12, "cards": 1, "calls": 3, "payloads": 3, "receipts": 3, "rows of the index": 3,
        "notes of staff": 1,
    }  # fmt: skip
    assert len(store.memories(STRANGER)) == 3


def test_older_versions_go(store: EmbeddedOpenMemory, caller: str) -> None:
    deliver(call(caller), store)
    deliver(call(caller, "I live elsewhere by now.", started_at=1_790_000_100), store)
    assert deleted(forgotten(store, caller).entry)["versions"] == 1


def test_a_version_goes_whose_call_is_anothers_by_now(store: EmbeddedOpenMemory, caller: str, payloads: Path) -> None:
    deliver(call(caller), store)
    deliver(transcription(STRANGER, "Hello.", conversation_id="conv_z", started_at=1_790_000_100), store)
    forgotten(store, caller)
    assert sorted(path.name for path in (payloads / "conv_z").iterdir()) == [
        "conv_z_memory.json",
        "conv_z_transcription.json",
    ]
    assert {memory.content for memory in store.memories(STRANGER)} >= {"Hello."}


def test_bodies_that_could_not_be_read_and_events_go_if_they_name_the_caller(
    store: EmbeddedOpenMemory, caller: str, payloads: Path
) -> None:
    place(f'{{"type": "post_call_transcription", "broken": "{spelled(caller)}"'.encode())
    place({"type": "workspace_notice", "data": {"number": f"sip:{caller}@example.com"}})
    place({"type": "workspace_notice", "data": {"number": STRANGER}})
    entry = forgotten(store, caller).entry
    assert deleted(entry) == {"events": 1, "unreadable bodies": 1}
    assert len(list((payloads / "_events").iterdir())) == 1


def test_an_unknown_event_of_a_call_without_a_transcription_goes(store: EmbeddedOpenMemory, caller: str) -> None:
    deliver({"type": "call_handover", "data": {"conversation_id": "conv_z", "to": f"whatsapp:{caller}"}})
    deliver({"type": "call_handover", "data": {"conversation_id": "conv_other", "to": STRANGER}})
    forgotten(store, caller)
    assert [row.pk for row in Conversation.objects.all()] == ["conv_other"]


def test_a_recording_goes_whose_transcription_could_not_be_read(
    store: EmbeddedOpenMemory, caller: str, payloads: Path
) -> None:
    deliver({"type": "post_call_audio", "data": {"conversation_id": "conv_z", "full_audio": "SUQz"}})
    place(f'{{"data": {{"conversation_id": "conv_z", "from": "{caller}"}}'.encode())
    entry = forgotten(store, caller).entry
    assert deleted(entry)["recordings"] == 1
    assert not (payloads / "conv_z").exists()


def test_a_recording_goes_whose_receipt_names_the_caller(
    store: EmbeddedOpenMemory, caller: str, payloads: Path
) -> None:
    deliver(call(caller), store)
    deliver({"type": "post_call_audio", "data": {"conversation_id": "conv_z", "full_audio": "SUQz"}})
    transcription_path("conv_z").unlink()
    reconcile()
    forgotten(store, caller)
    assert not (payloads / "conv_z").exists()


def test_a_caller_goes_of_whom_only_the_store_knows(store: EmbeddedOpenMemory, caller: str, payloads: Path) -> None:
    deliver(call(caller), store)
    shutil.rmtree(payloads / "conv_z")
    reconcile()
    assert deleted(forgotten(store, caller).entry) == {"memories": 4, "cards": 1}


def test_searches_of_staff_for_the_number_go(store: EmbeddedOpenMemory, caller: str, staff: Client) -> None:
    deliver(call(caller), store)
    staff.post("/admin/conversations/conversation/", {"q": caller[-6:]})
    staff.post("/admin/conversations/conversation/", {"q": spelled(caller).replace("1", "1", 1) + " or so"})
    session = SessionStore()
    session["searches"] = {"~0": spelled(caller)}
    session.create()
    assert deleted(forgotten(store, caller).entry)["searches of staff"] >= 1
    assert spelled(caller) not in str(Session.objects.get(pk=session.session_key).get_decoded())


def test_what_others_say_too_is_no_trace(store: EmbeddedOpenMemory, caller: str) -> None:
    said = "Could you repeat the question please?"
    deliver(call(caller, said), store)
    deliver(transcription(STRANGER, said), store)
    assert forget(store, caller, EVERYTHING).searched.traces == []


def test_files_that_stay_are_not_counted_as_traces(store: EmbeddedOpenMemory, caller: str) -> None:
    deliver(call(caller), store)
    done = forget(store, caller, Forgetting())
    assert done.searched.traces == []
    assert transcription_path("conv_z").exists()
    assert "1 call with its files" in json.loads(done.entry.document)["left"][0]


# One trace, planted


def in_memory_store(caller: str) -> None:
    EmbeddedOpenMemory().put("someone else", "note", f"Call {spelled(caller)} back.")


def in_index_row(caller: str) -> None:  # noqa: ARG001
    Conversation.objects.create(pk="conv_planted", title=f"About {NAME}")


def in_full_text(caller: str) -> None:  # noqa: ARG001
    fulltext.write([fulltext.Text(77, "", "", "", SENTENCE)])


def in_deleted_words(caller: str) -> None:  # noqa: ARG001
    fulltext.write([fulltext.Text(77, NAME, "", "", "")])
    fulltext.remove([77])


def in_receipt(caller: str) -> None:
    receipt = read_receipt("conv_other")
    assert receipt
    receipt.forgotten = [caller]
    write_receipt("conv_other", receipt)


def in_payload(caller: str) -> None:
    path = transcription_path("conv_other")
    path.write_text(path.read_text().replace("Hello", f"I am {NAME}, {spelled(caller)}. Hello"))


def in_version(caller: str) -> None:
    path = transcription_path("conv_other")
    path.with_name("conv_other_transcription.0123abcd.json").write_bytes(
        json.dumps({"from": "".join(chr(0xFF10 + int(digit)) for digit in caller[1:])}).encode()
    )


def in_unreadable(caller: str) -> None:
    place(gzip.compress(b"{" + caller.encode()) + b"broken")


def in_unreadable_zlib(caller: str) -> None:
    place(zlib.compress(b"{" + caller.encode())[:-1] + b"x")


def in_utf_16(caller: str) -> None:
    place("{".encode("utf-16") + spelled(caller).encode("utf-16-le"))


def in_event(caller: str) -> None:  # noqa: ARG001
    place({"type": "workspace_notice", "data": {"text": f"Zelmira\u00a0Quackenbush, {SENTENCE.upper()}"}})


def in_spool(caller: str) -> None:
    folder = payload_path("conv_other", AUDIO).parent.parent / "_spool"
    folder.mkdir(exist_ok=True)
    (folder / "1-abandoned").write_bytes(b"\0" * 70_000 + caller.encode())


def in_recording(caller: str) -> None:  # noqa: ARG001
    payload_path("conv_other", AUDIO).write_bytes(b"ID3" + bytes(2**16 - 6) + NAME.encode("utf-16-be") + bytes(99))


def in_audit_log(caller: str) -> None:
    record(None, Action.RUN, "command", "reprocess", detail=f"of {caller}")


def in_file_name(caller: str) -> None:
    (payload_path("conv_other", AUDIO).parent / f"{caller}.txt").write_text("x")


def in_session(caller: str) -> None:
    session = SessionStore()
    session["searches"] = {"~0": spelled(caller), "~1": "x" * 500}
    session.create()


def in_note(caller: str) -> None:
    Review.objects.create(pk="conv_other", note=f"{NAME}, {spelled(caller)}, wants to be called back.")


PLACES: list[tuple[Callable[[str], None], str]] = [
    (in_memory_store, "memory"),
    (in_index_row, "index"),
    (in_full_text, "index"),
    (in_deleted_words, "full-text segment"),
    (in_receipt, "conv_other_memory.json"),
    (in_payload, "conv_other_transcription.json"),
    (in_version, "conv_other_transcription.0123abcd.json"),
    (in_unreadable, "_unreadable/"),
    (in_unreadable_zlib, "_unreadable/"),
    (in_utf_16, "_unreadable/"),
    (in_event, "_events/"),
    (in_spool, "_spool/"),
    (in_recording, "conv_other_audio.mp3"),
    (in_audit_log, "audit_entry"),
    (in_file_name, "the name of a file"),
    (in_session, "django_session"),
    (in_note, "audit_review"),
]


def test_a_trace_is_found_wherever_it_is(store: EmbeddedOpenMemory, caller: str) -> None:
    # PostgreSQL removes deleted words with VACUUM.
    places = [place for place in PLACES if place[0] is not in_deleted_words or connections["index"].vendor == "sqlite"]
    deliver(transcription(STRANGER, "Hello.", conversation_id="conv_other"), store)
    deliver(call(caller), store)
    forgotten(store, caller)
    for plant, _ in places:
        plant(caller)
    found = traces(store, caller)
    assert [plant.__name__ for plant, place in places if not any(place in where for where in found)] == []
    assert search_everything(Needles("+14155559999"), store, []).traces == []


@pytest.mark.sqlite
@pytest.mark.parametrize("alias", ["memory", "index", "default"])
def test_a_trace_in_a_free_page_is_found_and_removed(store: EmbeddedOpenMemory, caller: str, alias: str) -> None:
    """As older versions left it, which did not overwrite what they deleted."""
    connections.close_all()
    database = sqlite3.connect(connections[alias].settings_dict["NAME"], isolation_level=None)
    database.execute("PRAGMA secure_delete = OFF")
    database.execute("CREATE TABLE old (text)")
    database.execute("INSERT INTO old VALUES (?)", [f"{caller} {SENTENCE} " * 500])
    database.execute("DROP TABLE old")
    database.close()
    assert Path(connections[alias].settings_dict["NAME"]).name in " ".join(traces(store, caller))
    forgotten(store, caller)


@pytest.mark.sqlite
def test_merging_removes_deleted_words_and_keeps_the_others() -> None:
    fulltext.write([fulltext.Text(number, f"Name{number}", "", "", "some words") for number in range(200)])
    fulltext.remove([77])
    assert deleted_words(["name77", "name78", "some", "never"]) == ["name77"]
    remove_deleted_words()
    assert deleted_words(["name77", "name78", "some", "never"]) == []
    assert fulltext.shown([78])


def test_the_offset_says_where(store: EmbeddedOpenMemory, caller: str) -> None:
    deliver(transcription(STRANGER, "Hello.", conversation_id="conv_other"), store)
    path = transcription_path("conv_other").with_name("note.txt")
    path.write_bytes(b"x" * 100_000 + spelled(caller).encode())
    found = search_everything(Needles(caller), store, [])
    assert [trace.where for trace in found.traces] == [f"{path} at 100001"]


# The certificate


@pytest.mark.parametrize("others", [0, 2])
def test_the_statistics_of_postgresql_hold_no_value_of_a_forgotten_caller(
    store: EmbeddedOpenMemory, caller: str, others: int
) -> None:
    if connections["memory"].vendor != "postgresql":
        pytest.skip("SQLite keeps no statistics of values here")
    # PostgreSQL keeps samples of a column that has several values.
    for conversation_id, note in (("conv_y", f"{NAME} called."), ("conv_z", SENTENCE)):
        deliver(call(caller, note, conversation_id=conversation_id), store)
        Review.objects.create(pk=conversation_id, note=note, caller=caller_reference(caller))
    for number in range(others):
        deliver(transcription(f"+1415555017{number}", f"Call {number} is of another."), store)
    for alias in connections:
        with connections[alias].cursor() as cursor:
            cursor.execute("ANALYZE")
    assert {"memory: table pg_stats", "index: table pg_stats", "default: table pg_stats"} <= set(traces(store, caller))
    forgotten(store, caller)


def test_the_certificate_is_in_the_audit_log_and_holds_no_personal_data(store: EmbeddedOpenMemory, caller: str) -> None:
    deliver(call(caller), store)
    entry = forgotten(store, caller).entry
    assert (entry.action, entry.caller) == (Action.CERTIFICATE, caller_reference(caller))
    document = json.loads(entry.document)
    assert document["searched"]["hits"] == 0
    assert document["searched"]["files"] > 3
    assert not Needles(caller, [NAME, "Zelmira"], [SENTENCE]).are_in(entry.document + entry.detail)


def test_a_caller_of_whom_nothing_is_stored_is_certified_too(store: EmbeddedOpenMemory, caller: str) -> None:
    assert deleted(forgotten(store, caller).entry) == {}


# Interruptions


class Died(Exception):
    """The process was killed here."""


_FORGETTING = "conversations.memories.forgetting"


@pytest.mark.parametrize(
    "at",
    [
        f"{_FORGETTING}.enforce",
        f"{_FORGETTING}.decide",
        "conversations.memories.certificate.write_notes",
        f"{_FORGETTING}.write_receipt",
        "elmemory.memory.openmemory.embedded.store.EmbeddedOpenMemory.forget",
        f"{_FORGETTING}.delete_card",
        f"{_FORGETTING}.note_carried_out",
        f"{_FORGETTING}.sync_folder",
        f"{_FORGETTING}.delete_conversation",
        f"{_FORGETTING}.refresh_row",
        f"{_FORGETTING}.delete_searches",
        f"{_FORGETTING}.remove_deleted_words",
        f"{_FORGETTING}.clear_log",
        f"{_FORGETTING}.search_databases",
        f"{_FORGETTING}.certify",
        "conversations.memories.certificate.delete_notes",
    ],
)
def test_the_next_run_completes_an_interrupted_one(
    store: EmbeddedOpenMemory, caller: str, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    deliver(call(caller), store)
    place(f'{{"broken": "{caller}"'.encode())

    def died(*args: object, **kwargs: object) -> None:  # noqa: ARG001
        raise Died

    with monkeypatch.context() as killing:
        killing.setattr(at, died)
        with pytest.raises(Died):
            forget(store, caller, EVERYTHING)
    entry = forgotten(store, caller).entry
    assert certificate.read_notes(caller) is None
    if not at.endswith("delete_notes"):
        assert deleted(entry) == {
            "memories": 4, "cards": 1, "calls": 1, "payloads": 1, "receipts": 1, "unreadable bodies": 1,
            "rows of the index": 1,
        }  # fmt: skip


def test_an_interrupted_forgetting_with_files_is_completed_with_files(
    store: EmbeddedOpenMemory, caller: str, monkeypatch: pytest.MonkeyPatch, payloads: Path
) -> None:
    deliver(call(caller), store)
    with monkeypatch.context() as killing:
        killing.setattr(f"{_FORGETTING}.delete_card", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            forget(store, caller, EVERYTHING)
    assert certificate.unfinished() == 1
    forget(store, caller, Forgetting())
    assert not (payloads / "conv_z").exists()
    assert certificate.unfinished() == 0


def test_a_preference_is_counted_and_deleted(store: EmbeddedOpenMemory, caller: str) -> None:
    store.put(caller, "preference:opt_out", "x", metadata={"kind": kinds.PREFERENCE, "preference": kinds.OPT_OUT})
    assert deleted(forgotten(store, caller).entry) == {"preferences": 1}
