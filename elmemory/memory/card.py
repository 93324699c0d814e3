"""The card of a caller: what an agent should know before the first word, and how it is kept in the store.

Its text is a function of its state, and its state is a function of the memories.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from elmemory.memory import kinds
from elmemory.memory.briefing import (
    NOTHING_STANDS,
    Briefing,
    briefing_from,
    briefing_of,
    calls,
    dated,
    dated_texts,
    preferred_language,
    shown_facts,
    within,
)
from elmemory.memory.card_state import CardState, speakable, state_from, state_of
from elmemory.memory.fields import AGENT_PROMISE, OPEN_REQUEST, PREFERRED_LANGUAGE, canonical_field, label
from elmemory.memory.instructions import person_or_nothing
from elmemory.memory.names import NAME_FIELDS
from elmemory.memory.openmemory.protocol import OpenMemory
from elmemory.memory.openmemory.storable import storable_json
from elmemory.memory.phrases import Phrases, phrases_for
from elmemory.memory.records import Entry, Memory, Put
from elmemory.memory.text import VALUE_LENGTH, bounded_words, cleaned
from elmemory.memory.values import usable_value

NEWEST = 100
# The card is written last: nearly always it is the newest memory.
FEW = 2
_READS = FEW, NEWEST, None
# Stored with every card. Raise it when the rules for usable facts change.
_RULES = 2
# Names in these scripts are written without a blank, family name first.
_EAST_ASIAN = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af々]+")
_VARIABLES = frozenset((OPEN_REQUEST, AGENT_PROMISE, PREFERRED_LANGUAGE))


@dataclass(frozen=True, slots=True)
class Card:
    """What an agent should know about a caller before the first word. Every text is clean and bounded.

    `facts` maps field to value, newest first, without those in the briefing. `last_call_summary` is a sentence or two,
    empty if the caller never spoke. `call_count` counts calls of both directions, `outbound_count` those that we made.
    `language` is the code of the caller's language, in which the text is written; empty if unknown. If the caller
    prefers a language, `by_calls` contains the language of their calls and, if that differs, `last_called_on`,
    `last_outbound_on`, `last_call_summary`, `open_since` and `promised_on` in it. The card of an opted-out caller
    contains nothing else.
    """

    facts: Mapping[str, str] = field(default_factory=dict)
    briefing: Briefing = NOTHING_STANDS
    call_count: int = 0
    outbound_count: int = 0
    last_called_on: str = ""
    last_outbound_on: str = ""
    last_call_summary: str = ""
    shared_line: bool = False
    opted_out: bool = False
    by_calls: Sequence[str] = ()
    language: str = field(default="", compare=False)
    # The stored summary, so that a ring need not compose it. If it is empty, `summary` composes it.
    written_summary: str = field(default="", compare=False)

    @property
    def user_name(self) -> str:
        """The first name if known, else the full name given; empty on a shared line."""
        if self.shared_line:
            return ""
        return self._name("first_name") or self._name("name")

    @property
    def full_name(self) -> str:
        if not (first := self._name("first_name")):
            return self._name("name")
        last = self._name("last_name")
        if not first.isascii() and _EAST_ASIAN.fullmatch(first) and _EAST_ASIAN.fullmatch(last):
            return f"{last}{first}"
        return f"{first} {last}" if last else first

    @property
    def summary(self) -> str:
        """The profile in sentences for the agent."""
        if self.written_summary:
            return self.written_summary
        if self.opted_out:
            return "The caller asked not to be remembered."
        full_name, now, phrases = self.full_name, self.briefing, phrases_for(self.language)
        text, sentence = phrases.text, phrases.sentence
        who = sentence(text("The caller is {name}").format(name=full_name)) if full_name else ""
        first = (
            text("Several people share this line.") if self.shared_line else who,
            dated(text("Open: {text} ({day})."), now.open_request, now.open_since),
            dated(text("Promised: {text} ({day})."), now.agent_promise, now.promised_on),
            text(f"The last call ended badly: {now.mood}.") if now.mood else "",
        )
        fact = text("{label}: {value}")
        facts = (
            sentence(fact.format(label=phrases.label(label(name)), value=bounded_words(value, VALUE_LENGTH)))
            for name, value in self.facts.items()
            if name not in NAME_FIELDS or not (full_name or self.shared_line)
        )
        return within(first, (*map(sentence, now.insights), *facts), self._calls(phrases), phrases)

    def _calls(self, phrases: Phrases) -> str:
        inbound = self.call_count - self.outbound_count
        return calls(inbound, self.last_called_on, self.outbound_count, self.last_outbound_on, phrases)

    def _name(self, field_name: str) -> str:
        name = self.facts.get(field_name)
        return person_or_nothing(name) if name else ""

    def variable(self, name: str) -> str | None:
        """Return the fact for the dynamic variable of this name; None without one, and for names on a shared line."""
        field_asked_for = canonical_field(name)
        if field_asked_for in NAME_FIELDS:
            return None if self.shared_line else self._name(field_asked_for)
        if field_asked_for in _VARIABLES:
            return str(getattr(self.briefing, field_asked_for)) or None
        return self.facts.get(field_asked_for)


def card_of(memories: Iterable[Memory]) -> Card | None:
    """Compute the card from one caller's memories; None if nothing is remembered.

    The newest call wins for each field (call start, conversation id, position); corrections win over calls.
    """
    state = state_of(memories)
    return None if state is None else card_from_state(state)


def card_from_state(state: CardState) -> Card:
    """Return the card with the text for this state."""
    language = preferred_language(state) or state.language
    phrases = phrases_for(language)
    last_called_on, last_outbound_on, last_call_summary = dated_texts(state, phrases)
    return Card(
        facts=shown_facts(state.facts),
        briefing=briefing_of(state, phrases),
        call_count=state.call_count,
        outbound_count=state.outbound_count,
        last_called_on=last_called_on,
        last_outbound_on=last_outbound_on,
        last_call_summary=last_call_summary,
        shared_line=state.shared_line,
        opted_out=state.opted_out,
        by_calls=_by_calls(state, preferred_language(state)),
        language=language,
    )


def _by_calls(state: CardState, preferred: str) -> Sequence[str]:
    if preferred in ("", state.language):
        return [state.language] if preferred else ()
    phrases = phrases_for(state.language)
    now = briefing_of(state, phrases)
    return [state.language, *dated_texts(state, phrases), now.open_since, now.promised_on]


def read_card(store: OpenMemory, caller: str) -> Card | None:
    """Return the caller's card; None without one. Reads once if the card is the newest memory, else more often."""
    for limit in _READS:
        memories = store.memories(caller, limit)
        if cards := cards_among(memories):
            return card_from(cards[0].metadata)
        if limit is None or len(memories) < limit:
            return unwritten_card(memories)
    return None


def peek_card(store: OpenMemory, caller: str) -> tuple[bool, Card | None]:
    """Return whether the store could answer without waiting, and the card."""
    newest = store.peek(caller, FEW)
    if newest is None:
        return False, None
    is_stranger = True
    for metadata in newest:
        # Cards are written under the caller's lock, so the newest has the highest revision.
        if metadata.get("kind") == kinds.CARD:
            return True, card_from(metadata)
        is_stranger = False
    return is_stranger, None


def write_card(store: OpenMemory, caller: str) -> Card | None:
    """Recompute the card from the caller's memories, write it if it changed, and return it; None without memories.

    The caller's lock must be held. A new card is written before the old one is deleted, so that readers always find
    one. If only the state has changed, it is updated in place.
    """
    memories = store.memories(caller)
    cards = cards_among(memories)
    state = state_of(memory for memory in memories if memory.kind != kinds.CARD)
    if state is None:
        _delete(store, caller, cards)
        return None
    card, revision = card_from_state(state), _revision_of(cards)
    if not cards or not _holds(cards[0], card):
        store.put_all(caller, kinds.entries([card_memory(state, revision + 1)]))
        _delete(store, caller, cards)
    else:
        if state_from(cards[0].metadata) != state:
            store.put_all(caller, kinds.entries([card_memory(state, revision)]))
        _delete(store, caller, cards[1:])
    return card


class WrittenCard:
    """A caller's card as stored now. The caller's lock must be held."""

    def __init__(self, store: OpenMemory, caller: str) -> None:
        self._store = store
        self._caller = caller
        self._newest = store.memories(caller, FEW)
        self._cards = cards_among(self._newest)
        self._state = state_from(self._cards[0].metadata) if self._cards else None if self._newest else CardState()

    @property
    def opted_out(self) -> bool:
        if not self._newest:
            return False
        card = card_from(self._cards[0].metadata) if self._cards else read_card(self._store, self._caller)
        return card is not None and card.opted_out

    def may_take(self, conversation_id: str) -> bool:
        """Whether `add_call` may add this call, if it is new; else the card must be recomputed."""
        return self._state is not None and self._state.is_open and not self._state.mentions(conversation_id)

    def is_newer(self, called_at: str) -> bool:
        """Whether a call at this time is newer than all calls of the card. `called_at` is as in its memories."""
        return self._state is not None and self._state.last_called_at < called_at

    def add_call(self, memories: Sequence[kinds.NewMemory]) -> list[Put]:
        """Write the memories of a new call, then the card with this call. No memory of the call may exist yet.

        The cost does not depend on how many memories the caller has. `may_take` must be true.
        """
        if not memories or self._state is None:
            return []
        state = self._state.with_call(map(_as_stored, memories))
        card = card_memory(state, _revision_of(self._cards) + 1)
        entries, outdated = kinds.entries([*memories, card]), [card.id for card in self._cards]
        puts = self._store.add_all(self._caller, entries, instead_of=outdated)
        return puts[:-1]

    def close(self) -> None:
        """Prevent any process from adding calls to the card until `write_card` has recomputed it.

        Call it before changing memories in any way but `add_call`: the change may be interrupted.
        """
        if self._cards and "state" in (metadata := dict(self._cards[0].metadata)):
            del metadata["state"]
            self._store.put_all(self._caller, [Entry.of(self._cards[0], metadata)])


def close_card(store: OpenMemory, caller: str) -> None:
    """Prevent additions to the card. Call this before, and `write_card` after, memories are changed or deleted."""
    WrittenCard(store, caller).close()


def unwritten_card(memories: Iterable[Memory]) -> Card | None:
    """Compute the card if none is stored yet; None until the last memory of a first call (kind "call") is written."""
    memories = list(memories)
    complete = any(memory.kind in (kinds.CALL, kinds.PREFERENCE) for memory in memories)
    return card_of(memories) if complete else None


def _holds(memory: Memory, card: Card) -> bool:
    """Whether the memory contains the text of this card, with its facts in the same order, by the current rules."""
    stored = card_from(memory.metadata)
    by_rules = not stored.facts or memory.metadata.get("usable") == _RULES
    return by_rules and stored == card and list(stored.facts) == list(card.facts)


def cards_among(memories: Iterable[Memory]) -> list[Memory]:
    cards = [memory for memory in memories if memory.kind == kinds.CARD]
    return sorted(cards, key=lambda card: _revision(card.metadata), reverse=True)


def _revision_of(cards: Sequence[Memory]) -> int:
    """Return the highest revision of these cards, which `cards_among` has sorted; 0 without cards."""
    return _revision(cards[0].metadata) if cards else 0


def _revision(card: Mapping[str, Any]) -> int:
    revision = card.get("revision")
    return revision if isinstance(revision, int) else 0


def card_memory(state: CardState, revision: int) -> kinds.NewMemory:
    """Return the memory for the card: its text, which a ring reads, and its state."""
    card = card_from_state(state)
    # Facts as pairs: their order is part of the card, and JSON stores may sort an object's keys.
    metadata = {
        "revision": revision,
        "usable": _RULES,
        "facts": [[name, value] for name, value in card.facts.items()],
        "briefing": list(card.briefing),
        "summary": card.summary,
        "call_count": card.call_count,
        "outbound_count": card.outbound_count,
        "last_called_on": card.last_called_on,
        "last_outbound_on": card.last_outbound_on,
        "last_call_summary": card.last_call_summary,
        "shared_line": card.shared_line,
        "opted_out": card.opted_out,
        "language": card.language,
        "by_calls": list(card.by_calls),
        # As text, which a ring need not parse.
        "state": orjson.dumps(state.as_metadata()).decode(),
    }
    return kinds.NewMemory(kinds.CARD, f"card:{revision}", card.summary, metadata)


def card_from(metadata: Mapping[str, Any]) -> Card:
    """Return the card in the metadata of a card memory. The current rules are applied to cards of older versions."""
    facts = {str(name): str(value) for name, value in metadata.get("facts") or ()}
    last_call_summary = str(metadata.get("last_call_summary") or "")
    if not (rules := metadata.get("usable")):  # an old version: "[NAME]" and "not provided" were still facts
        facts = {name: usable_value(value, name) or "" for name, value in facts.items()}
    if rules != _RULES:
        facts = {name: text for name, value in facts.items() if (text := speakable(value, name))}
        last_call_summary = cleaned(last_call_summary)
    briefing = briefing_from(metadata.get("briefing"))
    return Card(
        facts=facts,
        briefing=briefing,
        call_count=int(metadata.get("call_count") or 0),
        outbound_count=int(metadata.get("outbound_count") or 0),
        last_called_on=str(metadata.get("last_called_on") or ""),
        last_outbound_on=str(metadata.get("last_outbound_on") or ""),
        last_call_summary=last_call_summary,
        shared_line=bool(metadata.get("shared_line")),
        opted_out=bool(metadata.get("opted_out")),
        by_calls=metadata.get("by_calls") or (),
        language=str(metadata.get("language") or "") or briefing.preferred_language,
        written_summary=str(metadata.get("summary") or "") if rules == _RULES else "",
    )


def _as_stored(memory: kinds.NewMemory) -> Memory:
    """Return the memory in the form in which the store will return it, without an id."""
    metadata = {"kind": memory.kind, "key": memory.key, **memory.metadata}
    return Memory("", "", memory.content, metadata=orjson.loads(storable_json(metadata)))


def _delete(store: OpenMemory, caller: str, memories: Iterable[Memory]) -> None:
    for memory in memories:
        store.delete(caller, memory.id)
