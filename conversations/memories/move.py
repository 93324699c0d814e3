"""Copies all memories of one store to another, user by user. A repeated run completes an interrupted copy.

A memory is identified by its key in every store. Memories of other clients have no key: the embedded store keeps their
ids, and a server, which assigns new ids, gets the key `moved:<id>`. Receipts also name memories by their keys.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from typing import Any, NamedTuple

from django.core.management import call_command
from django.db import connections
from django.db.utils import ConnectionHandler

from conversations.files.locks import caller_lock
from conversations.files.paths import conversation_ids
from conversations.files.receipts import read_receipt
from elmemory.memory import kinds
from elmemory.memory.openmemory import NotStorable, OpenMemory
from elmemory.memory.openmemory.embedded.restore import restore
from elmemory.memory.openmemory.embedded.store import EmbeddedOpenMemory
from elmemory.memory.records import Entry, Memory
from elmemory.routers import MOVED

_PREFIX = "moved:"
_WEIGHTS = frozenset(("key", "salience", "decay_lambda"))


class Comparison(NamedTuple):
    """One user's memories in two stores: the number in the source, of those missing in the target, and of those
    changed.

    `extra` counts memories that only the target has. The digests cover all contents, by the names of the memories.
    """

    memories: int
    missing: int
    changed: int
    extra: int
    is_ordered: bool
    digests: tuple[str, str]

    @property
    def is_equal(self) -> bool:
        return not (self.missing or self.changed or self.extra)


@contextmanager
def embedded_target(database: dict[str, Any]) -> Iterator[EmbeddedOpenMemory]:
    """A store in the database with these settings, whose tables are created. Raises DatabaseError."""
    connections[MOVED] = ConnectionHandler({"default": {}, MOVED: database})[MOVED]
    try:
        call_command("migrate", "openmemory", database=MOVED, verbosity=0)
        yield EmbeddedOpenMemory(MOVED)
    finally:
        connections[MOVED].close()
        del connections[MOVED]


def users_of(store: OpenMemory) -> tuple[list[str], bool]:
    """The users of the store, and whether the store listed them. If not, they are the callers that receipts name."""
    listed = store.users()
    if listed is not None:
        return sorted(listed), True
    receipts = filter(None, map(read_receipt, conversation_ids()))
    return sorted({caller for receipt in receipts for caller in (*receipt.callers, receipt.caller) if caller}), False


def copy(source: OpenMemory, target: OpenMemory, user_id: str, *, delete_extra: bool) -> tuple[int, Comparison]:
    """Copy what the target lacks of this user; returns the number of copied memories, and a new comparison.

    A card that the source no longer has is always deleted, other such memories only with `delete_extra`. Raises
    OpenMemoryError or DatabaseError.
    """
    with caller_lock(user_id) as lock:
        memories, there = source.memories(user_id), target.memories(user_id)
        known = {_name(memory): _substance(memory) for memory in there}
        wanted = [memory for memory in reversed(memories) if known.get(_name(memory)) != _substance(memory)]
        if wanted:
            _write(target, user_id, wanted)
        names = set(map(_name, memories))
        for memory in there:
            if _name(memory) not in names and (delete_extra or memory.kind == kinds.CARD):
                target.delete(user_id, memory.id)
        result = _compared(memories, target.memories(user_id))
        lock.confirm()
    return len(wanted), result


def compare(source: OpenMemory, target: OpenMemory | None, user_id: str) -> Comparison:
    """Compare this user's memories. No target counts as an empty one. Raises OpenMemoryError."""
    with caller_lock(user_id):
        return _compared(source.memories(user_id), target.memories(user_id) if target else [])


def _write(target: OpenMemory, user_id: str, memories: Sequence[Memory]) -> None:
    """Write what the target can store, in this order and without duplicates. The comparison shows the rest."""
    try:
        if isinstance(target, EmbeddedOpenMemory):
            restore(target.alias, user_id, [_as_it_was_written(memory) for memory in memories])
        else:
            target.put_all(user_id, [Entry.of(memory)._replace(key=_name(memory)) for memory in memories])
    except NotStorable:
        if len(memories) > 1:
            for memory in memories:
                _write(target, user_id, [memory])


def _compared(memories: Sequence[Memory], there: Sequence[Memory]) -> Comparison:
    source, target = ({_name(each): _substance(each) for each in some} for some in (memories, there))
    common = [name for name in source if name in target]
    return Comparison(
        len(memories),
        len(source) - len(common),
        sum(source[name] != target[name] for name in common),
        len(target) - len(common),
        common == [name for name in target if name in source],
        (_digest(memories), _digest(there)),
    )


def _name(memory: Memory) -> str:
    return memory.key or f"{_PREFIX}{memory.id}"


def _substance(memory: Memory) -> tuple[Any, ...]:
    """The parts of a memory that are equal in every store. A server sets id and times itself."""
    metadata = {name: value for name, value in memory.metadata.items() if name not in _WEIGHTS}
    return memory.content, list(memory.tags), metadata, memory.salience, memory.decay_lambda


def _digest(memories: Iterable[Memory]) -> str:
    named = sorted((_name(memory), memory.content) for memory in memories)
    return sha256("\0".join(part for pair in named for part in pair).encode()).hexdigest()[:16]


def _as_it_was_written(memory: Memory) -> Memory:
    """The memory without a server's changes: a key for one that had none, and 0 for 0.0."""
    if not memory.key.startswith(_PREFIX):
        weights = {name: getattr(memory, name) for name in ("salience", "decay_lambda") if name in memory.metadata}
        return memory._replace(metadata={**memory.metadata, **weights})
    metadata = {name: value for name, value in memory.metadata.items() if name not in _WEIGHTS}
    return memory._replace(id=memory.key.removeprefix(_PREFIX), metadata=metadata)
