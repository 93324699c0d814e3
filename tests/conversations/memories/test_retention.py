"""Retention: what is removed when, what stays, and what the audit log says of it."""

import base64
import io
import os
import time
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import OperationalError, connections
from django.test import Client
from django.utils.timezone import now
from pytest_django.fixtures import Settings

from conversations.files.decisions import about, is_deleted
from conversations.files.locks import caller_lock
from conversations.files.paths import AUDIO, transcription_path
from conversations.files.receipts import read_receipt, receipt_path
from conversations.index.queue import record_failure
from conversations.index.references import caller_reference
from conversations.index.schema import ensure_schema
from conversations.index.sync import reconcile, refresh_row
from conversations.memories import corrections
from conversations.memories.reprocess import request
from conversations.memories.retention import Retention
from conversations.memories.worker import Worker
from conversations.models import Caller, CallerCard, Conversation, MemoryState
from elmemory.audit import triggers
from elmemory.audit.models import Action, Entry
from elmemory.memory import kinds
from elmemory.memory.card import read_card
from elmemory.memory.openmemory import OpenMemory, OpenMemoryError
from elmemory.memory.openmemory.embedded.store import EmbeddedOpenMemory
from elmemory.memory.openmemory.remote.store import RemoteOpenMemory
from tests.harness.openmemory_servers import stub_server
from tests.harness.samples import transcription
from tests.harness.stored import deliver, place, row

pytestmark = [
    pytest.mark.django_db(transaction=True, databases=["default", "memory", "index"]),
    pytest.mark.usefixtures("payloads", "index_schema"),
]

MAYA, PEPE = "+14155550100", "+14155550101"
DAY = 86_400


@pytest.fixture(autouse=True)
def no_cards(index_schema: None) -> None:  # noqa: ARG001
    CallerCard.objects.all().delete()


def days_ago(days: float) -> int:
    return int(time.time() - days * DAY)


def call(store: OpenMemory, *, days: float, caller: str = MAYA, audio: bool = True, **changes: Any) -> str:
    """A processed call that began so many days ago; returns its id."""
    event = transcription(
        caller, "My dog is called Biscuit.", facts={"city": "Duluth"}, started_at=days_ago(days), **changes
    )
    conversation_id = deliver(event, store)
    if audio:
        deliver(recording(conversation_id, days=days))
    return conversation_id


def recording(conversation_id: str, *, days: float = 0) -> dict[str, Any]:
    data = {"conversation_id": conversation_id, "full_audio": base64.b64encode(b"ID3 sound").decode()}
    return {"type": AUDIO, "event_timestamp": days_ago(days), "data": data}


def files(conversation_id: str) -> list[str]:
    folder = transcription_path(conversation_id).parent
    return sorted(path.name.removeprefix(conversation_id) for path in folder.iterdir()) if folder.exists() else []


def retain(store: OpenMemory) -> None:
    """One pass of retention."""
    retention = Retention(store)
    while retention.step():
        pass


def recorded() -> list[tuple[str, str]]:
    entries = Entry.objects.filter(action__in=(Action.RETAIN, Action.FORGET, Action.CLOSE)).order_by("pk")
    return [(entry.kind, entry.detail) for entry in entries]


ALL = ["_audio.mp3", "_memory.json", "_transcription.json"]


def test_it_is_off_by_default(store: EmbeddedOpenMemory) -> None:
    conversation_id = call(store, days=3000)
    place(b"no event")
    retain(store)
    assert files(conversation_id) == ALL
    assert store.memories(MAYA)
    assert recorded() == []


def test_recordings_go_after_their_days_and_nothing_else(store: EmbeddedOpenMemory, settings: Settings) -> None:
    settings.RETAIN_AUDIO_DAYS = 30
    old, young = call(store, days=31), call(store, days=29)
    memories = store.memories(MAYA)
    retain(store)
    assert files(old) == ["_memory.json", "_transcription.json"]
    assert files(young) == ALL
    assert store.memories(MAYA) == memories
    assert not row(old).has_audio
    assert recorded() == [("audio", "recordings of 1 call, kept for 30 days")]


def test_payloads_go_after_their_days_and_the_receipt_and_the_memories_stay(
    store: EmbeddedOpenMemory, settings: Settings
) -> None:
    settings.RETAIN_PAYLOAD_DAYS = 30
    conversation_id = call(store, days=31)
    memories, keys = store.memories(MAYA), read_receipt(conversation_id)
    retain(store)
    receipt = read_receipt(conversation_id)
    assert files(conversation_id) == ["_memory.json"]
    assert store.memories(MAYA) == memories
    assert receipt
    assert keys
    assert (receipt.caller, receipt.memories, receipt.payload) == (MAYA, keys.memories, keys.payload)
    assert set(receipt.removed) == {"audio", "payload"}
    assert ("payload", "payloads of 1 call, kept for 30 days") in recorded()


def test_recordings_may_be_kept_longer_than_transcripts(store: EmbeddedOpenMemory, settings: Settings) -> None:
    settings.RETAIN_PAYLOAD_DAYS, settings.RETAIN_AUDIO_DAYS = 30, 60
    conversation_id = call(store, days=31)
    retain(store)
    assert files(conversation_id) == ["_audio.mp3", "_memory.json"]


def test_versions_events_and_failures_go_with_the_payload(
    store: EmbeddedOpenMemory, settings: Settings, payloads: Path
) -> None:
    settings.RETAIN_PAYLOAD_DAYS = 30
    conversation_id = call(store, days=31)
    deliver(transcription(MAYA, "Hi.", conversation_id=conversation_id, started_at=days_ago(32)))
    deliver({"type": "call_feedback", "data": {"conversation_id": conversation_id, "caller": MAYA}})
    failed = "conv_failed"
    body = {"To": MAYA, "From": "+14155550199"}
    data = {"conversation_id": failed, "metadata": {"type": "twilio", "body": body}}
    deliver({"type": "call_initiation_failure", "event_timestamp": days_ago(40), "data": data})
    assert len(files(conversation_id)) == 5
    retain(store)
    assert files(conversation_id) == ["_memory.json"]
    assert not (payloads / failed).exists()
    assert not Conversation.objects.filter(pk=failed).exists()


def test_a_recording_without_a_transcription_goes_with_its_folder(
    store: EmbeddedOpenMemory, settings: Settings, payloads: Path
) -> None:
    settings.RETAIN_PAYLOAD_DAYS = 30
    deliver(recording("conv_alone", days=31))
    retain(store)
    assert not (payloads / "conv_alone").exists()
    assert not Conversation.objects.filter(pk="conv_alone").exists()


def test_nothing_is_removed_that_cannot_be_recorded(
    store: EmbeddedOpenMemory, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.RETAIN_PAYLOAD_DAYS = 30
    conversation_id = call(store, days=31)

    def away() -> None:
        raise OperationalError("the server closed the connection")

    with monkeypatch.context() as patched:
        patched.setattr(connections["default"], "ensure_connection", away)
        with pytest.raises(OperationalError):
            Retention(store).step()
    assert files(conversation_id) == ALL


def test_no_file_that_is_left_holds_the_words(store: EmbeddedOpenMemory, settings: Settings, payloads: Path) -> None:
    settings.RETAIN_PAYLOAD_DAYS = 30
    call(store, days=31, summary="Maya spoke of Biscuit.", agent_name="Front desk")
    retain(store)
    left = b"".join(path.read_bytes() for path in payloads.rglob("*") if path.is_file())
    assert b"Biscuit" not in left
    assert b"Duluth" not in left
    assert not Conversation.objects.filter(title__contains="Biscuit").exists()


def test_a_call_without_its_payload_stays_in_the_lists(store: EmbeddedOpenMemory, settings: Settings) -> None:
    settings.RETAIN_PAYLOAD_DAYS = 30
    conversation_id = call(store, days=31)
    before = row(conversation_id)
    retain(store)
    Conversation.objects.all().delete()
    reconcile()
    after = row(conversation_id)
    for name in ("caller", "caller_ref", "started_at", "duration_seconds", "agent_id", "direction", "outcome"):
        assert getattr(after, name) == getattr(before, name), name
    assert (after.memory_state, after.memories) == (MemoryState.WRITTEN, before.memories)
    assert after.title == "Transcript removed by retention"
    assert Caller.objects.get().number == MAYA


def test_the_page_of_the_call_says_what_was_removed_and_shows_what_is_remembered(
    store: EmbeddedOpenMemory, settings: Settings, staff: Client
) -> None:
    settings.RETAIN_PAYLOAD_DAYS = 30
    conversation_id = call(store, days=31)
    retain(store)
    page = staff.get(f"/admin/conversations/conversation/{conversation_id}/change/").content.decode()
    assert "Retention removed the transcript on " in page
    assert "Retention removed the recording on " in page
    assert "My dog is called Biscuit." in page
    assert "City: Duluth" in page
    assert "said at" not in page


def test_digits_that_may_have_been_pressed_stay_masked(
    store: EmbeddedOpenMemory, settings: Settings, staff: Client, as_role: Any
) -> None:
    settings.RETAIN_PAYLOAD_DAYS = 30
    event = transcription(MAYA, "My code is 4711.", started_at=days_ago(31))
    event["data"]["transcript"].append({"role": "user", "message": "4711", "source_medium": "dtmf", "dtmf": "4711"})
    event["data"]["transcript"][-1] |= {"message": "[DTMF] 4711"}
    conversation_id = deliver(event, store)
    address = f"/admin/conversations/conversation/{conversation_id}/change/"
    viewer = as_role("viewer")
    assert "4711" not in viewer.get(address).content.decode()
    retain(store)
    assert "4711" not in viewer.get(address).content.decode()
    assert "4711" in staff.get(address).content.decode()


def test_reprocessing_leaves_the_memories_of_a_removed_payload(store: EmbeddedOpenMemory, settings: Settings) -> None:
    settings.RETAIN_PAYLOAD_DAYS = 30
    conversation_id = call(store, days=31)
    memories = store.memories(MAYA)
    retain(store)
    request(conversation_id)
    refresh_row(conversation_id)
    Worker(store).process_due()
    call_command("reprocess", "--all", "--yes", "--quiet")
    assert store.memories(MAYA) == memories
    assert row(conversation_id).memory_state == MemoryState.WRITTEN


def test_a_transcription_that_was_removed_is_a_duplicate_when_it_is_delivered_again(
    store: EmbeddedOpenMemory, settings: Settings
) -> None:
    settings.RETAIN_PAYLOAD_DAYS = 30
    event = transcription(MAYA, "Hi.", started_at=days_ago(31))
    conversation_id = deliver(event, store)
    retain(store)
    assert place(event).status == "duplicate"
    assert files(conversation_id) == ["_memory.json"]


def test_a_call_that_waits_for_the_worker_keeps_its_payload(store: EmbeddedOpenMemory, settings: Settings) -> None:
    settings.RETAIN_PAYLOAD_DAYS = 30
    conversation_id = deliver(transcription(MAYA, "Hi.", started_at=days_ago(31)))
    retain(store)
    assert files(conversation_id) == ["_transcription.json"]
    Worker(store).process_due()
    retain(store)
    assert files(conversation_id) == ["_memory.json"]
    assert store.memories(MAYA)


def test_a_parked_payload_goes_too_and_the_call_is_not_parked_again(
    store: EmbeddedOpenMemory, settings: Settings
) -> None:
    settings.RETAIN_PAYLOAD_DAYS = 30
    conversation_id = deliver(transcription(MAYA, "Hi.", started_at=days_ago(31)))
    record_failure(conversation_id, "cannot be stored", parked=True)
    retain(store)
    assert files(conversation_id) == ["_memory.json"]
    assert row(conversation_id).memory_state == MemoryState.NONE


def test_a_call_that_changes_meanwhile_or_is_locked_is_left_to_the_next_pass(
    store: EmbeddedOpenMemory, settings: Settings
) -> None:
    settings.RETAIN_PAYLOAD_DAYS = 30
    locked, free = call(store, days=32), call(store, days=31, caller=PEPE)
    with caller_lock(MAYA):
        retain(store)
    assert files(locked) == ALL
    assert files(free) == ["_memory.json"]
    receipt_path(locked).touch()  # the row is behind
    retain(store)
    assert files(locked) == ALL
    refresh_row(locked)
    retain(store)
    assert files(locked) == ["_memory.json"]


def test_a_removal_that_was_interrupted_is_completed(
    store: EmbeddedOpenMemory, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.RETAIN_PAYLOAD_DAYS = 30
    conversation_id = call(store, days=31)

    def killed(*args: object) -> None:  # noqa: ARG001
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("conversations.memories.retention.remove_files", killed)
        with pytest.raises(KeyboardInterrupt):
            retain(store)
    assert "_transcription.json" in files(conversation_id)
    reconcile()
    assert row(conversation_id).memory_state == MemoryState.WRITTEN
    retain(store)
    assert files(conversation_id) == ["_memory.json"]
    assert store.memories(MAYA)


def test_a_call_that_claims_to_be_in_the_future_is_kept_from_its_arrival(
    store: EmbeddedOpenMemory, settings: Settings
) -> None:
    settings.RETAIN_PAYLOAD_DAYS = 30
    conversation_id = call(store, days=-4000, audio=False)
    assert abs((row(conversation_id).payload_since or 0) - time.time()) < DAY


# ElevenLabs' deletion settings


def asked(days: float, **flags: bool) -> dict[str, Any]:
    """The metadata of a call that ElevenLabs deletes so many days ago."""
    return {"metadata": {"deletion_settings": {"deletion_time_unix_secs": days_ago(days), **flags}}}


@pytest.mark.parametrize(
    ("flags", "left"),
    [
        ({"delete_audio": True}, ["_memory.json", "_transcription.json"]),
        ({"delete_transcript_and_pii": True}, ["_audio.mp3", "_memory.json"]),
        ({"delete_audio": True, "delete_transcript_and_pii": True}, ["_memory.json"]),
        ({"delete_audio": False, "delete_transcript_and_pii": False}, ALL),
    ],
)
def test_what_elevenlabs_deletes_is_removed_when_it_is_due(
    store: EmbeddedOpenMemory, settings: Settings, flags: dict[str, bool], left: list[str]
) -> None:
    settings.HONOUR_DELETION_SETTINGS = True
    conversation_id = call(store, days=2, **asked(1, **flags))
    retain(store)
    assert files(conversation_id) == left
    assert store.memories(MAYA)


def test_what_is_not_due_stays_and_the_receipt_keeps_when_it_is(store: EmbeddedOpenMemory, settings: Settings) -> None:
    settings.HONOUR_DELETION_SETTINGS = True
    both = {"delete_audio": True, "delete_transcript_and_pii": True}
    conversation_id = call(store, days=2, **asked(-1, **both))
    retain(store)
    assert files(conversation_id) == ALL
    receipt = read_receipt(conversation_id)
    assert receipt
    assert set(receipt.due) == {"audio", "payload"}
    assert abs(receipt.due["audio"] - days_ago(-1)) < 60


def test_without_the_setting_it_is_kept_and_with_it_later_removed(
    store: EmbeddedOpenMemory, settings: Settings
) -> None:
    conversation_id = call(store, days=2, **asked(1, delete_audio=True))
    retain(store)
    assert files(conversation_id) == ALL
    settings.HONOUR_DELETION_SETTINGS = True
    retain(store)
    assert files(conversation_id) == ["_memory.json", "_transcription.json"]


def test_a_recording_that_arrives_after_it_is_due_and_after_the_transcript_went_is_removed(
    store: EmbeddedOpenMemory, settings: Settings
) -> None:
    settings.HONOUR_DELETION_SETTINGS = True
    both = {"delete_audio": True, "delete_transcript_and_pii": True}
    conversation_id = call(store, days=2, audio=False, **asked(1, **both))
    retain(store)
    assert files(conversation_id) == ["_memory.json"]
    deliver(recording(conversation_id))
    assert files(conversation_id) == ["_audio.mp3", "_memory.json"]
    retain(store)
    assert files(conversation_id) == ["_memory.json"]
    assert row(conversation_id).memory_state == MemoryState.WRITTEN


@pytest.mark.parametrize(
    "odd", [None, [], "soon", {"deletion_time_unix_secs": "soon", "delete_audio": True}, {"delete_audio": True}]
)
def test_settings_that_name_no_time_remove_nothing(store: EmbeddedOpenMemory, settings: Settings, odd: Any) -> None:
    settings.HONOUR_DELETION_SETTINGS = True
    conversation_id = call(store, days=2, metadata={"deletion_settings": odd})
    retain(store)
    assert files(conversation_id) == ALL


def test_what_elevenlabs_has_deleted_already_is_due_at_once(store: EmbeddedOpenMemory, settings: Settings) -> None:
    settings.HONOUR_DELETION_SETTINGS = True
    odd = {"deleted_audio_at_time_unix_secs": days_ago(1), "deletion_time_unix_secs": None}
    conversation_id = call(store, days=2, metadata={"deletion_settings": odd})
    retain(store)
    assert files(conversation_id) == ["_memory.json", "_transcription.json"]


# Bodies without a call


def test_bodies_that_belong_to_no_call_go_after_their_days(
    store: EmbeddedOpenMemory, settings: Settings, payloads: Path
) -> None:
    settings.RETAIN_UNREADABLE_DAYS = 30
    for body in (b"no event", b"none either"):
        place(body)
    place({"type": "agent_changed", "data": {}})
    stored = sorted(payloads.glob("_*/*.json"))
    assert len(stored) == 3
    for path in (stored[0], stored[1]):
        os.utime(path, (days_ago(31),) * 2)
    retain(store)
    assert sorted(payloads.glob("_*/*.json")) == stored[2:]
    assert recorded() == [("unreadable", "2 bodies without a call, kept for 30 days")]


def test_of_two_workers_only_the_one_that_removes_a_body_records_it(
    store: EmbeddedOpenMemory, settings: Settings, payloads: Path
) -> None:
    settings.RETAIN_UNREADABLE_DAYS = 30
    for number in range(60):
        place(f"no event {number}".encode())
    for path in payloads.glob("_unreadable/*.json"):
        os.utime(path, (days_ago(31),) * 2)
    slower = Retention(store)
    assert slower.step()
    retain(store)
    while slower.step():
        pass
    assert [detail.split()[0] for _, detail in recorded()] == ["50", "10"]


# Callers


def test_a_caller_who_has_not_called_for_long_is_forgotten_completely(
    store: EmbeddedOpenMemory, settings: Settings
) -> None:
    settings.RETAIN_MEMORY_DAYS = 365
    gone = [call(store, days=400), call(store, days=366)]
    kept = [call(store, days=400, caller=PEPE), call(store, days=364, caller=PEPE)]
    retain(store)
    assert store.memories(MAYA) == []
    assert [files(one) for one in gone] == [[], []]
    assert all(map(is_deleted, gone))
    assert [files(one) for one in kept] == [ALL, ALL]
    assert store.memories(PEPE)
    assert recorded() == [("caller", "no call for 365 days")]
    assert Entry.objects.get(action=Action.FORGET).object == caller_reference(MAYA)
    assert Caller.objects.get().number == PEPE


def test_a_caller_whose_payloads_are_gone_is_forgotten_as_well(store: EmbeddedOpenMemory, settings: Settings) -> None:
    settings.RETAIN_PAYLOAD_DAYS, settings.RETAIN_MEMORY_DAYS = 30, 365
    conversation_id = call(store, days=366)
    settings.RETAIN_MEMORY_DAYS = 0
    retain(store)
    assert files(conversation_id) == ["_memory.json"]
    settings.RETAIN_MEMORY_DAYS = 365
    retain(store)
    assert files(conversation_id) == []
    assert store.memories(MAYA) == []


def test_a_call_since_the_card_was_copied_counts(store: EmbeddedOpenMemory, settings: Settings) -> None:
    settings.RETAIN_MEMORY_DAYS = 365
    call(store, days=366)
    deliver(transcription(MAYA, "Hi.", started_at=days_ago(1)))
    retain(store)
    assert store.memories(MAYA)
    card = CallerCard.objects.get(pk=caller_reference(MAYA))
    assert card.last_call
    assert card.last_call.timestamp() > days_ago(2)


def test_a_caller_with_an_opt_out_is_forgotten_and_stays_opted_out(
    store: EmbeddedOpenMemory, settings: Settings
) -> None:
    settings.RETAIN_MEMORY_DAYS = 365
    call(store, days=366)
    corrections.set_preference(store, MAYA, kinds.OPT_OUT, holds=True)
    retain(store)
    assert about(MAYA).opted_out
    assert store.memories(MAYA) == []


def test_the_new_owner_of_the_number_is_a_stranger_who_is_remembered(
    store: EmbeddedOpenMemory, settings: Settings
) -> None:
    settings.RETAIN_MEMORY_DAYS = 365
    call(store, days=366)
    retain(store)
    deliver(transcription(MAYA, "Hello, I am new.", started_at=int(time.time()) + 1), store)
    card = read_card(store, MAYA)
    assert card
    assert card.call_count == 1


@pytest.mark.parametrize("days", [0, 365])
def test_it_does_the_same_with_an_openmemory_server(settings: Settings, days: int) -> None:
    settings.RETAIN_PAYLOAD_DAYS, settings.RETAIN_MEMORY_DAYS = 30, days
    with stub_server() as (stub, url), closing(RemoteOpenMemory(url)) as store:
        conversation_id = call(store, days=366)
        before = len(stub.of(MAYA))
        retain(store)
        assert files(conversation_id) == ([] if days else ["_memory.json"])
        assert len(stub.of(MAYA)) == (0 if days else before)
        assert before == 4


def test_while_openmemory_is_away_payloads_go_and_no_caller_is_forgotten(
    store: EmbeddedOpenMemory, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.RETAIN_PAYLOAD_DAYS, settings.RETAIN_MEMORY_DAYS = 30, 365
    conversation_id = call(store, days=366)

    def away(*args: object, **kwargs: object) -> None:  # noqa: ARG001
        raise OpenMemoryError("away")

    with monkeypatch.context() as patched:
        patched.setattr(EmbeddedOpenMemory, "memories", away)
        retain(store)
    assert files(conversation_id) == ["_memory.json"]
    assert store.memories(MAYA)
    retain(store)
    assert files(conversation_id) == []


# The audit log


def entries_of(days: float, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("elmemory.audit.models.now", lambda: now() - timedelta(days=days))
        for number in range(count):
            Entry(username="maya", action=Action.VIEW, kind="call", object=f"conv_{number}").save()


def verified() -> str:
    out = io.StringIO()
    triggers.install(connections["default"])
    try:
        call_command("audit", "verify", stdout=out, no_color=True)
    finally:
        triggers.remove(connections["default"])
    return out.getvalue()


def test_old_entries_of_the_audit_log_are_closed_in_steps(
    store: EmbeddedOpenMemory, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("conversations.memories.retention._ENTRIES", 2)
    settings.RETAIN_AUDIT_DAYS = 365
    entries_of(366, 6, monkeypatch)
    entries_of(364, 2, monkeypatch)
    retain(store)
    assert list(Entry.objects.order_by("pk").values_list("pk", flat=True)) == [-6, 7, 8, 9, 10, 11]
    day = f"{now() - timedelta(days=366):%Y-%m-%d}"
    assert verified().startswith(f"Entries up to 6 were closed by retention: 6 entries, {day} to {day}.\n5 entries; ")


def test_a_log_with_faults_is_not_closed(
    store: EmbeddedOpenMemory, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.RETAIN_AUDIT_DAYS = 365
    entries_of(366, 4, monkeypatch)
    with connections["default"].cursor() as cursor:
        cursor.execute("DELETE FROM audit_entry WHERE id = 2")
    retain(store)
    assert list(Entry.objects.order_by("pk").values_list("pk", flat=True)) == [1, 3, 4]


# Steps


def test_a_step_is_small_and_each_is_recorded(
    store: EmbeddedOpenMemory, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("conversations.memories.retention._CALLS", 2)
    settings.RETAIN_AUDIO_DAYS = 30
    calls = [call(store, days=31 + number) for number in range(5)]
    retention, left = Retention(store), []
    while retention.step():
        left.append(sum("_audio.mp3" in files(one) for one in calls))
    assert left == [3, 1, 0]
    assert [detail.split(",")[0] for _, detail in recorded()] == [
        "recordings of 2 calls",
        "recordings of 2 calls",
        "recordings of 1 call",
    ]
    entry = Entry.objects.last()
    assert entry
    assert (entry.username.split(":")[0], entry.caller, entry.object) == ("command", "", "")


def test_the_next_pass_is_an_hour_later(store: EmbeddedOpenMemory, settings: Settings) -> None:
    settings.RETAIN_AUDIO_DAYS = 30
    retention = Retention(store)
    while retention.step():
        pass
    call(store, days=31)
    assert not retention.step()
    assert Retention(store).step()


def test_the_worker_does_it_between_batches(store: EmbeddedOpenMemory, settings: Settings) -> None:
    settings.RETAIN_PAYLOAD_DAYS = 30
    conversation_id = place(transcription(MAYA, "Hi.", started_at=days_ago(31))).conversation_id
    call_command("worker", "--once", "--jobs", "1")
    assert files(conversation_id) == ["_memory.json"]
    assert store.memories(MAYA)


def test_what_is_due_is_found_after_the_index_was_rebuilt(store: EmbeddedOpenMemory, settings: Settings) -> None:
    settings.RETAIN_PAYLOAD_DAYS = 30
    conversation_id = call(store, days=31)
    Conversation.objects.all().delete()
    ensure_schema()
    retain(store)
    assert files(conversation_id) == ALL
    reconcile()
    retain(store)
    assert files(conversation_id) == ["_memory.json"]
