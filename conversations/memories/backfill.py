"""Fetches from ElevenLabs what was never delivered, and stores it like a delivery.

What is missing is found from the files, so a run continues an interrupted one.
"""

import base64
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import IO, Any, NamedTuple

import orjson
import structlog
from django.conf import settings
from django.db import DatabaseError, connections

from conversations.files.decisions import is_deleted, is_reduced
from conversations.files.last_runs import note_run
from conversations.files.locks import Busy, single_lock
from conversations.files.paths import AUDIO, TRANSCRIPTION, is_conversation_id, payload_path, transcription_path
from conversations.files.placing import accept
from conversations.files.receipts import PAYLOAD, RECORDING, read_receipt
from conversations.files.spool import free_bytes, spool
from conversations.files.stored import transcription_of
from conversations.index.sync import refresh_row
from conversations.index.values import agents
from conversations.payloads.values import call_seconds, text, unix_seconds
from elmemory.agents.api import Api, ElevenLabsError
from elmemory.memory.text import counted

log = structlog.get_logger(__name__)

_FINISHED = ("done", "failed")
_REACH_BACK_SECONDS = 3 * 24 * 3600
# ElevenLabs retries a delivery for half an hour.
_LET_BE_SECONDS = 45 * 60
_REQUESTS_PER_SECOND = 2


class Missing(NamedTuple):
    """The parts of a finished conversation that are not stored here."""

    conversation_id: str
    agent_id: str
    # In seconds since 1970; None if ElevenLabs' list has no start time.
    ended_at: int | None
    transcription: bool
    audio: bool


@dataclass(slots=True)
class Survey:
    """ElevenLabs' list compared with the files: conversations by agent, unfinished ones, and what is missing.

    `unusable` counts the entries without a usable conversation id.
    """

    agents: Counter[str] = field(default_factory=Counter)
    unfinished: int = 0
    unusable: int = 0
    missing: list[Missing] = field(default_factory=list)


class Fetched(NamedTuple):
    """The stored parts of a conversation; `gone` if ElevenLabs no longer has it or its recording."""

    transcription: bool = False
    audio: bool = False
    gone: bool = False


def survey(
    api: Api, *, agent: str | None = None, since: int | None = None, until: int | None = None, audio: bool = True
) -> Survey:
    """Compare ElevenLabs' list with the files. `since` and `until` bound the starts of the calls, in Unix seconds."""
    found, seen = Survey(), set()
    for summary in api.conversations(agent, since, until):
        conversation_id, agent_id = text(summary.get("conversation_id")), text(summary.get("agent_id"))
        if not is_conversation_id(conversation_id):
            found.unusable += 1
            continue
        if conversation_id in seen:
            continue  # new calls move older ones to the next page
        seen.add(conversation_id)
        found.agents[agent_id or "agent unknown"] += 1
        if summary.get("status") not in _FINISHED:
            found.unfinished += 1
            continue
        if is_deleted(conversation_id):
            continue
        receipt = read_receipt(conversation_id)
        removed = receipt.removed if receipt else {}
        no_transcription = PAYLOAD not in removed and not transcription_path(conversation_id).exists()
        no_audio = (
            audio
            and RECORDING not in removed
            and not is_reduced(conversation_id)
            and not payload_path(conversation_id, AUDIO).exists()
            and not _is_silent(conversation_id)
        )
        if no_transcription or no_audio:
            ended_at = _ended_at(summary)
            found.missing.append(Missing(conversation_id, agent_id, ended_at, no_transcription, no_audio))
    return found


def fetch(api: Api, missing: Missing) -> Fetched:
    """Store the missing parts of a conversation. Raises ElevenLabsError, and OSError if they cannot be stored."""
    if free_bytes() < settings.MIN_FREE_MB * 2**20:
        raise OSError("the disk is nearly full")
    stored, has_audio, gone = False, missing.audio, False
    try:
        if missing.transcription:
            raw = api.conversation(missing.conversation_id)
            has_audio = has_audio and conversation_in(raw, missing.conversation_id).get("has_audio") is not False
            # The delivery's timestamp is never earlier: a late delivery replaces this event. None: the time of arrival.
            stored = store_transcription(raw, missing.ended_at, only_if_missing=True)
        if has_audio:
            has_audio = _store_audio(api.audio(missing.conversation_id), missing)
    except ElevenLabsError as error:
        if error.status != 404:
            raise
        has_audio, gone = False, True
    finally:
        _refresh_row(missing.conversation_id)
    return Fetched(stored, has_audio, gone)


class Backfiller:
    """Repeatedly fetches missing calls of the last days, for the agents that deliver here.

    It remembers which conversations have no recording, and does not ask for those again.
    """

    def __init__(self) -> None:
        self._without_audio: set[str] = set()

    def run(self, every_seconds: float, stopping: threading.Event) -> None:
        while not stopping.is_set():
            try:
                with single_lock("backfill", wait=False):
                    completed = self.catch_up(stopping)
                    note_run("backfill", ok=True, detail=f"{counted(completed, 'call')} fetched")
            except Busy:
                pass
            except Exception as error:
                reason = str(error) if isinstance(error, ElevenLabsError) else type(error).__name__
                log.warning("could not fetch missing calls", error=reason)
                note_run("backfill", ok=False, detail=reason)
            connections["index"].close()
            stopping.wait(every_seconds)

    def catch_up(self, stopping: threading.Event | None = None) -> int:
        """Fetch what is missing; returns the number of completed conversations."""
        completed = 0
        with Api(most_per_second=_REQUESTS_PER_SECOND) as api:
            for missing in self._missed(api):
                if stopping is not None and stopping.is_set():
                    break
                fetched = fetch(api, missing)
                if missing.audio and not fetched.audio:
                    self._without_audio.add(missing.conversation_id)
                completed += fetched.transcription or fetched.audio
        if completed:
            log.info("fetched what was never delivered", conversations=completed)
        return completed

    def _missed(self, api: Api) -> Iterator[Missing]:
        now = int(time.time())
        for agent, _ in agents():
            found = survey(api, agent=agent, since=now - _REACH_BACK_SECONDS, until=now - _LET_BE_SECONDS)
            for missing in found.missing:
                if missing.transcription or missing.conversation_id not in self._without_audio:
                    yield missing


def _ended_at(summary: Mapping[str, Any]) -> int | None:
    started_at = unix_seconds(summary.get("start_time_unix_secs"))
    return int(started_at + (call_seconds(summary.get("call_duration_secs")) or 0)) if started_at else None


def store_transcription(
    raw: bytes, at: int | None, marks: Mapping[str, object] | None = None, *, only_if_missing: bool = False
) -> bool:
    """Store the conversation that ElevenLabs' API sent as an event of this time with these marks."""
    event = {"type": TRANSCRIPTION, "event_timestamp": at, "fetched": True, **(marks or {})}
    event["data"] = orjson.Fragment(raw)
    with spool() as spooled:
        spooled.write(orjson.dumps(event))
        return accept(spooled, only_if_missing=only_if_missing).status == "received"


def _store_audio(chunks: Iterable[bytes], missing: Missing) -> bool:
    event = {
        "type": AUDIO,
        "event_timestamp": missing.ended_at,
        "fetched": True,
        "data": {"agent_id": missing.agent_id, "conversation_id": missing.conversation_id, "full_audio": ""},
    }
    before, _, after = orjson.dumps(event).rpartition(b'""')
    with spool() as spooled:
        spooled.file.write(before + b'"')
        _write_base64(chunks, spooled.file)
        spooled.file.write(b'"' + after)
        return accept(spooled, only_if_missing=True).status == "received"


def _write_base64(chunks: Iterable[bytes], file: IO[bytes]) -> None:
    left = b""
    for chunk in chunks:
        left += chunk
        whole = len(left) - len(left) % 3
        file.write(base64.b64encode(left[:whole]))
        left = left[whole:]
    file.write(base64.b64encode(left))


def conversation_in(raw: bytes, conversation_id: str) -> dict[str, Any]:
    """The conversation that ElevenLabs' API sent. Raises ElevenLabsError for another one or no JSON."""
    try:
        conversation: Any = orjson.loads(raw)
    except orjson.JSONDecodeError:
        conversation = None
    if not isinstance(conversation, dict) or conversation.get("conversation_id") != conversation_id:
        raise ElevenLabsError("ElevenLabs did not answer with the conversation", 200)
    return conversation


def _is_silent(conversation_id: str) -> bool:
    """Whether the stored transcription says that there is no recording. Only fetched transcriptions say so."""
    call = transcription_of(conversation_id)
    return call is not None and call.at("has_audio") is False


def _refresh_row(conversation_id: str) -> None:
    """Refresh the row in the index. If that fails, reconciling refreshes it later."""
    try:
        refresh_row(conversation_id)
    except (DatabaseError, OSError) as error:
        log.warning("the index is behind", conversation_id=conversation_id, error=type(error).__name__)
