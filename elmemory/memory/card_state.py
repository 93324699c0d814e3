"""The state of a caller's card: the data from which its text is made.

It is computed from all memories of the caller, or from the previous state and the memories of one more call. The order
in which calls are added does not matter. Its size is bounded.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from heapq import nlargest
from typing import Any, NamedTuple

import orjson

from elmemory.memory import kinds
from elmemory.memory.fields import BRIEFED, PASSING
from elmemory.memory.instructions import person_or_nothing
from elmemory.memory.language_codes import language_code
from elmemory.memory.names import NAME_FIELDS
from elmemory.memory.records import Memory
from elmemory.memory.text import SUMMARY_LENGTH, VALUE_LENGTH, bounded_words, cleaned
from elmemory.memory.values import usable_value

MOST_FACTS = 100
MOST_INSIGHTS = 40
_MOST_EQUAL = 3
_LONGEST_INSIGHT = 300
_LONGEST_ZONE = 64
# Stored with every state. Raise it when its content changes.
_VERSION = 3


class Order(NamedTuple):
    """The order of a caller's memories: by call start, then conversation id, then position."""

    called_at: str = ""
    conversation_id: str = ""
    position: int = 0


class FieldValue(NamedTuple):
    """The value of a field. Of several values of one field, the greatest is current."""

    corrected: bool
    order: Order
    value: str


class LastCall(NamedTuple):
    """What the text says of a call. Later calls are greater."""

    called_at: str
    conversation_id: str
    timezone: str
    summary: str = ""


class Language(NamedTuple):
    """The language of a call. The greatest counts: the call's own language comes before the agent's."""

    is_of_call: bool
    spoke: bool
    called_at: str
    conversation_id: str
    code: str


class Insight(NamedTuple):
    """A lasting sentence about the caller. Later sentences are greater."""

    order: Order
    text: str


@dataclass(frozen=True, slots=True)
class CardState:
    """The data from which the text of a card is made.

    `facts` maps field to value, newest first, at most MOST_FACTS. `insights` are the newest MOST_INSIGHTS, newest
    first; of equal ones, the newest few. `last_spoken` is the last call in which the caller spoke, with its summary;
    `language_of_calls` the language of the last call that has one, preferably one in which they spoke. `is_open` says
    that calls may be added: not if an old correction is no longer among the facts, but wins over later calls. The state
    of an opted-out caller contains nothing else.
    """

    facts: Mapping[str, FieldValue] = field(default_factory=dict)
    insights: tuple[Insight, ...] = ()
    call_count: int = 0
    outbound_count: int = 0
    last_inbound: LastCall | None = None
    last_outbound: LastCall | None = None
    last_spoken: LastCall | None = None
    language_of_calls: Language | None = None
    shared_line: bool = False
    opted_out: bool = False
    is_open: bool = True

    def with_call(self, memories: Iterable[Memory]) -> "CardState":
        """Return the state after one more call with these memories, none of which it includes yet."""
        if self.opted_out:
            return self
        memories = list(memories)
        facts = dict(self.facts)
        for name, (fact, _) in _current(memories).items():
            if name not in facts or facts[name] < fact:
                facts[name] = fact
        newest = nlargest(MOST_FACTS, facts.items(), key=_order_of_facts)
        left_out = facts.keys() - dict(newest).keys()
        calls = [memory for memory in memories if memory.kind == kinds.CALL]
        # Calls of versions that stored no direction count as inbound.
        outbound = [call for call in calls if call.metadata.get("direction") == "outbound"]
        inbound = [call for call in calls if call.metadata.get("direction") != "outbound"]
        spoken = [call for call in calls if call.metadata.get("spoke")]
        return replace(
            self,
            facts=dict(newest),
            insights=_newest_insights({*self.insights, *_insights(memories)}),
            call_count=self.call_count + len(calls),
            outbound_count=self.outbound_count + len(outbound),
            last_inbound=_last(self.last_inbound, inbound),
            last_outbound=_last(self.last_outbound, outbound),
            last_spoken=_last(self.last_spoken, spoken, with_summary=True),
            language_of_calls=max(filter(None, (self.language_of_calls, *map(_language, calls))), default=None),
            is_open=self.is_open and not any(facts[name].corrected for name in left_out),
        )

    @property
    def language(self) -> str:
        """The code of the language of the caller's last call; empty if no call has one."""
        return self.language_of_calls.code if self.language_of_calls else ""

    @property
    def last_called_at(self) -> str:
        """The time of the newest call, in the form of its memories; empty without calls."""
        last = (self.last_inbound, self.last_outbound, self.last_spoken)
        return max((call.called_at for call in last if call), default="")

    def mentions(self, conversation_id: str) -> bool:
        """Whether anything in the state comes from this call."""
        last = (self.last_inbound, self.last_outbound, self.last_spoken)
        orders = [one.order for one in self.facts.values()] + [one.order for one in self.insights]
        return any(call.conversation_id == conversation_id for call in last if call) or any(
            order.conversation_id == conversation_id for order in orders
        )

    def as_metadata(self) -> dict[str, Any]:
        """Return the state for JSON, without counts, preferences and values that are already in the card's metadata."""
        return {
            "version": _VERSION,
            "facts": [
                [name, fact.value if name in BRIEFED else None, fact.corrected, *fact.order]
                for name, fact in self.facts.items()
            ],
            "insights": [[insight.text, *insight.order] for insight in self.insights],
            "last_inbound": _as_list(self.last_inbound),
            "last_outbound": _as_list(self.last_outbound),
            "last_spoken": _as_list(self.last_spoken),
            "language": _as_list(self.language_of_calls),
            "is_open": self.is_open,
        }


def state_of(memories: Iterable[Memory]) -> CardState | None:
    """Compute the state from all memories of one caller; None if nothing is remembered."""
    memories = list(memories)
    stated = {memory.metadata.get("preference") for memory in memories if memory.kind == kinds.PREFERENCE}
    if kinds.OPT_OUT in stated:
        return CardState(opted_out=True)
    state = CardState(shared_line=kinds.SHARED_LINE in stated).with_call(memories)
    return state if stated or state.call_count or state.facts else None


def state_from(metadata: Mapping[str, Any]) -> CardState | None:
    """Return the state in a card's metadata; None if there is none, or one of another version."""
    try:
        written = orjson.loads(metadata["state"])
        if written["version"] != _VERSION:
            return None
        shown = dict(metadata["facts"])
        facts = {
            name: FieldValue(corrected, Order(*order), shown[name] if value is None else value)
            for name, value, corrected, *order in written["facts"]
        }
        return CardState(
            facts=facts,
            insights=tuple(Insight(Order(*order), text) for text, *order in written["insights"]),
            call_count=metadata["call_count"],
            outbound_count=metadata["outbound_count"],
            shared_line=metadata["shared_line"],
            opted_out=metadata["opted_out"],
            is_open=written["is_open"],
            language_of_calls=Language(*language) if (language := written["language"]) else None,
            **{
                name: LastCall(*call) if (call := written[name]) else None
                for name in ("last_inbound", "last_outbound", "last_spoken")
            },
        )
    except (KeyError, TypeError, ValueError):
        return None


def newest_facts(memories: Iterable[Memory]) -> list[Memory]:
    """Return the memory with the current value of each field, newest first. Values that say nothing are left out."""
    newest = sorted(_current(memories).items(), key=lambda item: _order_of_facts((item[0], item[1][0])), reverse=True)
    return [memory for _, (_, memory) in newest]


def call_order(memory: Memory) -> Order:
    metadata = memory.metadata
    position = metadata.get("position")
    return Order(
        str(metadata.get("called_at") or ""),
        str(metadata.get("conversation_id") or ""),
        position if isinstance(position, int) else 0,
    )


def fact_value(memory: Memory) -> str:
    """Return the clean value of a fact or correction; "" if it says nothing ("[NAME]"), or is no name in a name field.

    Corrections, and values confirmed by the rest of their call, are only cleaned.
    """
    value, field_name = memory.metadata.get("value"), str(memory.metadata.get("field"))
    if memory.kind == kinds.PREFERENCE or memory.metadata.get("confirmed"):
        return cleaned(str(value or ""))
    return speakable(usable_value(value, field_name) or "", field_name)


def speakable(text: str, field_name: str) -> str:
    """Return the clean text; empty if the field is a name field and the text is no name."""
    text = cleaned(text)
    return "" if field_name in NAME_FIELDS and not person_or_nothing(text) else text


def _current(memories: Iterable[Memory]) -> dict[str, tuple[FieldValue, Memory]]:
    """Return, by field, the current value and the memory that states it."""
    current: dict[str, tuple[FieldValue, Memory]] = {}
    for memory in memories:
        if not (name := memory.metadata.get("field")):
            continue
        kind, name = memory.kind, str(name)
        corrected = kind == kinds.PREFERENCE and memory.metadata.get("preference") == kinds.CORRECTION
        if not (corrected or kind == kinds.FACT):
            continue
        # The correction of a passing field applies until the next call.
        lasts, order = corrected and name not in PASSING, call_order(memory)
        before = current.get(name)
        # Stores return the newest first: skip older values before cleaning, the slowest step.
        if before and (lasts, order) < before[0][:2]:
            continue
        if value := fact_value(memory):
            fact = FieldValue(lasts, order, bounded_words(value, 2 * VALUE_LENGTH))
            if not before or before[0] < fact:
                current[name] = fact, memory
    return current


def _insights(memories: Iterable[Memory]) -> Iterable[Insight]:
    for memory in memories:
        if memory.kind == kinds.INSIGHT and (text := cleaned(memory.content)):
            order = call_order(memory)
            if kinds.is_stated(memory):  # sorts after every call, so that no call replaces it
                order = order._replace(called_at=f"~{order.called_at}")
            yield Insight(order, bounded_words(text, _LONGEST_INSIGHT))


def _newest_insights(insights: Iterable[Insight]) -> tuple[Insight, ...]:
    """Return at most MOST_INSIGHTS, newest first. Of equal ones, only the newest few: they would crowd out others."""
    newest, times = [], Counter[str]()
    for insight in sorted(insights, reverse=True):
        text = insight.text.casefold()
        times[text] += 1
        if times[text] <= _MOST_EQUAL:
            newest.append(insight)
    return tuple(newest[:MOST_INSIGHTS])


def _order_of_facts(item: tuple[str, FieldValue]) -> tuple[Order, str]:
    """Return the sort key of a field with its value. The field orders corrections of the same second."""
    name, fact = item
    return fact.order, name


def _as_list(one: LastCall | Language | None) -> list[Any] | None:
    return list(one) if one else None


def _language(call: Memory) -> Language | None:
    metadata, order = call.metadata, call_order(call)
    for name in ("main_language", "agent_language"):
        if code := language_code(str(metadata.get(name) or "")):
            spoke = bool(metadata.get("spoke"))
            return Language(name == "main_language", spoke, order.called_at, order.conversation_id, code)
    return None


def _last(before: LastCall | None, calls: Iterable[Memory], *, with_summary: bool = False) -> LastCall | None:
    """Return the latest of `calls` and `before`."""
    call = max(calls, key=call_order, default=None)
    if call is None:
        return before
    order = call_order(call)
    # The text of a card uses no more of a summary.
    summary = cleaned(str(call.metadata.get("summary") or ""))[: SUMMARY_LENGTH + 1] if with_summary else ""
    last = LastCall(order.called_at, order.conversation_id, zone_name(call.metadata), summary)
    return max(before, last) if before else last


def zone_name(metadata: Mapping[str, Any]) -> str:
    """Return the name of the call's time zone; empty if it is no text, or longer than any zone's name."""
    name = metadata.get("timezone")
    # ZoneInfo would look up each part of a longer name in the file system.
    return name if isinstance(name, str) and len(name) <= _LONGEST_ZONE else ""
