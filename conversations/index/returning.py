"""Marks the calls of callers who had called before.

A call may arrive after the caller's later ones, and a caller's first call may be deleted. Refreshing a row therefore
also corrects the other rows of its caller.
"""

from collections.abc import Iterable, Sequence

from django.db import connections

from conversations.models import Conversation, Outcome

# All other outcomes count as held, also of calls whose transcription retention has removed.
_NOT_HELD = Outcome.UNCONNECTED, Outcome.UNKNOWN
# Plain SQL, because it runs for each refreshed row: building these queries takes longer than running them.
# Each sort key is looked up in an index: the cost does not grow with the calls before.
_FIRSTS = """
    WITH asked(caller) AS (VALUES {places})
    SELECT asked.caller,
           (SELECT sort_key FROM conversation WHERE caller = asked.caller AND outcome NOT IN (%s, %s)
            ORDER BY sort_key LIMIT 1),
           (SELECT sort_key FROM conversation WHERE caller = asked.caller AND is_returning ORDER BY sort_key LIMIT 1),
           (SELECT sort_key FROM conversation WHERE caller = asked.caller AND caller > '' AND {not_returning}
            ORDER BY sort_key DESC LIMIT 1)
    FROM asked ORDER BY asked.caller
"""
_SET = "UPDATE conversation SET is_returning = %s WHERE caller = %s AND sort_key {} %s AND is_returning = %s"
_AFTER_ALL = 2**63 - 1


def flag(rows: Sequence[Conversation]) -> None:
    """Set `is_returning` on rows that are not written yet: whether the caller had an earlier call that was held."""
    firsts = {caller: first for caller, first, _, _ in _firsts(row.caller for row in rows) if first is not None}
    for row in sorted(rows, key=lambda row: row.sort_key):
        row.is_returning = firsts.get(row.caller, row.sort_key) < row.sort_key
        if row.caller and row.outcome not in _NOT_HELD:
            firsts[row.caller] = min(row.sort_key, firsts.get(row.caller, row.sort_key))


def correct(callers: Iterable[str]) -> None:
    """Correct `is_returning` in all rows of these callers. Only wrong rows are written."""
    late, early = [], []
    # In the order of callers: two writers of several rows could deadlock otherwise.
    for caller, first, first_flagged, last_unflagged in _firsts(callers):
        if last_unflagged is not None and first is not None and last_unflagged > first:
            late.append((True, caller, first, False))
        if first_flagged is not None and (first is None or first_flagged <= first):
            early.append((False, caller, _AFTER_ALL if first is None else first, True))
    with connections["index"].cursor() as cursor:
        if late:
            cursor.executemany(_SET.format(">"), late)
        if early:
            cursor.executemany(_SET.format("<="), early)


def _firsts(callers: Iterable[str]) -> list[tuple[str, int | None, int | None, int | None]]:
    """By caller, the sort keys of the first held call, of the first flagged one and of the last unflagged one."""
    asked = sorted(set(callers) - {""})
    if not asked:
        return []
    with connections["index"].cursor() as cursor:
        places = ", ".join(["(%s)"] * len(asked))
        # As the condition of their index is written: it would not be used otherwise.
        not_returning = "is_returning = 0" if connections["index"].vendor == "sqlite" else "NOT is_returning"
        cursor.execute(_FIRSTS.format(places=places, not_returning=not_returning), [*asked, *map(str, _NOT_HELD)])
        return list(cursor.fetchall())
