"""Retention: removes what has been kept for the time that the settings name, in small steps that the audit log records.

The worker takes the steps between batches. When payloads are removed, the receipt stays with the caller, the dates and
the keys of the memories; the memories stay too. A caller who has not called for `RETAIN_MEMORY_DAYS` is forgotten, with
all files.
"""

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial
from itertools import batched
from pathlib import Path
from typing import NamedTuple

import structlog
from django.conf import settings
from django.db import DatabaseError, connections, router
from django.utils.timezone import now

from conversations.files.deletion import payload_files, remove_files
from conversations.files.locks import Busy, caller_lock, delivery_lock
from conversations.files.paths import loose_paths, transcription_path
from conversations.files.receipts import (
    PAYLOAD,
    RECORDING,
    PayloadStamp,
    Receipt,
    new_receipt,
    read_receipt,
    write_receipt,
)
from conversations.index import retained
from conversations.index.rows import fingerprint, kept_columns
from conversations.index.sync import refresh_rows
from conversations.memories import reviews
from conversations.memories.forgetting import Forgetting, forget
from conversations.models import Conversation
from conversations.payloads.outline import NotReadable
from conversations.payloads.transcription import Transcription
from elmemory.audit.closing import NotClosed, close_entries
from elmemory.audit.models import Action, Entry
from elmemory.audit.record import record
from elmemory.memory.openmemory import OpenMemory, OpenMemoryError
from elmemory.memory.text import counted

log = structlog.get_logger(__name__)

_CALLS, _CALLERS, _ENTRIES = 50, 5, 1000
_DAY, _PASS_SECONDS = 86_400, 3600


class Rule(NamedTuple):
    """A rule for one kind of payload: it is due if `column` of the index is less than `before`. The audit log gets
    `reason`.
    """

    kind: str
    column: str
    before: float
    reason: str


def rules() -> list[Rule]:
    """The rules for calls that the settings enable."""
    moment, found = time.time(), []
    # Recordings are payloads: without their own period they are removed with the others.
    days = {
        RECORDING: settings.RETAIN_AUDIO_DAYS or settings.RETAIN_PAYLOAD_DAYS,
        PAYLOAD: settings.RETAIN_PAYLOAD_DAYS,
    }
    for kind, kept in days.items():
        if kept:
            found.append(Rule(kind, f"{kind}_since", moment - kept * _DAY, f"kept for {counted(kept, 'day')}"))
        if settings.HONOUR_DELETION_SETTINGS:
            found.append(Rule(kind, f"{kind}_due", moment, "as ElevenLabs' deletion settings say"))
    return found


def pass_over(store: OpenMemory) -> Iterator[int]:
    """Remove everything that is due; yields after each step the number of removed items."""
    reviews.erase_of_deleted_calls()
    for rule in rules():
        yield from _steps(partial(retained.due_calls, rule.column, rule.before, _CALLS), partial(_remove, rule))
    if days := settings.RETAIN_UNREADABLE_DAYS:
        for bodies in batched(_loose_before(time.time() - days * _DAY), _CALLS):
            yield _remove_loose(days, bodies)
    if days := settings.RETAIN_MEMORY_DAYS:
        due = partial(retained.callers_due, now() - timedelta(days=days), _CALLERS)
        yield from _steps(due, partial(_forget, store, days))
    if days := settings.RETAIN_AUDIT_DAYS:
        yield from _close(days)


def kept_for() -> list[str]:
    """The periods in the settings, for people: "audio 90 days"."""
    names = ("AUDIO", "PAYLOAD", "UNREADABLE", "MEMORY", "AUDIT")
    days = {name.lower(): getattr(settings, f"RETAIN_{name}_DAYS") for name in names}
    honoured = ["ElevenLabs' deletion settings"] if settings.HONOUR_DELETION_SETTINGS else []
    return [f"{name} {counted(kept, 'day')}" for name, kept in days.items() if kept] + honoured


def overdue() -> dict[str, int]:
    """By kind, the number of calls and bodies that should have been removed more than a day ago."""
    late = Counter[str]()
    for rule in rules():
        late[rule.kind] = max(late[rule.kind], retained.count_due_calls(rule.column, rule.before - _DAY))
    if days := settings.RETAIN_UNREADABLE_DAYS:
        late["unreadable"] = len(_loose_before(time.time() - (days + 1) * _DAY))
    return +late


class Retention:
    """Takes the steps of retention one at a time. A new pass begins an hour after the previous one has ended."""

    def __init__(self, store: OpenMemory) -> None:
        self._store = store
        self._steps: Iterator[int] | None = None
        self._next = time.monotonic()

    def step(self) -> bool:
        """Take one step; False if nothing is due before the next pass."""
        if self._steps is None:
            if time.monotonic() < self._next:
                return False
            self._steps = pass_over(self._store)
        # Set before the step, so that the next pass repeats a step that fails.
        steps, self._steps, self._next = self._steps, None, time.monotonic() + _PASS_SECONDS
        log_of_audit = connections[router.db_for_write(Entry)]
        try:
            log_of_audit.ensure_connection()  # nothing is removed that cannot be recorded
            if next(steps, None) is None:
                return False
        except DatabaseError:
            log_of_audit.close()  # the next pass connects to a restarted server
            raise
        self._steps = steps
        return True


def _steps[T](due: Callable[[int], list[T]], remove: Callable[[list[T]], int]) -> Iterator[int]:
    """Remove in steps until nothing is due. What is locked or cannot be removed is left to the next pass."""
    left = 0
    while found := due(left):
        removed = remove(found)
        left += len(found) - removed
        yield removed


def _remove(rule: Rule, calls: list[Conversation]) -> int:
    """Remove the files of these calls; returns from how many. A call whose files have changed meanwhile is left."""
    removed = [call.pk for call in calls if _remove_files(call, rule.kind)]
    for _ in refresh_rows(removed):
        pass
    if rule.kind == PAYLOAD:
        reviews.erase_notes(removed)
    if removed:
        what = "recordings" if rule.kind == RECORDING else "payloads"
        calls_ = counted(len(removed), "call")
        record(None, Action.RETAIN, rule.kind, detail=f"{what} of {calls_}, {rule.reason}")
    return len(removed)


def _remove_files(call: Conversation, kind: str) -> bool:
    receipt = read_receipt(call.pk)
    try:
        with (
            caller_lock(*(receipt.callers if receipt else ()), wait=False) as lock,
            delivery_lock(call.pk, wait=False) as locked,
        ):
            if call.pk not in locked or fingerprint(call.pk) != call.fingerprint:
                return False
            # Noted before the files are removed: if this process dies in between, the next pass removes them.
            _note(call, receipt, kind)
            lock.confirm()
            remove_files(call.pk, payload_files(call.pk).get(kind, []))
    except Busy:
        return False
    except OSError as error:
        log.error("could not remove what is due", conversation_id=call.pk, kind=kind, error=error.strerror)
        return False
    return True


def _note(call: Conversation, receipt: Receipt | None, kind: str) -> None:
    """Record in the call's receipt what is removed, and keep there what its page and row need afterwards."""
    if call.has_transcription and kind == PAYLOAD:
        with transcription_path(call.pk).open("rb") as file:
            raw, stat = file.read(), os.fstat(file.fileno())
        receipt = receipt or new_receipt(PayloadStamp.of(raw, stat))
        transcription = _transcription(raw)
        receipt.due = receipt.due or transcription.deletion_due
        pressed = any(turn.kind == "keypad" for turn in transcription.all_turns)
        receipt.call = kept_columns(call) | {"pressed_keys": pressed}
    if receipt:
        receipt.removed[kind] = now().isoformat(timespec="seconds")
        write_receipt(call.pk, receipt)


def _transcription(raw: bytes) -> Transcription:
    try:
        return Transcription.read(raw)
    except NotReadable:
        return Transcription({})


def _loose_before(before: float) -> list[Path]:
    """The bodies without a call that were stored before this time."""
    found = []
    for path in loose_paths():
        with suppress(FileNotFoundError):  # retried or discarded meanwhile
            if path.stat().st_mtime < before:
                found.append(path)
    return found


def _remove_loose(days: int, paths: Sequence[Path]) -> int:
    removed = 0
    for path in paths:
        with suppress(FileNotFoundError):  # retried, discarded, or removed by another worker
            path.unlink()
            removed += 1
    if removed:
        record(
            None,
            Action.RETAIN,
            "unreadable",
            detail=f"{counted(removed, 'body', 'bodies')} without a call, kept for {counted(days, 'day')}",
        )
    return removed


def _forget(store: OpenMemory, days: int, references: list[str]) -> int:
    """Forget these callers, unless they have called since."""
    done, before = 0, now() - timedelta(days=days)
    for reference in references:
        last_call, number = retained.last_calls_of([reference]).get(reference), retained.number_of(reference)
        if last_call and last_call >= before:
            retained.note_last_call(reference, last_call)
            done += 1
        elif number:
            record(None, Action.FORGET, "caller", reference, detail=f"no call for {counted(days, 'day')}")
            try:
                forget(store, number, Forgetting(payloads=True, reconciled=True))
            except (OpenMemoryError, OSError) as error:
                log.warning("could not forget a caller", caller=reference, error=type(error).__name__)
            else:
                done += 1
    return done


def _close(days: int) -> Iterator[int]:
    try:
        while closed := close_entries(now() - timedelta(days=days), _ENTRIES):
            yield closed
    except NotClosed:
        log.error("old entries of the audit log were not closed: run manage.py audit verify")
