"""The index database: made when it is missing, thrown away when it is old or broken, rebuilt from the files."""

import contextlib
import os
import random
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import cache, wraps
from hashlib import sha256
from itertools import batched
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple

import structlog
from django.apps import apps
from django.db import DatabaseError, OperationalError, connections, models, transaction
from django.db.models import Count, F, Min, Q
from django.utils.timezone import localdate

from conversations import fulltext
from conversations.failure import Failure, read_failure
from conversations.fulltext import Text
from conversations.locks import index_lock
from conversations.models import (
    Caller,
    CallerCard,
    Conversation,
    Direction,
    IndexSchema,
    MemoryState,
    Outcome,
    Recall,
)
from conversations.outline import NotReadable
from conversations.payload import Transcription
from conversations.receipts import PayloadStamp, is_done, new_receipt, read_receipt
from conversations.references import caller_reference, key_fingerprint, row_number
from conversations.storage import (
    AUDIO,
    FAILURE,
    TRANSCRIPTION,
    Delivery,
    conversation_folder,
    conversation_ids,
    payload_path,
    transcription_path,
)
from elmemory.memory.caller import Card

log = structlog.get_logger(__name__)

ALIAS = "index"
_SCHEMA_VERSION = 4
_LONGEST_DELAY = 3600
_BATCH = 500
_INODE = "elmemory_inode"
_UNKNOWN = "unknown"
_FIELDS = {field.attname: field for field in Conversation._meta.concrete_fields}
_VIEWS = {
    Caller: """
        SELECT grouped.*, COALESCE(card.opted_out, FALSE) AS opted_out, COALESCE(card.shared_line, FALSE) AS shared_line
        FROM (SELECT caller_ref AS ref, MIN(caller) AS number, COUNT(*) AS calls,
                     MIN(started_at) AS first_call, MAX(started_at) AS last_call
              FROM conversation WHERE caller_ref <> '' GROUP BY caller_ref) AS grouped
        LEFT JOIN caller_card AS card ON card.caller_ref = grouped.ref
    """
}


def ensure_schema() -> None:
    """Make the index's tables; throw away those of another version, and a file that is no database."""
    if not _is_complete():
        with index_lock():
            if not _is_complete():
                _rebuild()


def make_ready() -> None:
    """Have the tables there, in the file that the path names now."""
    _leave_replaced_file()
    ensure_schema()


def healed[**P, R](function: Callable[P, R]) -> Callable[P, R]:
    """An index deleted or broken while in use heals: its schema is made sure of, and the work done again, once."""

    @wraps(function)
    def with_schema(*args: P.args, **kwargs: P.kwargs) -> R:
        _leave_replaced_file()
        try:
            return function(*args, **kwargs)
        except DatabaseError:
            _disconnect()
            ensure_schema()
            return function(*args, **kwargs)

    return with_schema


def refresh(conversation_id: str) -> None:
    """Make the row of a conversation say what its files say."""
    _refresh_batch([conversation_id])


@healed
def note_arrivals(deliveries: Iterable[Delivery]) -> None:
    """Write a thin row for each delivery, all at once; a row that is there already is marked as behind its files.

    `catch_up` makes them say what the files say.
    """
    now = time.time()
    started_at = moment(now)
    waiting = {"memory_state": MemoryState.PENDING.value, "pending_since": now}
    known: dict[str, dict[str, Any]] = {
        TRANSCRIPTION: {"has_transcription": True, "transcription_at": now, **waiting},
        AUDIO: {"has_audio": True, "audio_at": now},
        FAILURE: {"has_failure": True, "failure_at": now},
    }
    day = {name: _prepared(name, value) for name, value in _day(started_at).items()}
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


def catch_up() -> int:
    """Make the rows that are behind say what their files say; how many they were."""
    return sum(refresh_all(_behind()))


@healed
def _behind() -> list[str]:
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
        refresh(conversation_id)
    return mended + len(known) + sum(refresh_all(sorted(missing)))


def _is_up_to_date(conversation_id: str, files: str) -> bool:
    try:
        return files == _fingerprint(conversation_id)
    except OSError:
        return False


def refresh_all(ids: Iterable[str]) -> Iterator[int]:
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
            if files := _fingerprint(conversation_id):
                row, text = _row(conversation_id)
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


@healed
def due(limit: int = 100) -> list[str]:
    """Conversations whose transcription waits to be remembered, the longest waiting first."""
    waiting = Conversation.objects.filter(memory_state=MemoryState.PENDING, next_attempt_at__lte=time.time())
    return list(waiting.order_by("next_attempt_at").values_list("conversation_id", flat=True)[:limit])


@healed
def wake() -> int:
    """Make everything due that waits for its next attempt, what failed least first; how much that is."""
    waiting = Conversation.objects.filter(memory_state=MemoryState.PENDING, attempts__gt=0)
    return waiting.update(next_attempt_at=F("attempts"))


@healed
def note_failure(conversation_id: str, error: str, *, parked: bool) -> float:
    """The attempt failed. Parked for good, or due again after a growing, jittered delay, which is returned (s)."""
    row = Conversation.objects.get(conversation_id=conversation_id)
    delay: float = min(_LONGEST_DELAY, 2 ** min(row.attempts, 12)) * random.uniform(0.5, 1)  # noqa: S311
    Conversation.objects.filter(conversation_id=conversation_id, files=row.files).update(
        memory_state=MemoryState.FAILED if parked else MemoryState.PENDING,
        attempts=row.attempts + 1,
        next_attempt_at=time.time() + delay,
        error=error[:500],
    )
    return delay


class Queue(NamedTuple):
    """Transcriptions that wait to be remembered, those that were parked, and how long the oldest has waited."""

    pending: int
    failed: int
    oldest_seconds: int


@healed
def queue() -> Queue:
    unfinished = Conversation.objects.filter(memory_state__in=(MemoryState.PENDING, MemoryState.FAILED))
    counts = unfinished.aggregate(
        pending=Count("pk", filter=Q(memory_state=MemoryState.PENDING)),
        failed=Count("pk", filter=Q(memory_state=MemoryState.FAILED)),
        oldest=Min("pending_since", filter=Q(memory_state=MemoryState.PENDING)),
    )
    waited = max(0, int(time.time() - counts["oldest"])) if counts["oldest"] else 0
    return Queue(counts["pending"], counts["failed"], waited)


@healed
def note_card(caller: str, card: Card | None) -> None:
    """Keep for the lists what the caller's card says."""
    card = card or Card()
    CallerCard.objects.update_or_create(
        caller_ref=caller_reference(caller),
        defaults={
            "name": card.full_name,
            "name_words": fulltext.as_column(card.full_name),
            "opted_out": card.opted_out,
            "shared_line": card.shared_line,
        },
    )


@healed
def callers_without_card(limit: int) -> list[str]:
    known = CallerCard.objects.values("caller_ref")
    return list(Caller.objects.exclude(ref__in=known).values_list("number", flat=True)[:limit])


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


def _row(conversation_id: str) -> tuple[dict[str, Any], Text]:
    """What the files say: the columns, and the text for the search."""
    row: dict[str, Any] = {
        "transcription_at": None,
        "audio_at": _modified(payload_path(conversation_id, AUDIO)),
        "failure_at": _modified(payload_path(conversation_id, FAILURE)),
        "has_transcription": False,
        "memory_state": MemoryState.NONE,
        "pending_since": None,
        "attempts": 0,
        "next_attempt_at": 0,
        "error": "",
    }
    row |= {"has_audio": row["audio_at"] is not None, "has_failure": row["failure_at"] is not None}
    try:
        with transcription_path(conversation_id).open("rb") as file:
            stat, raw = os.fstat(file.fileno()), file.read()
    except FileNotFoundError:
        if failure := read_failure(conversation_id):
            row |= _failure_columns(failure, row["failure_at"])
        else:
            row |= _day(moment(_first_modified(conversation_id)))
        return row, Text(row_number(conversation_id, row["started_at"]), "", row.get("title", ""), "", "")
    try:
        call = Transcription.read(raw)
    except NotReadable:
        call = Transcription({})
    receipt = read_receipt(conversation_id)
    row |= _call_columns(call)
    row |= _day(call.started_at((receipt or new_receipt(PayloadStamp.of(raw, stat))).arrival))
    row |= {
        "has_transcription": True,
        "transcription_at": stat.st_mtime,
        "memories": len(receipt.memories) if receipt else 0,
    }
    if not is_done(conversation_id, receipt):
        row |= {"memory_state": MemoryState.PENDING, "pending_since": stat.st_mtime}
    else:
        row["memory_state"] = MemoryState.WRITTEN if row["memories"] else MemoryState.NONE
    said = "\n".join(turn.message for turn in call.turns)
    number = row_number(conversation_id, row["started_at"])
    return row, Text(number, row["caller_name"], call.title, call.summary, said)


def _call_columns(call: Transcription) -> dict[str, Any]:
    match call.status, call.is_phone_call:
        case "failed", _:
            outcome = Outcome.FAILED
        case _, False:
            outcome = Outcome.WEB
        case _:
            outcome = Outcome.DONE
    direction = Direction.OUTBOUND if call.outbound else Direction.INBOUND
    return {
        "agent_id": _short(call.agent_id, 128),
        "agent_name": _short(call.agent_name, 128),
        "caller": call.caller or "",
        "caller_ref": caller_reference(call.caller or ""),
        "caller_name": _short(call.caller_name, 128),
        "outbound": call.outbound,
        "direction": direction if call.is_phone_call else Direction.WEB,
        "duration_seconds": call.duration_seconds,
        "status": _short(call.status, 32),
        "outcome": outcome,
        "successful": _short(call.successful, 32),
        "cost": call.cost,
        "title": _short(call.title or call.summary, 200),
        "recall": Recall(call.recall),
    }


def _failure_columns(failure: Failure, arrived_at: float) -> dict[str, Any]:
    return {
        "agent_id": _short(failure.agent_id, 128),
        "caller": failure.caller or "",
        "caller_ref": caller_reference(failure.caller or ""),
        "outbound": True,
        "direction": Direction.OUTBOUND,
        "outcome": Outcome.UNCONNECTED,
        "title": f"Never connected: {failure.in_plain_words}",
        **_day(failure.at(moment(arrived_at))),
    }


def moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _day(started_at: datetime) -> dict[str, Any]:
    return {"started_at": started_at, "started_on": localdate(started_at)}


def _modified(path: Path) -> float | None:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return None


def _first_modified(conversation_id: str) -> float:
    try:
        with os.scandir(conversation_folder(conversation_id)) as entries:
            return min((entry.stat().st_mtime for entry in entries), default=0)
    except FileNotFoundError:
        return 0


def _fingerprint(conversation_id: str) -> str:
    """What changes when any file of the conversation does; empty where there is none."""
    try:
        with os.scandir(conversation_folder(conversation_id)) as entries:
            stats = sorted((entry.name, entry.stat()) for entry in entries)
    except FileNotFoundError:
        return ""
    files = "|".join(f"{name}:{stat.st_size}:{stat.st_mtime_ns}" for name, stat in stats)
    return sha256(files.encode()).hexdigest() if files else ""


def _short(value: str, length: int) -> str:
    return value.replace("\x00", "")[:length]


def _tables() -> list[type[models.Model]]:
    """The index's models that are tables; views are not."""
    unmanaged = [model for model in apps.get_app_config("conversations").get_models() if not model._meta.managed]
    return [model for model in unmanaged if model not in _VIEWS]


def _version() -> str:
    return f"{_SCHEMA_VERSION}:{key_fingerprint()}"


def _is_complete() -> bool:
    with contextlib.suppress(DatabaseError):
        tables = {fulltext.TABLE, *(model._meta.db_table for model in _tables())}
        if tables <= set(connections[ALIAS].introspection.table_names()):
            return IndexSchema.objects.filter(version=_version()).exists()
    return False


def _rebuild() -> None:
    try:
        _make_tables()
    except DatabaseError:
        if connections[ALIAS].vendor != "sqlite":
            raise
        log.warning("the index cannot be read; it is made anew")
        _disconnect()
        for suffix in ("", "-wal", "-shm"):
            Path(f"{_path()}{suffix}").unlink(missing_ok=True)
        _make_tables()


def _make_tables() -> None:
    connection = connections[ALIAS]
    existing = connection.introspection.table_names()
    with connection.schema_editor() as editor:
        for view in _VIEWS:
            editor.execute(f"DROP VIEW IF EXISTS {view._meta.db_table}")
        for model in _tables():
            if model._meta.db_table in existing:
                editor.delete_model(model)
            editor.create_model(model)
            for index in model._meta.indexes:
                editor.add_index(model, index)  # create_model leaves out those of unmanaged models
        for view, query in _VIEWS.items():
            editor.execute(f"CREATE VIEW {view._meta.db_table} AS {query}")
    fulltext.make_table()
    IndexSchema.objects.create(version=_version())


def _leave_replaced_file() -> None:
    """SQLite goes on writing into a file that was deleted: a connection to another file than the path's is left."""
    connection = connections[ALIAS]
    if connection.vendor != "sqlite":
        return
    try:
        inode = _path().stat().st_ino
    except FileNotFoundError:
        inode = 0
    if connection.connection is not None and getattr(connection, _INODE, inode) != inode:
        _disconnect()
    if inode == 0:
        ensure_schema()
        inode = _path().stat().st_ino
    setattr(connection, _INODE, inode)


def _disconnect() -> None:
    connection = connections[ALIAS]
    if connection.vendor == "sqlite" and connection.connection is not None:
        # The last one to close a database removes its log by name, which may be that of the new file by now.
        with contextlib.suppress(sqlite3.Error):
            connection.connection.setconfig(sqlite3.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, True)
    connection.close()


def _path() -> Path:
    return Path(connections[ALIAS].settings_dict["NAME"])
