"""What a ring sends in the caller's language, and by which id ElevenLabs groups the conversations."""

from typing import Any

import pytest
from django.utils.crypto import salted_hmac
from pytest_django.fixtures import Settings

from conversations.index.references import caller_reference
from elmemory.memory.card import Card
from webhooks.ring import client_data

CALLER = "+14155550100"
MAYA = {"first_name": "Maya"}


def overrides(card: Card | None, agent_id: str = "") -> dict[str, Any]:
    override: dict[str, Any] = client_data(card, agent_id, CALLER)["conversation_config_override"]
    return override


def test_a_caller_is_greeted_in_their_language(settings: Settings) -> None:
    settings.GREETINGS = {"de": "Hallo {name}!", "agent_1:de": "Grüß Gott {name}!", "ja": ""}
    german = Card(facts=MAYA, language="de-at")
    assert overrides(german) == {"agent": {"first_message": "Hallo Maya!"}}
    assert overrides(german, "agent_1") == {"agent": {"first_message": "Grüß Gott Maya!"}}
    assert overrides(Card(facts=MAYA, language="ja")) == {}
    assert overrides(Card(facts=MAYA)) == {"agent": {"first_message": "Welcome back, Maya! How can I help you today?"}}
    assert overrides(Card(language="de")) == {}
    assert overrides(None) == {}


def test_a_caller_of_unknown_language_is_greeted_in_that_of_the_setting(settings: Settings) -> None:
    settings.GREETINGS, settings.LANGUAGE = {"de": "Hallo {name}!"}, "de"
    assert overrides(Card(facts=MAYA)) == {"agent": {"first_message": "Hallo Maya!"}}


@pytest.mark.parametrize(
    ("known", "sent"),
    [("de", "de"), ("de-at", "de"), ("pt-br", "pt-br"), ("tl", "fil"), ("zh-hant", "zh")],
)
def test_the_agent_is_given_the_callers_language_where_the_setting_says_so(
    settings: Settings, known: str, sent: str
) -> None:
    assert overrides(Card(language=known)) == {}
    settings.OVERRIDE_LANGUAGE = True
    assert overrides(Card(language=known)) == {"agent": {"language": sent}}
    assert overrides(Card(facts=MAYA, language=known))["agent"].keys() == {"first_message", "language"}


@pytest.mark.parametrize("card", [None, Card(), Card(language="sw"), Card(language="de", opted_out=True)])
def test_no_agent_is_given_a_language_that_is_unknown_or_that_it_does_not_speak(
    settings: Settings, card: Card | None
) -> None:
    settings.OVERRIDE_LANGUAGE = True
    assert overrides(card) == {}


def test_a_reference_is_what_djangos_salted_hmac_makes(settings: Settings) -> None:
    for settings.SECRET_KEY in ("a" * 50, "b" * 50):
        made = salted_hmac("elmemory.caller", CALLER, algorithm="sha256").hexdigest()
        assert made.startswith(caller_reference(CALLER))
        assert len(caller_reference(CALLER)) == 24


def test_one_greeting_is_for_callers_of_every_language(settings: Settings) -> None:
    settings.GREETING = "Hello {name}!"
    for language in ("", "de", "ja"):
        assert overrides(Card(facts=MAYA, language=language)) == {"agent": {"first_message": "Hello Maya!"}}


def test_the_user_id_is_sent_as_the_setting_says(settings: Settings) -> None:
    assert "user_id" not in client_data(Card(), "", CALLER)
    settings.SEND_USER_ID = "number"
    assert client_data(Card(), "", CALLER)["user_id"] == CALLER
    assert "user_id" not in client_data(Card(), "", "web-user-1")
    settings.SEND_USER_ID = "reference"
    assert client_data(Card(), "", CALLER)["user_id"] == caller_reference(CALLER)


@pytest.mark.parametrize("setting", ["number", "reference"])
@pytest.mark.parametrize("card", [None, Card(opted_out=True)])
def test_a_stranger_has_no_user_id(settings: Settings, card: Card | None, setting: str) -> None:
    settings.SEND_USER_ID = setting
    assert "user_id" not in client_data(card, "", CALLER)
