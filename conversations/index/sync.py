"""Keeping the index in line with the payload files."""

import time
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import batched
from operator import attrgetter
from typing import Any

import structlog
from django.db import OperationalError, connections, transaction

from conversations.files.paths import (
    AUDIO,
    FAILURE,
    TRANSCRIPTION,
    conversation_ids,
)
from conversations.files.placing import Delivery
from conversations.files.receipts import is_done, read_receipt
from conversations.index import fulltext
from conversations.index.references import row_number
from conversations.index.rows import day_columns, fingerprint, moment, row_values
from conversations.index.schema import ALIAS, healed
from conversations.models import Conversation, MemoryState

log = structlog.get_logger(__name__)
_BATCH = 500
_UNKNOWN = "unknown"
_FIELDS = {field.attname: field for field in Conversation._meta.concrete_fields}


def refresh_row(conversation_id: str) -> None:
    """Make the row of a conversation say what its files say."""
    _refresh_batch([conversation_id])


@healed
def record_deliveries(deliveries: Iterable[Delivery]) -> None:
    """Write a thin row for each delivery, all at once; a row that is there already is marked as behind its files.

    `refresh_stale_rows` makes them say what the files say.
    """
    now = time.time()
    started_at = moment(now)
    waiting = {"memory_state": MemoryState.PENDING.value, "pending_since": now}
    known: dict[str, dict[str, Any]] = {
        TRANSCRIPTION: {"has_transcription": True, "transcription_at": now, **waiting},
        AUDIO: {"has_audio": True, "audio_at": now},
        FAILURE: {"has_failure": True, "failure_at": now},
    }
    day = {name: _prepared(name, value) for name, value in day_columns(started_at).items()}
    rows = [
        {
            **_blank_row(),
            **day,
            "conversation_id": delivery.conversation_id,
            "number": row_number(delivery.conversation_id, started_at),
            **known.get(delivery.type, {}),
        }
        # In one order, whoever writes several rows: else two of them may wait for each other.
        for delivery in sorted(deliveries, key=attrgetter("conversation_id"))
    ]
    # Not by bulk_create, which takes several times as long: a sender waits.
    with transaction.atomic(ALIAS), connections[ALIAS].cursor() as cursor:
        cursor.executemany(_insert_or_mark(), rows)


def refresh_stale_rows() -> int:
    """Make the rows that are behind say what their files say; how many they were."""
    return sum(refresh_rows(_stale_ids()))


@healed
def _stale_ids() -> list[str]:
    return list(Conversation.objects.filter(files="").order_by("pk").values_list("conversation_id", flat=True))


@healed
def reconcile() -> int:
    """Make files and rows agree; how many rows were mended. For start-up and now and then."""
    known = dict(Conversation.objects.values_list("conversation_id", "files"))
    mended = 0
    missing = []
    for conversation_id in conversation_ids():
        files = known.pop(conversation_id, None)
        if files is None:
            missing.append(conversation_id)
        elif not _is_up_to_date(conversation_id, files):
            _refresh_batch([conversation_id])
            mended += 1
    for conversation_id in known:
        refresh_row(conversation_id)
    return mended + len(known) + sum(refresh_rows(sorted(missing)))


def _is_up_to_date(conversation_id: str, files: str) -> bool:
    try:
        return files == fingerprint(conversation_id)
    except OSError:
        return False


def refresh_rows(ids: Iterable[str]) -> Iterator[int]:
    """Make the rows of these conversations anew, in batches; yields how many were made, batch by batch."""
    for batch in batched(ids, _BATCH):
        _refresh_batch(batch)
        yield len(batch)


def _refresh_batch(ids: Sequence[str]) -> None:
    try:
        while ids := _refresh_once(ids):
            pass
    except OperationalError:
        raise
    except Exception as error:
        if len(ids) > 1:
            for conversation_id in ids:
                _refresh_batch([conversation_id])
        else:
            # What the database does not take must not keep the others from being seen.
            log.error("a conversation cannot be shown", conversation_id=ids[0], error=type(error).__name__)
            _leave_to_reconciling(ids)
            if is_done(ids[0], read_receipt(ids[0])):
                Conversation.objects.filter(conversation_id=ids[0]).update(memory_state=MemoryState.WRITTEN)


@healed
def _refresh_once(ids: Sequence[str]) -> list[str]:
    """The ids of those whose files have changed meanwhile."""
    rows, texts, gone, unread = [], [], [], []
    for conversation_id in ids:
        try:
            if files := fingerprint(conversation_id):
                row, text = row_values(conversation_id)
                rows.append(Conversation(conversation_id=conversation_id, files=files, number=text.number, **row))
                texts.append(text)
            else:
                gone.append(conversation_id)
        except Exception as error:
            # One folder that cannot be read must not keep the others from being seen.
            reason = (isinstance(error, OSError) and error.strerror) or type(error).__name__
            log.error("a conversation cannot be read", conversation_id=conversation_id, error=reason)
            unread.append(conversation_id)
    columns = [field.name for field in Conversation._meta.fields if not field.primary_key]
    with transaction.atomic(ALIAS):
        _forget_texts([*gone, *(row.conversation_id for row in rows)])
        Conversation.objects.filter(conversation_id__in=gone).delete()
        Conversation.objects.bulk_create(
            rows, update_conflicts=True, unique_fields=["conversation_id"], update_fields=columns
        )
        fulltext.write(texts)
    _leave_to_reconciling(unread)
    seen = {row.conversation_id: row.files for row in rows} | dict.fromkeys(gone, "")
    return [conversation_id for conversation_id, files in seen.items() if not _is_up_to_date(conversation_id, files)]


@healed
def _leave_to_reconciling(ids: Sequence[str]) -> None:
    """Reconciling looks again after a while."""
    Conversation.objects.filter(conversation_id__in=ids, files="").update(files=_UNKNOWN)


def _forget_texts(ids: Iterable[str]) -> None:
    """A row's number changes with the call's start: its text goes by the number that it has."""
    fulltext.remove(sorted(Conversation.objects.filter(conversation_id__in=ids).values_list("number", flat=True)))


@cache
def _blank_row() -> dict[str, Any]:
    """A column's name -> its default, as the database takes it."""
    return {name: _prepared(name, field.get_default()) for name, field in _FIELDS.items()}


@cache
def _insert_or_mark() -> str:
    columns = _blank_row()
    return (
        f"INSERT INTO conversation ({', '.join(columns)}) VALUES ({', '.join(f'%({name})s' for name in columns)})"
        " ON CONFLICT (conversation_id) DO UPDATE SET files = ''"
    )


def _prepared(name: str, value: Any) -> Any:
    return _FIELDS[name].get_db_prep_save(value, connections[ALIAS])
