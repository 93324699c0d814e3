"""The card of a caller: what an agent should know before the first word. It is a function of the memories."""

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings

from elmemory.memory import kinds
from elmemory.memory.fields import canonical_field, label
from elmemory.memory.instructions import person_or_nothing
from elmemory.memory.names import NAME_FIELDS
from elmemory.memory.openmemory.protocol import OpenMemory
from elmemory.memory.records import Memory
from elmemory.memory.text import VALUE_LENGTH, as_sentence, bounded_sentences, bounded_words, cleaned
from elmemory.memory.values import usable_value

NEWEST = 100
# The card is written last: nearly always it is the newest memory.
FEW = 2
_READS = FEW, NEWEST, None
_MOST_FACTS = 100
_LONGEST_ZONE = 64
# Written with every card; raised when what counts as a usable fact changes.
_RULES = 2


@dataclass(frozen=True, slots=True)
class Card:
    """What an agent should know about a caller before the first word. Every text is clean and bounded.

    `facts` maps field to value, newest first. `last_call_summary` is a sentence or two, empty if the caller never
    spoke. `call_count` counts the calls of both directions, `outbound_count` those that we made. The card of an
    opted-out caller holds nothing else.
    """

    facts: Mapping[str, str] = field(default_factory=dict)
    call_count: int = 0
    outbound_count: int = 0
    last_called_on: str = ""
    last_outbound_on: str = ""
    last_call_summary: str = ""
    shared_line: bool = False
    opted_out: bool = False

    @property
    def user_name(self) -> str:
        """The first name if one is known, else the name given; empty on a shared line."""
        if self.shared_line:
            return ""
        return self._name("first_name") or self._name("name")

    @property
    def full_name(self) -> str:
        if not (first := self._name("first_name")):
            return self._name("name")
        last = self._name("last_name")
        return f"{first} {last}" if last else first

    @property
    def summary(self) -> str:
        """The profile in sentences that an agent can use."""
        if self.opted_out:
            return "The caller asked not to be remembered."
        full_name = self.full_name
        sentences = [as_sentence(f"The caller is {full_name}")] if full_name else []
        if self.shared_line:
            sentences = ["Several people share this line."]
        if counts := self._counts():
            sentences.append(counts)
        sentences += [
            as_sentence(f"{label(name)}: {bounded_words(value, VALUE_LENGTH)}")
            for name, value in self.facts.items()
            if name not in NAME_FIELDS or not (full_name or self.shared_line)
        ]
        return bounded_sentences(" ".join(sentences))

    def _counts(self) -> str:
        """A sentence that says how often they called us, and we them; empty if neither happened."""
        inbound = self.call_count - self.outbound_count
        if not self.outbound_count:
            if inbound == 1:
                return f"They have called once before, on {self.last_called_on}."
            return f"They have called {inbound} times, most recently on {self.last_called_on}." if inbound else ""
        called_them = f"called them {_times(self.outbound_count)} {self.last_outbound_on}."
        if inbound <= 0:
            return f"We {called_them}"
        return f"They have called {_times(inbound)} {self.last_called_on}; we {called_them}"

    def _name(self, field_name: str) -> str:
        name = self.facts.get(field_name)
        return person_or_nothing(name) if name else ""

    def variable(self, name: str) -> str | None:
        """The fact whose field the dynamic variable of this name names; never a name on a shared line."""
        field_asked_for = canonical_field(name)
        if field_asked_for in NAME_FIELDS:
            return None if self.shared_line else self._name(field_asked_for)
        return self.facts.get(field_asked_for)


def card_of(memories: Iterable[Memory]) -> Card | None:
    """The card computed from one caller's memories; None if nothing is remembered.

    Per field the newest call wins (call start, then conversation id, then position); corrections win over every call.
    """
    memories = list(memories)
    stated = {memory.metadata.get("preference") for memory in memories if memory.kind == kinds.PREFERENCE}
    if kinds.OPT_OUT in stated:
        return Card(opted_out=True)
    calls = sorted((memory for memory in memories if memory.kind == kinds.CALL), key=call_order)
    facts = {memory.metadata["field"]: memory for memory in newest_facts(memories)}
    if not calls and not facts and not stated:
        return None
    spoken = [call for call in calls if call.metadata.get("spoke")]
    # Calls remembered before there was a direction count as inbound.
    outbound = [call for call in calls if call.metadata.get("direction") == "outbound"]
    inbound = [call for call in calls if call.metadata.get("direction") != "outbound"]
    return Card(
        facts={
            name: bounded_words(fact_value(memory), 2 * VALUE_LENGTH)
            for name, memory in list(facts.items())[:_MOST_FACTS]
        },
        call_count=len(calls),
        outbound_count=len(outbound),
        last_called_on=spoken_date(inbound[-1].metadata) if inbound else "",
        last_outbound_on=spoken_date(outbound[-1].metadata) if outbound else "",
        last_call_summary=_spoken_summary(spoken[-1]) if spoken else "",
        shared_line=kinds.SHARED_LINE in stated,
    )


def fact_value(memory: Memory) -> str:
    """The clean value of a fact or a correction; empty if it says nothing ("[NAME]"), or is no name in a name field.

    A correction, and a value that the rest of its call confirmed, counts as it is written.
    """
    value, field_name = memory.metadata.get("value"), str(memory.metadata.get("field"))
    if memory.kind == kinds.PREFERENCE or memory.metadata.get("confirmed"):
        return cleaned(str(value or ""))
    return _speakable(usable_value(value, field_name) or "", field_name)


def _speakable(text: str, field_name: str) -> str:
    """The clean text; empty if it stands in a name field and is no name."""
    text = cleaned(text)
    return "" if field_name in NAME_FIELDS and not person_or_nothing(text) else text


def newest_facts(memories: Iterable[Memory]) -> list[Memory]:
    """The memory with the current value of each field, the newest first. Values that say nothing are left out."""
    holding: dict[str, Memory] = {}
    for memory in sorted(memories, key=call_order):
        name = memory.metadata.get("field")
        corrected = memory.kind == kinds.PREFERENCE and memory.metadata.get("preference") == kinds.CORRECTION
        if not name or not (memory.kind == kinds.FACT or corrected) or not fact_value(memory):
            continue
        if (before := holding.get(name)) and before.kind == kinds.PREFERENCE and not corrected:
            continue
        holding.pop(name, None)
        holding[name] = memory
    return list(reversed(holding.values()))


def read_card(store: OpenMemory, caller: str) -> Card | None:
    """The caller's card. One read if the card is the newest memory, else two or three."""
    for limit in _READS:
        memories = store.memories(caller, limit)
        if cards := cards_among(memories):
            return card_from(cards[0].metadata)
        if limit is None or len(memories) < limit:
            return unwritten_card(memories)
    return None


def peek_card(store: OpenMemory, caller: str) -> tuple[bool, Card | None]:
    """Whether the store could answer without waiting, and the card."""
    newest = store.peek(caller, FEW)
    if newest is None:
        return False, None
    is_stranger = True
    for metadata in newest:
        # Cards are written under the caller's lock: the newest is the one with the highest revision.
        if metadata.get("kind") == kinds.CARD:
            return True, card_from(metadata)
        is_stranger = False
    return is_stranger, None


def write_card(store: OpenMemory, caller: str) -> Card | None:
    """Recompute the card from the caller's memories, write it if it changed, and return it; None without memories.

    The caller's lock must be held. A changed card is written as a new memory before the old one is deleted, so that
    readers always find one of them.
    """
    memories = store.memories(caller)
    cards = cards_among(memories)
    card = card_of(memory for memory in memories if memory.kind != kinds.CARD)
    if card is not None and (not cards or not _holds(cards[0], card)):
        revision = 1 + (_revision(cards[0].metadata) if cards else 0)
        store.put_all(caller, kinds.entries([card_memory(card, revision)]))
    elif cards and card is not None:
        cards = cards[1:]
    for old in cards:
        store.delete(caller, old.id)
    return card


def spoken_date(metadata: Mapping[str, Any]) -> str:
    """The day of a call, such as "7 October 2026", in the call's own time zone."""
    try:
        called_at = datetime.fromisoformat(str(metadata.get("called_at")))
    except ValueError:
        return "an unknown day"
    day = called_at.astimezone(_zone(metadata.get("timezone")))
    return f"{day.day} {day:%B %Y}"


def _zone(name: object) -> ZoneInfo:
    # ZoneInfo looks for each part of a longer name in the file system.
    if isinstance(name, str) and 0 < len(name) <= _LONGEST_ZONE:
        with contextlib.suppress(ValueError, OSError, KeyError):  # unknown names
            return ZoneInfo(name)
    return ZoneInfo(settings.TIME_ZONE)


def _spoken_summary(call: Memory) -> str:
    summary = cleaned(str(call.metadata.get("summary") or ""))
    return bounded_sentences(f"On {spoken_date(call.metadata)}: {summary}") if summary else ""


def call_order(memory: Memory) -> tuple[str, str, int]:
    metadata = memory.metadata
    position = metadata.get("position")
    return (
        str(metadata.get("called_at") or ""),
        str(metadata.get("conversation_id") or ""),
        position if isinstance(position, int) else 0,
    )


def unwritten_card(memories: Iterable[Memory]) -> Card | None:
    """The card if none is written yet; None while the memories of a first call are being written.

    The memory of the call itself is written last.
    """
    memories = list(memories)
    complete = any(memory.kind in (kinds.CALL, kinds.PREFERENCE) for memory in memories)
    return card_of(memories) if complete else None


def _times(count: int) -> str:
    """A count up to the day that follows it: "once, on", "twice, most recently on"."""
    times = {1: "once", 2: "twice"}.get(count, f"{count} times")
    return f"{times}, {'on' if count == 1 else 'most recently on'}"


def _holds(memory: Memory, card: Card) -> bool:
    """Whether the memory is this card, its facts in this order and written by today's rules."""
    stored = card_from(memory.metadata)
    by_rules = not stored.facts or memory.metadata.get("usable") == _RULES
    return by_rules and stored == card and list(stored.facts) == list(card.facts)


def cards_among(memories: Iterable[Memory]) -> list[Memory]:
    cards = [memory for memory in memories if memory.kind == kinds.CARD]
    return sorted(cards, key=lambda card: _revision(card.metadata), reverse=True)


def _revision(card: Mapping[str, Any]) -> int:
    revision = card.get("revision")
    return revision if isinstance(revision, int) else 0


def card_memory(card: Card, revision: int) -> kinds.NewMemory:
    """The memory that holds the card."""
    # Facts as pairs: their order is part of the card, and JSON stores may sort an object's keys.
    metadata = {
        "revision": revision,
        "usable": _RULES,
        "facts": [[name, value] for name, value in card.facts.items()],
        "call_count": card.call_count,
        "outbound_count": card.outbound_count,
        "last_called_on": card.last_called_on,
        "last_outbound_on": card.last_outbound_on,
        "last_call_summary": card.last_call_summary,
        "shared_line": card.shared_line,
        "opted_out": card.opted_out,
    }
    return kinds.NewMemory(kinds.CARD, f"card:{revision}", card.summary, metadata)


def card_from(metadata: Mapping[str, Any]) -> Card:
    """The card in the metadata of a card memory. What an older version wrote is held to today's rules."""
    facts = {str(name): str(value) for name, value in metadata.get("facts") or ()}
    last_call_summary = str(metadata.get("last_call_summary") or "")
    if not (rules := metadata.get("usable")):  # written when "[NAME]" and "not provided" were still facts
        facts = {name: usable_value(value, name) or "" for name, value in facts.items()}
    if rules != _RULES:
        facts = {name: text for name, value in facts.items() if (text := _speakable(value, name))}
        last_call_summary = cleaned(last_call_summary)
    return Card(
        facts=facts,
        call_count=int(metadata.get("call_count") or 0),
        outbound_count=int(metadata.get("outbound_count") or 0),
        last_called_on=str(metadata.get("last_called_on") or ""),
        last_outbound_on=str(metadata.get("last_outbound_on") or ""),
        last_call_summary=last_call_summary,
        shared_line=bool(metadata.get("shared_line")),
        opted_out=bool(metadata.get("opted_out")),
    )
