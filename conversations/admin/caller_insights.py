"""The insights of a caller for pages: current ones, what each replaced, and ElevenLabs' reasons."""

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

from django.utils.dateparse import parse_datetime

from conversations.files.paths import is_conversation_id
from conversations.files.stored import transcription_of
from elmemory.memory import kinds
from elmemory.memory.card_state import call_order
from elmemory.memory.fields import CALLER_PROFILE
from elmemory.memory.insights import with_history
from elmemory.memory.records import Memory

# Comparing takes quadratic time, and a rationale is in a file.
_MOST, _MOST_CALLS_READ = 200, 25


def insights_of(memories: Iterable[Memory]) -> list[dict[str, Any]]:
    """The newest current insights, each with those that it replaced."""
    found = [memory for memory in memories if memory.kind == kinds.INSIGHT]
    newest = sorted(found, key=call_order, reverse=True)[:_MOST]
    calls = list(dict.fromkeys(_call_of(memory) for memory in newest))[:_MOST_CALLS_READ]

    @cache
    def rationale(call: str) -> str:
        return rationales(call).get(CALLER_PROFILE, "") if call in calls else ""

    return [
        {**_shown(memory, rationale), "history": [_shown(one, rationale) for one in replaced]}
        for memory, replaced in with_history(newest)
    ]


def rationales(conversation_id: str) -> dict[str, str]:
    """ElevenLabs' reason for each field that the call collected; empty without the transcription, and for staff's."""
    call = transcription_of(conversation_id) if is_conversation_id(conversation_id) else None
    return {item.field: item.rationale for item, _, _ in call.collected_texts()} if call else {}


def _call_of(memory: Memory) -> str:
    return str(memory.metadata.get("conversation_id") or memory.metadata.get("corrects") or "")


def _shown(memory: Memory, rationale: Callable[[str], str]) -> dict[str, Any]:
    is_stated, call = kinds.is_stated(memory), _call_of(memory)
    return {
        "id": memory.id,
        "content": memory.content,
        "corrected": is_stated,
        "at": parse_datetime(str(memory.metadata.get("called_at") or "")),
        "conversation_id": call,
        "rationale": "" if is_stated else rationale(call),
    }
