"""STORE_OPTED_OUT: what is stored of later calls of opted-out callers."""

import base64
import json
import os
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from conversations.files.decisions import decide
from conversations.files.paths import transcription_path
from conversations.files.placing import Delivery, accept_all
from conversations.files.spool import Spool
from tests.harness.samples import sample, transcription
from tests.harness.stored import place

MAYA, PEPE = "+14155550100", "+14155550101"
PERSONAL = re.compile(rb"4155550100|Biscuit|Maya")
CALL = transcription(
    MAYA, "My dog is called Biscuit.", conversation_id="conv_a", facts={"first_name": "Maya"}, started_at=1_790_000_000
)
AUDIO = {
    "type": "post_call_audio",
    "event_timestamp": 1_790_000_100,
    "data": {
        "conversation_id": "conv_a",
        "agent_id": "agent_test",
        "full_audio": base64.b64encode(b"Biscuit").decode(),
    },
}

pytestmark = pytest.mark.usefixtures("payloads")


@pytest.fixture(autouse=True)
def _opted_out(payloads: Path) -> None:  # noqa: ARG001
    decide(MAYA, "opted_out")


def files(payloads: Path) -> set[str]:
    """The files that hold something of a call."""
    return {
        path.relative_to(payloads).as_posix()
        for path in payloads.rglob("*")
        if path.is_file() and path.parts[-2] != "_locks" and not {"_decisions", "_reduced"} & set(path.parts)
    }


def personal_files(payloads: Path) -> list[Path]:
    return [path for path in payloads.rglob("*") if path.is_file() and PERSONAL.search(path.read_bytes())]


def statuses(*events: dict[str, Any]) -> list[str]:
    return [place(event).status for event in events]


def test_all_is_stored_by_default(payloads: Path) -> None:
    assert statuses(CALL, AUDIO) == ["received", "received"]
    assert files(payloads) == {"conv_a/conv_a_transcription.json", "conv_a/conv_a_audio.mp3"}


@pytest.mark.parametrize("order", [(CALL, AUDIO), (AUDIO, CALL)])
def test_nothing_is_stored_in_whichever_order_they_arrive(
    payloads: Path, settings: Settings, order: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    settings.STORE_OPTED_OUT = "none"
    statuses(*order)
    assert files(payloads) == {"_deleted/conv_a"}
    assert personal_files(payloads) == []


def test_a_call_that_is_not_stored_is_received_once_and_then_a_duplicate(settings: Settings) -> None:
    settings.STORE_OPTED_OUT = "none"
    assert statuses(CALL, CALL, AUDIO, AUDIO) == ["received", "duplicate", "duplicate", "duplicate"]


@pytest.mark.parametrize("order", [(CALL, AUDIO), (AUDIO, CALL)])
def test_only_ids_times_and_duration_are_stored(
    payloads: Path, settings: Settings, order: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    settings.STORE_OPTED_OUT = "metadata"
    statuses(*order)
    assert files(payloads) == {"conv_a/conv_a_transcription.json"}
    assert personal_files(payloads) == []
    assert json.loads(transcription_path("conv_a").read_bytes()) == {
        "type": "post_call_transcription",
        "event_timestamp": 1_790_000_060,
        "reduced": True,
        "data": {
            "agent_id": "agent_test",
            "conversation_id": "conv_a",
            "status": "done",
            "metadata": {
                "start_time_unix_secs": 1_790_000_000,
                "call_duration_secs": 30,
                "phone_call": {"direction": "inbound"},
            },
        },
    }


def test_a_reduced_call_is_received_once_and_then_a_duplicate(settings: Settings) -> None:
    settings.STORE_OPTED_OUT = "metadata"
    assert statuses(CALL, CALL, AUDIO) == ["received", "duplicate", "duplicate"]


def test_a_reduced_call_stays_reduced_when_the_setting_changes(payloads: Path, settings: Settings) -> None:
    settings.STORE_OPTED_OUT = "metadata"
    statuses(CALL)
    settings.STORE_OPTED_OUT = "all"
    later = CALL | {"event_timestamp": CALL["event_timestamp"] + 1}
    statuses(CALL, later, AUDIO, {"type": "call_rated", "data": {"conversation_id": "conv_a", "by": "Maya"}})
    assert personal_files(payloads) == []


@pytest.mark.parametrize("share", ["metadata", "none"])
def test_parts_of_one_call_in_one_batch_are_treated_alike(payloads: Path, settings: Settings, share: str) -> None:
    settings.STORE_OPTED_OUT = share
    spools = []
    for event in (AUDIO, CALL, transcription(PEPE, "Hello.", conversation_id="conv_of_another")):
        spools.append(Spool())
        spools[-1].write(json.dumps(event).encode())
    outcomes = accept_all(spools)
    for spooled in spools:
        spooled.close()
    assert all(isinstance(outcome, Delivery) for outcome in outcomes)
    assert personal_files(payloads) == []
    assert transcription_path("conv_of_another").exists()


def test_a_duplicate_of_a_call_that_was_stored_whole_is_acknowledged_once_its_folder_is_flushed(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    statuses(CALL)
    settings.STORE_OPTED_OUT = "metadata"
    flushed: list[str] = []
    fsync = os.fsync

    def noted(descriptor: int) -> None:
        flushed.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    # The process that placed the call may have died before that.
    assert statuses(CALL) == ["duplicate"]
    assert "conv_a" in flushed


@pytest.mark.parametrize("share", ["metadata", "none"])
def test_a_large_body_leaves_nothing_in_the_spool(payloads: Path, settings: Settings, share: str) -> None:
    settings.STORE_OPTED_OUT = share
    statuses(transcription(MAYA, *["My dog is called Biscuit."] * 10_000, conversation_id="conv_a"))
    assert personal_files(payloads) == []
    assert not list((payloads / "_spool").iterdir())


@pytest.mark.parametrize(("share", "left"), [("metadata", 1), ("none", 0)])
def test_a_call_that_never_connected_is_treated_alike(
    payloads: Path, settings: Settings, share: str, left: int
) -> None:
    settings.STORE_OPTED_OUT = share
    failure = sample("call_initiation_failure_sip")
    failure["data"]["metadata"]["body"]["to_number"] = MAYA
    assert statuses(failure, failure) == ["received", "duplicate"]
    assert len(list(payloads.glob("*/*_failure.json"))) == left
    assert personal_files(payloads) == []


@pytest.mark.parametrize("share", ["metadata", "none"])
def test_what_was_stored_before_stays_when_it_is_delivered_again(
    payloads: Path, settings: Settings, share: str
) -> None:
    statuses(CALL)
    settings.STORE_OPTED_OUT = share
    assert statuses(CALL) == ["duplicate"]
    assert files(payloads) == {"conv_a/conv_a_transcription.json"}
    assert b"Biscuit" in transcription_path("conv_a").read_bytes()


def test_the_call_of_another_is_stored_whole(settings: Settings) -> None:
    settings.STORE_OPTED_OUT = "none"
    assert statuses(transcription(PEPE, "Hello.", conversation_id="conv_b")) == ["received"]
    assert b"Hello." in transcription_path("conv_b").read_bytes()


def test_a_call_made_while_opted_out_is_not_stored_when_it_arrives_after_opting_in_again(
    payloads: Path, settings: Settings
) -> None:
    settings.STORE_OPTED_OUT = "none"
    decide(PEPE, "opted_out", at=datetime.fromtimestamp(1_790_000_000, UTC))
    decide(PEPE, "opted_in", at=datetime.fromtimestamp(1_790_001_000, UTC))
    for seconds in (-500, 500, 1500):
        began = 1_790_000_000 + seconds
        statuses(transcription(PEPE, "Hello.", conversation_id=f"conv_at_{began}", started_at=began))
    assert files(payloads) == {
        "conv_at_1789999500/conv_at_1789999500_transcription.json",
        "_deleted/conv_at_1790000500",
        "conv_at_1790001500/conv_at_1790001500_transcription.json",
    }
