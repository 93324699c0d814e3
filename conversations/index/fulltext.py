"""Full-text search over names, titles, summaries and transcripts: FTS5 in SQLite, tsvector in PostgreSQL.

Both store the tokens of `conversations.index.tokens`, and the original text for excerpts.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from django.db import connections
from django.db.models import BooleanField, Model, QuerySet
from django.db.models.expressions import RawSQL

from conversations.index.question import Phrase, Term, terms
from conversations.index.tokens import BREAK, FOLDING, tokens

ALIAS = "index"
TABLE = "conversation_text"

_BETWEEN_PARTS = "\x1f"
# Limits of a tsvector: 1 MB; PostgreSQL itself drops places above 16,383 and after the 256th of one word.
_MOST_BYTES = 900_000
_MOST_PLACES = 256
# Forces the GIN index: PostgreSQL assumes that reading a tsvector costs as little as comparing a number, and would
# otherwise read those of all calls.
_FUNCTION = f"""
    CREATE OR REPLACE FUNCTION {TABLE}_words_like(tsquery) RETURNS bigint[]
    LANGUAGE sql STABLE SET enable_seqscan = off SET enable_indexscan = off
    AS 'SELECT array_agg(rowid) FROM {TABLE} WHERE words @@ $1'
"""


class Condition(NamedTuple):
    """An SQL condition on calls with its parameters.

    `selected` is the query of the sort keys that it finds; `sort_keys` are the keys, separated by commas, if they have
    been read already.
    """

    sql: str
    params: Sequence[str]
    selected: str = ""
    sort_keys: str = ""

    def of[M: Model](self, rows: QuerySet[M]) -> QuerySet[M]:
        return rows.filter(RawSQL(self.sql, tuple(self.params), output_field=BooleanField()))  # noqa: S611

    def total(self) -> int:
        """How many sort keys `selected` finds. A text has a row of its own, so their calls need not be read."""
        if self.sort_keys:
            return self.sort_keys.count(",") + 1
        with connections[ALIAS].cursor() as cursor:
            cursor.execute(f"SELECT COUNT(*) FROM ({self.selected}) AS found", self.params)
            return int(cursor.fetchone()[0])


class Text(NamedTuple):
    sort_key: int
    name: str
    title: str
    summary: str
    transcript: str


def statements() -> list[str]:
    """The DDL of the table for the configured database; it changes with `FOLDING`."""
    if _has_fts():
        # The words are folded already. The tokenizer "ascii" splits at blanks and leaves other scripts alone.
        columns = "words, shown UNINDEXED, tokenize='ascii', prefix='2 3', columnsize=0"
        return [f"CREATE VIRTUAL TABLE {TABLE} /* folding {FOLDING} */ USING fts5({columns})"]
    columns = "rowid bigint PRIMARY KEY, words tsvector, shown text"
    return [
        # Moves long columns out of the row: a common word reads all rows, but none of these columns.
        f"CREATE TABLE {TABLE} /* folding {FOLDING} */ ({columns}) WITH (toast_tuple_target = 128)",
        f"CREATE INDEX {TABLE}_words ON {TABLE} USING gin (words)",
        _FUNCTION,
    ]


def write(texts: Iterable[Text]) -> None:
    if _has_fts():
        insert = f"INSERT OR REPLACE INTO {TABLE} (rowid, words, shown) VALUES (%s, %s, %s)"
    else:
        insert = (
            f"INSERT INTO {TABLE} (rowid, words, shown) VALUES (%s, %s::tsvector, %s)"
            " ON CONFLICT (rowid) DO UPDATE SET words = excluded.words, shown = excluded.shown"
        )
    # Sorted: FTS5 flushes its buffer whenever a rowid is smaller than the one before.
    rows = [_row(text) for text in sorted(texts)]
    with connections[ALIAS].cursor() as cursor:
        cursor.executemany(insert, rows)


def remove(sort_keys: Iterable[int]) -> None:
    with connections[ALIAS].cursor() as cursor:
        cursor.executemany(f"DELETE FROM {TABLE} WHERE rowid = %s", [(sort_key,) for sort_key in sort_keys])


def matching(question: str) -> Condition | None:
    """The condition that a call's texts have every word of the question.

    None if the question has only unwanted words. "Whole phrases" match exactly, a -word excludes, and a word also
    matches words that begin with it.
    """
    found = terms(question)
    if not found:
        return None
    if _has_fts():
        found_by = f"SELECT rowid FROM {TABLE} WHERE {TABLE} MATCH %s"
        return Condition(f"conversation.sort_key IN ({found_by})", [_in_fts5(found)], found_by)
    return _read(f"SELECT {TABLE}_words_like(%s::tsquery)::text", [_in_tsquery(found)])


def any_of(conditions: Sequence[Condition]) -> Condition:
    """The condition that one of these conditions is true. It is one set of sort keys: an OR would scan every row."""
    sets = " UNION ".join(one.selected or f"SELECT sort_key FROM conversation WHERE {one.sql}" for one in conditions)
    params = [value for one in conditions for value in one.params]
    if _has_fts():
        return Condition(f"conversation.sort_key IN ({sets})", params, sets)
    return _read(f"SELECT array_agg(found.sort_key)::text FROM ({sets}) AS found(sort_key)", params)


def _read(sql: str, params: Sequence[str]) -> Condition:
    """The condition on the calls whose sort keys this query returns, as the text of a PostgreSQL array.

    The query runs once, for counting, listing and the days. The keys stay a text because nothing here parses them.
    """
    with connections[ALIAS].cursor() as cursor:
        cursor.execute(sql, params)
        sort_keys = cursor.fetchone()[0] or "{}"
    selected = "SELECT unnest(%s::bigint[])"
    return Condition("conversation.sort_key = ANY(%s::bigint[])", [sort_keys], selected, sort_keys.strip("{}"))


def shown(sort_keys: Iterable[int]) -> dict[int, list[str]]:
    """By sort key: the original transcript, summary, title and name."""
    if not (sort_keys := list(sort_keys)):
        return {}
    places = ", ".join(["%s"] * len(sort_keys))
    with connections[ALIAS].cursor() as cursor:
        cursor.execute(f"SELECT rowid, shown FROM {TABLE} WHERE rowid IN ({places})", sort_keys)
        return {sort_key: text.split(_BETWEEN_PARTS) for sort_key, text in cursor.fetchall()}


def as_column(text: str) -> str:
    """The tokens of a short text, for a column of an ordinary table that `column_matching` searches."""
    return f" {' '.join(tokens(text))} "


def column_matching(question: str, column: str) -> Condition | None:
    """The condition on a column made by `as_column`; None if the question has only unwanted words."""
    conditions: list[str] = []
    values: list[str] = []
    for term in terms(question):
        spellings = []
        for phrases in term.spellings:
            spellings.append(" AND ".join([f"{column} LIKE %s"] * len(phrases)))
            values += [f"% {' '.join(phrase.tokens)}{'' if phrase.begun else ' '}%" for phrase in phrases]
        conditions.append(f"{'NOT ' if term.unwanted else ''}({' OR '.join(spellings)})")
    return Condition(" AND ".join(conditions), values) if conditions else None


def _row(text: Text) -> tuple[int, str, str]:
    sort_key, *parts = Text(text.sort_key, *(_storable(part) for part in text[1:]))
    name, title, summary, transcript = parts
    shown = _BETWEEN_PARTS.join((transcript, summary, title, name))
    words = [token for part in (name, title, summary, transcript) for token in (BREAK, *tokens(part))]
    return sort_key, " ".join(words) if _has_fts() else _tsvector(words), shown


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
    """The tokens with their places, in the input format of a tsvector.

    `to_tsvector`, which Django's SearchVector calls, would split the words again, by the server's locale.
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
