"""Full-text search over names, titles, summaries and transcripts: FTS5 in SQLite, LIKE elsewhere."""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from django.db import connections
from django.db.models.expressions import RawSQL

ALIAS = "index"
TABLE = "conversation_text"
# Around a hit in an excerpt: characters that no text here holds.
HIT_BEGINS, HIT_ENDS = "\x02", "\x03"

_TERM = re.compile(r'(-?)(?:"([^"]*)"?|(\S+))')
_WORD = re.compile(r"[^\W_]+")
_PREFIXES_FROM = 2


class Text(NamedTuple):
    number: int
    name: str
    title: str
    summary: str
    transcript: str


def make_table() -> None:
    columns = "name, title, summary, transcript"
    with connections[ALIAS].cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {TABLE}")
        if _has_fts():
            cursor.execute(
                f"CREATE VIRTUAL TABLE {TABLE} USING fts5"
                f"({columns}, tokenize='unicode61 remove_diacritics 2', prefix='2 3')"
            )
        else:
            typed = columns.replace(",", " text,")
            cursor.execute(f"CREATE TABLE {TABLE} (rowid bigint PRIMARY KEY, {typed} text)")


def write(texts: Iterable[Text]) -> None:
    insert = f"INSERT INTO {TABLE} (rowid, name, title, summary, transcript) VALUES (%s, %s, %s, %s, %s)"
    if _has_fts():
        insert = insert.replace("INSERT", "INSERT OR REPLACE", 1)
    else:
        insert += (
            " ON CONFLICT (rowid) DO UPDATE SET name = excluded.name, title = excluded.title,"
            " summary = excluded.summary, transcript = excluded.transcript"
        )
    # In the order of their numbers: FTS5 writes its buffer out whenever a number is smaller than the one before.
    rows = [Text(text.number, *(_storable(part) for part in text[1:])) for text in sorted(texts)]
    with connections[ALIAS].cursor() as cursor:
        cursor.executemany(insert, rows)


def remove(numbers: Iterable[int]) -> None:
    with connections[ALIAS].cursor() as cursor:
        cursor.executemany(f"DELETE FROM {TABLE} WHERE rowid = %s", [(number,) for number in numbers])


def numbers_matching(question: str, column: str = "") -> RawSQL | None:
    """The numbers of calls whose texts (or one column of them) hold every word of the question, "whole phrases" as
    they stand, and no -word of it; as a subquery.

    A word also matches those that begin with it. None where the question has no words.
    """
    if not _has_fts():
        return _like(question, (column,) if column else ("name", "title", "summary", "transcript"))
    match = _match(question)
    if not match:
        return None
    if column:
        match = f"{column} : ({match})"
    return RawSQL(f"SELECT rowid FROM {TABLE} WHERE {TABLE} MATCH %s", (match,))  # noqa: S611


def excerpts(question: str, numbers: Iterable[int]) -> dict[int, str]:
    """Of these calls the words around the best hit, with the hits marked."""
    match = _match(question)
    if not match or not _has_fts():
        return {}
    if not (numbers := sorted(numbers)):
        return {}
    places = ", ".join(["%s"] * len(numbers))
    with connections[ALIAS].cursor() as cursor:
        cursor.execute(
            f"SELECT rowid, snippet({TABLE}, -1, '{HIT_BEGINS}', '{HIT_ENDS}', '…', 16)"
            # One walk through the span of the page; asking for each number would walk once for each.
            f" FROM {TABLE} WHERE {TABLE} MATCH %s AND rowid BETWEEN %s AND %s AND +rowid IN ({places})",
            (match, numbers[0], numbers[-1], *numbers),
        )
        return dict(cursor.fetchall())


def _match(question: str) -> str:
    """The question in the language of FTS5."""
    wanted: list[str] = []
    unwanted: list[str] = []
    for minus, phrase, word in _TERM.findall(question):
        tokens = _WORD.findall(phrase or word)
        if not tokens:
            continue
        term = f'"{" ".join(tokens)}"'
        if word and len(tokens[-1]) >= _PREFIXES_FROM:
            term += "*"
        (unwanted if minus else wanted).append(term)
    if not wanted:
        return ""
    return " AND ".join(wanted) + "".join(f" NOT {term}" for term in unwanted)


def _like(question: str, columns: Sequence[str]) -> RawSQL | None:
    either = " OR ".join(f"{column} ILIKE %s" for column in columns)
    terms, values = [], []
    for minus, phrase, word in _TERM.findall(question):
        terms.append(f"NOT ({either})" if minus else f"({either})")
        values += ["%" + re.sub(r"([\\%_])", r"\\\1", (phrase or word).rstrip("*")) + "%"] * len(columns)
    return RawSQL(f"SELECT rowid FROM {TABLE} WHERE {' AND '.join(terms)}", tuple(values)) if terms else None  # noqa: S611


def _has_fts() -> bool:
    return connections[ALIAS].vendor == "sqlite"


def _storable(text: object) -> str:
    return str(text).translate({0: None, 2: None, 3: None})
