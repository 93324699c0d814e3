"""The greeting of a known caller, by agent and language."""

import pytest
from pytest_django.fixtures import Settings

from elmemory.environment.checks import environment
from elmemory.environment.env import Environment
from elmemory.environment.greetings import greeting_for

EVERYTHING = {
    "de": "Hallo {name}!",
    "PT": "Olá {name}!",
    "agent_1": "Hi from one, {name}!",
    "agent_1:de": "Hallo von eins, {name}!",
    "agent_2:pt_BR": "Oi {name}!",
    "ja": "",
}


@pytest.fixture(autouse=True)
def greetings(settings: Settings) -> None:
    settings.GREETING, settings.GREETINGS = "Welcome back, {name}!", EVERYTHING


def faults() -> list[str]:
    return [fault.msg for fault in environment() if fault.id == "elmemory.E021"]


@pytest.mark.parametrize(
    ("agent", "language", "text"),
    [
        ("", "de", "Hallo {name}!"),
        ("agent_9", "de-at", "Hallo {name}!"),
        ("agent_9", "pt-br", "Olá {name}!"),
        ("agent_9", "fr", "Welcome back, {name}!"),
        ("agent_1", "fr", "Hi from one, {name}!"),
        ("agent_1", "de", "Hallo von eins, {name}!"),
        ("agent_1", "de-ch", "Hallo von eins, {name}!"),
        ("agent_2", "pt-br", "Oi {name}!"),
        ("agent_2", "pt", "Olá {name}!"),
        ("agent_9", "ja", ""),
    ],
)
def test_the_most_specific_greeting_wins(agent: str, language: str, text: str) -> None:
    assert greeting_for(agent, language) == text


def test_usable_greetings_have_no_fault() -> None:
    assert faults() == []


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("fr", "Bonjour {nom}", "only {name}"),
        ("fr", "Bonjour {{name}}", "only {name}"),
        ("fr", "Bonjour {name", "only {name}"),
        ("fr", "Bonjour {name!r}", "only {name}"),
        ("fr", "Bonjour\n{name}", "control character"),
        ("fr", "x" * 1001, "longer than"),
        ("xx", "Hi", "for no language and no agent"),
        ("", "Hi", "for no language and no agent"),
        ("agent_1:xx", "Hi", "for no language and no agent"),
        (":de", "Hi", "for no language and no agent"),
        ("DE", "Hi", "the same as another"),
        ("German", "Hi", "the same as another"),
    ],
)
def test_what_cannot_be_a_greeting_is_reported_by_its_position(
    settings: Settings, name: str, text: str, problem: str
) -> None:
    settings.GREETINGS = {"de": "Hallo {name}", name: text}
    (fault,) = faults()
    assert fault.startswith("GREETINGS: entry 2")
    assert problem in fault


@pytest.mark.parametrize("text", ["{", "[]", '"de"', '{"de": 1}', '{"de": null}', '{"de": {"x": "y"}}', '{"de": []}'])
def test_what_is_no_object_of_texts_is_a_fault(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("GREETINGS", text)
    environment = Environment()
    assert environment.texts_by_name("GREETINGS", "{}") == {}
    assert [fault.variable for fault in environment.faults] == ["GREETINGS"]


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("", "en"),
        ("de", "de"),
        ("German", "de"),
        ("pt_BR", "pt-br"),
        ("de_DE.UTF-8", "de-de"),
        ("fr:en", "fr"),
        ("C", "en"),
    ],
)
def test_the_language_of_the_setting_may_be_written_as_systems_write_it(
    monkeypatch: pytest.MonkeyPatch, value: str, code: str
) -> None:
    monkeypatch.setenv("LANGUAGE", value)
    environment = Environment()
    assert (environment.language("LANGUAGE", "en"), environment.faults) == (code, [])


def test_a_setting_that_names_no_language_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGUAGE", "Klingon")
    environment = Environment()
    assert environment.language("LANGUAGE", "en") == "en"
    assert [fault.variable for fault in environment.faults] == ["LANGUAGE"]


def test_a_value_never_appears_in_a_message(settings: Settings) -> None:
    settings.GREETINGS = {"xx": "secret {words}", "fr": "secret {words}"}
    assert not any("secret" in fault or "xx" in fault for fault in faults())
