"""Former keys: caller keys of earlier rules that present rules treat as fillers or as other spellings of a number."""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from conversations.files.decisions import about
from conversations.files.paths import conversation_ids
from conversations.files.receipts import read_receipt
from conversations.index.cards import callers_without_calls
from conversations.memories.decided import permits
from elmemory.memory import kinds
from elmemory.memory.card import close_card, write_card
from elmemory.memory.identity import caller_key
from elmemory.memory.openmemory import Entry, OpenMemory


def misplaced_calls() -> dict[str, list[str]]:
    """The former keys that still have memories, each with the ids of its conversations.

    Reads all receipts, because a rebuilt index has only present keys.
    """
    found: dict[str, list[str]] = defaultdict(list)
    for conversation_id in conversation_ids():
        if receipt := read_receipt(conversation_id):
            for caller in receipt.callers:
                if caller_key(caller) != caller:
                    found[caller].append(conversation_id)
    return dict(found)


class WithoutCalls(NamedTuple):
    """The number of callers who have memories but no stored call, and of these memories."""

    callers: int
    memories: int


def memories_without_calls(store: OpenMemory) -> WithoutCalls | None:
    """Count the memories of callers without stored calls; None if the store cannot list its users."""
    if (users := store.users()) is None:
        return None
    counts = [users[caller] for caller in callers_without_calls(users)]
    return WithoutCalls(len(counts), sum(counts))


def take_over_preferences(store: OpenMemory, caller: str | None, former: Sequence[str]) -> None:
    """Move the preferences of the former keys to the caller, except those that the caller already has.

    The locks of all these keys must be held. Raises OpenMemoryError, and may then be repeated.
    """
    if not caller:
        return
    decided = about(caller)
    for key in former:
        stated = [memory for memory in store.memories(key) if kinds.is_stated(memory)]
        if not stated:
            continue
        known = {memory.key for memory in store.memories(caller)}
        moved = [
            Entry.of(memory) for memory in reversed(stated) if memory.key not in known and permits(decided, memory)
        ]
        close_card(store, caller)
        close_card(store, key)
        store.put_all(caller, moved)
        for memory in stated:
            store.delete(key, memory.id)
        write_card(store, key)
