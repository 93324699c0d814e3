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
from elmemory.memory.names import NAME_FIELDS, spoken_name
from elmemory.memory.openmemory.protocol import OpenMemory
from elmemory.memory.records import Memory
from elmemory.memory.text import (
    VALUE_LENGTH,
    as_sentence,
    bounded_sentences,
    bounded_words,
    cleaned,
)
from elmemory.memory.values import usable_value

NEWEST = 100
# The card is written last: nearly always it is the newest memory, else one of the newest.
FEW = 2
_READS = FEW, NEWEST, None
_MOST_FACTS = 100
_LONGEST_ZONE = 64


@dataclass(frozen=True, slots=True)
class Card:
    """What an agent should know of a caller before the first word; every text is clean and bounded.

    `facts` maps field to value, newest first. `last_call_summary` is a sentence or two, empty where the
    caller never spoke. A card of an opted-out caller holds nothing but that.
    `call_count` counts the calls of both directions, `outbound_count` those of them that we made.
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
        """The first name where one is known, else the name given; nothing on a line that several people share."""
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
        """How often they called us, and we them; empty where neither happened."""
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
        return spoken_name(name) if name else ""

    def variable(self, name: str) -> str | None:
        """The fact that a dynamic variable of this name asks for; no name on a shared line."""
        field_asked_for = canonical_field(name)
        if field_asked_for in NAME_FIELDS:
            return None if self.shared_line else self._name(field_asked_for)
        return self.facts.get(field_asked_for)


def card_of(memories: Iterable[Memory]) -> Card | None:
    """The card that these memories of one caller amount to; None where nothing is remembered.

    Facts: the newest call wins per field (call start, then conversation id, then position); what staff
    corrected wins over every call.
    """
    memories = one_per_key(memories)
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
    """What a fact or a correction says, clean; empty where it says nothing, as "[NAME]" does that was stored once.

    What staff wrote, and what the call itself confirmed when it was read, says what it says.
    """
    value, field_name = memory.metadata.get("value"), str(memory.metadata.get("field"))
    if memory.kind == kinds.PREFERENCE or memory.metadata.get("confirmed"):
        return cleaned(str(value or ""))
    return cleaned(usable_value(value, field_name) or "")


def newest_facts(memories: Iterable[Memory]) -> list[Memory]:
    """One memory per field, the one that holds; the newest first. Those that say nothing are left out."""
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


def one_per_key(memories: Iterable[Memory]) -> list[Memory]:
    """A server without unique keys may hold one twice: the last written stays."""
    kept: dict[str, Memory] = {}
    for memory in memories:
        before = kept.get(memory.key or memory.id)
        if before is None or memory.updated_at > before.updated_at:
            kept[memory.key or memory.id] = memory
    return list(kept.values())


def read_card(store: OpenMemory, caller: str) -> Card | None:
    """The caller's card in one read, or in a second or third where it is not the newest memory."""
    for limit in _READS:
        memories = store.memories(caller, limit)
        if cards := cards_among(memories):
            return card_from(cards[0].metadata)
        if limit is None or len(memories) < limit:
            return unwritten_card(memories)
    return None


def glance_at_card(store: OpenMemory, caller: str) -> tuple[bool, Card | None]:
    """Whether the store tells the card without any waiting, and the card."""
    newest = store.glance(caller, FEW)
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
    """Recompute the card from all of the caller's memories and return it; None where nothing is remembered.

    The caller's lock must be held. A changed card is written as a new memory, then the old one is deleted: readers
    always find one of them.
    """
    memories = store.memories(caller)
    cards = cards_among(memories)
    card = card_of(memory for memory in memories if memory.kind != kinds.CARD)
    if card is not None and (not cards or not _is_same(card_from(cards[0].metadata), card)):
        revision = 1 + (_revision(cards[0].metadata) if cards else 0)
        store.put_all(caller, kinds.entries([_card_memory(card, revision)]))
    elif cards and card is not None:
        cards = cards[1:]
    for old in cards:
        store.delete(caller, old.id)
    return card


def spoken_date(metadata: Mapping[str, Any]) -> str:
    """The day of a call as one says it, "7 October 2026", in the call's own time zone."""
    try:
        called_at = datetime.fromisoformat(str(metadata.get("called_at")))
    except ValueError:
        return "an unknown day"
    day = called_at.astimezone(_zone(metadata.get("timezone")))
    return f"{day.day} {day:%B %Y}"


def _zone(name: object) -> ZoneInfo:
    # A longer name is none, and would be looked for part by part.
    if isinstance(name, str) and 0 < len(name) <= _LONGEST_ZONE:
        with contextlib.suppress(ValueError, OSError, KeyError):  # unknown names, and those of no file of the database
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
    """The card where none is written yet. A call whose memories are being written is not half told: its own
    memory comes after the others."""
    memories = list(memories)
    told = any(memory.kind in (kinds.CALL, kinds.PREFERENCE) for memory in memories)
    return card_of(memories) if told else None


def _times(count: int) -> str:
    """A count as one says it, up to the day that follows: "once, on", "twice, most recently on"."""
    times = {1: "once", 2: "twice"}.get(count, f"{count} times")
    return f"{times}, {'on' if count == 1 else 'most recently on'}"


def _is_same(one: Card, other: Card) -> bool:
    return one == other and list(one.facts) == list(other.facts)


def cards_among(memories: Iterable[Memory]) -> list[Memory]:
    cards = [memory for memory in memories if memory.kind == kinds.CARD]
    return sorted(cards, key=lambda card: _revision(card.metadata), reverse=True)


def _revision(card: Mapping[str, Any]) -> int:
    revision = card.get("revision")
    return revision if isinstance(revision, int) else 0


def _card_memory(card: Card, revision: int) -> kinds.NewMemory:
    # Facts as pairs: their order is part of the card, and JSON stores may sort an object's keys.
    metadata = {
        "revision": revision,
        "usable": True,
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
    facts = {str(name): str(value) for name, value in metadata.get("facts") or ()}
    if not metadata.get("usable"):  # written when "[NAME]" and "not provided" were still facts
        facts = {name: text for name, value in facts.items() if (text := usable_value(value, name))}
    return Card(
        facts=facts,
        call_count=int(metadata.get("call_count") or 0),
        outbound_count=int(metadata.get("outbound_count") or 0),
        last_called_on=str(metadata.get("last_called_on") or ""),
        last_outbound_on=str(metadata.get("last_outbound_on") or ""),
        last_call_summary=str(metadata.get("last_call_summary") or ""),
        shared_line=bool(metadata.get("shared_line")),
        opted_out=bool(metadata.get("opted_out")),
    )
