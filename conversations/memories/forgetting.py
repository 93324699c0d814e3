"""Forgetting a caller: deletes all their memories and, if staff choose so, the files of their calls.

Calls that stay are never remembered again for the caller: their receipts list the caller as forgotten. A mark in
`_forgotten/`, under the caller reference, holds the time: a call that began before and arrives later is treated alike.
"""

from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from django.conf import settings
from django.utils.timezone import now

from conversations.files.deletion import delete_conversation
from conversations.files.durable import write_durably
from conversations.files.locks import caller_lock
from conversations.files.paths import conversation_files
from conversations.files.receipts import Receipt, read_receipt, write_receipt
from conversations.index.cards import delete_card
from conversations.index.references import caller_reference
from conversations.index.schema import healed
from conversations.index.sync import reconcile, refresh_row
from conversations.models import Conversation
from conversations.payloads.transcription import Transcription
from elmemory.memory.identity import former_keys
from elmemory.memory.openmemory import OpenMemory


class Extent(NamedTuple):
    """The number of a caller's memories, calls and files of calls, and the size of those files in bytes."""

    memories: int
    calls: int
    files: int
    size: int


def extent(store: OpenMemory, caller: str) -> Extent:
    """What is stored about the caller. Raises OpenMemoryError."""
    memories = len(store.memories(caller))
    calls = calls_of(caller)
    sizes = [path.stat().st_size for call in calls for path in conversation_files(call)]
    return Extent(memories, len(calls), len(sizes), sum(sizes))


def forget(store: OpenMemory, caller: str, *, payloads: bool, reconciled: bool = False) -> None:
    """Delete the caller's memories and, with `payloads`, their calls. After an interruption it can be repeated.

    `reconciled`: the index is up to date, and the files need not be compared with it.

    Raises OpenMemoryError if memories may be left, OSError if a file could not be written or deleted.
    """
    if not reconciled:
        reconcile()  # finds calls that the index has missed
    with caller_lock(caller) as lock:
        calls = calls_of(caller)
        # Written before the memories are deleted, so that no other process writes them again meanwhile.
        write_durably(_mark(caller), now().isoformat().encode())
        for conversation_id in calls:
            _list_as_forgotten(conversation_id, caller)
        store.forget(caller)
        delete_card(caller)
        if payloads:
            for conversation_id in calls:
                delete_conversation(conversation_id)
        lock.confirm()
    for conversation_id in calls:
        refresh_row(conversation_id)


def note_forgotten(call: Transcription, receipt: Receipt) -> None:
    """List the call's caller as forgotten in the receipt, if the call began before they were forgotten."""
    caller = call.caller
    if not caller or caller in receipt.forgotten:
        return
    forgotten_at = _forgotten_at(caller)
    if forgotten_at and call.started_at(receipt.arrival) <= forgotten_at:
        receipt.forgotten.append(caller)


@healed
def calls_of(caller: str) -> list[str]:
    """The conversation ids of the caller's calls, the oldest first."""
    return list(Conversation.objects.filter(caller=caller).order_by("started_at").values_list("pk", flat=True))


def _list_as_forgotten(conversation_id: str, caller: str) -> None:
    """List the caller as forgotten in the call's receipt."""
    receipt = read_receipt(conversation_id)
    if receipt is None:
        return  # not processed yet: the mark takes effect then
    receipt.forgotten = sorted({*receipt.forgotten, caller})
    receipt.memories = []
    write_receipt(conversation_id, receipt)


def _forgotten_at(caller: str) -> datetime | None:
    """When the caller was last forgotten, in whichever spelling of the number; None for never."""
    marks = [_mark(key) for key in (caller, *former_keys(caller))]
    return max((datetime.fromisoformat(mark.read_text()) for mark in marks if mark.exists()), default=None)


def _mark(caller: str) -> Path:
    """The file that holds the time at which the caller was forgotten."""
    return Path(settings.PAYLOAD_STORAGE_PATH, "_forgotten", caller_reference(caller))
