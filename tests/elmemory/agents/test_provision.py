"""`manage.py provision`: the real SDK against the fake ElevenLabs."""

import io
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from pytest_django.fixtures import Settings

from elmemory.agents.management.commands import provision as command
from elmemory.agents.wiring import fingerprint
from tests.harness.fake_elevenlabs import AGENT, API_KEY, FakeElevenLabs

URL = "https://memory.example.com"


@pytest.fixture
def fake(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeElevenLabs]:
    monkeypatch.setenv("ELMEMORY_ENV_FILE", str(tmp_path / ".env"))
    (tmp_path / ".env").write_text("DEBUG=false\nELEVENLABS_POST_CALL_KEY=old\nPORT=8000\n")
    (tmp_path / ".env").chmod(0o600)
    with FakeElevenLabs() as running:
        settings.ELEVENLABS_API_KEY, settings.ELEVENLABS_BASE_URL = API_KEY, running.url
        yield running


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def provision(*arguments: str, out: io.StringIO | None = None, **options: Any) -> str:
    out = out or Terminal()
    call_command("provision", AGENT, "--url", URL, *arguments, stdout=out, no_color=True, **options)
    return out.getvalue()


def effective(fake: FakeElevenLabs) -> Any:
    return fake.agents[AGENT]["platform_settings"]["workspace_overrides"]


def tool_of(fake: FakeElevenLabs) -> Any:
    (tool,) = [tool for tool in fake.tools.values() if tool["tool_config"]["name"] == "search_data"]
    return tool["tool_config"]


def test_the_first_run_wires_the_agent(fake: FakeElevenLabs) -> None:
    provision("--yes")
    names = {secret["name"]: secret for secret in fake.secrets.values()}
    assert {secret["value"] for secret in names.values()} == {"client-data-key", "search-data-key"}
    ids = {secret["value"]: secret_id for secret_id, secret in fake.secrets.items()}

    (webhook,) = fake.webhooks.values()
    assert webhook["webhook_url"] == f"{URL}/webhook/post-call"
    assert (webhook["retry_enabled"], webhook["is_disabled"]) == (True, False)

    wired = effective(fake)
    assert wired["conversation_initiation_client_data_webhook"] == {
        "url": f"{URL}/webhook/client-data",
        "request_headers": {"X-Api-Key": {"secret_id": ids["client-data-key"]}},
    }
    assert wired["webhooks"]["post_call_webhook_id"] == webhook["webhook_id"]
    assert wired["webhooks"]["events"] == ["transcript", "audio", "call_initiation_failure"]

    tool = tool_of(fake)
    assert tool["api_schema"]["method"] == "POST"
    assert tool["api_schema"]["url"] == f"{URL}/webhook/search-data"
    assert tool["api_schema"]["request_headers"] == {"X-Api-Key": {"secret_id": ids["search-data-key"]}}
    properties = tool["api_schema"]["request_body_schema"]["properties"]
    assert properties["user_id"]["dynamic_variable"] == "system__caller_id"
    assert properties["called_number"]["dynamic_variable"] == "system__called_number"
    assert properties["query"]["description"]
    assert fake.agents[AGENT]["conversation_config"]["agent"]["prompt"]["tool_ids"] == list(fake.tools)

    overrides = fake.agents[AGENT]["platform_settings"]["overrides"]
    assert overrides["enable_conversation_initiation_client_data_from_webhook"] is True
    assert overrides["conversation_config_override"]["agent"] == {"first_message": True, "language": True}


@pytest.mark.parametrize("sends", [True, False])
def test_the_language_may_be_overridden_where_rings_send_it(
    fake: FakeElevenLabs, settings: Settings, sends: bool
) -> None:
    settings.OVERRIDE_LANGUAGE = sends
    overrides = fake.agents[AGENT]["platform_settings"]["overrides"]
    overrides["conversation_config_override"]["agent"] = {"first_message": True, "language": False}
    provision("--yes")
    agent = fake.agents[AGENT]["platform_settings"]["overrides"]["conversation_config_override"]["agent"]
    assert agent == {"first_message": True, "language": sends}
    assert "nothing to change" in provision("--yes", "--write-env")


@pytest.mark.parametrize("reports_retries", [True, False])
def test_a_second_run_changes_nothing(fake: FakeElevenLabs, reports_retries: bool) -> None:
    fake.reports_retries = reports_retries
    provision("--yes", "--write-env")
    before, fake.requests = fake.state(), []
    assert "nothing to change" in provision("--yes")
    assert fake.writes == []
    assert fake.state() == before


def test_a_dry_run_shows_the_plan_as_a_diff_and_changes_nothing(fake: FakeElevenLabs) -> None:
    before = fake.state()
    output = provision("--dry-run")
    assert fake.writes == []
    assert fake.state() == before
    assert '+  "post_call_webhook_id": "(the new webhook)"' in output
    assert '-      "first_message": false,' in output
    assert '+      "first_message": true,' in output
    assert "9 steps. Nothing was changed." in output


@pytest.mark.usefixtures("fake")
def test_keys_are_not_shown() -> None:
    output = provision("--yes")
    assert "client-data-key" not in output
    assert "search-data-key" not in output
    assert API_KEY not in output


def test_everything_else_of_the_agent_and_the_workspace_stays_as_it_was(fake: FakeElevenLabs) -> None:
    other = fake.add_tool({"type": "client", "name": "hang_up", "description": "Ends the call"})
    fake.agents[AGENT]["conversation_config"]["agent"]["prompt"]["tool_ids"] = [other]
    before = fake.state()
    provision("--yes")
    after = fake.state()
    assert after["settings"] == before["settings"]
    was, now = before["agents"][AGENT], after["agents"][AGENT]
    assert now["conversation_config"]["agent"]["prompt"]["tool_ids"][0] == other
    for agent in (was, now):
        agent["conversation_config"]["agent"]["prompt"].pop("tool_ids")
        agent["platform_settings"].pop("workspace_overrides")
        agent["platform_settings"].pop("overrides")
    assert now == was


@pytest.mark.parametrize("failing", [1, 3, 4, 6, 9])
def test_a_failure_reports_what_was_done_and_the_next_run_continues(fake: FakeElevenLabs, failing: int) -> None:
    fake.fail_at_write = failing
    with pytest.raises(CommandError) as stopped:
        provision("--yes")
    message = str(stopped.value)
    assert "ElevenLabs answered 500" in message
    done, _, left = message.partition("not done: ")
    assert len(done.partition("done: ")[2].split(";")) == max(1, failing - 1)
    assert left.partition("\n")[0].count(";") == 9 - failing
    provision("--yes")
    assert "nothing to change" in provision("--yes")
    assert [len(fake.secrets), len(fake.webhooks), len(fake.tools)] == [2, 1, 1]


def test_a_write_without_effect_stops_it(fake: FakeElevenLabs) -> None:
    fake.forget_writes = True
    with pytest.raises(CommandError, match="reading back shows other values than were written"):
        provision("--yes")
    assert len(fake.writes) == 1


def test_the_new_secret_is_shown_once_and_written_to_the_env_file(fake: FakeElevenLabs, tmp_path: Path) -> None:
    output = provision("--yes", "--write-env")
    (secret,) = fake.webhook_secrets.values()
    assert output.count(secret) == 1
    assert (tmp_path / ".env").read_text() == f"DEBUG=false\nELEVENLABS_POST_CALL_KEY={secret}\nPORT=8000\n"
    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600


@pytest.fixture
def default_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(command, "private_folder", lambda: tmp_path)
    return tmp_path


def test_output_that_is_no_terminal_names_a_private_file_in_place_of_the_secret(
    fake: FakeElevenLabs, default_folder: Path
) -> None:
    output = provision("--yes", out=io.StringIO())
    (secret,) = fake.webhook_secrets.values()
    kept = default_folder / "_post_call_key.txt"
    assert secret not in output
    assert f"is in {kept}" in output
    assert kept.read_text() == f"ELEVENLABS_POST_CALL_KEY={secret}\n"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_the_private_file_is_gone_once_the_secret_is_in_the_env_file(
    fake: FakeElevenLabs, default_folder: Path
) -> None:
    output = provision("--yes", "--write-env", out=io.StringIO())
    (secret,) = fake.webhook_secrets.values()
    assert secret not in output
    assert secret in (default_folder / ".env").read_text()
    assert not (default_folder / "_post_call_key.txt").exists()


def test_a_secret_that_can_be_kept_nowhere_is_an_error_and_is_not_shown(
    fake: FakeElevenLabs, default_folder: Path
) -> None:
    (default_folder / "_post_call_key.txt").mkdir()
    out = io.StringIO()
    with pytest.raises(CommandError, match="--new-secret, in a terminal"):
        provision("--yes", out=out)
    (secret,) = fake.webhook_secrets.values()
    assert secret not in out.getvalue()


@pytest.mark.parametrize(("answer", "written"), [("y", True), ("", False)])
def test_the_secret_is_written_only_with_consent(
    fake: FakeElevenLabs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str, written: bool
) -> None:
    answers = iter(["y", answer])
    monkeypatch.setattr("builtins.input", lambda _: next(answers))
    provision()
    (secret,) = fake.webhook_secrets.values()
    assert (secret in (tmp_path / ".env").read_text()) is written


def test_without_consent_nothing_happens(fake: FakeElevenLabs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builtins.input", lambda _: "n")
    with pytest.raises(CommandError, match="nothing was changed"):
        provision()
    assert fake.writes == []


def test_an_existing_webhook_whose_secret_is_unknown_causes_a_warning(fake: FakeElevenLabs) -> None:
    fake.add_webhook(f"{URL}/webhook/post-call")
    assert "--new-secret creates a new webhook" in provision("--yes")
    assert len(fake.webhooks) == 1


def test_a_new_secret_comes_with_a_new_webhook_and_the_old_secret_stays_valid(
    fake: FakeElevenLabs, tmp_path: Path, settings: Settings
) -> None:
    provision("--yes", "--write-env")
    (old,) = fake.webhook_secrets.values()
    settings.ELEVENLABS_POST_CALL_KEYS = [old]
    provision("--yes", "--write-env", "--new-secret")
    new = next(secret for secret in fake.webhook_secrets.values() if secret != old)
    assert f"ELEVENLABS_POST_CALL_KEY={new},{old}\n" in (tmp_path / ".env").read_text()
    used = effective(fake)["webhooks"]["post_call_webhook_id"]
    assert fake.webhook_secrets[used] == new
    settings.ELEVENLABS_POST_CALL_KEYS = [new, old]
    assert "nothing to change" in provision("--yes")


def test_a_changed_key_becomes_a_new_secret(fake: FakeElevenLabs, settings: Settings) -> None:
    provision("--yes")
    settings.ELEVENLABS_CLIENT_DATA_KEYS = ["another-key"]
    provision("--yes")
    secret_id = effective(fake)["conversation_initiation_client_data_webhook"]["request_headers"]["X-Api-Key"][
        "secret_id"
    ]
    assert fake.secrets[secret_id]["value"] == "another-key"


def test_a_tool_set_up_by_hand_is_corrected_and_keeps_its_own_fields(fake: FakeElevenLabs) -> None:
    tool_id = fake.add_tool(
        {
            "type": "webhook",
            "name": "search_data",
            "description": "My own words.",
            "response_timeout_secs": 12,
            "api_schema": {
                "url": "https://old.example.com/webhook/search-data",
                "method": "GET",
                "request_headers": {"x-api-key": "plain", "X-Other": "1"},
                "request_body_schema": {
                    "type": "object",
                    "properties": {
                        "query": {"type": "string", "description": "What to look for"},
                        "user_id": {"type": "string", "description": "The caller's number"},
                        "agent_id": {"type": "string", "dynamic_variable": "system__agent_id"},
                    },
                },
            },
        }
    )
    fake.agents[AGENT]["conversation_config"]["agent"]["prompt"]["tool_ids"] = [tool_id]
    provision("--yes")
    tool = tool_of(fake)
    assert (tool["description"], tool["response_timeout_secs"]) == ("My own words.", 12)
    schema = tool["api_schema"]
    assert (schema["url"], schema["method"]) == (f"{URL}/webhook/search-data", "POST")
    assert set(schema["request_headers"]) == {"x-api-key", "X-Other"}
    properties = schema["request_body_schema"]["properties"]
    assert properties["query"]["description"] == "What to look for"
    assert properties["user_id"]["dynamic_variable"] == "system__caller_id"
    assert properties["agent_id"]["dynamic_variable"] == "system__agent_id"
    assert "nothing to change" in provision("--yes")


def test_the_tool_asks_for_the_language_that_the_caller_speaks(fake: FakeElevenLabs) -> None:
    provision("--yes")
    tool = tool_of(fake)
    assert "language that the caller speaks" in tool["description"]
    query = tool["api_schema"]["request_body_schema"]["properties"]["query"]
    assert "language that the caller speaks" in query["description"]


def test_texts_of_a_tool_that_an_earlier_version_wrote_are_replaced(fake: FakeElevenLabs) -> None:
    provision("--yes")
    tool = tool_of(fake)
    properties = tool["api_schema"]["request_body_schema"]["properties"]
    current = tool["description"], properties["query"]["description"]
    tool["description"] = (
        "Look up what this caller said in earlier calls: appointments, people, preferences, problems, promises. "
        "Ask one short question in plain words. Use it before asking the caller for something they may have told us "
        "already."
    )
    properties["query"]["description"] = "The question, in plain words"
    assert "in the language that the caller speaks" in provision("--dry-run")
    provision("--yes")
    tool = tool_of(fake)
    properties = tool["api_schema"]["request_body_schema"]["properties"]
    assert (tool["description"], properties["query"]["description"]) == current


def test_a_tool_of_another_type_with_the_same_name_is_not_changed(fake: FakeElevenLabs) -> None:
    other = fake.add_tool({"type": "client", "name": "search_data", "description": "Opens the search page"})
    fake.agents[AGENT]["conversation_config"]["agent"]["prompt"]["tool_ids"] = [other]
    before = fake.state()["tools"][other]
    provision("--yes")
    assert fake.tools[other] == before
    assert len(fake.tools) == 2


def test_the_workspace_is_wired_only_on_request(fake: FakeElevenLabs) -> None:
    provision("--yes", "--workspace")
    assert fake.settings["conversation_initiation_client_data_webhook"]["url"] == f"{URL}/webhook/client-data"
    assert fake.settings["webhooks"]["post_call_webhook_id"] in fake.webhooks
    assert fake.settings["rag_retention_period_days"] == 10
    assert effective(fake)["conversation_initiation_client_data_webhook"] is None
    assert "nothing to change" in provision("--yes")


def test_objects_are_found_on_later_pages_of_lists(fake: FakeElevenLabs) -> None:
    fake.largest_page = 1
    provision("--yes")
    fake.add_agent("agent_second")
    out = io.StringIO()
    call_command("provision", "agent_second", "--url", URL, "--yes", stdout=out)
    assert [len(fake.secrets), len(fake.webhooks), len(fake.tools)] == [2, 1, 1]


def test_a_disabled_webhook_is_enabled_again(fake: FakeElevenLabs) -> None:
    provision("--yes")
    (webhook,) = fake.webhooks.values()
    webhook["is_auto_disabled"] = True
    provision("--yes")
    assert webhook["is_auto_disabled"] is False
    assert webhook["name"].endswith(f"key {fingerprint(*fake.webhook_secrets.values())})")


def test_replacing_the_webhook_of_another_server_causes_a_warning(fake: FakeElevenLabs) -> None:
    elsewhere = fake.add_webhook("https://crm.example.com/calls", "CRM")
    fake.settings["webhooks"] = {"post_call_webhook_id": elsewhere, "events": ["transcript"]}
    output = provision("--dry-run")
    assert "! Calls are delivered to https://crm.example.com/calls now" in output
    provision("--yes")
    assert fake.settings["webhooks"]["post_call_webhook_id"] == elsewhere
    assert fake.webhooks[elsewhere]["name"] == "CRM"


def test_an_env_file_that_cannot_be_written_does_not_lose_the_secret(
    fake: FakeElevenLabs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("elmemory.environment.dotenv.put", refuse)
    output = provision("--yes", "--write-env")
    assert ".env cannot be written (Permission denied): add the line yourself." in output
    (secret,) = fake.webhook_secrets.values()
    assert secret in output
    assert "9 steps done" in output


def test_an_unknown_agent_and_a_wrong_key_are_errors_without_a_traceback(
    fake: FakeElevenLabs, settings: Settings
) -> None:
    with pytest.raises(CommandError, match=r"agent_unknown was not found.*Nothing was changed"):
        call_command("provision", "agent_unknown", "--url", URL)
    settings.ELEVENLABS_API_KEY = "sk_wrong"
    with pytest.raises(CommandError, match="refuses ELEVENLABS_API_KEY"):
        provision()
    assert fake.writes == []


@pytest.mark.parametrize("url", ["", "http://memory.example.com", "https://", "memory.example.com"])
def test_only_an_https_address_is_accepted(fake: FakeElevenLabs, url: str) -> None:
    with pytest.raises(CommandError, match="https"):
        call_command("provision", AGENT, "--url", url)
    assert fake.requests == []
