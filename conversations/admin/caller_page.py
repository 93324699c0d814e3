"""What the page of a caller shows: calls from the index, memories from OpenMemory."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from django.utils.dateparse import parse_datetime

from conversations.admin.masking import keys_of, mask, may_hold_keys
from conversations.admin.search import only_words
from conversations.models import Conversation
from elmemory.memory import kinds
from elmemory.memory.card import card_of, read_card
from elmemory.memory.card_state import newest_facts
from elmemory.memory.fields import label
from elmemory.memory.openmemory import OpenMemory, OpenMemoryError
from elmemory.memory.records import Memory
from elmemory.memory.search import search
from elmemory.memory.text import as_sentence

_FOUND = 8
_PER_PAGE = 100
_CALLS_SHOWN = 50
_OWN_TO_STAFF = (kinds.CARD, kinds.PREFERENCE)


def caller_page(
    store: OpenMemory, caller: str, *, kind: str, sector: str, question: str, number: int, reveal: bool
) -> dict[str, Any]:
    """The page's texts, lists and dictionaries; without `reveal` the digits in them are masked.

    `kind` and `sector` choose memories, `number` is the page of them, and `question` is asked of the agent's search.
    """
    page = _page(store, caller, kind, sector, question if reveal else only_words(question), number)
    return page if reveal else mask(page, caller, keys_of(_calls_with_digits(page)))


def _page(store: OpenMemory, caller: str, kind: str, sector: str, question: str, number: int) -> dict[str, Any]:
    calls = list(Conversation.objects.filter(caller=caller).order_by("-started_at")[:_CALLS_SHOWN])
    page: dict[str, Any] = {"calls": [_call(call) for call in calls], "away": ""}
    try:
        memories = store.memories(caller)
        page |= {"profile": _profile(store, caller, memories), "facts": _facts(memories)}
        page |= _listed(memories, kind, sector, number)
        if question:
            page |= {"question": question, "found": _found(store, caller, question)}
    except OpenMemoryError as error:
        page["away"] = str(error)
        return page
    try:
        page["own_summary"] = store.summary(caller)
    except OpenMemoryError as error:
        page["own_summary_away"] = str(error)
    return page


def _calls_with_digits(page: dict[str, Any]) -> set[str]:
    """The ids of the newest call, and of calls with digits in a text: the caller may have pressed them as keys."""
    facts = page.get("facts", [])
    items = [
        *facts,
        *(other for fact in facts for other in fact["history"]),
        *page.get("memories", []),
        *page.get("found", []),
        *({"conversation_id": call["id"], "title": call["title"]} for call in page["calls"]),
    ]
    ids = {
        item["conversation_id"]
        for item in items
        if any(may_hold_keys(str(item.get(name, ""))) for name in ("value", "content", "asked", "title"))
    }
    # The store's own summary may be about any call.
    newest = len(page["calls"]) if may_hold_keys(page.get("own_summary") or "") else 1
    return ids.union(call["id"] for call in page["calls"][:newest])


def _profile(store: OpenMemory, caller: str, memories: Iterable[Memory]) -> dict[str, Any]:
    card = read_card(store, caller)
    if card is None:
        return {}
    return {
        "name": card.full_name,
        "summary": card.summary,
        "last_call_summary": card.last_call_summary,
        "user_name": card.user_name,
        "call_count": card.call_count,
        "opted_out": card.opted_out,
        "shared_line": card.shared_line,
        "outdated": card != card_of(memory for memory in memories if memory.kind != kinds.CARD),
    }


def _facts(memories: list[Memory]) -> list[dict[str, Any]]:
    """Per field its present value with its source, other values, and how often the value was repeated."""
    history: dict[str, list[Memory]] = defaultdict(list)
    for memory in memories:
        if memory.metadata.get("field") and memory.kind in (kinds.FACT, kinds.PREFERENCE):
            history[memory.metadata["field"]].append(memory)
    facts = []
    for memory in newest_facts(memories):
        name = memory.metadata["field"]
        others = [other for other in history[name] if other.id != memory.id]
        others.sort(key=lambda other: str(other.metadata.get("called_at") or ""), reverse=True)
        fact = _fact(memory)
        differing = [other for other in map(_fact, others) if other["value"] != fact["value"]]
        more = {"label": label(name), "history": differing, "again": len(others) - len(differing)}
        facts.append({**fact, "field": name, **more})
    return facts


def _fact(memory: Memory) -> dict[str, Any]:
    return {
        "id": memory.id,
        "value": str(memory.metadata.get("value") or ""),
        "corrected": memory.kind == kinds.PREFERENCE,
        "at": parse_datetime(str(memory.metadata.get("called_at") or "")),
        "conversation_id": str(memory.metadata.get("conversation_id") or ""),
    }


def _listed(memories: list[Memory], kind: str, sector: str, number: int) -> dict[str, Any]:
    """One page of the memories of this kind and sector, those of the newest call first; and the kinds and sectors."""
    kinds_there = sorted({memory.kind for memory in memories})
    sectors_there = sorted({memory.primary_sector for memory in memories})
    chosen = [
        memory
        for memory in memories
        if (not kind or memory.kind == kind) and (not sector or memory.primary_sector == sector)
    ]
    chosen.sort(key=lambda memory: int(memory.metadata.get("position") or 0))
    chosen.sort(key=lambda memory: str(memory.metadata.get("called_at") or "9"), reverse=True)
    pages = max(1, -(-len(chosen) // _PER_PAGE))
    number = min(max(1, number), pages)
    return {
        "total": len(memories),
        "chosen": len(chosen),
        "kinds": kinds_there,
        "sectors": sectors_there,
        "kind": kind,
        "sector": sector,
        "number": number,
        "pages": pages,
        "memories": [_memory(memory) for memory in chosen[(number - 1) * _PER_PAGE : number * _PER_PAGE]],
    }


def _found(store: OpenMemory, caller: str, question: str) -> list[dict[str, Any]]:
    """What the agent's search finds."""
    return [_memory(match.memory) for match in search(store, caller, question, _FOUND).matches]


def _memory(memory: Memory) -> dict[str, Any]:
    return {
        "id": memory.id,
        "kind": memory.kind,
        "content": memory.content,
        "asked": str(memory.metadata.get("asked") or ""),
        "sector": memory.primary_sector,
        "salience": f"{memory.salience:g}",
        "at": parse_datetime(str(memory.metadata.get("called_at") or "")),
        "conversation_id": str(memory.metadata.get("conversation_id") or ""),
        "turn": memory.metadata.get("position") if memory.kind == kinds.MESSAGE else None,
        "can_go": memory.kind != kinds.CARD,
    }


def _call(call: Conversation) -> dict[str, Any]:
    return {
        "id": call.pk,
        "at": call.started_at,
        "title": as_sentence(call.title) or "No summary.",
        "outcome": call.get_outcome_display(),
        "bad": call.outcome in ("failed", "unconnected"),
        "successful": call.successful,
        "seconds": call.duration_seconds,
        "direction": call.direction_and_channel or "unknown",
        "recall": call.get_recall_display(),
        "has_audio": call.has_audio,
        "memories": call.memories,
    }
