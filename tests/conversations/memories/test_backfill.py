"""`manage.py backfill`: what ElevenLabs has and this server has not, through the real SDK against the fake."""

import io
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core import checks
from django.core.management import call_command
from django.core.management.base import CommandError
from pytest_django.fixtures import Settings

from conversations.files.deletion import delete_conversation
from conversations.files.last_runs import last_run
from conversations.files.locks import single_lock
from conversations.index.queue import due_conversations
from conversations.index.sync import refresh_row
from conversations.memories.backfill import Backfiller
from conversations.memories.worker import Worker
from conversations.models import Conversation, MemoryState
from tests.harness.fake_elevenlabs import AGENT, API_KEY, FakeElevenLabs, conversation, recording
from tests.harness.samples import new_number
from tests.harness.server import ROOT, Server, wait_until
from tests.harness.stored import place

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "index"])


@pytest.fixture
def fake(settings: Settings, payloads: Path, index_schema: None) -> Iterator[FakeElevenLabs]:  # noqa: ARG001
    with FakeElevenLabs() as running:
        settings.ELEVENLABS_API_KEY, settings.ELEVENLABS_BASE_URL = API_KEY, running.url
        yield running


def backfill(*arguments: str) -> str:
    out = io.StringIO()
    call_command("backfill", "--rate", "0", "--quiet", *arguments, stdout=out, stderr=out, no_color=True)
    return out.getvalue()


def counts(output: str) -> dict[str, int]:
    rows = [line.rsplit(maxsplit=1) for line in output.splitlines() if line.startswith("  ")]
    return {name.strip(): int(count) for name, count in rows}


def transcription_of(payloads: Path, conversation_id: str) -> Any:
    return json.loads((payloads / conversation_id / f"{conversation_id}_transcription.json").read_bytes())


def audio_of(payloads: Path, conversation_id: str) -> bytes:
    return (payloads / conversation_id / f"{conversation_id}_audio.mp3").read_bytes()


def event_of(data: dict[str, Any], says: str = "delivered") -> dict[str, Any]:
    ended_at = data["metadata"]["start_time_unix_secs"] + 95
    data = {**data, "transcript": [{"role": "user", "message": says}]}
    return {"type": "post_call_transcription", "event_timestamp": ended_at, "data": data}


def test_a_call_that_was_missed_is_stored_as_its_delivery_would_have_been(fake: FakeElevenLabs, payloads: Path) -> None:
    conversation_id = fake.add_conversation(conversation(1), recording())
    backfill()
    event = transcription_of(payloads, conversation_id)
    assert event["type"] == "post_call_transcription"
    assert event["event_timestamp"] == 1_790_000_000 + 3600 + 30
    assert event["fetched"] is True
    assert event["data"] == fake.conversations[conversation_id]
    assert audio_of(payloads, conversation_id) == recording()
    assert due_conversations() == [conversation_id]
    assert Conversation.objects.get().has_audio


def test_what_is_here_is_not_fetched_again(fake: FakeElevenLabs, payloads: Path) -> None:
    fake.add_conversation(conversation(1), recording())
    backfill()
    fake.requests = []
    before = {path: path.stat().st_mtime_ns for path in payloads.rglob("conv_*/*")}
    assert counts(backfill())["without a transcription here"] == 0
    assert fake.requests == [("GET", "/v1/convai/conversations")]
    assert {path: path.stat().st_mtime_ns for path in payloads.rglob("conv_*/*")} == before


def test_what_staff_deleted_is_not_fetched_again(fake: FakeElevenLabs, payloads: Path) -> None:
    conversation_id = fake.add_conversation(conversation(1), recording())
    backfill()
    delete_conversation(conversation_id)
    fake.requests = []
    backfill()
    assert fake.requests == [("GET", "/v1/convai/conversations")]
    assert not (payloads / conversation_id).exists()


def test_a_lost_recording_is_fetched_and_the_delivered_transcription_left_alone(
    fake: FakeElevenLabs, payloads: Path
) -> None:
    conversation_id = fake.add_conversation(conversation(1), recording(3))
    place(event_of(conversation(1)))
    backfill()
    assert "fetched" not in transcription_of(payloads, conversation_id)
    assert audio_of(payloads, conversation_id) == recording(3)
    assert ("GET", f"/v1/convai/conversations/{conversation_id}") not in fake.requests


def test_a_delivery_that_comes_meanwhile_is_never_replaced(fake: FakeElevenLabs, payloads: Path) -> None:
    conversation_id = fake.add_conversation(conversation(1), recording())
    fake.hold_at = 1
    fetching = threading.Thread(target=backfill)
    fetching.start()
    assert fake.held.wait(20)
    event = event_of(conversation(1))
    del event["event_timestamp"]
    assert place(event).status == "received"
    fake.release()
    fetching.join()
    assert transcription_of(payloads, conversation_id) == event
    assert len(list((payloads / conversation_id).glob("*transcription*"))) == 1


def test_a_delivery_that_comes_afterwards_takes_its_place(fake: FakeElevenLabs, payloads: Path) -> None:
    conversation_id = fake.add_conversation(conversation(1))
    backfill()
    assert place(event_of(conversation(1))).status == "received"
    assert "fetched" not in transcription_of(payloads, conversation_id)


def test_a_dry_run_counts_and_fetches_nothing(fake: FakeElevenLabs, payloads: Path) -> None:
    for number in range(3):
        fake.add_conversation(conversation(number), recording())
    fake.add_conversation(conversation(3), status="in-progress")
    place(event_of(conversation(0)))
    output = backfill("--dry-run")
    assert output.startswith(f"4 conversations at ElevenLabs ({AGENT} 4)")
    assert counts(output) == {
        "without a transcription here": 2,
        "without a recording here": 3,
        "not finished": 1,
    }
    assert not (payloads / "conv_000001").exists()


def test_only_the_calls_asked_for_are_fetched(fake: FakeElevenLabs, payloads: Path) -> None:
    for number in range(6):
        fake.add_conversation(conversation(number, agent_id="agent_other" if number == 3 else AGENT), recording())
    since, until = (
        time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(1_790_000_000 + 3600 * number)) for number in (2, 4)
    )
    backfill("--agent", AGENT, "--since", since, "--until", until, "--no-audio")
    assert sorted(path.parent.name for path in payloads.rglob("*_transcription.json")) == ["conv_000002", "conv_000004"]
    assert not list(payloads.rglob("*.mp3"))


def test_a_call_without_a_recording_is_asked_for_it_once(fake: FakeElevenLabs) -> None:
    fake.add_conversation(conversation(1))
    backfill()
    assert counts(backfill())["without a recording here"] == 0
    assert not [path for _, path in fake.requests if path.endswith("/audio")]


def test_what_elevenlabs_no_longer_has_is_counted(fake: FakeElevenLabs) -> None:
    conversation_id = fake.add_conversation(conversation(1), recording())
    del fake.recordings[conversation_id]
    output = counts(backfill())
    assert (output["transcriptions"], output["recordings"], output["not there"], output["failed"]) == (1, 0, 1, 0)


def test_two_backfills_do_not_run_at_once(fake: FakeElevenLabs) -> None:
    with single_lock("backfill", wait=False), pytest.raises(CommandError, match="another backfill is running"):
        backfill()
    assert fake.requests == []


def test_a_full_disk_stops_it(fake: FakeElevenLabs, settings: Settings, payloads: Path) -> None:
    fake.add_conversation(conversation(1), recording())
    settings.MIN_FREE_MB = 2**31
    with pytest.raises(CommandError, match="the disk is nearly full"):
        backfill()
    assert not list(payloads.rglob("conv_*"))


def test_requests_keep_to_the_rate(fake: FakeElevenLabs) -> None:
    for number in range(3):
        fake.add_conversation(conversation(number), recording())
    began = time.monotonic()
    call_command("backfill", "--rate", "20", "--quiet", stdout=io.StringIO())
    assert time.monotonic() - began >= (len(fake.requests) - 1) / 20


def test_many_calls_are_fetched_with_consent_only(fake: FakeElevenLabs, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(101):
        fake.add_conversation(conversation(number))
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda _: "")
    with pytest.raises(CommandError, match="nothing was fetched"):
        backfill()


def test_the_worker_catches_up_for_agents_that_deliver_here(fake: FakeElevenLabs, payloads: Path) -> None:
    an_hour_ago = (int(time.time()) - 1_790_000_000) // 3600 - 2
    lost = fake.add_conversation(conversation(an_hour_ago), recording())
    foreign = fake.add_conversation(conversation(an_hour_ago - 1, agent_id="agent_elsewhere"), recording())
    Conversation.objects.create(conversation_id="conv_known", agent_id=AGENT, memory_state=MemoryState.NONE)
    assert Backfiller().catch_up() == 1
    assert audio_of(payloads, lost) == recording()
    assert not (payloads / foreign).exists()


def test_catching_up_asks_once_for_a_recording_that_is_not_there(fake: FakeElevenLabs) -> None:
    an_hour_ago = (int(time.time()) - 1_790_000_000) // 3600 - 2
    fake.add_conversation(conversation(an_hour_ago))
    place(event_of(conversation(an_hour_ago)))
    refresh_row(f"conv_{an_hour_ago:06}")
    backfiller = Backfiller()
    assert (backfiller.catch_up(), backfiller.catch_up()) == (0, 0)
    assert len([path for _, path in fake.requests if path.endswith("/audio")]) == 1


@pytest.mark.parametrize(("every", "runs"), [(60, True), (0, False)])
def test_the_worker_does_so_where_it_is_asked_to(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, every: int, runs: bool
) -> None:
    settings.BACKFILL_EVERY, settings.ELEVENLABS_API_KEY = every, API_KEY
    started = threading.Event()
    monkeypatch.setattr(Backfiller, "run", lambda *_: started.set())
    monkeypatch.setattr(Worker, "run", lambda _: runs and started.wait(10))
    monkeypatch.setattr("signal.signal", lambda *_: None)
    call_command("worker")
    assert started.is_set() is runs


def test_a_fault_does_not_end_it(fake: FakeElevenLabs, monkeypatch: pytest.MonkeyPatch) -> None:
    tried, stopping = [], threading.Event()

    def fail(_: Backfiller, __: threading.Event) -> int:
        tried.append(fake.url)
        if len(tried) == 2:
            stopping.set()
        raise RuntimeError

    monkeypatch.setattr(Backfiller, "catch_up", fail)
    Backfiller().run(0, stopping)
    assert len(tried) == 2


def test_what_the_last_fetch_came_to_is_noted(fake: FakeElevenLabs, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001
    outcomes: list[Exception | None] = [None, RuntimeError()]
    noted = []

    def catch_up(_: Backfiller, stopping: threading.Event) -> int:
        stopping.set()
        if error := outcomes.pop(0):
            raise error
        return 3

    monkeypatch.setattr(Backfiller, "catch_up", catch_up)
    for _ in range(2):
        Backfiller().run(0, threading.Event())
        noted.append(last_run("backfill"))
    good, bad = filter(None, noted)
    assert (good.ok, good.detail) == (True, "3 calls fetched")
    assert (bad.ok, bad.succeeded_at) == (False, good.at)


@pytest.mark.parametrize("options", [[], ["--dry-run"]])
def test_without_an_api_key_the_command_says_that_alone(settings: Settings, options: list[str]) -> None:
    settings.ELEVENLABS_API_KEY = ""
    with pytest.raises(CommandError, match=r"^ELEVENLABS_API_KEY is not set: .*API keys\)\.$"):
        call_command("backfill", *options)


def test_catching_up_without_an_api_key_is_warned_of(settings: Settings) -> None:
    settings.BACKFILL_EVERY, settings.ELEVENLABS_API_KEY = 60, ""
    assert "elmemory.W009" in {message.id for message in checks.run_checks()}


@pytest.mark.sqlite
def test_sixty_calls_are_fetched_although_interrupted_and_then_remembered(tmp_path: Path) -> None:
    with FakeElevenLabs() as fake, Server(tmp_path, **fake.environment) as server:
        caller, fake.largest_page = new_number(), 20
        for number in range(60):
            fake.add_conversation(conversation(number, caller=caller), recording())
        command = [sys.executable, "manage.py", "backfill", "--rate", "0", "--yes"]

        def run(until: int, how: signal.Signals) -> tuple[int, str]:
            fake.requests, fake.hold_at = [], until
            fake.held.clear()
            fake.released.clear()
            process = subprocess.Popen(
                command, cwd=ROOT, env=server.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
            )
            assert fake.held.wait(30)
            process.send_signal(how)
            output, _ = process.communicate(timeout=20)
            fake.release()
            return process.returncode, output

        code, output = run(15, signal.SIGINT)
        assert code == 130
        assert "interrupted. What was fetched is stored; run it again to continue." in output
        assert "Traceback" not in output
        assert run(15, signal.SIGKILL)[0] == -signal.SIGKILL

        done = server.manage("backfill", "--rate", "0", "--yes")
        assert done.returncode == 0, done.stderr
        assert counts(done.stdout)["transcriptions"] == 60 - 14 - 14
        assert len(list(server.payloads.rglob("*_audio.mp3"))) == 60
        wait_until(lambda: len(list(server.payloads.rglob("*_memory.json"))) == 60)
        wait_until(lambda: server.ring(caller)["dynamic_variables"]["call_count"] == "60")
