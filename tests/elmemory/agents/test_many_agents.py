"""`provision` and `doctor` for several agents: the real SDK against the fake ElevenLabs."""

import copy
import io
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from pytest_django.fixtures import Settings

from elmemory.agents.agent_checks import check_agents
from tests.harness.fake_elevenlabs import AGENT, API_KEY, FakeElevenLabs
from tests.harness.server import Server

URL = "https://memory.example.com"
OTHERS = ["agent_second", "agent_third"]
SECTION = "conversation_initiation_client_data_webhook"


@pytest.fixture
def fake(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeElevenLabs]:
    monkeypatch.setenv("ELMEMORY_ENV_FILE", str(tmp_path / "none"))
    with FakeElevenLabs() as running:
        settings.ELEVENLABS_API_KEY, settings.ELEVENLABS_BASE_URL = API_KEY, running.url
        for agent in OTHERS:
            running.add_agent(agent, agent.title())
        yield running


def provision(*arguments: str) -> str:
    out = io.StringIO()
    call_command("provision", *arguments, "--url", URL, "--yes", stdout=out, no_color=True)
    return out.getvalue()


def made(fake: FakeElevenLabs) -> Counter[str]:
    return Counter(write for write in fake.writes if write.startswith("POST "))


def key_of(fake: FakeElevenLabs, agent: str) -> str:
    """The key that ElevenLabs sends when a call to this agent rings."""
    wired = fake.agents[agent]["platform_settings"]["workspace_overrides"][SECTION]
    return fake.secrets[wired["request_headers"]["X-Api-Key"]["secret_id"]]["value"]


def wired(fake: FakeElevenLabs) -> set[str]:
    """The agents that are wired."""
    sections = {agent: state["platform_settings"]["workspace_overrides"] for agent, state in fake.agents.items()}
    return {agent for agent, section in sections.items() if (section[SECTION] or {}).get("url")}


def test_all_agents_of_the_workspace_are_wired_and_share_webhook_tool_and_secrets(fake: FakeElevenLabs) -> None:
    output = provision("--all")
    assert wired(fake) == {AGENT, *OTHERS}
    assert set(made(fake).values()) == {1, 2}
    assert [len(fake.secrets), len(fake.webhooks), len(fake.tools)] == [2, 1, 1]
    tools = [state["conversation_config"]["agent"]["prompt"]["tool_ids"] for state in fake.agents.values()]
    assert tools == [list(fake.tools)] * 3
    assert "manage.py doctor --all" in output
    fake.requests = []
    assert "nothing to change" in provision("--all")
    assert fake.writes == []


def test_only_the_agents_that_are_named_are_wired(fake: FakeElevenLabs) -> None:
    provision(AGENT, OTHERS[0], OTHERS[0])
    assert wired(fake) == {AGENT, OTHERS[0]}


def test_the_plan_shows_what_is_shared_once(fake: FakeElevenLabs) -> None:
    output = provision("--all", "--dry-run")
    assert fake.writes == []
    assert output.count(". post-call webhook\n") == output.count(". tool search_data\n") == 1
    assert output.count(". initiation webhook of the agent\n") == 3
    assert "17 steps for 3 of 3 agents. Nothing was changed." in output


@pytest.mark.parametrize("arguments", [[], [AGENT, "--all"]])
def test_agents_are_named_or_all(fake: FakeElevenLabs, arguments: list[str]) -> None:
    with pytest.raises(CommandError, match="name the agents, or give --all"):
        provision(*arguments)
    assert fake.requests == []


def test_an_agent_that_is_not_there_changes_nothing(fake: FakeElevenLabs) -> None:
    with pytest.raises(CommandError, match=r"no such object.*Nothing was changed"):
        provision(AGENT, "agent_gone")
    assert fake.writes == []


def test_a_fault_of_one_agent_leaves_no_other_unwired(fake: FakeElevenLabs) -> None:
    provision(AGENT)
    fake.fail_at_write = 1
    with pytest.raises(CommandError, match=f"not wired: {OTHERS[0]}. Run it again"):
        provision("--all")
    assert wired(fake) == {AGENT, OTHERS[1]}
    provision("--all")
    assert wired(fake) == {AGENT, *OTHERS}


def test_a_fault_of_what_agents_share_stops_all(fake: FakeElevenLabs) -> None:
    fake.fail_at_write = 1
    with pytest.raises(CommandError, match=f"not wired: {', '.join([AGENT, *OTHERS])}"):
        provision("--all")
    assert len(fake.writes) == 1


def test_a_new_secret_is_made_once_for_all(fake: FakeElevenLabs) -> None:
    provision("--all")
    [old] = fake.webhooks
    provision("--all", "--new-secret")
    [new] = set(fake.webhooks) - {old}
    sections = [state["platform_settings"]["workspace_overrides"] for state in fake.agents.values()]
    assert {section["webhooks"]["post_call_webhook_id"] for section in sections} == {new}


def test_the_doctor_has_a_section_of_each_agent_with_what_is_wrong(fake: FakeElevenLabs) -> None:
    provision("--all")
    fake.agents[OTHERS[1]]["platform_settings"]["workspace_overrides"][SECTION] = None
    checks = check_agents([], URL, every=True)
    sections = [check.section for check in checks if check.name == "wiring"]
    assert sections == ["Agent Front desk (agent_test)", *(f"Agent {agent.title()} ({agent})" for agent in OTHERS)]
    assert {check.section for check in checks if check.name == "initiation webhook"} == {sections[2]}
    assert check_agents([AGENT, OTHERS[0]], URL)[0].detail == "2 agents"


def test_the_doctor_names_the_agents_when_there_are_several(fake: FakeElevenLabs) -> None:
    assert "--all" in check_agents([], URL)[0].remedy
    assert fake.writes == []


def test_a_key_of_twelve_agents_is_replaced_without_a_refused_ring(
    fake: FakeElevenLabs, settings: Settings, tmp_path: Path
) -> None:
    settings.ELEVENLABS_CLIENT_DATA_KEYS = ["old-key"]
    provision("--all")
    for number in range(9):
        agent = f"agent_{number}"
        fake.agents[agent] = copy.deepcopy(fake.agents[AGENT]) | {"agent_id": agent}
    agents = list(fake.agents)
    assert {key_of(fake, agent) for agent in agents} == {"old-key"}

    settings.ELEVENLABS_CLIENT_DATA_KEYS = ["new-key", "old-key"]
    with Server(tmp_path, "--no-worker", ELEVENLABS_CLIENT_DATA_KEY="new-key,old-key") as server:
        with rings(server, fake, agents) as answers:
            provision("--all")
        assert {status for _, status in answers} == {200}
        assert {key for key, _ in answers} == {"old-key", "new-key"}
        server.stop()
        server.environment["ELEVENLABS_CLIENT_DATA_KEY"] = "new-key"
        server.start()
        assert {ring(server, key_of(fake, agent)) for agent in agents} == {200}
        assert ring(server, "old-key") == 401
    assert len(agents) == 12


def ring(server: Server, key: str) -> int:
    body: dict[str, Any] = {"caller_id": "+14155550100", "agent_id": AGENT, "called_number": "+14155550199"}
    return server.client.post("/webhook/client-data", json=body, headers={"x-api-key": key}).status_code


@contextmanager
def rings(server: Server, fake: FakeElevenLabs, agents: list[str]) -> Iterator[list[tuple[str, int]]]:
    """Agent after agent rings in a thread, with the key that it has at that moment; keys and statuses."""
    answers: list[tuple[str, int]] = []
    ended = threading.Event()

    def each_in_turn() -> None:
        while not ended.is_set():
            for agent in agents:
                key = key_of(fake, agent)
                answers.append((key, ring(server, key)))

    thread = threading.Thread(target=each_in_turn)
    thread.start()
    try:
        yield answers
    finally:
        ended.set()
        thread.join()
