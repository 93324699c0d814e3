"""Verifies stored data: files against receipts, receipts against the store, decisions against both.

Nothing is changed. Because calls are delivered and processed meanwhile, a finding counts only if it is found again
under the caller's lock.
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
from django.utils.translation import gettext_noop

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
    receipt_path,
)
from conversations.files.stored import transcription_of
from conversations.index.schema import ALIAS as INDEX
from conversations.index.sync import refresh_row
from conversations.memories import decided, reprocess
from elmemory.memory.openmemory import OpenMemory
from elmemory.memory.openmemory.database_integrity import faults_of
from elmemory.memory.text import counted

MISSING_MEMORIES = gettext_noop("memories missing")
DELETED_CALL = gettext_noop("deleted call stored again")
REMEDIES = {
    gettext_noop("database"): (
        "Check that it answers and its disk has room. If it is damaged, stop server and worker, and restore it from"
        " a backup; if it is the index, delete it: it is rebuilt."
    ),
    gettext_noop("payload missing"): "Restore it from a backup, or fetch it: manage.py backfill",
    gettext_noop("payload changed"): "Restore it from a backup: its bytes have changed since it was processed.",
    gettext_noop("payload unreadable"): "Restore it from a backup, or fetch it: manage.py backfill",
    gettext_noop("version changed"): "Restore it from a backup: its bytes do not match the hash in its name.",
    MISSING_MEMORIES: "Process the calls again: manage.py verify --repair",
    gettext_noop("memories lost"): (
        "Restore the store from a backup: the payloads were removed, so nothing can be processed again."
    ),
    DELETED_CALL: "Delete it again: manage.py verify --repair",
    gettext_noop("decisions"): (
        "The worker deletes what the decisions forbid. Check that it runs, and that OpenMemory answers."
    ),
}
_MOST_SHOWN = 20
_VERSION = re.compile(r".+\.([0-9a-f]{8})\.(?:json|mp3)")
_CALLERS_AT_ONCE = 256


class Finding(NamedTuple):
    """A fault. `kind` is one of REMEDIES; `where` is a conversation id, or a database with its fault."""

    kind: str
    where: str


@dataclass(slots=True)
class Report:
    """How much was verified, and the findings: counts by kind, and the first of each."""

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
        """The report in words, such as "3 calls and 12 memories: no fault"."""
        found = ", ".join(f"{count} × {kind}" for kind, count in self.counts.most_common())
        return found or f"{counted(self.calls, 'call')} and {counted(self.memories, 'memory', 'memories')}: no fault"


class Verification:
    """Verifies calls one by one. A caller's memories are read once for consecutive calls."""

    def __init__(self, store: OpenMemory) -> None:
        self._store = store
        self._read: OrderedDict[str, dict[str, str]] = OrderedDict()
        self.memories = 0
        # The number of calls that lack memories and are to be processed again.
        self.waiting = 0

    def call(self, conversation_id: str) -> list[Finding]:
        """The findings about the call. Raises OpenMemoryError."""
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
            self.waiting += receipt is None and _is_pending_again(conversation_id)
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
        """Whether the store lacks a memory that the receipt names and no decision forbids."""
        if not (receipt.memories and receipt.caller):
            return False
        stored = self._memories_of(receipt.caller, conversation_id)
        self.memories += len(receipt.memories)
        lacking = [memory for memory in receipt.memories if stored.get(memory.key) != memory.content_sha256]
        return bool(lacking) and any(_is_allowed(conversation_id, receipt, memory) for memory in lacking)

    def _memories_of(self, caller: str, conversation_id: str) -> dict[str, str]:
        """The digests of the memories' contents, by key."""
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
    """The faults of the databases, and None between two tables. A broken index is replaced automatically."""
    for alias in sorted(connections):
        if alias == INDEX and not index:
            continue
        for fault in faults_of(alias):
            yield Finding("database", f"{alias}: {fault}") if fault else None


def neglected_decisions(store: OpenMemory) -> list[Finding]:
    """A finding if the store has not carried out all decisions. Raises OpenMemoryError."""
    return [] if decided.is_settled(store) else [Finding("decisions", "not all were carried out in the store")]


def repair(finding: Finding) -> bool:
    """Repair a finding if the files here suffice; False for other kinds. Raises OSError."""
    if finding.kind == MISSING_MEMORIES:
        reprocess.request(finding.where)
    elif finding.kind == DELETED_CALL:
        delete_conversation(finding.where)
    else:
        return False
    return True


def _compared(conversation_id: str, receipt: Receipt) -> list[str]:
    """The faults of the transcription that the receipt names. A replaced transcription is pending, and has none."""
    try:
        with open(payload_text(conversation_id, TRANSCRIPTION), "rb") as file:
            stat, digest = os.fstat(file.fileno()), file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return ["payload missing"]
    stamp = receipt.payload
    return ["payload changed"] if stamp and stamp.matches(stat) and digest != stamp.sha256 else []


def _is_pending_again(conversation_id: str) -> bool:
    """Whether a damaged receipt made the call pending. Zeroed blocks change no size or time, so the row is behind."""
    if not (receipt_path(conversation_id).is_file() and transcription_path(conversation_id).is_file()):
        return False
    refresh_row(conversation_id)
    return True


def _is_cut_short(conversation_id: str) -> bool:
    """Whether an unprocessed transcription lacks its end. Parked ones are unreadable as well, but have their end."""
    path = transcription_path(conversation_id)
    if transcription_of(conversation_id) or not path.is_file():
        return False
    return not path.read_bytes().rstrip(b" \t\r\n\0").endswith((b"}", b"]"))


def _changed_versions(conversation_id: str) -> list[str]:
    """A finding if the hash of a version is not the one in its name."""
    for name in file_names(conversation_id):
        if named := _VERSION.fullmatch(name):
            with suppress(FileNotFoundError), open(f"{folder_text(conversation_id)}/{name}", "rb") as file:
                if not file_digest(file, "sha256").hexdigest().startswith(named[1]):
                    return ["version changed"]
    return []


def _is_allowed(conversation_id: str, receipt: Receipt, memory: RememberedMemory) -> bool:
    """Whether decisions allow the store to contain this memory."""
    about = decisions.about(receipt.caller)
    if receipt.caller in receipt.forgotten or about.opted_out:
        return False
    digest = memory.content_sha256
    if about.withholds(conversation_id, digest, by_receipt=digest in receipt.withheld):
        return False
    call = transcription_of(conversation_id)
    return about.allows(call.started_at(receipt.arrival) if call else receipt.arrival)
