"""The first part of a card's text: open requests and promises, lasting facts, how the last call ended. Bounded."""

import contextlib
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.conf import settings

from elmemory.memory.card_state import CardState, FieldValue, Insight, LastCall, zone_name
from elmemory.memory.fields import AGENT_PROMISE, BRIEFED, MOOD, OPEN_REQUEST, PREFERRED_LANGUAGE, RESOLVED_REQUEST
from elmemory.memory.insights import current, speaks_of
from elmemory.memory.instructions import commands_an_agent
from elmemory.memory.language_codes import language_code
from elmemory.memory.nothing_open import is_withdrawn
from elmemory.memory.phrases import ENGLISH, Phrases, phrases_for
from elmemory.memory.text import SUMMARY_LENGTH, VALUE_LENGTH, bounded_sentences, bounded_words, sentences

_SETTLED_TOGETHER = OPEN_REQUEST, AGENT_PROMISE
_BAD_MOODS = frozenset(("annoyed", "angry", "upset"))
_OPEN_FOR = timedelta(days=180)
_EARLIEST = datetime.fromisoformat("0001-01-02T00:00:00+00:00")


class Briefing(NamedTuple):
    """What is current by the newest calls. `mood` is empty unless the last call ended badly.

    `open_since` and `promised_on` are days in words. `promised_on` is empty if the promise is about the open request.
    """

    open_request: str = ""
    open_since: str = ""
    agent_promise: str = ""
    promised_on: str = ""
    preferred_language: str = ""
    mood: str = ""
    insights: tuple[str, ...] = ()


NOTHING_STANDS = Briefing()


def briefing_from(written: object) -> Briefing:
    """Return the briefing in a card's metadata; an empty one if another version wrote the card."""
    if not isinstance(written, list) or len(written) != len(Briefing._fields):
        return NOTHING_STANDS
    *texts, insights = written
    return Briefing._make([*map(str, texts), tuple(map(str, insights))])


def preferred_language(state: CardState) -> str:
    """Return the code of the caller's preferred language, by staff or the newest call that names one; else empty.

    "no" is Norwegian in a correction. From a call it is ignored, because `false` is written so.
    """
    fact = state.facts.get(PREFERRED_LANGUAGE)
    if not fact or (fact.value.casefold() == "no" and not fact.corrected):
        return ""
    return language_code(fact.value)


def shown_facts(facts: Mapping[str, FieldValue]) -> dict[str, str]:
    """Return the values of the facts that the briefing does not hold, without outdated names and commands to agents."""
    left_out = BRIEFED | _outdated_names(facts)
    shown = {name: fact.value for name, fact in facts.items() if name not in left_out}
    return {name: value for name, value in shown.items() if not commands_an_agent(value)}


def _outdated_names(facts: Mapping[str, FieldValue]) -> set[str]:
    """Return the name fields that a later call replaced by another: first name "Tom", then the name "Maya Okafor"."""
    first, last, whole = facts.get("first_name"), facts.get("last_name"), facts.get("name")
    if not (first and whole) or first.order[:2] == whole.order[:2] or first.value.casefold() in whole.value.casefold():
        return set()
    if whole < first:
        return {"name"}
    if last and last.value.casefold() == whole.value.casefold():
        return set()
    return {"first_name", "last_name"} if last and last < whole else {"first_name"}


def briefing_of(state: CardState, phrases: Phrases) -> Briefing:
    """Return the briefing from the state: requests and promises not settled since, and sentences not replaced."""
    facts = state.facts
    last = max(filter(None, (state.last_inbound, state.last_outbound)), default=None)
    request, promise = (_unsettled(facts.get(name), facts.get(RESOLVED_REQUEST), last) for name in _SETTLED_TOGETHER)
    mood = facts.get(MOOD)
    felt = mood.value.casefold().strip(" .!") if mood else ""
    is_last = mood and state.last_spoken and mood.order.conversation_id == state.last_spoken.conversation_id
    requested, promised = (bounded_words(one.value, VALUE_LENGTH) if one else "" for one in (request, promise))
    return Briefing(
        open_request=requested,
        open_since=_day_of(request, phrases),
        agent_promise=promised,
        promised_on="" if speaks_of(requested, promised) else _day_of(promise, phrases),
        preferred_language=preferred_language(state),
        mood=felt if is_last and felt in _BAD_MOODS else "",
        insights=tuple(current(_as_stated(state.insights))),
    )


def _as_stated(insights: Iterable[Insight]) -> Iterable[tuple[str, str]]:
    """Yield call id and text of each, without commands: newest call first, and within a call in their order."""
    in_order = sorted(insights, key=lambda one: one.order.position)
    for one in sorted(in_order, key=lambda one: one.order[:2], reverse=True):
        if not commands_an_agent(one.text):
            yield one.order.conversation_id, one.text


def dated_texts(state: CardState, phrases: Phrases) -> tuple[str, str, str]:
    """Return the days of the last inbound and outbound call, and the last summary with its day; "" for none."""
    spoken = state.last_spoken
    said = "".join(one for one in sentences(spoken.summary) if not commands_an_agent(one)).strip() if spoken else ""
    summary = bounded_sentences(phrases.before_summary(_day_of_call(spoken, phrases)) + said) if said else ""
    inbound, outbound = (_day_of_call(call, phrases) for call in (state.last_inbound, state.last_outbound))
    return inbound, outbound, summary


def _unsettled(said: FieldValue | None, resolved: FieldValue | None, last: LastCall | None) -> FieldValue | None:
    """Return the request or promise; None if a call has settled it since, or it is older than _OPEN_FOR.

    A request stated as withdrawn is settled too. A call may settle one request and open another. If both say the
    same, the request is settled.
    """
    if said is None or commands_an_agent(said.value) or is_withdrawn(said.value):
        return None
    if last and _moment(last.called_at) - _moment(said.order.called_at) > _OPEN_FOR:
        return None
    if resolved is None or resolved.order[:2] < said.order[:2]:
        return said
    is_of_same_call = resolved.order[:2] == said.order[:2]
    return said if is_of_same_call and not speaks_of(resolved.value, said.value) else None


def within(first: Iterable[str], then: Iterable[str], last: str, phrases: Phrases) -> str:
    """Join the sentences within SUMMARY_LENGTH: `first`, bounded; those of `then` that fit; always `last`."""
    room = SUMMARY_LENGTH - len(last) - bool(last)
    text = bounded_sentences(phrases.joined(*first), room)
    for sentence in filter(None, then):
        if len(longer := phrases.joined(text, sentence)) <= room:
            text = longer
    return phrases.joined(text, last)


def dated(message: str, text: str, day: str) -> str:
    """Return a sentence such as "Open: A new card by Friday (7 April 2026)."; empty without text or day."""
    return message.format(text=text.rstrip(".。। "), day=day) if text and day else ""


def calls(inbound: int, last_inbound: str, outbound: int, last_outbound: str, phrases: Phrases) -> str:
    """Return a sentence with the number of inbound and outbound calls and their last days; empty without calls."""
    they, we = {"count": inbound, "day": last_inbound}, {"count": outbound, "day": last_outbound}
    counted = phrases.counted
    if not outbound:
        once, more = (
            "They have called once before, on {day}.",
            "They have called {count} times, most recently on {day}.",
        )
        return counted(once, more, inbound).format(**they) if inbound else ""
    if inbound <= 0:
        once, more = "We called them once, on {day}.", "We called them {count} times, most recently on {day}."
        return counted(once, more, outbound).format(**we)
    once, more = "They have called once, on {day}", "They have called {count} times, most recently on {day}"
    they_called = counted(once, more, inbound).format(**they)
    once, more = "we called them once, on {day}", "we called them {count} times, most recently on {day}"
    we_called = counted(once, more, outbound).format(**we)
    return phrases.text("{they}; {we}.").format(they=they_called, we=we_called)


def spoken_date(metadata: Mapping[str, Any], phrases: Phrases | None = None) -> str:
    """Return the day of a call in its own time zone, such as "7 October 2026"; in English without phrases."""
    phrases = phrases or phrases_for(ENGLISH)
    try:
        called_at = datetime.fromisoformat(str(metadata.get("called_at")))
    except ValueError:
        return phrases.text("an unknown day")
    return phrases.day(called_at.astimezone(_zone(zone_name(metadata))).date())


def _zone(name: str) -> ZoneInfo:
    if name:
        with contextlib.suppress(ValueError, OSError, KeyError):  # unknown zone names
            return ZoneInfo(name)
    return ZoneInfo(settings.TIME_ZONE)


def _day_of_call(call: LastCall | None, phrases: Phrases) -> str:
    return spoken_date({"called_at": call.called_at, "timezone": call.timezone}, phrases) if call else ""


def _day_of(said: FieldValue | None, phrases: Phrases) -> str:
    return spoken_date({"called_at": said.order.called_at}, phrases) if said else ""


def _moment(called_at: str) -> datetime:
    """Return the time of a call; the earliest possible time if it is malformed."""
    try:
        moment = datetime.fromisoformat(called_at)
    except ValueError:
        return _EARLIEST
    return moment if moment.tzinfo else _EARLIEST
