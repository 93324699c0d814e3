"""Which calls are of callers who had called before.

A call may arrive after the caller's later ones, and a caller's first call may be deleted: whoever refreshes rows
therefore looks at the other rows of their callers.
"""

from collections.abc import Iterable, Sequence

from django.db import connections
from django.db.models import Max, Min, Q

from conversations.models import Conversation, Outcome

_NOT_HELD = Outcome.UNCONNECTED, Outcome.UNKNOWN
# Also calls whose transcription retention has removed.
_HELD = ~Q(outcome__in=_NOT_HELD)
_SET = "UPDATE conversation SET is_returning = %s WHERE caller = %s AND sort_key {} %s AND is_returning = %s"


def flag(rows: Sequence[Conversation]) -> None:
    """Set `is_returning` of rows that are about to be written: whether a call of the caller was held before."""
    calls = Conversation.objects.filter(_HELD, caller__in={row.caller for row in rows} - {""}).order_by()
    firsts = dict(calls.values_list("caller").annotate(first=Min("sort_key")))
    for row in sorted(rows, key=lambda row: row.sort_key):
        row.is_returning = firsts.get(row.caller, row.sort_key) < row.sort_key
        if row.caller and row.outcome not in _NOT_HELD:
            firsts[row.caller] = min(row.sort_key, firsts.get(row.caller, row.sort_key))


def correct(callers: Iterable[str]) -> None:
    """Set `is_returning` of all rows of these callers. Only rows whose flag is wrong are written."""
    calls = Conversation.objects.filter(caller__in=set(callers) - {""}).order_by()
    known = calls.values_list("caller").annotate(
        first=Min("sort_key", filter=_HELD),
        first_flagged=Min("sort_key", filter=Q(is_returning=True)),
        last_unflagged=Max("sort_key", filter=Q(is_returning=False)),
    )
    late, early = [], []
    # In a fixed order: two writers of several rows could deadlock otherwise.
    for caller, first, first_flagged, last_unflagged in sorted(known):
        if last_unflagged is not None and first is not None and last_unflagged > first:
            late.append((True, caller, first, False))
        if first_flagged is not None and (first is None or first_flagged <= first):
            early.append((False, caller, 2**63 - 1 if first is None else first, True))
    with connections["index"].cursor() as cursor:
        if late:
            cursor.executemany(_SET.format(">"), late)
        if early:
            cursor.executemany(_SET.format("<="), early)
