"""Verifying what is stored: files against receipts, receipts against the store, decisions against both.

Nothing is changed. Calls are delivered and processed meanwhile: a finding is what is found again under the caller's
lock.
"""

import os
import re
from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import file_digest
from typing import NamedTuple

from django.db import connections

from conversations.files import decisions
from conversations.files.deletion import delete_conversation
from conversations.files.locks import Busy, caller_lock
from conversations.files.paths import TRANSCRIPTION, file_names, folder_text, payload_text, transcription_path
from conversations.files.receipts import (
    PAYLOAD,
    Receipt,
    RememberedMemory,
    content_digest,
    read_receipt,
)
from conversations.files.stored import read_call
from conversations.index.schema import ALIAS as INDEX
from conversations.memories import decided, reprocess
from conversations.payloads.outline import NotReadable
from elmemory.memory.openmemory import OpenMemory
from elmemory.memory.openmemory.database_integrity import faults_of
from elmemory.memory.text import counted

MISSING_MEMORIES = "memories missing"
DELETED_CALL = "deleted call stored again"
REMEDIES = {
    "database": "Stop server and worker, and restore the database from a backup. An index: delete it, it is rebuilt.",
    "payload missing": "Restore it from a backup, or: manage.py backfill",
    "payload changed": "Restore it from a backup: its bytes are not those that were processed.",
    "payload unreadable": "Restore it from a backup, or: manage.py backfill",
    "version changed": "Restore it from a backup: its bytes are not those that its name says.",
    MISSING_MEMORIES: "Have the calls processed again: manage.py verify --repair",
    "memories lost": "Their payloads are removed, so nothing can be processed again. Restore the store from a backup.",
    DELETED_CALL: "Delete them again: manage.py verify --repair",
    "decisions": "The worker deletes what decisions forbid: is it running, and does OpenMemory answer?",
}
_MOST_SHOWN = 20
_VERSION = re.compile(r".+\.([0-9a-f]{8})\.(?:json|mp3)")
_CALLERS_AT_ONCE = 256


class Finding(NamedTuple):
    """`kind` is one of REMEDIES; `where` a conversation id, or a database with its fault."""

    kind: str
    where: str


@dataclass(slots=True)
class Report:
    """What was looked at, and what was found: counts by kind, and the first of each."""

    calls: int = 0
    memories: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)

    def add(self, found: Iterable[Finding]) -> None:
        for kind, where in found:
            self.counts[kind] += 1
            shown = self.examples.setdefault(kind, [])
            if len(shown) < _MOST_SHOWN:
                shown.append(where)

    @property
    def summary(self) -> str:
        """For people: "2 calls: memories missing"."""
        found = ", ".join(f"{count} × {kind}" for kind, count in self.counts.most_common())
        return found or f"{counted(self.calls, 'call')} and {counted(self.memories, 'memory', 'memories')}: no fault"


class Verification:
    """Looks at the calls of one pass. The memories of a caller are read once for calls that follow each other."""

    def __init__(self, store: OpenMemory) -> None:
        self._store = store
        self._read: OrderedDict[str, dict[str, str]] = OrderedDict()
        self.memories = 0
        # Calls without some of their memories that wait to be processed again.
        self.waiting = 0

    def call(self, conversation_id: str) -> list[Finding]:
        """What is wrong with the call. Raises OpenMemoryError."""
        found = self._look(conversation_id)
        if not found:
            return []
        self._read.clear()
        receipt = read_receipt(conversation_id)
        try:
            with caller_lock(*(receipt.callers if receipt else ()), wait=False):
                return self._look(conversation_id)
        except Busy:
            return []  # it is being processed

    def _look(self, conversation_id: str) -> list[Finding]:
        if not os.path.isdir(folder_text(conversation_id)):
            return []
        if decisions.is_deleted(conversation_id):
            return [Finding(DELETED_CALL, conversation_id)]
        kinds = _changed_versions(conversation_id)
        receipt = read_receipt(conversation_id)
        if receipt is None or receipt.payload is None:
            # Pending, or the receipt is damaged: the worker processes the call.
            kinds += ["payload unreadable"] if _is_cut_short(conversation_id) else []
        elif PAYLOAD in receipt.removed:
            kinds += ["memories lost"] if self._lacks(conversation_id, receipt) else []
        else:
            kinds += _compared(conversation_id, receipt)
            if "payload missing" not in kinds and self._lacks(conversation_id, receipt):
                self.waiting += receipt.reprocess
                kinds += [] if receipt.reprocess else [MISSING_MEMORIES]
        return [Finding(kind, conversation_id) for kind in kinds]

    def _lacks(self, conversation_id: str, receipt: Receipt) -> bool:
        """Whether the store lacks a memory that the receipt names, and no decision forbids it."""
        if not (receipt.memories and receipt.caller):
            return False
        stored = self._memories_of(receipt.caller, conversation_id)
        self.memories += len(receipt.memories)
        lacking = [memory for memory in receipt.memories if stored.get(memory.key) != memory.content_sha256]
        return bool(lacking) and any(_is_allowed(conversation_id, receipt, memory) for memory in lacking)

    def _memories_of(self, caller: str, conversation_id: str) -> dict[str, str]:
        """The digests of the contents, by key."""
        if self._store.finds_conversations:
            memories = self._store.of_conversation(caller, conversation_id)
            return {memory.key: content_digest(memory.content) for memory in memories}
        if caller not in self._read:
            memories = self._store.memories(caller)
            self._read[caller] = {memory.key: content_digest(memory.content) for memory in memories}
            if len(self._read) > _CALLERS_AT_ONCE:
                self._read.popitem(last=False)
        return self._read[caller]


def broken_databases(*, index: bool) -> Iterator[Finding | None]:
    """What is broken in the databases; None between two tables. The index is replaced by itself where it is broken."""
    for alias in sorted(connections):
        if alias == INDEX and not index:
            continue
        for fault in faults_of(alias):
            yield Finding("database", f"{alias}: {fault}") if fault else None


def neglected_decisions(store: OpenMemory) -> list[Finding]:
    """Decisions that the store does not keep to. Raises OpenMemoryError."""
    return [] if decided.is_settled(store) else [Finding("decisions", "the store does not keep to all of them yet")]


def repair(finding: Finding) -> bool:
    """Repair what needs nothing but the files here; False for other kinds. Raises OSError."""
    if finding.kind == MISSING_MEMORIES:
        reprocess.request(finding.where)
    elif finding.kind == DELETED_CALL:
        delete_conversation(finding.where)
    else:
        return False
    return True


def _compared(conversation_id: str, receipt: Receipt) -> list[str]:
    """What is wrong with the transcription that the receipt is of. One that has been replaced since is pending."""
    try:
        with open(payload_text(conversation_id, TRANSCRIPTION), "rb") as file:
            stat, digest = os.fstat(file.fileno()), file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return ["payload missing"]
    stamp = receipt.payload
    return ["payload changed"] if stamp and stamp.matches(stat) and digest != stamp.sha256 else []


def _is_cut_short(conversation_id: str) -> bool:
    """Whether the transcription of a call that is not processed has no end. Parked ones have one, as they arrived."""
    path = transcription_path(conversation_id)
    with suppress(OSError, NotReadable):
        read_call(conversation_id)
        return False
    return path.is_file() and not path.read_bytes().rstrip(b" \t\r\n\0").endswith((b"}", b"]"))


def _changed_versions(conversation_id: str) -> list[str]:
    """Versions beside a payload have the first digits of their hash in their names."""
    for name in file_names(conversation_id):
        if named := _VERSION.fullmatch(name):
            with suppress(FileNotFoundError), open(f"{folder_text(conversation_id)}/{name}", "rb") as file:
                if not file_digest(file, "sha256").hexdigest().startswith(named[1]):
                    return ["version changed"]
    return []


def _is_allowed(conversation_id: str, receipt: Receipt, memory: RememberedMemory) -> bool:
    """Whether decisions let the store hold this memory."""
    about = decisions.about(receipt.caller)
    if receipt.caller in receipt.forgotten or about.opted_out:
        return False
    digest = memory.content_sha256
    if about.withholds(conversation_id, digest, by_receipt=digest in receipt.withheld):
        return False
    try:
        began = read_call(conversation_id).call.started_at(receipt.arrival)
    except (OSError, NotReadable):
        began = receipt.arrival
    return about.allows(began)
