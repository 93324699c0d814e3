"""Forgetting a caller: deletes all their memories and, if staff choose so, the files of their calls.

Calls that stay are never remembered again for the caller: their receipts list the caller as forgotten. A decision holds
the time: a call that began before and arrives later is treated alike. An opt-out stays.
"""

from typing import NamedTuple

from conversations.files.decisions import decide
from conversations.files.deletion import delete_conversation
from conversations.files.locks import caller_lock
from conversations.files.paths import conversation_files
from conversations.files.receipts import read_receipt, write_receipt
from conversations.index.cards import delete_card
from conversations.index.schema import healed
from conversations.index.sync import reconcile, refresh_row
from conversations.memories.decided import enforce, note_carried_out
from conversations.models import Conversation
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


def forget(store: OpenMemory, caller: str, *, payloads: bool) -> None:
    """Delete the caller's memories and, with `payloads`, their calls. After an interruption it can be repeated.

    Raises OpenMemoryError if memories may be left, OSError if a file could not be written or deleted.
    """
    reconcile()  # finds calls that the index has missed
    with caller_lock(caller) as lock:
        calls = calls_of(caller)
        enforce(store, caller)
        # Recorded before the memories are deleted, so that no other process writes them again meanwhile.
        decision = decide(caller, "forgotten")
        for conversation_id in calls:
            _list_as_forgotten(conversation_id, caller)
        store.forget(caller)
        note_carried_out(store, [decision])
        delete_card(caller)
        if payloads:
            for conversation_id in calls:
                delete_conversation(conversation_id)
        lock.confirm()
    for conversation_id in calls:
        refresh_row(conversation_id)


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
