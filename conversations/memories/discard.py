"""Discards a parked call with its memories, or an unreadable delivery. Neither comes back."""

from pathlib import Path

from conversations.files.decisions import mark_deleted
from conversations.files.deletion import delete_conversation
from conversations.files.durable import sync_folder
from conversations.files.locks import caller_lock
from conversations.files.receipts import is_done, read_receipt
from conversations.index.cards import save_card
from conversations.index.sync import refresh_row
from conversations.memories.remember import holders_of
from conversations.models import Conversation, MemoryState
from elmemory.audit.models import Review
from elmemory.memory import kinds
from elmemory.memory.card import close_card, write_card
from elmemory.memory.openmemory import OpenMemory


class NotParked(Exception):
    """The call is not parked, or no longer."""


def discard_call(store: OpenMemory, conversation_id: str) -> None:
    """Delete a parked call. Raises NotParked, and OSError or OpenMemoryError, after which it may be repeated."""
    row, receipt = Conversation.objects.filter(pk=conversation_id).first(), read_receipt(conversation_id)
    if row is None or row.memory_state != MemoryState.FAILED:
        raise NotParked
    # Where the store finds them: also those of a run that was interrupted before the receipt.
    holders = holders_of(store, conversation_id) or ()
    callers = sorted({*filter(None, [row.caller]), *(receipt.callers if receipt else ()), *holders})
    with caller_lock(*callers) as lock:
        # The worker may have processed it while this waited for the lock.
        if is_done(conversation_id, read_receipt(conversation_id)):
            raise NotParked
        for caller in callers:
            # Some of its memories may have been written before it was parked.
            found = store.of_conversation(caller, conversation_id)
            if memories := [memory for memory in found if memory.kind in kinds.SALIENCE]:
                close_card(store, caller)
                for memory in memories:
                    store.delete(caller, memory.id)
                save_card(caller, write_card(store, caller))
        lock.confirm()
        delete_conversation(conversation_id)
    refresh_row(conversation_id)
    Review.objects.filter(pk=conversation_id).delete()


def discard_delivery(path: Path) -> None:
    """Delete a body of `_unreadable/`. Neither a restored backup nor the same bytes bring it back. Raises OSError."""
    mark_deleted(path.stem)
    path.unlink(missing_ok=True)
    sync_folder(path.parent)
