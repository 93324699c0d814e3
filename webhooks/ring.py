"""The answer to a ring, made from the caller's card."""

from typing import Any

from django.conf import settings

from elmemory.memory.card import Card
from elmemory.memory.disclosure import disclosed
from elmemory.memory.text import VALUE_LENGTH, bounded_words

_NEVER_FILLED = "secret__", "system__"


def client_data(card: Card | None) -> dict[str, Any]:
    """The answer for this card, the neutral one for None. It holds every documented variable, as a string.

    Facts that SPOKEN_FACTS does not name are left out, with the sentences that state them.
    """
    known = card is not None and not card.opted_out
    card = card if card is not None and known else Card()
    if settings.SPOKEN_FACTS:
        card = disclosed(card, settings.SPOKEN_FACTS)
    user_name = card.user_name
    variables = {name: _agents_own(card, name, default) for name, default in settings.DYNAMIC_VARIABLES.items()}
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
    if user_name and (greeting := settings.GREETING):
        override = {"agent": {"first_message": greeting.format(name=user_name)}}
    return {
        "type": "conversation_initiation_client_data",
        "dynamic_variables": variables,
        "conversation_config_override": override,
    }


def _agents_own(card: Card, name: str, default: str) -> str:
    """The fact of this name, else the default; always the default for names that callers must not fill."""
    if name.startswith(_NEVER_FILLED):
        return default
    fact = card.variable(name)
    return bounded_words(fact, VALUE_LENGTH) if fact else default
