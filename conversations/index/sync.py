"""Keeps the index in line with the payload files."""

import os
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import batched
from operator import attrgetter
from threading import Lock
from types import MappingProxyType
from typing import Any

import structlog
from django.db import OperationalError, connections, transaction

from conversations.files.paths import AUDIO, FAILURE, TRANSCRIPTION, conversation_ids, folder_text
from conversations.files.placing import Delivery
from conversations.files.receipts import is_done, read_receipt
from conversations.files.stored import StoredCall
from conversations.index import callers, fulltext, labels, returning
from conversations.index.references import sort_key
from conversations.index.rows import day_columns, fingerprint, moment, row_values
from conversations.index.schema import ALIAS, healed, made
from conversations.models import Conversation, MemoryState, Outcome

log = structlog.get_logger(__name__)
_BATCH = 500
_BATCH_OF_A_PAGE = 50
_LONGEST_CATCHING_UP_SECONDS = 1.0
_UNKNOWN = "unknown"
_NOT_OF_FILES = "conversation_id", "reviewed"
# By the mark of the index: the remaining steps of comparing its rows with the files.
_completing: dict[str, Iterator[int]] = {}
_one_at_a_time = Lock()
_FIELDS = {field.attname: field for field in Conversation._meta.concrete_fields}


def refresh_row(conversation_id: str) -> None:
    """Recompute the conversation's row from its files. Without files the row is deleted."""
    sum(refresh_rows([conversation_id]))


@healed
def record_deliveries(deliveries: Iterable[Delivery]) -> None:
    """Write a thin row for each delivery, in one transaction. An existing row is only marked as behind its files.

    `refresh_stale_rows` completes these rows.
    """
    now = time.time()
    started_at = moment(now)
    pending = {"memory_state": MemoryState.PENDING.value, "pending_since": now}
    known: dict[str, dict[str, Any]] = {
        TRANSCRIPTION: {"has_transcription": True, "transcription_at": now, **pending},
        AUDIO: {"has_audio": True, "audio_at": now},
        FAILURE: {"has_failure": True, "failure_at": now, "outcome": Outcome.UNCONNECTED.value},
    }
    day = {name: _prepared(name, value) for name, value in day_columns(started_at).items()}
    rows = [
        {
            **_blank_row(),
            **day,
            "conversation_id": delivery.conversation_id,
            "sort_key": sort_key(delivery.conversation_id, started_at),
            **known.get(delivery.type, {}),
        }
        # In a fixed order: two writers of several rows could deadlock otherwise.
        for delivery in sorted(deliveries, key=attrgetter("conversation_id"))
    ]
    # ElevenLabs waits for the answer, and bulk_create takes several times as long.
    with transaction.atomic(ALIAS), connections[ALIAS].cursor() as cursor:
        cursor.executemany(_insert_or_mark(), rows)


def refresh_stale_rows(but: Collection[str] = ()) -> int:
    """Refresh the rows that are behind their files, except those of `but`; returns how many there were."""
    return sum(refresh_rows([conversation_id for conversation_id in _stale_ids("pk") if conversation_id not in but]))


def catch_up() -> None:
    """Refresh rows that are behind, the newest first, for about a second. Pages call this when no worker runs."""
    until = time.monotonic() + _LONGEST_CATCHING_UP_SECONDS
    for batch in batched(_stale_ids("-sort_key"), _BATCH_OF_A_PAGE):
        _refresh_batch(batch, {})
        if time.monotonic() > until:
            break


@healed
def complete(*, wholly: bool = False) -> bool:
    """Compare files with rows for about a second if the index is new. Pages call this when no worker runs.

    Returns whether all have been compared; with `wholly` it continues until they are.
    """
    with _one_at_a_time:
        if (mark := made()) not in _completing:
            lacks_rows = Conversation.objects.count() < sum(1 for _ in conversation_ids())
            _completing.clear()
            _completing[mark] = reconcile_in_steps() if lacks_rows else iter(())
        until = time.monotonic() + _LONGEST_CATCHING_UP_SECONDS
        try:
            for _ in _completing[mark]:
                if time.monotonic() > until and not wholly:
                    return False
        except Exception:
            _completing.clear()  # a failed generator looks like a finished one
            raise
    return True


@healed
def _stale_ids(order: str) -> list[str]:
    return list(Conversation.objects.filter(fingerprint="").order_by(order).values_list("pk", flat=True))


def refresh_if_behind(conversation_id: str) -> None:
    """Refresh the conversation's row if it is missing or behind the files."""
    of_row = Conversation.objects.filter(pk=conversation_id).values_list("fingerprint", flat=True).first()
    if not of_row or not _is_up_to_date(conversation_id, of_row):
        refresh_row(conversation_id)


def reconcile() -> int:
    """Refresh all rows that differ from their files; returns their number. This reads every folder."""
    return sum(reconcile_in_steps())


def reconcile_in_steps() -> Iterator[int]:
    """Reconcile in steps of some hundred conversations, in constant memory; yields each step's number of rows."""
    for ids in batched(conversation_ids(), _BATCH):
        known = _fingerprints(ids)
        behind = [one for one in ids if one not in known or not _is_up_to_date(one, known[one])]
        yield sum(refresh_rows(behind))
    last = ""
    while ids := ids_after(last):
        last = ids[-1]
        yield sum(refresh_rows([one for one in ids if not os.path.exists(folder_text(one))]))


@healed
def _fingerprints(ids: Iterable[str]) -> dict[str, str]:
    rows = Conversation.objects.filter(conversation_id__in=ids)
    return dict(rows.values_list("conversation_id", "fingerprint"))


@healed
def ids_after(last: str, most: int = _BATCH) -> tuple[str, ...]:
    """The next conversation ids in the index after this one, in order."""
    rows = Conversation.objects.filter(conversation_id__gt=last).order_by("conversation_id")
    return tuple(rows.values_list("conversation_id", flat=True)[:most])


def _is_up_to_date(conversation_id: str, of_row: str) -> bool:
    """Whether the row's fingerprint is that of the files; False if the files cannot be listed."""
    try:
        return of_row == fingerprint(conversation_id)
    except OSError:
        return False


def refresh_rows(ids: Iterable[str], read: Mapping[str, StoredCall] = MappingProxyType({})) -> Iterator[int]:
    """Refresh these rows in batches; yields the size of each. `read` has transcriptions that were just read, by id."""
    for batch in batched(ids, _BATCH):
        _refresh_batch(batch, read)
        yield len(batch)


def _refresh_batch(ids: Sequence[str], read: Mapping[str, StoredCall]) -> None:
    """Refresh these rows until their files no longer change. A row that the database refuses is logged and left out."""
    try:
        while ids := _refresh_once(ids, read):
            pass
    except OperationalError:
        raise
    except Exception as error:
        if len(ids) > 1:
            for conversation_id in ids:
                _refresh_batch([conversation_id], read)
        else:
            # The other rows must be written even if the database refuses one.
            log.error("cannot write the row of a conversation", conversation_id=ids[0], error=type(error).__name__)
            _leave_to_reconciling(ids)
            if is_done(ids[0], read_receipt(ids[0])):
                Conversation.objects.filter(conversation_id=ids[0]).update(memory_state=MemoryState.WRITTEN)


@healed
def _refresh_once(ids: Sequence[str], read: Mapping[str, StoredCall]) -> list[str]:
    """Refresh these rows in one transaction; returns the ids whose files changed meanwhile."""
    read_rows, rows, gone, unread = [], [], [], []
    for conversation_id in ids:
        try:
            if current := fingerprint(conversation_id):
                row = row_values(conversation_id, read.get(conversation_id))
                own = {"conversation_id": conversation_id, "fingerprint": current, "sort_key": row.text.sort_key}
                rows.append(Conversation(**own, **row.columns))
                read_rows.append(row)
            else:
                gone.append(conversation_id)
        except Exception as error:
            # The other rows must be written even if one folder is unreadable.
            reason = (isinstance(error, OSError) and error.strerror) or type(error).__name__
            log.error("cannot read the files of a conversation", conversation_id=conversation_id, error=reason)
            unread.append(conversation_id)
    columns = [field.name for field in Conversation._meta.fields if field.name not in _NOT_OF_FILES]
    with transaction.atomic(ALIAS):
        callers.lock(row.caller for row in rows)
        before = _remove_texts([*gone, *(row.conversation_id for row in rows)])
        after = [callers.Call(row.caller, row.started_at, row.caller_name) for row in rows]
        Conversation.objects.filter(conversation_id__in=gone).delete()
        returning.flag(rows)
        Conversation.objects.bulk_create(
            rows, update_conflicts=True, unique_fields=["conversation_id"], update_fields=columns
        )
        fulltext.write([row.text for row in read_rows])
        labels.write([label for row in read_rows for label in row.labels])
        returning.correct(call.caller for call in (*before, *after))
        callers.change(before, after)
    _leave_to_reconciling(unread)
    seen = {row.conversation_id: row.fingerprint for row in rows} | dict.fromkeys(gone, "")
    return [conversation_id for conversation_id, of_row in seen.items() if not _is_up_to_date(conversation_id, of_row)]


@healed
def _leave_to_reconciling(ids: Sequence[str]) -> None:
    """Remove the mark from these rows. Only reconciling then tries them again."""
    Conversation.objects.filter(conversation_id__in=ids, fingerprint="").update(fingerprint=_UNKNOWN)


def _remove_texts(ids: Iterable[str]) -> list[callers.Call]:
    """Remove the texts and labels of these rows, by their sort keys before a refresh. Returns the calls of the rows."""
    rows = Conversation.objects.filter(conversation_id__in=ids)
    known = list(rows.values_list("sort_key", "caller", "started_at", "caller_name"))
    sort_keys = sorted(sort_key for sort_key, _, _, _ in known)
    fulltext.remove(sort_keys)
    labels.remove(sort_keys)
    return [callers.Call(caller, started_at, name) for _, caller, started_at, name in known]


@cache
def _blank_row() -> dict[str, Any]:
    """The default of each column, by its name, in the database driver's type."""
    return {name: _prepared(name, field.get_default()) for name, field in _FIELDS.items()}


@cache
def _insert_or_mark() -> str:
    """SQL that inserts a thin row, or clears the fingerprint of an existing one."""
    columns = _blank_row()
    return (
        f"INSERT INTO conversation ({', '.join(columns)}) VALUES ({', '.join(f'%({name})s' for name in columns)})"
        " ON CONFLICT (conversation_id) DO UPDATE SET fingerprint = ''"
    )


def _prepared(name: str, value: Any) -> Any:
    """The value of this column in the database driver's type."""
    return _FIELDS[name].get_db_prep_save(value, connections[ALIAS])
