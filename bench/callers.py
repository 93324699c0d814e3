"""Invents callers with any number of memories, and inserts these straight into the table of an embedded store."""

import random
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import orjson
from django.conf import settings

from elmemory.memory.card import card_memory
from elmemory.memory.card_state import CardState, FieldValue, LastCall, Order

_WORDS = (
    "dog cat appointment friday garden invoice moved called sister doctor parking engine holiday boiler window tablet"
    " bread piano train letter money river winter brother office kitchen Biscuit Duluth monday morning evening price"
).split()
_INSERT = """
    INSERT INTO memory (id, user_id, key, conversation_id, content, tags, metadata, salience, decay_lambda, sectors,
                        created_at, updated_at, last_seen_at, version)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, '["semantic"]', 1790000000000, 1790000000000, 1790000000000, 1)
"""
TURNS_PER_CALL = 20


class Row(NamedTuple):
    key: str
    content: str
    metadata: dict[str, Any]


def number_of(caller: int) -> str:
    return f"+1415{2_000_000 + caller}"


def message(number: int) -> Row:
    """A sentence of a caller, determined by its number."""
    words = random.Random(number).choices(_WORDS, k=12)
    call, position = divmod(number, TURNS_PER_CALL)
    metadata = {
        "kind": "message",
        "conversation_id": f"conv_{call}",
        "agent_id": "agent_bench",
        "called_at": f"2026-{1 + call % 9:02d}-{1 + call % 28:02d}T10:00:00+00:00",
        "position": position,
        "asked": "And what was it about, please?",
    }
    return _row(f"message:conv_{call}:{position}", f"The {' '.join(words)}.", 0.8, metadata)


def card(memories: int) -> Row:
    facts = {"first_name": "Maya", "last_name": "Okafor", "city": "Duluth", "email": "maya@example.com"}
    order = Order("2026-10-07T10:00:00+00:00", "conv_last")
    last = LastCall(*order[:2], "UTC", "Maya moved the appointment from Thursday to Friday at nine.")
    known = CardState(
        facts={name: FieldValue(corrected=False, order=order, value=value) for name, value in facts.items()},
        call_count=1 + memories // TURNS_PER_CALL,
        last_inbound=last,
        last_spoken=last,
    )
    if not settings.configured:  # a card's language needs settings, which only the server has
        settings.configure(LANGUAGE="en")
    written = card_memory(known, revision=1)
    return _row(written.key, written.content, 1.0, {"kind": written.kind, **written.metadata})


def remember(store: Path | str, callers: Iterable[int], memories: int) -> None:
    """Write this many memories for each caller, the last of them the card. The store is a file or a postgres:// URL."""
    if isinstance(store, str):
        import psycopg

        with psycopg.connect(store) as connection, connection.cursor() as cursor:
            for caller in callers:
                cursor.executemany(_INSERT.replace("?", "%s").encode(), _rows(caller, memories))
        return
    with sqlite3.connect(store) as database:
        for caller in callers:
            database.executemany(_INSERT, _rows(caller, memories))
    database.close()


def remember_more(store: Path, caller: int, memories: int) -> None:
    """Write another call of a caller with this many memories, after their card."""
    with sqlite3.connect(store) as database:
        more = [message(number) for number in range(memories, memories + TURNS_PER_CALL)]
        database.executemany(_INSERT, _as_stored(caller, memories, more))
    database.close()


def _rows(caller: int, memories: int) -> Iterator[tuple[object, ...]]:
    return _as_stored(caller, 0, (*(message(number) for number in range(memories - 1)), card(memories)))


def _as_stored(caller: int, first: int, rows: Iterable[Row]) -> Iterator[tuple[object, ...]]:
    user = number_of(caller)
    for number, row in enumerate(rows, first):
        kind = orjson.dumps([row.metadata["kind"]]).decode()
        metadata = orjson.dumps(row.metadata).decode()
        yield (
            f"{caller}-{number}",
            user,
            row.key,
            row.metadata.get("conversation_id", ""),
            row.content,
            kind,
            metadata,
            row.metadata["salience"],
        )


def _row(key: str, content: str, salience: float, metadata: dict[str, Any]) -> Row:
    return Row(key, content, {**metadata, "key": key, "salience": salience, "decay_lambda": 0.0})
