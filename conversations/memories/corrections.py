"""What staff do to one caller's memories: each under the caller's lock, and with the card written anew at the end."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.utils.timezone import now

from conversations.files.locks import caller_lock
from conversations.files.paths import is_conversation_id
from conversations.files.receipts import content_digest, read_receipt, write_receipt
from conversations.index.cards import save_card
from conversations.index.sync import refresh_row
from elmemory.memory import kinds
from elmemory.memory.card import write_card
from elmemory.memory.fields import canonical_field, label
from elmemory.memory.openmemory import OpenMemory
from elmemory.memory.records import Memory

_STATEMENTS = {
    kinds.OPT_OUT: "The caller asked not to be remembered.",
    kinds.SHARED_LINE: "Several people share this line.",
}


def correct(store: OpenMemory, caller: str, field: str, value: str) -> str:
    """Set a fact by hand; it holds whatever later calls say, until it is taken back. Returns the field's name."""
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
    with _card_renewed(store, caller):
        store.put_all(caller, kinds.entries([memory]))
    return name


def state(store: OpenMemory, caller: str, preference: str, *, holds: bool) -> None:
    """Say that a caller is opted out or that a line is shared, or that this no longer holds."""
    key = f"preference:{preference}"
    with _card_renewed(store, caller):
        if holds:
            said = kinds.NewMemory(kinds.PREFERENCE, key, _STATEMENTS[preference], {"preference": preference})
            store.put_all(caller, kinds.entries([said]))
        else:
            _delete(store, caller, [memory for memory in store.memories(caller) if memory.key == key])


def delete_memory(store: OpenMemory, caller: str, memory: Memory) -> None:
    """Delete one memory for good: its call's receipt withholds it from then on. A correction is taken back."""
    conversation_id = memory.metadata.get("conversation_id")
    with _card_renewed(store, caller):
        if is_conversation_id(conversation_id):
            _withhold(str(conversation_id), memory)
        _delete(
            store, caller, [other for other in store.memories(caller) if memory.id == other.id or _same(memory, other)]
        )
    if is_conversation_id(conversation_id):
        refresh_row(str(conversation_id))


def _withhold(conversation_id: str, memory: Memory) -> None:
    """Written before the memory goes: whoever dies in between has withheld it, and it can be deleted again."""
    receipt = read_receipt(conversation_id)
    if receipt is None:
        return
    digest = content_digest(memory.content)
    if digest not in receipt.withheld:
        receipt.withheld.append(digest)
    receipt.memories = [named for named in receipt.memories if named.content_sha256 != digest]
    write_receipt(conversation_id, receipt)


def _same(memory: Memory, other: Memory) -> bool:
    """Equal words of one call are withheld together, as their hash is."""
    call = memory.metadata.get("conversation_id")
    return bool(call) and call == other.metadata.get("conversation_id") and memory.content == other.content


def _delete(store: OpenMemory, caller: str, memories: list[Memory]) -> None:
    for memory in memories:
        store.delete(caller, memory.id)


@contextmanager
def _card_renewed(store: OpenMemory, caller: str) -> Iterator[None]:
    with caller_lock(caller) as lock:
        yield
        save_card(caller, write_card(store, caller))
        lock.confirm()
