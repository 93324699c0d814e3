"""`manage.py provision --memory`: the fields of data collection that memory uses."""

import copy
import io
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import override_settings
from elevenlabs.types.analysis_property import AnalysisProperty
from pytest_django.fixtures import Settings

from elmemory.agents.data_collection import FIELDS, MOODS
from tests.harness.fake_elevenlabs import AGENT, API_KEY, FakeElevenLabs

LANGUAGES = ("en", "de", "es", "fr", "it", "pt", "nl", "pl", "ja", "zh", "hi", "ar", "ko", "ru")
AUTHORS = {"type": "string", "description": "The caller's first name"}


@pytest.fixture(scope="module")
def provisioned() -> dict[str, Any]:
    """The state of ElevenLabs after `provision`."""
    with FakeElevenLabs() as fake, override_settings(ELEVENLABS_API_KEY=API_KEY, ELEVENLABS_BASE_URL=fake.url):
        provision(fake)
        return fake.state()


@pytest.fixture
def fake(provisioned: dict[str, Any], settings: Settings) -> Iterator[FakeElevenLabs]:
    with FakeElevenLabs() as running:
        running.restore(provisioned)
        settings.ELEVENLABS_API_KEY, settings.ELEVENLABS_BASE_URL = API_KEY, running.url
        yield running


def provision(fake: FakeElevenLabs, *arguments: str, confirm: bool = True) -> str:
    fake.requests.clear()
    out = io.StringIO()
    yes = ("--yes",) if confirm else ()
    call_command("provision", AGENT, "--url", "https://memory.example.com", *yes, *arguments, stdout=out, no_color=True)
    return out.getvalue()


def settings_of(fake: FakeElevenLabs) -> dict[str, Any]:
    found: dict[str, Any] = fake.agents[AGENT]["platform_settings"]
    return found


def collected(fake: FakeElevenLabs) -> dict[str, Any]:
    found: dict[str, Any] = settings_of(fake)["data_collection"]
    return found


def collect(fake: FakeElevenLabs, *names: str, number: int = 0) -> None:
    """Give the agent these fields of its author's, and `number` more."""
    names = (*names, *(f"question_{n}" for n in range(number)))
    settings_of(fake)["data_collection"] = {
        name: {"type": "string", "description": f"My {name}.", "dynamic_variable": ""} for name in names
    }


def test_the_missing_fields_are_added_with_their_reasons(fake: FakeElevenLabs) -> None:
    output = provision(fake, "--memory")
    assert "caller_profile: lasting things that the next call should know" in output
    assert "1 field now, 10 then; 15 are left" in output
    assert list(collected(fake)) == [field.id for field in FIELDS]
    assert collected(fake)["do_not_remember"]["type"] == "boolean"
    assert collected(fake)["mood"]["enum"] == list(MOODS)
    assert fake.writes == [f"PATCH /v1/convai/agents/{AGENT}"]
    assert "nothing to change" in provision(fake, "--memory")


def test_without_the_option_they_are_only_offered(fake: FakeElevenLabs) -> None:
    output = provision(fake)
    assert "--memory adds" in output
    assert "open_request: what the caller is still waiting for" in output
    assert fake.writes == []


def test_a_field_of_the_authors_stays_and_is_used_instead_of_ours(fake: FakeElevenLabs) -> None:
    collect(fake, "first_name", "Firma", "Last name", "mood")
    before = copy.deepcopy(collected(fake))
    provision(fake, "--memory")
    after = collected(fake)
    assert {name: after[name] | before[name] for name in before} == {name: after[name] for name in before}
    assert "last_name" not in after
    assert after["mood"]["description"] == "My mood."


def test_an_attached_item_is_recognised_by_its_name(fake: FakeElevenLabs) -> None:
    collect(fake, "item_7c1")
    collected(fake)["item_7c1"]["name"] = "First name"
    provision(fake, "--memory")
    assert "first_name" not in collected(fake)


def test_on_an_agent_with_23_fields_the_most_useful_ones_are_added(fake: FakeElevenLabs) -> None:
    collect(fake, "first_name", number=22)
    output = provision(fake, "--memory")
    assert [*collected(fake)][23:] == ["caller_profile", "do_not_remember"]
    assert "23 fields now, 25 then; 0 are left" in output
    assert "ElevenLabs allows 25 fields" in output
    assert "No room for: open_request, resolved_request, agent_promise, preferred_language, last_name, mood" in output


def test_an_enterprise_workspace_has_room_for_all(fake: FakeElevenLabs) -> None:
    fake.tier = "enterprise"
    collect(fake, "first_name", number=22)
    assert "23 fields now, 32 then; 8 are left" in provision(fake, "--memory")
    assert len(collected(fake)) == 32


@pytest.mark.parametrize(("fields", "added"), [(20, 5), (25, 0), (30, 9)])
def test_a_key_that_may_not_see_the_tier_is_careful(fake: FakeElevenLabs, fields: int, added: int) -> None:
    fake.tier = "enterprise"
    collect(fake, "first_name", number=fields - 1)
    fake.tier = None if fields <= 25 else fake.tier
    provision(fake, "--memory")
    assert len(collected(fake)) == fields + added


@pytest.mark.parametrize("fields", [0, 1, 15, 22])
def test_removing_restores_exactly_what_was_there(fake: FakeElevenLabs, fields: int) -> None:
    collect(fake, "first_name", number=fields)
    for one in collected(fake).values():
        one |= {"constant_value": "", "is_system_provided": False}
    before = copy.deepcopy(fake.agents[AGENT])
    provision(fake, "--memory")
    assert fake.agents[AGENT] != before
    output = provision(fake, "--memory", "--remove")
    assert "are removed; those with another description stay" in output
    assert fake.agents[AGENT] == before
    assert [*collected(fake)] == [*before["platform_settings"]["data_collection"]]
    assert "nothing to change" in provision(fake, "--memory", "--remove")


def test_a_field_that_was_changed_by_hand_is_not_removed(fake: FakeElevenLabs) -> None:
    provision(fake, "--memory")
    collected(fake)["company"]["description"] = "The clinic that is calling"
    collected(fake)["mood"]["enum"] = ["good", "bad"]
    provision(fake, "--memory")
    assert collected(fake)["company"]["description"] == "The clinic that is calling"
    provision(fake, "--memory", "--remove")
    assert set(collected(fake)) == {"first_name", "company", "mood"}


def test_removing_changes_nothing_else(fake: FakeElevenLabs) -> None:
    provision(fake, "--memory")
    settings_of(fake)["overrides"]["enable_conversation_initiation_client_data_from_webhook"] = False
    provision(fake, "--memory", "--remove")
    assert settings_of(fake)["overrides"]["enable_conversation_initiation_client_data_from_webhook"] is False
    assert len(fake.writes) == 1


def test_remove_alone_is_refused(fake: FakeElevenLabs) -> None:
    with pytest.raises(CommandError, match="give both"):
        provision(fake, "--remove")
    assert fake.writes == []


def test_a_dry_run_shows_the_prompts_and_changes_nothing(fake: FakeElevenLabs) -> None:
    before = fake.state()
    assert '+    "description": "Which earlier request was settled by this call' in provision(
        fake, "--memory", "--dry-run", confirm=False
    )
    assert fake.state() == before


def test_a_write_without_effect_is_noticed(fake: FakeElevenLabs) -> None:
    fake.forget_writes = True
    with pytest.raises(CommandError, match="reading back shows other values than were written"):
        provision(fake, "--memory")


def test_fields_reach_an_agent_whose_fields_are_attached_items(fake: FakeElevenLabs) -> None:
    settings_of(fake)["analysis_items"] = {
        "evaluation_criteria": [],
        "data_collection": [{"source": "user", "analysis_item_id": "first_name", "version_id": "latest"}],
    }
    before = copy.deepcopy(settings_of(fake))
    provision(fake, "--memory")
    items = settings_of(fake)["analysis_items"]["data_collection"]
    assert [item["analysis_item_id"] for item in items] == [field.id for field in FIELDS]
    provision(fake, "--memory", "--remove")
    assert settings_of(fake)["analysis_items"] == before["analysis_items"]


@pytest.mark.parametrize(("language", "begins"), [("de", "Der Vorname"), ("pt-br", "O primeiro nome"), ("uk", "The c")])
def test_prompts_are_in_the_agents_language_else_english(fake: FakeElevenLabs, language: str, begins: str) -> None:
    collect(fake)
    fake.agents[AGENT]["conversation_config"]["agent"]["language"] = language
    provision(fake, "--memory")
    assert collected(fake)["first_name"]["description"].startswith(begins)


def test_ours_follow_the_agents_language(fake: FakeElevenLabs) -> None:
    provision(fake, "--memory")
    fake.agents[AGENT]["conversation_config"]["agent"]["language"] = "ja"
    provision(fake)
    assert collected(fake)["mood"]["description"].startswith("How the caller feels")
    provision(fake, "--memory")
    assert collected(fake)["mood"]["description"].startswith("この通話の終わり")
    assert collected(fake)["first_name"]["description"] == AUTHORS["description"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_prompts_follow_elevenlabs_advice(language: str) -> None:
    """Under 500 characters; say when the value is null; no list; of their own language."""
    english = {field.id: field.definition("en")["description"] for field in FIELDS}
    for field in FIELDS:
        definition = field.definition(language)
        AnalysisProperty.model_validate(definition)
        prompt = definition["description"]
        assert len(prompt) < 500
        assert "null" in prompt
        assert language == "en" or prompt != english[field.id]
        # One extraction does not see the results of the others.
        assert not [other.id for other in FIELDS if "_" in other.id and other.id in prompt]
    (mood,) = [field for field in FIELDS if field.id == "mood"]
    assert all(value in mood.definition(language)["description"] for value in MOODS)
