"""Deletes from the store what decisions (`conversations.files.decisions`) forbid.

Each store contains a note of the decisions that were carried out in it. If the note differs from the decisions (another
store, an old file, a restored backup, an interrupted deletion), `settle` deletes what they forbid.
"""

from collections.abc import Iterable
from datetime import UTC, datetime

import structlog
from django.db import DatabaseError

from conversations.files import decisions
from conversations.files.decisions import NOTHING_DECIDED, Decided, decide
from conversations.files.locks import caller_lock, single_lock
from conversations.files.receipts import content_digest, read_receipt, write_receipt
from conversations.index.cards import opted_out_callers, save_card
from conversations.index.references import caller_reference
from conversations.index.schema import healed
from conversations.index.sync import refresh_row
from conversations.models import Conversation
from elmemory.audit.models import Action
from elmemory.audit.record import record
from elmemory.memory import kinds
from elmemory.memory.card import close_card, write_card
from elmemory.memory.openmemory import OpenMemory, OpenMemoryError
from elmemory.memory.openmemory.protocol import BOOKKEEPER
from elmemory.memory.records import Memory

log = structlog.get_logger(__name__)

_NOTE = "decisions"


def opt_out(store: OpenMemory, caller: str) -> None:
    """Opt the caller out, and delete all memories. The lock must be held. If this raises, `settle` completes it."""
    name = "" if decisions.about(caller).opted_out else decide(caller, "opted_out")
    _carry_out_opt_out(store, caller, name)


def opt_out_by_call(store: OpenMemory, caller: str, conversation_id: str, ended: datetime) -> None:
    """Opt the caller out as the agent collected in this call. The first time, the audit log records it."""
    name = decide(caller, "opted_out", at=ended)
    if name:
        try:
            record(
                None, Action.OPT_OUT, "caller", caller_reference(caller), detail=f"yes, in the call {conversation_id}"
            )
        except DatabaseError as error:
            log.error("an opt-out was not recorded in the audit log", error=type(error).__name__)
    _carry_out_opt_out(store, caller, name)


def opt_in(store: OpenMemory, caller: str) -> None:
    """End the caller's opt-out, for calls that begin from now on. The caller's lock must be held."""
    enforce(store, caller)
    if decisions.about(caller).opted_out:
        note_carried_out(store, [decide(caller, "opted_in")])


def permits(decided: Decided, memory: Memory) -> bool:
    """Whether these decisions allow a store to contain this memory of their caller."""
    if decided.opted_out:
        return False
    if memory.kind == kinds.CARD:
        return True
    at = _time_of(memory)
    if kinds.is_stated(memory):
        # An earlier version kept the opt-out in the store: it applies until it becomes a decision.
        outdated = memory.metadata.get("preference") == kinds.OPT_OUT and bool(decided.periods)
        gone = decided.gone_until is not None and at <= decided.gone_until
        return not (outdated or gone or decided.withdraws(memory.key, at))
    conversation_id = str(memory.metadata.get("conversation_id") or "")
    return decided.allows(at) and not decided.withholds(conversation_id, content_digest(memory.content))


def enforce(store: OpenMemory, caller: str) -> int:
    """Delete what the decisions forbid of this caller, and recompute the card; returns the number of deleted memories.

    An opt-out that an earlier version kept in the store becomes a decision. The caller's lock must be held. Raises
    OpenMemoryError.
    """
    decided = decisions.about(caller)
    memories = store.memories(caller)
    if adopted := "" if decided.periods else _adopted(caller, memories, decided):
        decided = decisions.about(caller)
    forbidden = [memory for memory in memories if not permits(decided, memory)]
    if forbidden and len(forbidden) == len(memories):
        store.forget(caller)
    elif forbidden:
        close_card(store, caller)
        for memory in forbidden:
            store.delete(caller, memory.id)
        write_card(store, caller)
    note_carried_out(store, [adopted])
    return len(forbidden)


def settle(store: OpenMemory) -> bool:
    """Delete from the store what the decisions forbid, unless its note says that this was done.

    Returns whether the store is settled. A store that cannot list its users may still contain memories of forgotten
    callers whose files are gone. Raises OpenMemoryError.
    """
    wanted = decisions.fingerprint()
    if _noted(store) == wanted:
        return True
    decisions.keep_key_of_old_marks()
    subjects = decisions.Subjects()
    listed = _users(store)
    deleted = 0
    for caller in _callers() if listed is None else listed:
        if subjects.hold(caller):
            deleted += _settle_caller(store, caller)
    for caller in opted_out_callers():
        if not subjects.hold(caller):  # opted out by an earlier version
            deleted += _settle_caller(store, caller)
    if deleted:
        log.warning("deleted memories that decisions forbid", memories=deleted)
    if listed is None and wanted != NOTHING_DECIDED:
        log.warning("the OpenMemory server cannot list its users: it may hold memories of forgotten callers")
        return False
    with single_lock("decisions"):
        _write_note(store, wanted)
    return True


def is_settled(store: OpenMemory) -> bool:
    """Whether the store notes that all decisions were carried out in it. Raises OpenMemoryError."""
    return (_noted(store) or NOTHING_DECIDED) == decisions.fingerprint()


def note_carried_out(store: OpenMemory, names: Iterable[str]) -> None:
    """Add decisions, by the names that `decide` returned, to the store's note. Raises OpenMemoryError."""
    if names := [name for name in names if name]:
        with single_lock("decisions"):
            _write_note(store, decisions.combined(_noted(store) or NOTHING_DECIDED, names))


def _carry_out_opt_out(store: OpenMemory, caller: str, name: str) -> None:
    enforce(store, caller)
    note_carried_out(store, [name])
    for conversation_id in _calls_of(caller):
        if (receipt := read_receipt(conversation_id)) and receipt.memories:
            receipt.memories = []
            write_receipt(conversation_id, receipt)
            refresh_row(conversation_id)


def _settle_caller(store: OpenMemory, caller: str) -> int:
    with caller_lock(caller) as lock:
        deleted = enforce(store, caller)
        save_card(caller, write_card(store, caller))
        lock.confirm()
    return deleted


def _adopted(caller: str, memories: Iterable[Memory], decided: Decided) -> str:
    """The name of the decision made from an opt-out among these memories; "" if there is none."""
    for memory in memories:
        if memory.kind == kinds.PREFERENCE and memory.metadata.get("preference") == kinds.OPT_OUT:
            at = _time_of(memory)
            if decided.gone_until is None or at > decided.gone_until:
                return decide(caller, "opted_out", at=at)
    return ""


def _time_of(memory: Memory) -> datetime:
    """The start of the memory's call, or the time of a preference; for other memories, when they were added."""
    try:
        at = datetime.fromisoformat(str(memory.metadata.get("called_at")))
    except ValueError:
        return datetime.fromtimestamp(memory.created_at / 1000, UTC)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _users(store: OpenMemory) -> Iterable[str] | None:
    try:
        return store.users()
    except OpenMemoryError:
        return None  # an older server refuses to list them; if it is not reachable, the next read raises


@healed
def _calls_of(caller: str) -> list[str]:
    return list(Conversation.objects.filter(caller=caller).values_list("pk", flat=True))


@healed
def _callers() -> list[str]:
    return list(Conversation.objects.exclude(caller="").values_list("caller", flat=True).distinct())


def _noted(store: OpenMemory) -> str | None:
    """The fingerprint in the store's note; None if it has no note yet."""
    for memory in store.memories(BOOKKEEPER):
        if memory.key == _NOTE and len(memory.content) == len(NOTHING_DECIDED):
            return memory.content
    return None


def _write_note(store: OpenMemory, fingerprint: str) -> None:
    store.put(BOOKKEEPER, _NOTE, fingerprint, metadata={"kind": _NOTE}, salience=1.0)
