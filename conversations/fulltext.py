"""Full-text search over names, titles, summaries and transcripts: FTS5 in SQLite, tsvector in PostgreSQL.

Both hold the tokens that `conversations.tokens` makes of a text, and the text as it was for excerpts.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from django.db import connections
from django.db.models.expressions import RawSQL

from conversations.question import Phrase, Term, terms
from conversations.tokens import BREAK, tokens

ALIAS = "index"
TABLE = "conversation_text"

_BETWEEN_PARTS = "\x1f"
# Of a tsvector, whose bound is 1 MB; places from 16,383 on and the 257th place of one word it leaves out by itself.
_MOST_BYTES = 900_000
_MOST_PLACES = 256


class Text(NamedTuple):
    number: int
    name: str
    title: str
    summary: str
    transcript: str


def make_table() -> None:
    with connections[ALIAS].cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {TABLE}")
        if _has_fts():
            # The tokenizer "ascii" parts at blanks and leaves all other scripts alone: the words are already folded.
            cursor.execute(
                f"CREATE VIRTUAL TABLE {TABLE} USING fts5"
                "(name, words, shown UNINDEXED, tokenize='ascii', prefix='2 3', columnsize=0)"
            )
        else:
            cursor.execute(
                f"CREATE TABLE {TABLE} (rowid bigint PRIMARY KEY, name tsvector, words tsvector, shown text)"
            )
            for column in ("name", "words"):
                cursor.execute(f"CREATE INDEX {TABLE}_{column} ON {TABLE} USING gin ({column})")


def write(texts: Iterable[Text]) -> None:
    if _has_fts():
        insert = f"INSERT OR REPLACE INTO {TABLE} (rowid, name, words, shown) VALUES (%s, %s, %s, %s)"
    else:
        insert = (
            f"INSERT INTO {TABLE} (rowid, name, words, shown) VALUES (%s, %s::tsvector, %s::tsvector, %s)"
            " ON CONFLICT (rowid) DO UPDATE SET name = excluded.name, words = excluded.words, shown = excluded.shown"
        )
    # In the order of their numbers: FTS5 writes its buffer out whenever a number is smaller than the one before.
    rows = [_row(text) for text in sorted(texts)]
    with connections[ALIAS].cursor() as cursor:
        cursor.executemany(insert, rows)


def remove(numbers: Iterable[int]) -> None:
    with connections[ALIAS].cursor() as cursor:
        cursor.executemany(f"DELETE FROM {TABLE} WHERE rowid = %s", [(number,) for number in numbers])


def numbers_matching(question: str, column: str = "") -> RawSQL | None:
    """The numbers of calls whose texts (or names, with the column "name") hold every word of the question.

    A subquery, or None where the question wants no word. "Whole phrases" are found as they stand, a -word excludes, and
    a word also matches those that begin with it.
    """
    found = terms(question)
    if not found:
        return None
    if _has_fts():
        match = _in_fts5(found)
        if column:
            match = f"{column} : ({match})"
        return RawSQL(f"SELECT rowid FROM {TABLE} WHERE {TABLE} MATCH %s", (match,))  # noqa: S611
    where = f"{column or 'words'} @@ %s::tsquery"
    return RawSQL(f"SELECT rowid FROM {TABLE} WHERE {where}", (_in_tsquery(found),))  # noqa: S611


def shown(numbers: Iterable[int]) -> dict[int, list[str]]:
    """Of each of these calls the transcript, summary, title and name as they were written."""
    if not (numbers := list(numbers)):
        return {}
    places = ", ".join(["%s"] * len(numbers))
    with connections[ALIAS].cursor() as cursor:
        cursor.execute(f"SELECT rowid, shown FROM {TABLE} WHERE rowid IN ({places})", numbers)
        return {number: text.split(_BETWEEN_PARTS) for number, text in cursor.fetchall()}


def as_column(text: str) -> str:
    """A short text's tokens for a column of an ordinary table, where `column_matching` finds them."""
    return f" {' '.join(tokens(text))} "


def column_matching(question: str, column: str) -> tuple[str, list[str]]:
    """An SQL condition on a column that `as_column` made, and its parameters; "" where the question wants no word."""
    conditions, values = [], []
    for term in terms(question):
        spellings = []
        for phrases in term.spellings:
            spellings.append(" AND ".join([f"{column} LIKE %s"] * len(phrases)))
            values += [f"% {' '.join(phrase.tokens)}{'' if phrase.begun else ' '}%" for phrase in phrases]
        conditions.append(f"{'NOT ' if term.unwanted else ''}({' OR '.join(spellings)})")
    return " AND ".join(conditions), values


def _row(text: Text) -> tuple[int, str, str, str]:
    number, *parts = Text(text.number, *(_storable(part) for part in text[1:]))
    name, title, summary, transcript = parts
    shown = _BETWEEN_PARTS.join((transcript, summary, title, name))
    named = tokens(name)
    rest = [token for part in (title, summary, transcript) for token in (BREAK, *tokens(part))]
    if _has_fts():
        return number, " ".join(named), " ".join(rest), shown
    return number, _tsvector(named), _tsvector([*named, *rest]), shown


def _in_fts5(found: Sequence[Term]) -> str:
    def spelled(phrase: Phrase) -> str:
        return f'"{" ".join(phrase.tokens)}"{"*" if phrase.begun else ""}'

    def of(term: Term) -> str:
        return f"({' OR '.join(f'({" AND ".join(map(spelled, phrases))})' for phrases in term.spellings)})"

    wanted = " AND ".join(of(term) for term in found if not term.unwanted)
    return f"({wanted})" + "".join(f" NOT {of(term)}" for term in found if term.unwanted)


def _in_tsquery(found: Sequence[Term]) -> str:
    def spelled(phrase: Phrase) -> str:
        return f"({' <-> '.join(f"'{token}'" for token in phrase.tokens)}{':*' if phrase.begun else ''})"

    def of(term: Term) -> str:
        return f"({' | '.join(f'({" & ".join(map(spelled, phrases))})' for phrases in term.spellings)})"

    return " & ".join(f"{'!' if term.unwanted else ''}{of(term)}" for term in found)


def _tsvector(words: Iterable[str]) -> str:
    """The tokens with their places, as PostgreSQL reads a tsvector.

    Not by `to_tsvector`, nor Django's SearchVector, which calls it: they part words again, by the server's locale.
    """
    places: defaultdict[str, list[int]] = defaultdict(list)
    room = _MOST_BYTES
    for place, word in enumerate(words, start=1):
        if word == BREAK or len(places[word]) >= _MOST_PLACES:
            continue
        room -= 2 if places[word] else len(word.encode()) + 4
        if room < 0:
            break
        places[word].append(place)
    return " ".join(f"'{word}':{','.join(map(str, at))}" for word, at in places.items() if at)


def _has_fts() -> bool:
    return connections[ALIAS].vendor == "sqlite"


def _storable(text: str) -> str:
    return text.translate({0: None, 2: None, 3: None, 0x1F: None})
