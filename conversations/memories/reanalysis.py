"""Has ElevenLabs analyse stored calls again, with their agents' present fields, and stores the results.

A result is a newer version of the transcription; the delivered one stays beside it. The files show what remains to be
done, and existing results are fetched before an analysis is requested: no call is paid for twice.
"""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple

from django.conf import settings

from conversations.files.decisions import is_deleted
from conversations.files.spool import free_bytes
from conversations.files.stored import read_call
from conversations.index.schema import healed
from conversations.index.sync import refresh_row
from conversations.memories.backfill import conversation_in, store_transcription
from conversations.memories.remember import is_remembered
from conversations.models import Conversation, Outcome
from conversations.payloads.outline import NotReadable
from conversations.payloads.transcription import Transcription
from conversations.payloads.values import event_seconds, number
from elmemory.agents.api import Api, ElevenLabsError
from elmemory.agents.data_collection import collected
from elmemory.memory.fields import canonical_field
from elmemory.memory.openmemory import OpenMemory

# Added to the event: the ids of the fields for which an analysis was requested.
_ANALYSED = "analysed"
_LOOKS, _SECONDS_BETWEEN_LOOKS = 5, 2.0

type Result = Literal["analysed", "fetched", "unfinished", "gone", "changed there", "not remembered"]


class Analysis(NamedTuple):
    """The present settings of an agent's analysis: names of its fields by id, and its number of evaluation criteria."""

    fields: dict[str, str]
    criteria: int

    def is_in(self, call: Transcription) -> bool:
        """Whether the call has a result for each field."""
        items = call.collected()
        ids, fields = {item.id for item in items}, {item.field for item in items}
        return all(id_ in ids or name in fields for id_, name in self.fields.items())

    def was_requested(self, call: Transcription) -> bool:
        requested = call.event.get(_ANALYSED)
        return isinstance(requested, list) and set(self.fields) <= set(map(str, requested))


@dataclass(slots=True)
class Survey:
    """Stored calls that need work: `calls` are to be analysed, `requested` were paid for and only need fetching.

    `left_out` counts the others by reason. `charges` are the credits of earlier analyses, per extraction.
    """

    calls: list[tuple[str, Analysis]] = field(default_factory=list)
    requested: list[tuple[str, Analysis]] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    charges: list[float] = field(default_factory=list)

    @property
    def extractions(self) -> int:
        return sum(len(analysis.fields) + analysis.criteria for _, analysis in self.calls)

    @property
    def credits(self) -> int | None:
        """The expected charge, by earlier analyses of stored calls; None if none of them states a charge."""
        return round(self.extractions * sum(self.charges) / len(self.charges)) if self.charges else None


def survey(
    api: Api,
    store: OpenMemory,
    *,
    agent: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Survey:
    """Survey the stored calls that lack a result for a field of their agents, oldest first.

    Raises ElevenLabsError and OpenMemoryError.
    """
    found, analyses = Survey(), dict[str, Analysis | None]()
    for conversation_id, agent_id in _stored(agent, since, until):
        if agent_id not in analyses:
            analyses[agent_id] = _analysis_of(api, agent_id)
        try:
            call = read_call(conversation_id).call
            if (analysis := analyses[agent_id]) is None:
                found.left_out["of an agent that is gone"] += 1
                continue
            found.charges += _charge(call)
            if not call.caller or not any(turn.is_of_caller for turn in call.turns):
                found.left_out["without a caller who speaks"] += 1
            elif analysis.is_in(call):
                found.left_out["analysed already"] += 1
            elif is_deleted(conversation_id) or not is_remembered(conversation_id, store):
                found.left_out["not remembered, as decided"] += 1
            else:
                (found.requested if analysis.was_requested(call) else found.calls).append((conversation_id, analysis))
        except (OSError, NotReadable):
            found.left_out["unreadable"] += 1
    return found


def analyse(api: Api, store: OpenMemory, conversation_id: str, analysis: Analysis) -> Result:
    """Store new results for the call, which ElevenLabs analyses unless it has them already. The worker processes them.

    "unfinished": results are still missing, and the next run fetches them. "changed there": ElevenLabs no longer has
    all of the caller's words, so its version must not replace ours. Raises ElevenLabsError, OpenMemoryError, and
    OSError if the results cannot be stored.
    """
    if free_bytes() < settings.MIN_FREE_MB * 2**20:
        raise OSError("the disk is nearly full")
    try:
        if is_deleted(conversation_id) or not is_remembered(conversation_id, store):
            return "not remembered"
        call = read_call(conversation_id).call
    except (FileNotFoundError, NotReadable):
        return "not remembered"
    try:
        raw, there = _conversation(api.conversation(conversation_id), conversation_id)
        if not _said(call) <= _said(there):
            return "changed there"
        result: Result = "fetched"
        if not analysis.is_in(there) and not analysis.was_requested(call):
            result = "analysed"
            raw, there = _conversation(api.run_analysis(conversation_id), conversation_id)
            looks = 0
            while not analysis.is_in(there) and looks < _LOOKS:
                time.sleep(_SECONDS_BETWEEN_LOOKS)
                raw, there = _conversation(api.conversation(conversation_id), conversation_id)
                looks += 1
    except ElevenLabsError as error:
        if error.status == 404:
            return "gone"
        raise
    if not _said(call) <= _said(there):
        return "changed there"
    # Later than the version that it replaces, even if that one's clock was ahead.
    at = max(int(time.time()), int(event_seconds(call.event) or 0) + 1)
    store_transcription(raw, at, {_ANALYSED: sorted(analysis.fields)})
    refresh_row(conversation_id)
    return result if analysis.is_in(there) else "unfinished"


@healed
def _stored(agent: str | None, since: datetime | None, until: datetime | None) -> list[tuple[str, str]]:
    """The ids of stored calls and of their agents, oldest first."""
    calls = Conversation.objects.filter(has_transcription=True, outcome=Outcome.DONE).exclude(agent_id="")
    if agent:
        calls = calls.filter(agent_id=agent)
    if since:
        calls = calls.filter(started_at__gte=since)
    if until:
        calls = calls.filter(started_at__lt=until)
    return list(calls.order_by("sort_key").values_list("conversation_id", "agent_id"))


def _analysis_of(api: Api, agent_id: str) -> Analysis | None:
    try:
        agent = api.agent(agent_id)
    except ElevenLabsError as error:
        if error.status == 404:
            return None
        raise
    fields = {id_: canonical_field(str(one.get("name") or id_)) for id_, one in collected(agent).items()}
    criteria = ((agent.get("platform_settings") or {}).get("evaluation") or {}).get("criteria") or []
    return Analysis(fields, len(criteria))


def _conversation(raw: bytes, conversation_id: str) -> tuple[bytes, Transcription]:
    """The conversation as ElevenLabs sent it, and parsed. Raises ElevenLabsError for another conversation."""
    return raw, Transcription({"data": conversation_in(raw, conversation_id)})


def _said(call: Transcription) -> set[str]:
    """The caller's words. ElevenLabs may have deleted or redacted them."""
    return {turn.message for turn in call.turns if turn.is_of_caller}


def _charge(call: Transcription) -> Iterator[float]:
    """Yield the credits per extraction of the call's last analysis, if the payload states them."""
    charge = number(call.at("metadata", "charging", "analysis", "last_run", "charge"))
    if charge is not None and (results := len(call.collected()) + len(call.criteria())):
        yield charge / results
