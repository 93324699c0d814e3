"""What staff change in one caller's memories: under the caller's lock, with the card recomputed at the end.

Every function raises OpenMemoryError where the store fails, and may then be repeated.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.utils.timezone import now

from conversations.files.locks import caller_lock
from conversations.files.paths import is_conversation_id
from conversations.files.receipts import content_digest, read_receipt, write_receipt
from conversations.index.cards import save_card
from conversations.index.sync import refresh_row
from elmemory.memory import kinds
from elmemory.memory.card import close_card, write_card
from elmemory.memory.fields import canonical_field, label
from elmemory.memory.openmemory import OpenMemory
from elmemory.memory.records import Memory

_STATEMENTS = {
    kinds.OPT_OUT: "The caller asked not to be remembered.",
    kinds.SHARED_LINE: "Several people share this line.",
}


def correct(store: OpenMemory, caller: str, field: str, value: str) -> str:
    """Set a fact that wins over every call until it is taken back; returns the canonical name of its field.

    Raises ValueError for an empty field or value.
    """
    name, value = canonical_field(field), " ".join(value.split())
    if not name or not value:
        raise ValueError("a correction needs a field and a value")
    said = {"preference": kinds.CORRECTION, "field": name, "value": value}
    memory = kinds.NewMemory(
        kinds.PREFERENCE,
        f"preference:correction:{name}",
        f"{label(name)}: {value}",
        {**said, "called_at": now().isoformat(timespec="seconds")},
    )
    with _changing(store, caller):
        store.put_all(caller, kinds.entries([memory]))
    return name


def set_preference(store: OpenMemory, caller: str, preference: str, *, holds: bool) -> None:
    """Set or clear a preference of the caller: `kinds.OPT_OUT` or `kinds.SHARED_LINE`."""
    key = f"preference:{preference}"
    with _changing(store, caller):
        if holds:
            said = kinds.NewMemory(kinds.PREFERENCE, key, _STATEMENTS[preference], {"preference": preference})
            store.put_all(caller, kinds.entries([said]))
        else:
            _delete(store, caller, [memory for memory in store.memories(caller) if memory.key == key])


def delete_memory(store: OpenMemory, caller: str, memory: Memory) -> None:
    """Delete a memory, and withhold it in its call's receipt so that reprocessing never writes it again.

    Deleting a correction takes it back.
    """
    conversation_id = memory.metadata.get("conversation_id")
    with _changing(store, caller):
        if is_conversation_id(conversation_id):
            _withhold(str(conversation_id), memory)
        _delete(
            store, caller, [other for other in store.memories(caller) if memory.id == other.id or _same(memory, other)]
        )
    if is_conversation_id(conversation_id):
        refresh_row(str(conversation_id))


def _withhold(conversation_id: str, memory: Memory) -> None:
    """Withhold the memory's content in the receipt. Done before deleting, which can be repeated after a crash."""
    receipt = read_receipt(conversation_id)
    if receipt is None:
        return
    digest = content_digest(memory.content)
    if digest not in receipt.withheld:
        receipt.withheld.append(digest)
    receipt.memories = [named for named in receipt.memories if named.content_sha256 != digest]
    write_receipt(conversation_id, receipt)


def _same(memory: Memory, other: Memory) -> bool:
    """Whether both are equal texts of one call: one hash withholds them together."""
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
