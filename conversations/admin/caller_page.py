"""The contents of a caller's page: calls from the index, memories from OpenMemory."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from django.conf import settings
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.utils.dateparse import parse_datetime
from django.utils.formats import number_format
from django.utils.translation import get_language, gettext, ngettext, pgettext_lazy

from conversations.admin.caller_insights import insights_of
from conversations.admin.masking import excerpt_of_call, keys_of, mask, may_hold_keys
from conversations.admin.search import only_words
from conversations.files.decisions import about
from conversations.index import fulltext
from conversations.index.cards import save_own_summary
from conversations.index.excerpt import matcher
from conversations.index.references import caller_reference
from conversations.index.rows import moment
from conversations.memories.deleted import deleted_memories
from conversations.models import Conversation
from conversations.payloads.failure import in_language
from elmemory.environment.greetings import greeting_for
from elmemory.memory import kinds
from elmemory.memory.card import Card, card_from_state, card_of, read_card
from elmemory.memory.card_state import MOST_FACTS, call_order, fact_value, newest_facts, state_from
from elmemory.memory.disclosure import disclosed
from elmemory.memory.fields import AGENT_PROMISE, MOOD, OPEN_REQUEST, PREFERRED_LANGUAGE, RESOLVED_REQUEST, label
from elmemory.memory.openmemory import OpenMemory, OpenMemoryError
from elmemory.memory.openmemory.embedded.store import EmbeddedOpenMemory
from elmemory.memory.phrases import ENGLISH, phrases_for
from elmemory.memory.records import Memory
from elmemory.memory.search import search
from elmemory.memory.text import as_sentence

_FOUND = 8
_MEMORIES_PER_PAGE = 50
_CALLS_PER_PAGE = 20
_OTHER_VALUES_SHOWN = 5
_CALLS_WITH_KEYS = 50
_TEXTS = "value", "content", "asked", "title", "found", "rationale"
# Usual fields that no sentence of a card names.
_LABELS = {
    OPEN_REQUEST: pgettext_lazy("fact", "Open request"),
    RESOLVED_REQUEST: pgettext_lazy("fact", "Resolved request"),
    AGENT_PROMISE: pgettext_lazy("fact", "Agent promise"),
    PREFERRED_LANGUAGE: pgettext_lazy("fact", "Preferred language"),
    MOOD: pgettext_lazy("fact", "Mood"),
    "preferred_time": pgettext_lazy("fact", "Preferred time"),
    "city": pgettext_lazy("fact", "City"),
}
# A search that finds nothing.
_NO_WORD = "~"


@dataclass(frozen=True, slots=True)
class Asked:
    """What staff chose on the page: memories, words that calls and memories have, and a question to the agent's search.

    `page` is the number of the page of memories, `calls_page` that of calls, as the URL has them.
    """

    kind: str = ""
    sector: str = ""
    field: str = ""
    words: str = ""
    question: str = ""
    page: str = "1"
    calls_page: str = "1"


def caller_page(store: OpenMemory, caller: str, asked: Asked, *, reveal: bool) -> dict[str, Any]:
    """The page's texts, lists and dictionaries; without `reveal` the digits in them are masked, and find nothing."""
    if not reveal:
        words = asked.words and (only_words(asked.words) or _NO_WORD)
        asked = replace(asked, words=words, question=only_words(asked.question))
    page = _page(store, caller, asked, reveal=reveal)
    return page if reveal else mask(page, caller, keys_of(_calls_with_digits(caller, page)))


def _page(store: OpenMemory, caller: str, asked: Asked, *, reveal: bool) -> dict[str, Any]:
    page: dict[str, Any] = {
        "asked": asked,
        "away": "",
        "is_embedded": isinstance(store, EmbeddedOpenMemory),
        **_calls(caller, asked, reveal=reveal),
    }
    page["deleted"] = [{**one._asdict(), "at": parse_datetime(one.called_at)} for one in deleted_memories(caller)]
    try:
        memories = store.texts(caller)
        by_kind = grouped(memories)
        facts = facts_of(by_kind)
        page |= {"profile": _profile(store, caller, memories, by_kind, facts), "facts": facts}
        page["insights"] = insights_of(by_kind[kinds.INSIGHT])
        page |= _listed(memories, by_kind, asked)
        if asked.question:
            page["found"] = _found(store, caller, asked.question)
    except OpenMemoryError as error:
        page["away"] = str(error)
        return page
    try:
        own = store.summary(caller)
        page["own_summary"] = own.text
        with suppress(OverflowError, ValueError, OSError):  # a time that no calendar has
            page["own_summary_at"] = moment(own.made_at / 1000) if own.made_at else None
        if own.text and not page["profile"]:
            save_own_summary(caller_reference(caller), own.text)
    except OpenMemoryError as error:
        page["own_summary_away"] = str(error)
    return page


def _calls(caller: str, asked: Asked, *, reveal: bool) -> dict[str, Any]:
    """One page of the caller's calls that have these words, the newest first."""
    calls: QuerySet[Conversation] = Conversation.objects.filter(caller=caller)
    if asked.words:
        calls = found.of(calls) if (found := fulltext.matching(asked.words)) else calls.none()
    shown = Paginator(calls.order_by("-sort_key"), _CALLS_PER_PAGE).get_page(asked.calls_page)
    texts = fulltext.shown(call.sort_key for call in shown) if asked.words else {}
    return {
        "calls": [
            _call(call, excerpt_of_call(asked.words, texts.get(call.sort_key, ()), call, reveal=reveal))
            for call in shown
        ],
        "pages_of_calls": shown,
    }


def _calls_with_digits(caller: str, page: dict[str, Any]) -> set[str]:
    """The ids of the newest call, and of calls with digits in a text: the caller may have pressed them as keys."""
    facts, insights = page.get("facts", []), page.get("insights", [])
    items = [
        *facts,
        *(other for fact in (*facts, *insights) for other in fact["history"]),
        *insights,
        *page.get("memories", []),
        *page.get("found", []),
        *page["deleted"],
        *({"conversation_id": call["id"], **call} for call in page["calls"]),
    ]
    ids = {item["conversation_id"] for item in items if any(may_hold_keys(str(item.get(name, ""))) for name in _TEXTS)}
    # The card is about the newest call; the store's own summary may be about any.
    newest = Conversation.objects.filter(caller=caller).order_by("-sort_key").values_list("pk", flat=True)
    return ids.union(newest[: _CALLS_WITH_KEYS if may_hold_keys(page.get("own_summary") or "") else 1])


def grouped(memories: Iterable[Memory]) -> defaultdict[str, list[Memory]]:
    """Return the memories by their kind, in the given order."""
    by_kind: defaultdict[str, list[Memory]] = defaultdict(list)
    for memory in memories:
        by_kind[memory.kind].append(memory)
    return by_kind


def _profile(
    store: OpenMemory,
    caller: str,
    memories: Sequence[Memory],
    by_kind: Mapping[str, list[Memory]],
    facts: Sequence[dict[str, Any]],
) -> dict[str, Any]:
    """The answer to the next ring (`webhooks.ring`), if the agent of the last call answers it."""
    card = Card(opted_out=True) if about(caller).opted_out else read_card(store, caller)
    if card is None:
        return {}
    spoken = disclosed(card, settings.SPOKEN_FACTS) if settings.SPOKEN_FACTS else card
    newest_agent = Conversation.objects.filter(caller=caller).order_by("-sort_key").values_list("agent_id", flat=True)
    greeting = greeting_for(newest_agent.first() or "", spoken.language or settings.LANGUAGE)
    return {
        "name": card.full_name,
        "summary": spoken.summary,
        "last_call_summary": spoken.last_call_summary,
        "user_name": spoken.user_name,
        "greeting": greeting.format(name=spoken.user_name) if spoken.user_name else "",
        "call_count": card.call_count,
        "opted_out": card.opted_out,
        "shared_line": card.shared_line,
        "outdated": card != _card_now(memories, by_kind, facts),
    }


def _card_now(
    memories: Sequence[Memory], by_kind: Mapping[str, list[Memory]], facts: Sequence[dict[str, Any]]
) -> Card | None:
    """Return the card that these memories make, newest written first, of which these are the facts.

    The state in the stored card is used if the card was written last and agrees with the memories: computing the state
    takes ten times as long.
    """
    cards = by_kind[kinds.CARD]
    state = state_from(cards[0].metadata) if cards and cards[0] is memories[0] else None
    stated = {memory.metadata.get("preference") for memory in by_kind[kinds.PREFERENCE]}
    if (
        state
        and state.call_count == len(by_kind[kinds.CALL])
        and (state.shared_line, state.opted_out) == (kinds.SHARED_LINE in stated, kinds.OPT_OUT in stated)
        and [(name, fact.value, fact.order.conversation_id) for name, fact in state.facts.items()]
        == [(fact["field"], fact["value"], fact["conversation_id"]) for fact in facts[:MOST_FACTS]]
        and {insight.text for insight in state.insights} <= {memory.content for memory in by_kind[kinds.INSIGHT]}
    ):
        return card_from_state(state)
    return card_of(memory for memory in memories if memory.kind != kinds.CARD)


def facts_of(by_kind: Mapping[str, list[Memory]]) -> list[dict[str, Any]]:
    """For each field: its present value with its source, how often calls stated it, and the newest other values."""
    stated: dict[str, list[Memory]] = defaultdict(list)
    for memory in sorted((*by_kind[kinds.PREFERENCE], *by_kind[kinds.FACT]), key=call_order, reverse=True):
        if name := memory.metadata.get("field"):
            stated[name].append(memory)
    facts = []
    for memory in newest_facts(each for ones in stated.values() for each in _candidates(ones)):
        name = memory.metadata["field"]
        fact = _fact(memory)
        said, others = 0, dict[str, Memory]()
        for each in stated[name]:
            if (value := _value(each)) == fact["value"]:
                said += each.kind == kinds.FACT
            else:
                others.setdefault(value, each)
        facts.append(
            {
                **fact,
                "field": name,
                "label": label_of(name),
                "history": list(map(_fact, islice(others.values(), _OTHER_VALUES_SHOWN))),
                "others": len(others),
                "said": said,
            }
        )
    return facts


def _candidates(newest_first: Sequence[Memory]) -> Iterator[Memory]:
    """Of the memories with one field those that may hold its present value: the corrections, and the newest fact."""
    yield from (memory for memory in newest_first if memory.kind == kinds.PREFERENCE)
    yield from islice((memory for memory in newest_first if memory.kind == kinds.FACT and fact_value(memory)), 1)


def label_of(field: str) -> str:
    """The field's name in the language of the page, if it is a usual one; else as it is."""
    if field in _LABELS:
        return str(_LABELS[field])
    return phrases_for(get_language() or ENGLISH).label(label(field))


def _value(memory: Memory) -> str:
    return str(memory.metadata.get("value") or "")


def _fact(memory: Memory) -> dict[str, Any]:
    return {
        "id": memory.id,
        "value": _value(memory),
        "corrected": memory.kind == kinds.PREFERENCE,
        "at": parse_datetime(str(memory.metadata.get("called_at") or "")),
        "conversation_id": str(memory.metadata.get("conversation_id") or ""),
    }


def _listed(memories: list[Memory], by_kind: Mapping[str, list[Memory]], asked: Asked) -> dict[str, Any]:
    """One page of the memories that staff chose, those of the newest call first; and the kinds and sectors."""
    chosen = _chosen(by_kind[asked.kind] if asked.kind else memories, asked)
    chosen = sorted(chosen, key=lambda memory: int(memory.metadata.get("position") or 0))
    chosen.sort(key=lambda memory: str(memory.metadata.get("called_at") or "9"), reverse=True)
    shown = Paginator(chosen, _MEMORIES_PER_PAGE).get_page(asked.page)
    return {
        "total": len(memories),
        "of_field": label_of(asked.field),
        "kinds": sorted(kind for kind, ones in by_kind.items() if ones),
        "sectors": sorted({memory.primary_sector for memory in memories}),
        "memories": [_memory(memory) for memory in shown],
        "pages_of_memories": shown,
    }


def _chosen(memories: list[Memory], asked: Asked) -> list[Memory]:
    """Return the memories with the sector, the field and the words that staff chose."""
    if asked.sector:
        memories = [memory for memory in memories if memory.primary_sector == asked.sector]
    if asked.field:
        memories = [memory for memory in memories if memory.metadata.get("field") == asked.field]
    if asked.words:
        has_words = matcher(asked.words)
        memories = [
            memory for memory in memories if has_words(f"{memory.content}\n{memory.metadata.get('asked') or ''}")
        ]
    return memories


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
        "salience": number_format(f"{memory.salience:g}"),
        "at": parse_datetime(str(memory.metadata.get("called_at") or "")),
        "conversation_id": str(memory.metadata.get("conversation_id") or ""),
        "turn": memory.metadata.get("position") if memory.kind == kinds.MESSAGE else None,
        "can_go": memory.kind != kinds.CARD,
    }


def _call(call: Conversation, found: str) -> dict[str, Any]:
    return {
        "found": found,
        "id": call.pk,
        "at": call.started_at,
        "title": as_sentence(in_language(call.title)) or gettext("No summary."),
        "outcome": call.get_outcome_display(),
        "bad": call.outcome in ("failed", "unconnected"),
        "successful": call.successful,
        "direction": call.direction_and_channel or gettext("unknown"),
        "has_audio": call.has_audio,
        "memories": ngettext("%(n)s memory", "%(n)s memories", call.memories) % {"n": call.memories},
    }
