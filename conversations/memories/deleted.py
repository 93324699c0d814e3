"""Memories that staff deleted one at a time, and restoring them.

Their texts are not kept. They are read again from the stored call, and are lost when that is removed.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from conversations.files import decisions
from conversations.files.decisions import Decided, decide, memory_detail
from conversations.files.locks import caller_lock
from conversations.files.receipts import read_receipt, write_receipt
from conversations.files.stored import transcription_of
from conversations.index.cards import save_card
from conversations.index.sync import refresh_row
from conversations.memories import reprocess
from conversations.memories.belongings import calls_of, keys_of_caller
from conversations.memories.decided import note_carried_out
from conversations.memories.remember import memories_of, remember, withheld_of
from conversations.models import Conversation
from elmemory.memory.card import read_card
from elmemory.memory.openmemory import OpenMemory


class DeletedMemory(NamedTuple):
    """A memory that staff deleted. `name` identifies it in URLs; `deleted_at` is None if it is not known."""

    name: str
    conversation_id: str
    kind: str
    content: str
    called_at: str
    deleted_at: datetime | None


def deleted_memories(caller: str) -> list[DeletedMemory]:
    """The memories that staff deleted and can restore, of the oldest call first; none that decisions forbid."""
    decided = decisions.about(caller)
    if decided.opted_out:
        return []
    calls = calls_of(caller)
    # Earlier versions recorded deleted memories only in receipts.
    by_receipt = Conversation.objects.filter(caller__in=keys_of_caller(caller), withholds=True)
    some = {*by_receipt.values_list("pk", flat=True), *decided.calls_withheld(calls)}
    return [one for call in calls if call in some for one in _deleted_of(call, caller, decided)]


def restore(store: OpenMemory, caller: str, conversation_id: str, name: str) -> None:
    """Restore a memory that staff deleted, by processing its call again.

    Raises FileNotFoundError if there is nothing to restore, and OpenMemoryError; the worker then completes it.
    """
    if not any(one.name == name for one in _deleted_of(conversation_id, caller, decisions.about(caller))):
        raise FileNotFoundError
    with caller_lock(caller) as lock:
        if receipt := read_receipt(conversation_id):
            receipt.withheld = [each for each in receipt.withheld if memory_detail(conversation_id, each) != name]
            write_receipt(conversation_id, receipt)
        decision = decide(caller, "restored", name)
        lock.confirm()
    reprocess.request(conversation_id)
    refresh_row(conversation_id)
    remember(conversation_id, store)
    note_carried_out(store, [decision])
    with caller_lock(caller):
        save_card(caller, read_card(store, caller))
    refresh_row(conversation_id)


def _deleted_of(conversation_id: str, caller: str, decided: Decided) -> Iterator[DeletedMemory]:
    receipt, call = read_receipt(conversation_id), transcription_of(conversation_id)
    if receipt is None or call is None:
        return
    began = call.started_at(receipt.arrival)
    if call.caller != caller or caller in receipt.forgotten or not decided.allows(began):
        return
    seen = set()
    for memory, digest in zip(memories_of(call, receipt.arrival), withheld_of(call, receipt), strict=True):
        if digest and digest not in seen:
            seen.add(digest)
            name = memory_detail(conversation_id, digest)
            called_at = str(memory.metadata["called_at"])
            yield DeletedMemory(
                name, conversation_id, memory.kind, memory.content, called_at, decided.withheld.get(name)
            )
