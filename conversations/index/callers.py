"""Maintains the rows of callers with stored calls: the number of calls, the first and last, and the names in them."""

from collections import defaultdict
from collections.abc import Iterable

from django.db import connections

from conversations.index.fulltext import as_column
from conversations.index.references import caller_reference

# Plain SQL, as in `conversations.index.returning`.
_LOCK = """
    INSERT INTO caller_calls (caller_ref, number, calls, name_words) VALUES (%s, %s, 0, '')
    ON CONFLICT (caller_ref) DO UPDATE SET number = excluded.number
"""
_COUNTED = """
    SELECT caller, COUNT(*), MIN(started_at), MAX(started_at) FROM conversation WHERE caller IN ({places})
    GROUP BY caller ORDER BY caller
"""
_NAMES = """
    SELECT DISTINCT caller, caller_name FROM conversation WHERE caller IN ({places}) AND caller_name > ''
    ORDER BY caller, caller_name
"""
_SET = "UPDATE caller_calls SET calls = %s, first_call = %s, last_call = %s, name_words = %s WHERE caller_ref = %s"


def count(callers: Iterable[str]) -> None:
    """Update the rows of these callers from their calls; delete the row of a caller without calls.

    This must come last in a transaction. It locks the rows, in the order of callers, before it counts the calls: of two
    transactions with calls of one caller, the later one then counts those of both.
    """
    references = {caller: caller_reference(caller) for caller in sorted(set(callers) - {""})}
    if not references:
        return
    places = ", ".join(["%s"] * len(references))
    names: defaultdict[str, list[str]] = defaultdict(list)
    with connections["index"].cursor() as cursor:
        cursor.executemany(_LOCK, [(reference, caller) for caller, reference in references.items()])
        cursor.execute(_NAMES.format(places=places), list(references))
        for caller, name in cursor.fetchall():
            names[caller].append(as_column(name))
        cursor.execute(_COUNTED.format(places=places), list(references))
        counted = {caller: figures for caller, *figures in cursor.fetchall()}
        cursor.executemany(
            _SET, [(*figures, "".join(names[caller]), references[caller]) for caller, figures in counted.items()]
        )
        gone = [(references[caller],) for caller in references.keys() - counted.keys()]
        cursor.executemany("DELETE FROM caller_calls WHERE caller_ref = %s", sorted(gone))
