import base64
import errno
import fcntl
import json
import os
import stat
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from conversations.files.locks import Busy, delivery_lock
from conversations.files.paths import is_conversation_id
from conversations.files.placing import Delivery, accept_all
from conversations.files.spool import Spool, remove_abandoned_spools, spool
from tests.harness.samples import raw_sample, sample, transcription
from tests.harness.stored import place


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("transcription_returning_caller", "conv_example_returning_transcription.json"),
        ("transcription_new_caller", "conv_example_new_transcription.json"),
        ("transcription_failed_1008", "conv_example_failed_transcription.json"),
        ("transcription_web_call_without_phone", "conv_example_web_transcription.json"),
        ("call_initiation_failure_sip", "conv_example_busy_failure.json"),
        ("call_initiation_failure_twilio", "conv_example_noanswer_failure.json"),
    ],
)
def test_a_payload_is_stored_byte_for_byte_under_its_name(payloads: Path, name: str, file: str) -> None:
    delivery = place(raw_sample(name))
    assert delivery.status == "received"
    assert files(payloads / delivery.conversation_id) == {file: raw_sample(name)}


def test_a_recording_is_stored_as_the_mp3_that_it_is(payloads: Path) -> None:
    place(raw_sample("audio"))
    recording = payloads / "conv_example_returning" / "conv_example_returning_audio.mp3"
    assert recording.read_bytes().startswith(b"ID3")
    assert len(recording.read_bytes()) == 45


def test_an_unknown_type_of_event_is_kept_under_its_type(payloads: Path) -> None:
    event = sample("audio") | {"type": "answering_machine_detection"}
    assert place(event) == Delivery("received", "answering_machine_detection", "conv_example_returning")
    folder = payloads / "conv_example_returning"
    assert list(files(folder)) == ["conv_example_returning_event_answering_machine_detection.json"]


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"not json", b"[1, 2]", b'"text"', b"null", b"\xff\xfe\x00"),
        *(b'{"type": "post_call_audio"}', b'{"type": "post_call_audio", "data": []}'),
        json.dumps({"type": "post_call_audio", "data": {"conversation_id": "conv_1"}}).encode(),
        json.dumps({"type": "post_call_audio", "data": {"conversation_id": "conv_1", "full_audio": "*"}}).encode(),
        json.dumps({"type": "../x", "data": {"conversation_id": "conv_1"}}).encode(),
        json.dumps({"type": None, "data": {"conversation_id": "conv_1"}}).encode(),
        *(
            json.dumps({"type": "post_call_transcription", "data": {"conversation_id": bad}}).encode()
            for bad in ("../../etc", "", "-x", "_locks", "a/b", "a.b", "x" * 129, "é", None, 7, "a\n", "a\x00")
        ),
    ],
)
def test_a_signed_body_that_cannot_be_read_is_kept_whole(payloads: Path, body: bytes) -> None:
    assert place(body) == Delivery("unreadable")
    assert [path.read_bytes() for path in (payloads / "_unreadable").iterdir()] == [body]
    assert {path.name for path in payloads.iterdir()} <= {"_unreadable", "_spool", "_locks"}


def test_an_unreadable_body_that_is_delivered_twice_is_kept_once(payloads: Path) -> None:
    place(b"not json")
    place(b"not json")
    assert len(files(payloads / "_unreadable")) == 1


def test_the_same_bytes_again_are_a_duplicate(payloads: Path) -> None:
    for name in ("transcription_new_caller", "audio", "call_initiation_failure_sip"):
        first, second = place(raw_sample(name)), place(raw_sample(name))
        assert (first.status, second.status) == ("received", "duplicate")
        assert len(files(payloads / first.conversation_id)) == 1


def version(text: str, timestamp: int) -> dict[str, Any]:
    return transcription("+14155550100", text, conversation_id="conv_1") | {"event_timestamp": timestamp}


@pytest.mark.parametrize(
    ("first", "second", "on_path"),
    [
        (version("one", 100), version("two", 200), "two"),
        (version("one", 200), version("two", 100), "one"),
        (version("one", 100), version("two", 100), "two"),
    ],
    ids=["the later event", "the earlier event", "the later arrival of two equally late"],
)
def test_of_two_versions_the_latest_stands_on_the_path(
    payloads: Path, first: dict[str, Any], second: dict[str, Any], on_path: str
) -> None:
    assert place(first).status == place(second).status == "received"
    stored = files(payloads / "conv_1")
    assert len(stored) == 2
    assert on_path in stored.pop("conv_1_transcription.json").decode()
    beside, content = stored.popitem()
    assert content in (json.dumps(first).encode(), json.dumps(second).encode())
    assert beside == f"conv_1_transcription.{sha256(content).hexdigest()[:8]}.json"


def test_a_redelivered_older_version_is_a_duplicate(payloads: Path) -> None:
    one, two = version("one", 100), version("two", 200)
    assert [place(each).status for each in (one, two, one, two)] == [
        "received",
        "received",
        "duplicate",
        "duplicate",
    ]
    assert len(files(payloads / "conv_1")) == 2


def test_a_later_recording_replaces_an_earlier_one_which_is_kept(payloads: Path) -> None:
    event = sample("audio")
    longer = json.loads(json.dumps(event))
    longer["data"]["full_audio"] += "AAAA"
    for timestamp, each in ((200, event), (300, longer), (100, event)):
        place(each | {"event_timestamp": timestamp})
    stored = files(payloads / "conv_example_returning")
    assert len(stored) == 2
    assert len(stored["conv_example_returning_audio.mp3"]) == 48


def test_without_an_event_time_the_later_arrival_counts(payloads: Path) -> None:
    for recording in ("AAAA", "BBBB"):
        event = sample("audio")
        del event["event_timestamp"]
        event["data"]["full_audio"] = recording
        place(event)
    stored = files(payloads / "conv_example_returning")
    assert stored["conv_example_returning_audio.mp3"] == base64.b64decode("BBBB")
    assert len(stored) == 2


def test_an_event_time_may_be_written_as_text(payloads: Path) -> None:
    place(version("one", 200) | {"event_timestamp": "1790000200"})
    place(version("two", 100) | {"event_timestamp": "1790000100"})
    assert b"one" in files(payloads / "conv_1")["conv_1_transcription.json"]


@contextmanager
def spools(*bodies: bytes) -> Iterator[list[Spool]]:
    with ExitStack() as opened:
        made = [opened.enter_context(spool()) for _ in bodies]
        for spooled, body in zip(made, bodies, strict=True):
            spooled.write(body)
        yield made


def test_a_batch_may_hold_deliveries_of_all_kinds(payloads: Path) -> None:
    transcript, audio = raw_sample("transcription_new_caller"), raw_sample("audio")
    with spools(transcript, b"not json", audio, transcript) as made:
        assert accept_all(made) == [
            Delivery("received", "post_call_transcription", "conv_example_new"),
            Delivery("unreadable"),
            Delivery("received", "post_call_audio", "conv_example_returning"),
            Delivery("duplicate", "post_call_transcription", "conv_example_new"),
        ]
    assert files(payloads / "conv_example_new") == {"conv_example_new_transcription.json": transcript}
    assert len(files(payloads / "conv_example_returning")) == len(files(payloads / "_unreadable")) == 1
    assert files(payloads / "_spool") == {}


def test_two_versions_in_one_batch_are_both_kept(payloads: Path) -> None:
    bodies = [json.dumps(version(text, when)).encode() for text, when in (("late", 200), ("early", 100))]
    with spools(*bodies) as made:
        assert [outcome.status for outcome in accept_all(made) if isinstance(outcome, Delivery)] == ["received"] * 2
    stored = files(payloads / "conv_1")
    assert b"late" in stored.pop("conv_1_transcription.json")
    assert list(stored.values()) == [bodies[1]]


def test_an_error_of_one_body_does_not_affect_the_others(payloads: Path) -> None:
    (payloads / "conv_blocked").parent.mkdir(parents=True, exist_ok=True)
    (payloads / "conv_blocked").write_text("a file where a folder should be")
    bodies = [
        json.dumps(transcription("+14155550100", "Hi.", conversation_id=f"conv_{name}")).encode()
        for name in ("one", "blocked", "two")
    ]
    with spools(*bodies) as made:
        one, blocked, two = accept_all(made)
    assert isinstance(blocked, OSError)
    assert isinstance(one, Delivery)
    assert isinstance(two, Delivery)
    assert (payloads / "conv_two" / "conv_two_transcription.json").read_bytes() == bodies[2]


def test_every_folder_with_a_new_file_is_flushed_once(payloads: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bodies = [json.dumps(version(text, 1)).encode() for text in ("one", "two")]
    other = json.dumps(transcription("+14155550100", "Hi.", conversation_id="conv_2")).encode()
    synced: list[str] = []
    fsync = os.fsync

    def noted(descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        synced.append("a file" if path.parent.name == "_spool" else path.name)
        fsync(descriptor)

    with spools(*bodies, other) as made:
        monkeypatch.setattr(os, "fsync", noted)
        accept_all(made)
    # Several at a time, in any order: all files, then all folders and the one that holds them.
    assert synced[:3] == ["a file"] * 3
    assert sorted(synced[3:]) == sorted(["conv_1", "conv_2", payloads.name])


def test_a_duplicate_is_acknowledged_once_the_folder_and_the_one_that_holds_it_are_flushed(
    payloads: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = json.dumps(version("one", 1)).encode()
    with spools(body) as made:
        accept_all(made)
    synced: list[str] = []
    fsync = os.fsync

    def noted(descriptor: int) -> None:
        synced.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
        fsync(descriptor)

    with spools(body) as made:
        monkeypatch.setattr(os, "fsync", noted)
        (again,) = accept_all(made)
    assert isinstance(again, Delivery)
    assert again.status == "duplicate"
    # The process that placed the file may have died before flushing them.
    assert {"conv_1", payloads.name} <= set(synced)


@pytest.mark.usefixtures("payloads")
def test_no_body_of_a_folder_that_cannot_be_flushed_is_acknowledged(monkeypatch: pytest.MonkeyPatch) -> None:
    bodies = [json.dumps(version(text, 1)).encode() for text in ("one", "two")]
    other = json.dumps(transcription("+14155550100", "Hi.", conversation_id="conv_2")).encode()
    fsync = os.fsync
    failed: list[bool] = []

    def fails_once(descriptor: int) -> None:
        if Path(f"/proc/self/fd/{descriptor}").readlink().name == "conv_1" and not failed:
            failed.append(True)
            raise OSError(errno.EIO, "Input/output error")
        fsync(descriptor)

    with spools(*bodies, other) as made:
        monkeypatch.setattr(os, "fsync", fails_once)
        one, two, elsewhere = accept_all(made)
    assert isinstance(one, OSError)
    assert isinstance(two, OSError)
    assert isinstance(elsewhere, Delivery)


def test_a_spool_in_use_is_never_deleted_as_abandoned(payloads: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fsync = os.fsync

    def cleaned_up_meanwhile(descriptor: int) -> None:
        assert remove_abandoned_spools() == 0
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", cleaned_up_meanwhile)
    # A recording's file is as old as its event.
    assert place(sample("audio") | {"event_timestamp": int(time.time()) - 3600}).status == "received"
    assert (payloads / "conv_example_returning" / "conv_example_returning_audio.mp3").exists()


def test_closing_a_spool_does_not_raise_a_write_error_again(payloads: Path) -> None:
    with spool() as spooled:
        spooled.write(b"x" * (2**18 + 1))
        os.close(spooled.file.fileno())
    assert files(payloads / "_spool") == {}


def test_without_waiting_a_locked_conversation_is_busy(payloads: Path) -> None:  # noqa: ARG001
    bodies = [
        json.dumps(transcription("+14155550100", "Hi.", conversation_id=f"conv_{name}")).encode()
        for name in ("busy", "free")
    ]
    with delivery_lock("conv_busy"), spools(*bodies) as made:
        busy, free = accept_all(made, wait=False)
    assert isinstance(busy, Busy)
    assert free == Delivery("received", "post_call_transcription", "conv_free")


def test_a_small_body_touches_the_disk_only_when_it_is_stored(payloads: Path) -> None:
    with spool() as spooled:
        spooled.write(b"x" * 1000)
        assert not payloads.exists()
        spooled.write(b"x" * 2**18)
        assert len(files(payloads / "_spool")) == 1


def test_nothing_is_left_in_the_spool(payloads: Path) -> None:
    for body in (raw_sample("audio"), raw_sample("transcription_new_caller"), b"not json", raw_sample("audio")):
        place(body)
    assert files(payloads / "_spool") == {}


def test_payloads_are_for_their_owner_alone(payloads: Path) -> None:
    place(raw_sample("transcription_new_caller"))
    path = payloads / "conv_example_new" / "conv_example_new_transcription.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_only_spools_of_dead_processes_are_deleted(payloads: Path) -> None:
    folder = payloads / "_spool"
    folder.mkdir(parents=True)
    for name in ("dead", "alive", "young"):
        (folder / name).write_bytes(b"x")
    for name in ("dead", "alive"):
        os.utime(folder / name, (0, 0))
    with (folder / "alive").open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert remove_abandoned_spools() == 1
    assert set(files(folder)) == {"alive", "young"}


@pytest.mark.parametrize("good", ["conv_1", "a", "A-b_c", "9" * 128])
def test_which_texts_are_conversation_ids(good: str) -> None:
    assert is_conversation_id(good)
