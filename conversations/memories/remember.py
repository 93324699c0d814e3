"""Turns a stored transcription into the memories of its caller. A second run changes nothing."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import islice
from typing import Literal, NamedTuple

import structlog

from conversations.files import decisions, opted_out
from conversations.files.locks import caller_lock
from conversations.files.paths import transcription_path
from conversations.files.receipts import (
    PAYLOAD,
    PayloadStamp,
    Receipt,
    RememberedMemory,
    content_digest,
    is_done,
    new_receipt,
    read_receipt,
    write_receipt,
)
from conversations.files.stored import StoredCall, read_call
from conversations.memories import decided
from conversations.memories.former import take_over_preferences
from conversations.payloads.opt_out import is_opt_out_field
from conversations.payloads.transcription import Transcription
from elmemory.memory import kinds
from elmemory.memory.briefing import spoken_date
from elmemory.memory.card import WrittenCard, write_card
from elmemory.memory.encoder import encoder
from elmemory.memory.encoder.vectors import with_vectors
from elmemory.memory.fields import CALLER_PROFILE, label
from elmemory.memory.identity import former_keys
from elmemory.memory.openmemory import NotStorable, OpenMemory
from elmemory.memory.records import Memory, Put
from elmemory.memory.redaction import fully_redacted, redacted
from elmemory.memory.text import field_name, statements
from elmemory.memory.values import usable_value

log = structlog.get_logger(__name__)

_MOST_INSIGHTS = 12
_OF_A_CALL = frozenset((kinds.FACT, kinds.INSIGHT, kinds.MESSAGE, kinds.CALL))
_LONGEST_ID_IN_KEY = 128
_LONGEST_CODE = 16

type Result = Literal["done", "already done", "changed meanwhile"]


class Changes(NamedTuple):
    """The number of memories that a run would add, change and remove."""

    added: int = 0
    changed: int = 0
    removed: int = 0


def remember(conversation_id: str, store: OpenMemory, *, wait: bool = True, stored: StoredCall | None = None) -> Result:
    """Write the memories of a stored transcription, then the caller's card, then the receipt.

    `stored` is the transcription if it has just been read. "changed meanwhile" means that another run is needed, for
    instance for a new version. Raises NotReadable for an unreadable payload, OpenMemoryError, FileNotFoundError without
    a transcription, Busy if another process holds a lock and `wait` is false, and LockLost (a DatabaseError)
    if the lock was lost in between.
    """
    call, stamp = stored or read_call(conversation_id)
    before = read_receipt(conversation_id)
    former = former_keys(call.caller) if call.caller else []
    callers = call.caller, *former, *(before.callers if before else ())
    # Without a receipt nothing names the caller of another version, which another process may be processing.
    with caller_lock(*callers, call="" if before else conversation_id, wait=wait) as lock:
        receipt = read_receipt(conversation_id)
        if is_done(conversation_id, receipt):
            return "already done"
        if not stamp.matches(transcription_path(conversation_id).stat()):
            return "changed meanwhile"
        if (receipt.callers if receipt else []) != (before.callers if before else []):
            return "changed meanwhile"
        # Without a receipt, an interrupted run may have written memories of this call. The store knows the caller.
        holders = None if receipt else holders_of(store, conversation_id)
        receipt = receipt or new_receipt(stamp)
        if holders:
            receipt.callers = sorted(holders)
            if not holders <= {call.caller}:
                write_receipt(conversation_id, receipt)
                return "changed meanwhile"  # the next run takes their locks too
        if _carry_out_decisions(store, call, receipt):
            return "changed meanwhile"
        # A receipt names a caller before their memories are written: any other caller has none of this call.
        is_new = bool(call.caller) and call.caller not in receipt.callers
        if call.caller and is_new:
            receipt.callers.append(call.caller)
            if holders is None:
                write_receipt(conversation_id, receipt)
        take_over_preferences(store, call.caller, former)
        called_at = call.started_at(receipt.arrival).isoformat(timespec="seconds")
        receipt.memories = []
        for caller in receipt.callers:
            card = WrittenCard(store, caller)
            memories = _encoded(store, caller, conversation_id, _wanted(card, caller, call, receipt), is_new=is_new)
            try:
                may_be_added = is_new and caller == call.caller and card.may_take(conversation_id)
                if may_be_added and (
                    holders is not None or _is_unwritten(store, caller, conversation_id, called_at, card)
                ):
                    puts = card.add_call(memories)
                else:
                    puts = _rewrite(store, caller, conversation_id, memories)
            except NotStorable:
                card.close()  # the call is parked; some of its memories may be written
                raise
            receipt.memories += [
                RememberedMemory(memory.key, put.id, content_digest(memory.content))
                for memory, put in zip(memories, puts, strict=True)
            ]
        receipt.caller = call.caller
        receipt.callers = [call.caller] if call.caller else []
        receipt.due = call.deletion_due
        receipt.removed.pop(PAYLOAD, None)
        receipt.call = {}
        lock.confirm()
        return _finish(conversation_id, receipt, stamp, flush=holders is None)


def preview(conversation_id: str, store: OpenMemory) -> Changes:
    """Count what `remember` would change in the memories of this conversation, even if it is done. Changes nothing."""
    call, stamp = read_call(conversation_id)
    receipt = read_receipt(conversation_id) or new_receipt(stamp)
    added = changed = removed = 0
    for caller in sorted({*receipt.callers, *([call.caller] if call.caller else [])}):
        stored = {memory.key: memory for memory in _of_conversation(store, caller, conversation_id)}
        for memory in _wanted(WrittenCard(store, caller), caller, call, receipt):
            before = stored.pop(memory.key, None)
            if before is None:
                added += 1
            elif before.content != memory.content or any(
                before.metadata.get(name) != value for name, value in memory.metadata.items()
            ):
                changed += 1
        removed += len(stored)
    return Changes(added, changed, removed)


def is_remembered(conversation_id: str, store: OpenMemory) -> bool:
    """Whether the conversation has, or would get, memories. Raises the errors of `remember`."""
    call, stamp = read_call(conversation_id)
    receipt = read_receipt(conversation_id) or new_receipt(stamp)
    return bool(call.caller and _wanted(WrittenCard(store, call.caller), call.caller, call, receipt))


def memories_of(
    call: Transcription, arrived_at: datetime, redacted: Callable[[str, str], str] = redacted
) -> Iterator[kinds.NewMemory]:
    """The facts, messages and call of a transcription, in this order; the call alone if a mailbox answered.

    `redacted` takes a text and its context: the agent's question, or the field's label.
    """
    conversation_id = call.conversation_id
    common = {
        "conversation_id": conversation_id,
        "agent_id": call.agent_id,
        "called_at": call.started_at(arrived_at).isoformat(timespec="seconds"),
        **({"main_language": language} if (language := call.text("metadata", "main_language")[:_LONGEST_CODE]) else {}),
    }
    # A mailbox's greeting says nothing about the customer.
    for position, (one, text, confirmed) in enumerate(() if call.reached_mailbox else call.collected_texts()):
        if text and one.field == CALLER_PROFILE:
            usable = (sentence for sentence in statements(text) if usable_value(sentence, CALLER_PROFILE))
            for ordinal, sentence in enumerate(islice(usable, _MOST_INSIGHTS)):
                yield kinds.NewMemory(
                    kinds.INSIGHT,
                    f"insight:{conversation_id}:{ordinal}",
                    redacted(sentence, ""),
                    {**common, "position": ordinal},
                )
        elif text and one.field and not is_opt_out_field(one):
            name = label(field_name(one.name))
            value = redacted(text, name)
            yield kinds.NewMemory(
                kinds.FACT,
                f"fact:{conversation_id}:{_bounded(one.id)}",
                f"{name}: {value}",
                {**common, "position": position, "field": one.field, "value": value}
                | ({"confirmed": True} if confirmed else {}),
            )
    asked, ordinal = "", 0
    for turn in call.turns:
        said = redacted(turn.message, asked)
        if turn.is_of_caller:
            yield kinds.NewMemory(
                kinds.MESSAGE,
                f"message:{conversation_id}:{ordinal}:{content_digest(said)[:16]}",
                said,
                {**common, "position": turn.position, **({"asked": asked} if asked else {})},
            )
            ordinal += 1
        elif turn.role == "agent":
            asked = said
    outcome = "failed" if call.status == "failed" else call.successful or "unknown"
    # Without a direction a call counts as inbound, as in older memories.
    direction = {"direction": "outbound"} if call.outbound else {}
    language_of_agent = {"agent_language": language} if (language := call.agent_language[:_LONGEST_CODE]) else {}
    when = {**common, **direction, **language_of_agent, "timezone": call.timezone}
    summary, title = redacted(call.summary, ""), redacted(call.title, "")
    yield kinds.NewMemory(
        kinds.CALL,
        f"call:{conversation_id}",
        f"Call on {spoken_date(when)} ({outcome}){': ' + summary if summary else '.'}",
        {**when, "summary": summary, "title": title, "outcome": outcome, "spoke": ordinal > 0},
    )


def _carry_out_decisions(store: OpenMemory, call: Transcription, receipt: Receipt) -> bool:
    """Record an opt-out that the call collected, and delete what decisions forbid; returns whether files changed."""
    if not call.caller:
        return False
    began = call.started_at(receipt.arrival)
    ended = began + timedelta(seconds=call.duration_seconds or 0)
    if call.asks_for_opt_out:
        decided.opt_out_by_call(store, call.caller, call.conversation_id, ended)
    elif decisions.about(call.caller):
        decided.enforce(store, call.caller)
    return opted_out.reduce_stored(call.conversation_id, call.caller, began, ended)


def _wanted(card: WrittenCard, caller: str, call: Transcription, receipt: Receipt) -> list[kinds.NewMemory]:
    """The memories that this caller should have of the call: none unless they are its caller and decisions allow it."""
    about = decisions.about(caller)
    if caller != call.caller or caller in receipt.forgotten or not about.allows(call.started_at(receipt.arrival)):
        return []
    if card.opted_out:  # an earlier version kept this in the store
        return []
    memories = list(memories_of(call, receipt.arrival))
    if not (receipt.withheld or about.withheld):
        return memories
    return [memory for memory, digest in zip(memories, withheld_of(call, receipt), strict=True) if not digest]


def withheld_of(call: Transcription, receipt: Receipt) -> list[str]:
    """For each memory of the call, the digest under which staff deleted it; "" if they did not."""
    about = decisions.about(call.caller)
    # REDACT may have had another value when staff deleted a memory.
    each_way = (memories_of(call, receipt.arrival, redact) for redact in (redacted, _unredacted, fully_redacted))

    def is_withheld(digest: str) -> bool:
        return about.withholds(call.conversation_id, digest, by_receipt=digest in receipt.withheld)

    return [
        next(filter(is_withheld, (content_digest(memory.content) for memory in same)), "")
        for same in zip(*each_way, strict=True)
    ]


def _unredacted(text: str, _: str) -> str:
    return text


def holders_of(store: OpenMemory, conversation_id: str) -> set[str] | None:
    """The callers with memories that were made from this call; None if the store cannot find them.

    Other clients of the store may name the call in memories of their own users, which are left alone.
    """
    users = store.users_of(conversation_id)
    return users and {user for user in users if _of_conversation(store, user, conversation_id)}


def _of_conversation(store: OpenMemory, caller: str, conversation_id: str) -> list[Memory]:
    return [memory for memory in store.of_conversation(caller, conversation_id) if memory.kind in _OF_A_CALL]


def _is_unwritten(store: OpenMemory, caller: str, conversation_id: str, called_at: str, card: WrittenCard) -> bool:
    """Whether no memory of the call was written, if its receipt says that the call is new.

    The receipt may be lost, or older than the store after a restored backup. Some stores can find the memories of a
    call. In others, only a call that is newer than all calls of the card is certain to be unwritten.
    """
    if store.finds_conversations:
        return not _of_conversation(store, caller, conversation_id)
    return card.is_newer(called_at)


def _encoded(
    store: OpenMemory, caller: str, conversation_id: str, memories: list[kinds.NewMemory], *, is_new: bool
) -> list[kinds.NewMemory]:
    """The memories with vectors, if there is an encoder. Stored memories of the call are not encoded again."""
    if (encodes := encoder()) is None or not memories:
        return memories
    return with_vectors(encodes, memories, () if is_new else _of_conversation(store, caller, conversation_id))


def _rewrite(store: OpenMemory, caller: str, conversation_id: str, memories: list[kinds.NewMemory]) -> list[Put]:
    """Replace the caller's memories of the conversation with these; then recompute the card."""
    puts = store.put_all(caller, kinds.entries(memories))
    keys = {memory.key for memory in memories}
    for memory in _of_conversation(store, caller, conversation_id):
        if memory.key not in keys:
            store.delete(caller, memory.id)
    write_card(store, caller)
    return puts


def _finish(conversation_id: str, receipt: Receipt, stamp: PayloadStamp, *, flush: bool) -> Result:
    if not stamp.matches(transcription_path(conversation_id).stat()):
        return "changed meanwhile"
    receipt.payload, receipt.reprocess = stamp, False
    write_receipt(conversation_id, receipt, flush=flush)
    log.info("remembered a call", conversation_id=conversation_id, memories=len(receipt.memories))
    return "done"


def _bounded(raw_id: str) -> str:
    return raw_id if len(raw_id) <= _LONGEST_ID_IN_KEY else sha256(raw_id.encode()).hexdigest()
