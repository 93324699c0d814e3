"""Events that are about no conversation, and what is done about bodies that cannot be read."""

import json
import sys
from hashlib import sha256
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from conversations.files.paths import conversation_ids, unreadable_paths
from conversations.files.placing import Delivery
from conversations.index.schema import ensure_schema
from conversations.memories.reprocess import replay_unreadable
from tests.harness.server import Server
from tests.harness.stored import place

REMOVAL = {"type": "voice_removal_notice", "event_timestamp": 1_790_000_000, "data": {"voice_id": "v1", "notice": 14}}


def raw(event: object) -> bytes:
    return json.dumps(event).encode()


def kept(payloads: Path, body: bytes) -> Path:
    """Put the body where an older version kept what it could not read."""
    path = payloads / "_unreadable" / f"{sha256(body).hexdigest()}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)
    return path


def reprocess(*arguments: str) -> str:
    out = StringIO()
    call_command("reprocess", *arguments, "--quiet", stdout=out, stderr=out)
    return out.getvalue()


@pytest.mark.parametrize(
    "event",
    [
        REMOVAL,
        {"type": "speech_to_text_transcription", "data": {"request_id": "r1", "transcription": {"text": "Hi."}}},
        {"type": "voice_removal_withdrawn", "data": {"conversation_id": None}},
        {"type": "some_day", "data": {"conversation_id": ""}},
        {"type": "without_data"},
        {"type": "x" * 64, "data": []},
    ],
)
def test_an_event_about_no_conversation_is_stored_under_its_type(payloads: Path, event: dict[str, object]) -> None:
    body = raw(event)
    assert place(body) == Delivery("received", str(event["type"]), "")
    path = payloads / "_events" / f"{event['type']}_{sha256(body).hexdigest()[:16]}.json"
    assert path.read_bytes() == body
    assert place(body) == Delivery("duplicate", str(event["type"]), "")
    assert unreadable_paths() == []
    assert list(conversation_ids()) == []


def test_two_events_of_one_type_stand_beside_each_other(payloads: Path) -> None:
    for notice in (REMOVAL, REMOVAL | {"event_timestamp": 1}):
        assert place(raw(notice)).status == "received"
    assert len(list((payloads / "_events").iterdir())) == 2


@pytest.mark.parametrize(
    "event",
    [
        {"type": "post_call_transcription", "data": {}},
        {"type": "call_initiation_failure", "data": {"conversation_id": ""}},
        {"type": "Voice", "data": {}},
        {"type": "../voice", "data": {}},
        {"type": "x" * 65, "data": {}},
        {"type": "voice_removal_notice", "data": {"conversation_id": "../x"}},
        {"type": "voice_removal_notice", "data": {"conversation_id": 7}},
    ],
)
def test_what_should_name_a_conversation_and_names_none_stays_unreadable(
    payloads: Path, event: dict[str, object]
) -> None:
    assert place(raw(event)) == Delivery("unreadable")
    assert not (payloads / "_events").exists()


def test_over_http_it_is_received_once(server: Server) -> None:
    notice = raw(REMOVAL | {"event_timestamp": 1_790_000_777})
    for status in ("received", "duplicate"):
        answer = server.post_call(notice)
        output = {"status": status, "type": "voice_removal_notice", "conversation_id": ""}
        assert (answer.status_code, answer.json()) == (200, output)


def test_those_that_an_older_version_could_not_read_are_moved(payloads: Path) -> None:
    path = kept(payloads, raw(REMOVAL))
    assert replay_unreadable() == ([Delivery("received", "voice_removal_notice", "")], 0)
    assert not path.exists()
    assert len(list((payloads / "_events").iterdir())) == 1


@pytest.mark.django_db(transaction=True, databases=["default", "index", "memory"])
def test_the_command_moves_them_and_reprocesses_no_call_for_them(payloads: Path) -> None:
    ensure_schema()
    kept(payloads, raw(REMOVAL))
    output = reprocess("--unreadable")
    assert "1 unreadable delivery was read, 0 still cannot be read." in output
    assert "0 calls to reprocess." in output


@pytest.mark.django_db
def test_unreadable_bodies_are_listed_and_deleted_on_demand(payloads: Path) -> None:
    path = kept(payloads, b"no json")
    output = reprocess("--discard-unreadable", "--yes")
    assert f"{path.name}  7 bytes" in output
    assert "1 unreadable delivery deleted." in output
    assert unreadable_paths() == []


@pytest.mark.django_db
def test_a_body_that_the_command_deleted_does_not_come_back(payloads: Path) -> None:
    kept(payloads, b"no json")
    reprocess("--discard-unreadable", "--yes")
    place(b"no json")
    assert unreadable_paths() == []


def test_a_body_that_somebody_else_discards_meanwhile_holds_up_no_other(payloads: Path) -> None:
    kept(payloads, raw(REMOVAL))
    (payloads / "_unreadable" / "0.json").symlink_to("discarded")
    assert replay_unreadable() == ([Delivery("received", "voice_removal_notice", "")], 0)


def test_a_dry_run_deletes_no_unreadable_body(payloads: Path) -> None:
    path = kept(payloads, b"no json")
    assert f"{path.name}  7 bytes" in reprocess("--discard-unreadable", "--dry-run")
    assert path.exists()


def test_without_a_terminal_deleting_takes_an_explicit_yes(payloads: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = kept(payloads, b"no json")
    monkeypatch.setattr(sys, "stdin", StringIO("y\n"))
    with pytest.raises(CommandError, match="--yes"):
        reprocess("--discard-unreadable")
    assert path.exists()
