"""Maintains the rows of callers with stored calls: the number of calls, the first and last, and the names in them."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

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
_ADD = """
    UPDATE caller_calls SET calls = calls + %s,
        first_call = COALESCE({least}(first_call, %s), %s), last_call = COALESCE({greatest}(last_call, %s), %s),
        name_words = CASE WHEN REPLACE(name_words, %s, '') = name_words THEN name_words || %s ELSE name_words END
    WHERE caller_ref = %s
"""


class Call(NamedTuple):
    """A call, reduced to what the row of its caller is computed from."""

    caller: str
    started_at: datetime | None
    name: str


def lock(callers: Iterable[str]) -> dict[str, str]:
    """Lock the rows of these callers in a fixed order; returns their references by caller. Missing rows are created.

    Call this before reading the rows of calls that are to be replaced. Another transaction then waits here, reads what
    this one wrote, and counts no call twice.
    """
    references = {caller: caller_reference(caller) for caller in sorted(set(callers) - {""})}
    with connections["index"].cursor() as cursor:
        cursor.executemany(_LOCK, [(reference, caller) for caller, reference in references.items()])
    return references


def change(before: Iterable[Call], after: Iterable[Call]) -> None:
    """Update the rows of callers after the calls `before` were replaced by the calls `after`.

    A caller who has only new calls gets them added, at the same cost for any history. If a call of a caller was changed
    or deleted, all their calls are counted. The rows of the callers in `after` must be locked.
    """
    removed, added = Counter(before), Counter(after)
    removed, added = removed - added, added - removed
    counted = {call.caller for call in removed}
    count(counted)
    connection = connections["index"]
    is_sqlite = connection.vendor == "sqlite"
    add = _ADD.format(least="MIN", greatest="MAX") if is_sqlite else _ADD.format(least="LEAST", greatest="GREATEST")
    rows = []
    for call, times in sorted(added.items(), key=lambda one: one[0].caller):
        if call.caller and call.caller not in counted:
            started_at = connection.ops.adapt_datetimefield_value(call.started_at)
            name = as_column(call.name) if call.name else ""
            rows.append((times, *[started_at] * 4, name, name, caller_reference(call.caller)))
    with connection.cursor() as cursor:
        cursor.executemany(add, rows)


def count(callers: Iterable[str]) -> None:
    """Update the rows of these callers by counting all their calls. The row of a caller without calls is deleted."""
    references = lock(callers)
    if not references:
        return
    places = ", ".join(["%s"] * len(references))
    names: defaultdict[str, list[str]] = defaultdict(list)
    with connections["index"].cursor() as cursor:
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
