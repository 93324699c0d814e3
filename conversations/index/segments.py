"""Removes and finds deleted words in the segments of FTS5, which keep them until they are merged into one."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django.db import connections

from conversations.index.fulltext import ALIAS, TABLE
from conversations.index.schema import healed

_PAGES_AT_ONCE = 500
_SEGMENT_BITS = 37
_MAIN_INDEX = b"0"

type Execute = Callable[..., Any]


@healed
def remove_deleted_words() -> None:
    """Merge all segments into one, in small steps. The merged segment has no words of deleted texts.

    On PostgreSQL this does nothing: a VACUUM of the table removes them.
    """
    connection = connections[ALIAS]
    if connection.vendor != "sqlite":
        return
    with connection.cursor() as cursor:
        pages = -_PAGES_AT_ONCE  # a negative number starts a merge of all segments
        while True:
            before = connection.connection.total_changes
            cursor.execute(f"INSERT INTO {TABLE} ({TABLE}, rank) VALUES ('merge', %s)", [pages])
            if connection.connection.total_changes - before < 2:
                return
            pages = _PAGES_AT_ONCE


@healed
def deleted_words(words: Iterable[str]) -> list[str]:
    """Those of these words that a segment still contains although no text has them."""
    connection = connections[ALIAS]
    if connection.vendor != "sqlite":
        return []
    connection.ensure_connection()
    execute = connection.connection.execute
    segments = list(_segments(execute))
    found = []
    for word in words:
        if any(_MAIN_INDEX + word.encode() in _terms_near(execute, segment, word) for segment in segments):
            phrase = f'"{word.replace('"', '""')}"'
            if not execute(f"SELECT 1 FROM {TABLE} WHERE {TABLE} MATCH ? LIMIT 1", (phrase,)).fetchone():
                found.append(word)
    return found


def _segments(execute: Execute) -> Iterator[int]:
    """The numbers of the segments."""
    number = 0
    query = f"SELECT min(id) FROM {TABLE}_data WHERE id >= ?"
    while (first := execute(query, ((number + 1) << _SEGMENT_BITS,)).fetchone()[0]) is not None:
        number = first >> _SEGMENT_BITS
        yield number


def _terms_near(execute: Execute, segment: int, word: str) -> set[bytes]:
    """The terms on the only leaf of the segment that may contain the word."""
    query = f"SELECT pgno >> 1 FROM {TABLE}_idx WHERE segid = ? AND term <= ? ORDER BY term DESC LIMIT 1"
    page = (execute(query, (segment, _MAIN_INDEX + word.encode())).fetchone() or [1])[0]
    query = f"SELECT block FROM {TABLE}_data WHERE id = ?"
    row = execute(query, (segment << _SEGMENT_BITS | max(page, 1),)).fetchone()
    return set(_terms(row[0])) if row else set()


def _terms(leaf: bytes) -> Iterator[bytes]:
    """The terms on a leaf. The index at the leaf's end gives their positions; each but the first shares a prefix."""
    at, offset, term, is_first = int.from_bytes(leaf[2:4]), 0, b"", True
    while at < len(leaf):
        step, at = _varint(leaf, at)
        offset += step
        kept, begin = (0, offset) if is_first else _varint(leaf, offset)
        length, begin = _varint(leaf, begin)
        term, is_first = term[:kept] + leaf[begin : begin + length], False
        yield term


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number in SQLite's format of seven bits per byte, and the position after it."""
    value = 0
    while True:
        byte, at = data[at], at + 1
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at
