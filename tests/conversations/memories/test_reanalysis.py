"""`manage.py backfill --analyse`: stored calls are analysed with the fields that their agent collects now."""

import copy
import io
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from pytest_django.fixtures import Settings

from conversations.files.deletion import delete_conversation
from conversations.index.sync import refresh_row
from conversations.memories import corrections, forgetting, reanalysis
from conversations.memories.worker import Worker
from elmemory.memory import kinds
from elmemory.memory.card import read_card
from elmemory.memory.openmemory.embedded.store import EmbeddedOpenMemory
from tests.harness.fake_elevenlabs import AGENT, API_KEY, FakeElevenLabs, conversation
from tests.harness.samples import new_number
from tests.harness.server import ROOT, Server, wait_until
from tests.harness.stored import deliver

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "index", "memory"])

MAYA = "+14155550100"
FIELDS = {
    "first_name": {"type": "string", "description": "The first name"},
    "caller_profile": {"type": "string", "description": "Lasting things"},
    "open_request": {"type": "string", "description": "What is open"},
}


@pytest.fixture
def fake(settings: Settings, payloads: Path, index_schema: None, store: EmbeddedOpenMemory) -> Iterator[FakeElevenLabs]:  # noqa: ARG001
    with FakeElevenLabs() as running:
        settings.ELEVENLABS_API_KEY, settings.ELEVENLABS_BASE_URL = API_KEY, running.url
        collects(running)
        yield running


@pytest.fixture(autouse=True)
def _without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reanalysis, "_SECONDS_BETWEEN_LOOKS", 0.0)


def collects(fake: FakeElevenLabs, *criteria: str) -> None:
    settings = fake.agents[AGENT]["platform_settings"]
    settings["data_collection"] = copy.deepcopy(FIELDS)
    settings["evaluation"] = {"criteria": [{"id": one, "conversation_goal_prompt": "Was it?"} for one in criteria]}


def call(fake: FakeElevenLabs, number: int, caller: str = MAYA, **found: Any) -> str:
    """A call at ElevenLabs, delivered here without results; `found` is what another analysis finds."""
    data = conversation(number, caller=caller) | {"status": "done"}
    event = {"type": "post_call_transcription", "event_timestamp": data["metadata"]["start_time_unix_secs"] + 40}
    conversation_id = deliver({**event, "data": copy.deepcopy(data)})
    fake.add_conversation(data)
    fake.answers[conversation_id] = found
    return conversation_id


def remembered(store: EmbeddedOpenMemory) -> None:
    while Worker(store).process_due():
        pass


def analyse(*arguments: str, confirm: bool = True) -> str:
    out = io.StringIO()
    yes = ("--yes",) if confirm else ()
    call_command(
        "backfill", "--analyse", "--rate", "0", "--quiet", *yes, *arguments, stdout=out, stderr=out, no_color=True
    )
    return out.getvalue()


def counts(output: str) -> dict[str, int]:
    rows = [line.rsplit(maxsplit=1) for line in output.splitlines() if line.startswith("  ")]
    return {name.strip(): int(count) for name, count in rows}


def versions(payloads: Path, conversation_id: str) -> list[Any]:
    """The stored versions of the transcription, the one on its path first."""
    paths = sorted((payloads / conversation_id).glob("*_transcription*.json"), key=lambda path: len(path.name))
    return [json.loads(path.read_bytes()) for path in paths]


def test_a_stored_call_gets_the_results_of_the_present_fields(
    fake: FakeElevenLabs, payloads: Path, store: EmbeddedOpenMemory
) -> None:
    conversation_id = call(fake, 1, first_name="Maya", open_request="A new card by Friday.")
    remembered(store)
    delivered = versions(payloads, conversation_id)[0]
    assert counts(analyse())["analysed"] == 1
    newest, original = versions(payloads, conversation_id)
    assert original == delivered
    assert newest["data"] == fake.conversations[conversation_id]
    remembered(store)
    card = read_card(store, MAYA)
    assert card is not None
    assert card.facts == {"first_name": "Maya"}
    assert card.briefing.open_request == "A new card by Friday."
    assert card.call_count == 1


def test_the_original_stays_beside_when_it_is_delivered_again(
    fake: FakeElevenLabs, payloads: Path, store: EmbeddedOpenMemory
) -> None:
    conversation_id = call(fake, 1, first_name="Maya")
    remembered(store)
    original = versions(payloads, conversation_id)[0]
    analyse()
    deliver(original)
    assert "analysed" in versions(payloads, conversation_id)[0]


def test_it_stands_even_if_the_original_has_a_time_ahead_of_ours(fake: FakeElevenLabs, payloads: Path) -> None:
    data = conversation(1) | {"status": "done"}
    ahead = int(time.time()) + 200
    deliver({"type": "post_call_transcription", "event_timestamp": ahead, "data": copy.deepcopy(data)})
    conversation_id = fake.add_conversation(data)
    analyse()
    assert "analysed" in versions(payloads, conversation_id)[0]


def test_a_dry_run_shows_the_cost_and_changes_nothing(fake: FakeElevenLabs, payloads: Path) -> None:
    collects(fake, "polite", "solved")
    for number in range(10):
        call(fake, number)
    output = analyse("--dry-run", confirm=False)
    assert "one extraction: 50 extractions." in output
    assert counts(output) == {"to analyse": 10, "to fetch only": 0}
    assert fake.writes == []
    assert len(versions(payloads, "conv_000001")) == 1


def test_the_cost_of_earlier_analyses_gives_an_estimate(fake: FakeElevenLabs) -> None:
    call(fake, 1)
    analyse()
    for number in range(2, 6):
        call(fake, number)
    assert "12 extractions, about 36 credits by what earlier ones cost" in analyse("--dry-run")


def test_nothing_is_analysed_without_consent(fake: FakeElevenLabs, monkeypatch: pytest.MonkeyPatch) -> None:
    call(fake, 1)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda _: "no")
    with pytest.raises(CommandError, match="nothing was analysed"):
        analyse(confirm=False)
    assert fake.writes == []


def test_a_call_is_analysed_once(fake: FakeElevenLabs) -> None:
    conversation_id = call(fake, 1)
    analyse()
    fake.requests.clear()
    assert counts(analyse()) == {"analysed already": 1, "to analyse": 0, "to fetch only": 0}
    assert fake.requests == [("GET", f"/v1/convai/agents/{AGENT}")]
    assert fake.runs == {conversation_id: 1}


def test_a_new_field_lets_it_be_analysed_again(fake: FakeElevenLabs, payloads: Path) -> None:
    conversation_id = call(fake, 1)
    analyse()
    fake.agents[AGENT]["platform_settings"]["data_collection"]["mood"] = {"type": "string", "description": "The mood"}
    analyse()
    assert fake.runs == {conversation_id: 2}
    assert len(versions(payloads, conversation_id)) == 3


def test_an_analysis_whose_answer_was_lost_is_not_paid_for_again(fake: FakeElevenLabs, payloads: Path) -> None:
    conversation_id = call(fake, 1, first_name="Maya")
    fake.lose_answers = True
    with pytest.raises(CommandError, match="1 call was not analysed"):
        analyse()
    fake.lose_answers = False
    assert counts(analyse())["fetched"] == 1
    assert fake.runs == {conversation_id: 1}
    assert versions(payloads, conversation_id)[0]["data"]["analysis"]["data_collection_results"]["first_name"]


def test_results_that_come_later_are_waited_for(fake: FakeElevenLabs) -> None:
    call(fake, 1)
    fake.results_after = 3
    assert counts(analyse())["analysed"] == 1


def test_results_that_do_not_come_in_time_are_fetched_by_the_next_run_for_free(fake: FakeElevenLabs) -> None:
    conversation_id = call(fake, 1)
    fake.results_after = 7
    assert counts(analyse())["unfinished"] == 1
    second = counts(analyse())
    assert (second["to analyse"], second["to fetch only"], second["unfinished"]) == (0, 1, 1)
    assert counts(analyse())["fetched"] == 1
    assert fake.runs == {conversation_id: 1}


def _delete(store: EmbeddedOpenMemory, conversation_id: str) -> None:  # noqa: ARG001
    delete_conversation(conversation_id)
    refresh_row(conversation_id)


def _forget(store: EmbeddedOpenMemory, conversation_id: str) -> None:  # noqa: ARG001
    forgetting.forget(store, MAYA, forgetting.Forgetting())


def _opt_out(store: EmbeddedOpenMemory, conversation_id: str) -> None:  # noqa: ARG001
    corrections.set_preference(store, MAYA, kinds.OPT_OUT, holds=True)


@pytest.mark.parametrize("decide", [_delete, _forget, _opt_out])
def test_decisions_keep_a_call_from_being_analysed(
    fake: FakeElevenLabs, store: EmbeddedOpenMemory, decide: Callable[[EmbeddedOpenMemory, str], None]
) -> None:
    conversation_id = call(fake, 1, first_name="Maya")
    remembered(store)
    decide(store, conversation_id)
    analyse()
    assert fake.writes == []


@pytest.mark.parametrize("decide", [_delete, _forget, _opt_out])
def test_a_decision_made_meanwhile_is_respected(
    fake: FakeElevenLabs,
    store: EmbeddedOpenMemory,
    monkeypatch: pytest.MonkeyPatch,
    decide: Callable[[EmbeddedOpenMemory, str], None],
) -> None:
    conversation_id = call(fake, 1, first_name="Maya")
    remembered(store)

    def decide_first(_: str) -> str:
        decide(store, conversation_id)
        return "yes"

    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", decide_first)
    assert counts(analyse(confirm=False))["not remembered"] == 1
    assert fake.runs == {}


@pytest.mark.parametrize("left", [[], [{"role": "user", "message": "This is [NAME]."}]])
def test_a_transcript_that_elevenlabs_no_longer_has_in_full_replaces_nothing(
    fake: FakeElevenLabs, payloads: Path, left: list[Any]
) -> None:
    conversation_id = call(fake, 1)
    fake.conversations[conversation_id]["transcript"] = left
    assert counts(analyse())["changed there"] == 1
    assert fake.runs == {}
    assert len(versions(payloads, conversation_id)) == 1


def test_calls_without_a_caller_who_speaks_are_left_out(fake: FakeElevenLabs) -> None:
    call(fake, 1, caller="anonymous")
    data = conversation(2) | {"status": "done", "transcript": [{"role": "agent", "message": "Hello?"}]}
    fake.add_conversation(data)
    deliver({"type": "post_call_transcription", "event_timestamp": 1, "data": data})
    assert counts(analyse()) == {"without a caller who speaks": 2, "to analyse": 0, "to fetch only": 0}


def test_calls_that_elevenlabs_no_longer_has_are_counted(fake: FakeElevenLabs) -> None:
    fake.conversations.pop(call(fake, 1))
    data = conversation(2, agent_id="agent_gone") | {"status": "done"}
    deliver({"type": "post_call_transcription", "event_timestamp": 1, "data": data})
    found = counts(analyse())
    assert (found["of an agent that is gone"], found["gone"]) == (1, 1)


def test_only_the_calls_asked_for_are_analysed(fake: FakeElevenLabs) -> None:
    ids = [call(fake, 24 * number) for number in range(4)]
    days = [fake.conversations[one]["metadata"]["start_time_unix_secs"] for one in ids]
    since, until = (time.strftime("%Y-%m-%dT%H:%M", time.gmtime(days[number] - 60)) for number in (1, 3))
    analyse("--since", since, "--until", until)
    assert set(fake.runs) == set(ids[1:3])


def test_requests_keep_to_the_rate(fake: FakeElevenLabs) -> None:
    for number in range(2):
        call(fake, number)
    began = time.monotonic()
    call_command("backfill", "--analyse", "--rate", "20", "--quiet", "--yes", stdout=io.StringIO())
    assert time.monotonic() - began >= (len(fake.requests) - 1) / 20


@pytest.mark.sqlite
def test_ten_old_calls_are_analysed_although_killed_and_paid_for_once(tmp_path: Path) -> None:
    with FakeElevenLabs() as fake, Server(tmp_path, **fake.environment) as server:
        caller = new_number()
        for number in range(10):
            conversation_id = fake.add_conversation(conversation(number, caller=caller))
            fake.answers[conversation_id] = {"first_name": "Maya", "open_request": f"Number {number}."}
        assert server.manage("backfill", "--rate", "0", "--yes").returncode == 0
        wait_until(lambda: server.ring(caller)["dynamic_variables"]["call_count"] == "10")
        assert server.ring(caller)["dynamic_variables"]["user_name"] == ""

        collects(fake)
        command = [sys.executable, "manage.py", "backfill", "--analyse", "--rate", "0", "--yes"]
        fake.requests, fake.hold_at = [], 4
        process = subprocess.Popen(
            command, cwd=ROOT, env=server.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert fake.held.wait(60)
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=20)
        fake.release()
        done = server.manage("backfill", "--analyse", "--rate", "0", "--yes")
        assert done.returncode == 0, done.stderr
        assert counts(done.stdout)["analysed already"] == 3
        assert len(fake.runs) == 10
        assert set(fake.runs.values()) == {1}
        wait_until(lambda: server.ring(caller)["dynamic_variables"]["user_name"] == "Maya")
        assert server.ring(caller)["dynamic_variables"]["call_count"] == "10"
