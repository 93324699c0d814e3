"""Makes the answer to a ring from the caller's card."""

import re
from functools import lru_cache
from typing import Any, NamedTuple

from django.conf import settings

from conversations.index.references import caller_reference
from elmemory.environment.greetings import greeting_for
from elmemory.memory.caches import read_once
from elmemory.memory.card import Card
from elmemory.memory.disclosure import disclosed
from elmemory.memory.language_codes import variants
from elmemory.memory.text import VALUE_LENGTH, bounded_words

_E164 = re.compile(r"\+[0-9]{4,15}")
_NEVER_FILLED = "secret__", "system__"
_UNKNOWN = Card()
# The codes of the languages that ElevenLabs' agents speak.
_SPOKEN_BY_AGENTS = frozenset(
    "ar bg cs da de el en es fi fil fr hi hr hu id it ja ko ms nl no pl pt pt-br ro ru sk sv ta tr uk vi zh".split()
)
_OTHER_CODES = {"tl": "fil"}


class _Options(NamedTuple):
    spoken_facts: tuple[str, ...]
    variables: tuple[tuple[str, str], ...]
    overrides_language: bool
    user_id: str


@read_once
def _options() -> _Options:
    return _Options(
        tuple(settings.SPOKEN_FACTS),
        tuple(settings.DYNAMIC_VARIABLES.items()),
        settings.OVERRIDE_LANGUAGE,
        settings.SEND_USER_ID,
    )


def client_data(card: Card | None, agent_id: str = "", caller: str = "") -> dict[str, Any]:
    """The answer for this card; the neutral answer for None. It has every documented variable, as a string.

    `agent_id` is the agent that answers, `caller` the caller key. Facts that SPOKEN_FACTS does not name are left out,
    with the sentences that state them.
    """
    known = card is not None and not card.opted_out
    card = card if card is not None and known else _UNKNOWN
    options = _options()
    if known and options.spoken_facts:
        card = disclosed(card, options.spoken_facts)
    user_name = card.user_name
    variables = {name: _agents_own(card, name, default) for name, default in options.variables}
    variables |= {
        "user_name": user_name,
        "user_profile_summary": card.summary if known else "",
        "last_call_summary": card.last_call_summary,
        "returning_caller": "yes" if known else "no",
        "call_count": str(card.call_count),
        "open_request": card.briefing.open_request,
        "agent_promise": card.briefing.agent_promise,
        "preferred_language": card.briefing.preferred_language,
    }
    override = {}
    if user_name and (greeting := greeting_for(agent_id, card.language)):
        override["first_message"] = greeting.format(name=user_name)
    if options.overrides_language and (language := _language_of_agent(card.language)):
        override["language"] = language
    answer = {
        "type": "conversation_initiation_client_data",
        "dynamic_variables": variables,
        "conversation_config_override": {"agent": override} if override else {},
    }
    if known and options.user_id != "off" and (user_id := _user_id(caller, options.user_id)):
        answer["user_id"] = user_id
    return answer


@lru_cache(maxsize=256)
def _language_of_agent(language: str) -> str:
    """ElevenLabs' code of the language; empty if agents do not speak it, because an unknown code can end the call."""
    codes = (_OTHER_CODES.get(code, code) for code in variants(language))
    return next((code for code in codes if code in _SPOKEN_BY_AGENTS), "")


def _user_id(caller: str, kind: str) -> str:
    """The id by which ElevenLabs groups the caller's conversations; empty for a caller without a number."""
    return caller_reference(caller) if kind == "reference" else caller if _E164.fullmatch(caller) else ""


def _agents_own(card: Card, name: str, default: str) -> str:
    """The fact of this name, else the default. Names that callers must not set always get the default."""
    if name.startswith(_NEVER_FILLED):
        return default
    fact = card.variable(name)
    return bounded_words(fact, VALUE_LENGTH) if fact else default
