"""Makes the answer to a search from the memories that were found."""

from typing import Any

from elmemory.memory.card import Card
from elmemory.memory.fields import AGENT_PROMISE, OPEN_REQUEST
from elmemory.memory.records import Memory
from elmemory.memory.search import Found
from elmemory.memory.text import VALUE_LENGTH, bounded_words, cleaned

_LONGEST_TEXT = 2000


def search_data(found: Found | None) -> dict[str, Any]:
    """The answer with these memories, best first. None means that the search failed."""
    if found is None:
        return {"profile": None, "memories": [], "notice": "memory is unavailable"}
    return {
        "profile": _profile(found.card) if found.card else None,
        "memories": [_result(memory) for memory, _ in found.matches],
    }


def _profile(card: Card) -> dict[str, Any]:
    now = card.briefing
    standing = {OPEN_REQUEST: now.open_request, AGENT_PROMISE: now.agent_promise}
    known = {**{name: value for name, value in standing.items() if value}, **card.facts}
    facts = {name: bounded_words(cleaned(value), 2 * VALUE_LENGTH) for name, value in known.items()}
    return {"name": card.user_name, "summary": cleaned(card.summary), "facts": facts}


def _result(memory: Memory) -> dict[str, Any]:
    result = {
        "content": _text(memory.content),
        "sector": memory.primary_sector,
        "salience": memory.salience,
        "said_at": memory.metadata.get("called_at"),
        "conversation_id": memory.metadata.get("conversation_id"),
    }
    if asked := _text(memory.metadata.get("asked") or ""):
        result["asked"] = asked
    return result


def _text(value: object) -> str:
    return bounded_words(cleaned(str(value)), _LONGEST_TEXT)
