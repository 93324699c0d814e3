"""Changes that staff make to one caller's memories, under the caller's lock. The card is recomputed at the end.

Every function raises OpenMemoryError if the store fails, and may then be repeated.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.utils.timezone import now

from conversations.files import decisions
from conversations.files.locks import caller_lock
from conversations.files.paths import is_conversation_id
from conversations.files.receipts import content_digest, read_receipt, write_receipt
from conversations.index.cards import save_card
from conversations.index.sync import refresh_row
from conversations.memories import decided
from elmemory.memory import kinds
from elmemory.memory.card import close_card, read_card, write_card
from elmemory.memory.fields import canonical_field, label
from elmemory.memory.openmemory import OpenMemory
from elmemory.memory.records import Memory

_SHARED_LINE = "Several people share this line."


class OptedOut(Exception):
    """The caller is opted out, so staff cannot add a memory of them."""


def correct(store: OpenMemory, caller: str, field: str, value: str) -> str:
    """Set a fact that wins over every call; returns the name of its field. Raises OptedOut, or ValueError if empty."""
    name, value = canonical_field(field), " ".join(value.split())
    if not name or not value:
        raise ValueError("a correction needs a field and a value")
    said = {"preference": kinds.CORRECTION, "field": name, "value": value}
    with _changing(store, caller):
        _state(store, caller, f"preference:correction:{name}", f"{label(name)}: {value}", said)
    return name


def correct_insight(store: OpenMemory, caller: str, memory: Memory, text: str) -> None:
    """Replace an insight with staff's words, which no call replaces. A call's insight is deleted by `delete_memory`.

    Raises ValueError for an empty text, and OptedOut.
    """
    if not (text := " ".join(text.split())):
        raise ValueError("an insight needs a text")
    if text == memory.content:
        return
    is_of_call = is_conversation_id(memory.metadata.get("conversation_id"))
    key = f"insight:staff:{content_digest(memory.content)[:16]}" if is_of_call else memory.key
    call = memory.metadata.get("conversation_id") or memory.metadata.get("corrects") or ""
    with _changing(store, caller):
        _state(store, caller, key, text, {kinds.CORRECTED: True, "corrects": call}, kinds.INSIGHT)
    if is_of_call:
        delete_memory(store, caller, memory)


def set_preference(store: OpenMemory, caller: str, preference: str, *, holds: bool) -> None:
    """Set or clear a preference of the caller: `kinds.OPT_OUT` or `kinds.SHARED_LINE`.

    The opt-out is a decision, not a memory: it deletes all memories of the caller. For an opted-out caller
    `kinds.SHARED_LINE` raises OptedOut.
    """
    if preference == kinds.OPT_OUT:
        with caller_lock(caller) as lock:
            (decided.opt_out if holds else decided.opt_in)(store, caller)
            save_card(caller, read_card(store, caller))
            lock.confirm()
        return
    with _changing(store, caller):
        if holds:
            _state(store, caller, f"preference:{preference}", _SHARED_LINE, {"preference": preference})
        else:
            key = f"preference:{preference}"
            _take_back(store, caller, [memory for memory in store.memories(caller) if memory.key == key])


def delete_memory(store: OpenMemory, caller: str, memory: Memory) -> None:
    """Delete a memory, and withhold it in its call's receipt so that reprocessing never writes it again.

    Deleting a correction withdraws it.
    """
    conversation_id = memory.metadata.get("conversation_id")
    with _changing(store, caller):
        if is_conversation_id(conversation_id):
            names = [_withhold(caller, str(conversation_id), memory)]
            memories = [other for other in store.memories(caller) if memory.id == other.id or _same(memory, other)]
            _delete(store, caller, memories)
            decided.note_carried_out(store, names)
        else:
            _take_back(store, caller, [other for other in store.memories(caller) if memory.id == other.id])
    if is_conversation_id(conversation_id):
        refresh_row(str(conversation_id))


def _state(
    store: OpenMemory, caller: str, key: str, content: str, said: dict[str, Any], kind: str = kinds.PREFERENCE
) -> None:
    """Write a memory of staff. It is dated after its last withdrawal, even if the clock was set back."""
    before = decisions.about(caller)
    if before.opted_out:
        raise OptedOut
    withdrawn = [at for at in (before.gone_until, before.withdrawn.get(decisions.key_detail(key))) if at]
    at = max([now(), *(each + timedelta(microseconds=1) for each in withdrawn)])
    memory = kinds.NewMemory(kind, key, content, {**said, "called_at": at.isoformat()})
    store.put_all(caller, kinds.entries([memory]))


def _take_back(store: OpenMemory, caller: str, memories: list[Memory]) -> None:
    """Delete preferences, and record that they are withdrawn: then no other store restores them."""
    names = [
        decisions.decide(caller, "withdrawn", decisions.key_detail(memory.key))
        for memory in memories
        if kinds.is_stated(memory)
    ]
    _delete(store, caller, memories)
    decided.note_carried_out(store, names)


def _withhold(caller: str, conversation_id: str, memory: Memory) -> str:
    """Withhold the memory's content of its call; returns the name of the decision.

    This comes before deleting, because deleting can be repeated after a crash.
    """
    digest = content_digest(memory.content)
    detail = decisions.memory_detail(conversation_id, digest)
    withheld = detail in decisions.about(caller).withheld
    name = "" if withheld else decisions.decide(caller, "withheld", detail)
    if receipt := read_receipt(conversation_id):
        if digest not in receipt.withheld:
            receipt.withheld.append(digest)
        receipt.memories = [named for named in receipt.memories if named.content_sha256 != digest]
        write_receipt(conversation_id, receipt)
    return name


def _same(memory: Memory, other: Memory) -> bool:
    """Whether both memories have equal texts from one call. One hash withholds both."""
    call = memory.metadata.get("conversation_id")
    return bool(call) and call == other.metadata.get("conversation_id") and memory.content == other.content


def _delete(store: OpenMemory, caller: str, memories: list[Memory]) -> None:
    for memory in memories:
        store.delete(caller, memory.id)


@contextmanager
def _changing(store: OpenMemory, caller: str) -> Iterator[None]:
    """Hold the caller's lock; at the end recompute the card and copy it into the index."""
    with caller_lock(caller) as lock:
        close_card(store, caller)
        yield
        save_card(caller, write_card(store, caller))
        lock.confirm()
