"""Full-text search over names, titles, summaries and transcripts: FTS5 in SQLite, LIKE over their words elsewhere."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
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
_COLUMNS = "name", "title", "summary", "transcript"


class Text(NamedTuple):
    number: int
    name: str
    title: str
    summary: str
    transcript: str


def statements() -> list[str]:
    """The DDL of the table for the database that is configured."""
    columns = ", ".join(_COLUMNS)
    if _has_fts():
        options = "tokenize='unicode61 remove_diacritics 2', prefix='2 3'"
        return [f"CREATE VIRTUAL TABLE {TABLE} USING fts5({columns}, {options})"]
    return [f"CREATE TABLE {TABLE} (rowid bigint PRIMARY KEY, {columns.replace(',', ' text,')} text)"]


def write(texts: Iterable[Text]) -> None:
    insert = f"INSERT INTO {TABLE} (rowid, name, title, summary, transcript) VALUES (%s, %s, %s, %s, %s)"
    if _has_fts():
        insert = insert.replace("INSERT", "INSERT OR REPLACE", 1)
    else:
        insert += (
            " ON CONFLICT (rowid) DO UPDATE SET name = excluded.name, title = excluded.title,"
            " summary = excluded.summary, transcript = excluded.transcript"
        )
    stored = _storable if _has_fts() else _in_words
    # In the order of their numbers: FTS5 writes its buffer out whenever a number is smaller than the one before.
    rows = [Text(text.number, *(stored(str(part)) for part in text[1:])) for text in sorted(texts)]
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
        return _like(question, (column,) if column else _COLUMNS)
    match = _match(question)
    if not match:
        return None
    if column:
        match = f"{column} : ({match})"
    return RawSQL(f"SELECT rowid FROM {TABLE} WHERE {TABLE} MATCH %s", (match,))  # noqa: S611


def excerpts(question: str, numbers: Iterable[int]) -> dict[int, str]:
    """Of these calls the words around the best hit, with the hits marked; nothing where LIKE has found them."""
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


class _Term(NamedTuple):
    words: Sequence[str]
    unwanted: bool
    begun: bool  # the last word may go on


def _terms(question: str) -> Iterator[_Term]:
    for minus, phrase, word in _TERM.findall(question):
        if words := _WORD.findall(phrase or word):
            yield _Term(words, bool(minus), bool(word) and len(words[-1]) >= _PREFIXES_FROM)


def _match(question: str) -> str:
    """The question in the language of FTS5."""
    wanted: list[str] = []
    unwanted: list[str] = []
    for term in _terms(question):
        (unwanted if term.unwanted else wanted).append(f'"{" ".join(term.words)}"{"*" if term.begun else ""}')
    if not wanted:
        return ""
    return " AND ".join(wanted) + "".join(f" NOT {term}" for term in unwanted)


def _like(question: str, columns: Sequence[str]) -> RawSQL | None:
    terms = list(_terms(question))
    if all(term.unwanted for term in terms):
        return None
    either = " OR ".join(f"{column} LIKE %s" for column in columns)
    where = " AND ".join(f"{'NOT ' if term.unwanted else ''}({either})" for term in terms)
    values: list[str] = []
    for term in terms:
        words = _in_words(" ".join(term.words))
        values += [f"%{words.rstrip() if term.begun else words}%"] * len(columns)
    return RawSQL(f"SELECT rowid FROM {TABLE} WHERE {where}", tuple(values))  # noqa: S611


def _has_fts() -> bool:
    return connections[ALIAS].vendor == "sqlite"


def _storable(text: str) -> str:
    return text.translate({0: None, 2: None, 3: None})


def _in_words(text: str) -> str:
    """The words of the text as they are compared, without case and accents, each between spaces."""
    letters = "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))
    return f" {' '.join(_WORD.findall(letters.casefold()))} "
