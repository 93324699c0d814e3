"""Limits what is stored of opted-out callers' calls, by STORE_OPTED_OUT: all, their metadata, or nothing."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, cast

import orjson
from django.conf import settings

from conversations.files import decisions
from conversations.files.deletion import bury
from conversations.files.durable import sync_folder, write_durably
from conversations.files.locks import delivery_lock
from conversations.files.paths import FAILURE, TRANSCRIPTION, conversation_folder, transcription_path
from conversations.payloads.failure import Failure
from conversations.payloads.outline import NotReadable, parse
from conversations.payloads.transcription import Transcription

type Share = Literal["all", "metadata", "none"]

_OF_METADATA = (
    "start_time_unix_secs", "accepted_time_unix_secs", "call_duration_secs", "timezone", "main_language", "text_only",
    "conversation_initiation_source",
)  # fmt: skip


def share_of(event_type: str, conversation_id: str, content: Mapping[str, Any] | None) -> Share:
    """The share of an arriving payload that is stored. `content` is the whole event where it may name a caller."""
    if conversation_id and decisions.is_reduced(conversation_id):
        return "metadata"
    if content is None or settings.STORE_OPTED_OUT == "all":
        return "all"
    if event_type == TRANSCRIPTION and isinstance(content.get("data"), dict):
        call = Transcription(content)
        caller, began = call.caller, call.started_at(datetime.now(UTC))
        ended = began + timedelta(seconds=call.duration_seconds or 0)
    elif event_type == FAILURE:
        failure = Failure(content)
        caller, began = failure.caller, failure.at(datetime.now(UTC))
        ended = began
    else:
        return "all"
    decided = decisions.about(caller)
    share = cast(Share, settings.STORE_OPTED_OUT)
    return share if decided.opted_out or decided.was_opted_out(began, ended) else "all"


def names_caller(event_type: str) -> bool:
    """Whether `share_of` needs the whole event of this type."""
    return settings.STORE_OPTED_OUT != "all" and event_type in (TRANSCRIPTION, FAILURE)


def reduced(event: Mapping[str, Any]) -> bytes:
    """The event with only its ids, times and duration: no number, no name and no words."""
    data = event.get("data")
    data = data if isinstance(data, dict) else {}
    metadata = data.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    kept = {name: data[name] for name in ("agent_id", "conversation_id", "status") if isinstance(data.get(name), str)}
    times = {name: metadata[name] for name in _OF_METADATA if isinstance(metadata.get(name), str | int | float | bool)}
    phone = metadata.get("phone_call")
    if isinstance(phone, dict) and phone.get("direction") in ("inbound", "outbound"):
        times["phone_call"] = {"direction": phone["direction"]}
    top = {name: event[name] for name in ("type", "event_timestamp") if isinstance(event.get(name), str | int | float)}
    return orjson.dumps({**top, "reduced": True, "data": {**kept, "metadata": times}}, option=orjson.OPT_SORT_KEYS)


def prepare(conversation_id: str, share: Share) -> None:
    """Delete the conversation's earlier files before the payload of an opted-out caller is placed.

    A mark makes later payloads of the conversation be stored alike. The delivery lock must be held. Raises OSError.
    """
    if share == "none":
        bury(conversation_id)
    elif share == "metadata" and not decisions.is_reduced(conversation_id):
        decisions.mark_reduced(conversation_id)
        _delete_all_but(conversation_id, "")


def reduce_stored(conversation_id: str, caller: str, began: datetime, ended: datetime) -> bool:
    """Reduce a stored call if its caller was opted out then; returns whether files changed. Raises OSError."""
    share = settings.STORE_OPTED_OUT
    if share == "all" or not decisions.about(caller).was_opted_out(began, ended):
        return False
    with delivery_lock(conversation_id):
        path = transcription_path(conversation_id)
        if share == "none":
            bury(conversation_id)
            return True
        return _reduce(path)


def reduce_again(conversation_id: str) -> bool:
    """Reduce a call that a backup has restored in full; returns whether it was reduced. Raises OSError."""
    with delivery_lock(conversation_id):
        return _reduce(transcription_path(conversation_id))


def _reduce(path: Path) -> bool:
    """Reduce this call, under its delivery lock; False if it is unreadable or already reduced."""
    try:
        event = parse(path.read_bytes())
    except (NotReadable, FileNotFoundError):
        return False
    if not isinstance(event, dict) or event.get("reduced") is True:
        return False
    decisions.mark_reduced(path.parent.name)
    write_durably(path, reduced(event))
    _delete_all_but(path.parent.name, path.name)
    return True


def _delete_all_but(conversation_id: str, name: str) -> None:
    """Delete all files of the conversation except this one and the receipt."""
    folder = conversation_folder(conversation_id)
    if not folder.is_dir():
        return
    for path in folder.iterdir():
        if path.name not in (name, f"{conversation_id}_memory.json"):
            path.unlink()
    sync_folder(folder)
