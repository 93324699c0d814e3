"""Forgetting a caller: all that OpenMemory holds of them and, where it is wanted, the payloads of their calls.

Payloads that stay, or come later, bring nothing back: their receipts say whose memories were forgotten. A mark of the
caller, under a keyed hash and not the number, says when: for calls that were under way then.
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
from conversations.index.references import caller_reference
from conversations.index.schema import healed
from conversations.index.sync import reconcile, refresh_row
from conversations.models import CallerCard, Conversation
from conversations.payloads.transcription import Transcription
from elmemory.memory.identity import former_keys
from elmemory.memory.openmemory import OpenMemory


class Extent(NamedTuple):
    """How much there is of a caller: memories, calls, and the calls' files with their bytes."""

    memories: int
    calls: int
    files: int
    size: int


def extent(store: OpenMemory, caller: str) -> Extent:
    """Raises OpenMemoryError where the store does not answer."""
    memories = len(store.memories(caller))
    calls = calls_of(caller)
    sizes = [path.stat().st_size for call in calls for path in conversation_files(call)]
    return Extent(memories, len(calls), len(sizes), sum(sizes))


def forget(store: OpenMemory, caller: str, *, payloads: bool) -> None:
    """Forget the caller, and with `payloads` delete their calls. Whoever dies in between can do it again.

    Raises OpenMemoryError where the store holds memories still, OSError where files could not be written or deleted.
    """
    reconcile()  # a call that the index missed is theirs too
    with caller_lock(caller) as lock:
        calls = calls_of(caller)
        # Written before the memories go, so that nobody brings them back in between.
        write_durably(_mark(caller), now().isoformat().encode())
        for conversation_id in calls:
            _withhold(conversation_id, caller)
        store.forget(caller)
        _forget_card(caller)
        if payloads:
            for conversation_id in calls:
                delete_conversation(conversation_id)
        lock.confirm()
    for conversation_id in calls:
        refresh_row(conversation_id)


def note_forgotten(call: Transcription, receipt: Receipt) -> None:
    """Have the receipt of a call that began before its caller was forgotten say so."""
    caller = call.caller
    if not caller or caller in receipt.forgotten:
        return
    forgotten_at = _forgotten_at(caller)
    if forgotten_at and call.started_at(receipt.arrival) <= forgotten_at:
        receipt.forgotten.append(caller)


@healed
def calls_of(caller: str) -> list[str]:
    return list(Conversation.objects.filter(caller=caller).order_by("started_at").values_list("pk", flat=True))


def _withhold(conversation_id: str, caller: str) -> None:
    receipt = read_receipt(conversation_id)
    if receipt is None:
        return  # nothing is remembered of it yet, and the mark keeps it so
    receipt.forgotten = sorted({*receipt.forgotten, caller})
    receipt.memories = []
    write_receipt(conversation_id, receipt)


@healed
def _forget_card(caller: str) -> None:
    CallerCard.objects.filter(pk=caller_reference(caller)).delete()


def _forgotten_at(caller: str) -> datetime | None:
    """When the caller was last forgotten, in whichever spelling of the number; None for never."""
    marks = [_mark(key) for key in (caller, *former_keys(caller))]
    return max((datetime.fromisoformat(mark.read_text()) for mark in marks if mark.exists()), default=None)


def _mark(caller: str) -> Path:
    return Path(settings.PAYLOAD_STORAGE_PATH, "_forgotten", caller_reference(caller))
