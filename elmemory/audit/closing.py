"""Closes the oldest part of the audit log: deletes its entries, and adds one signed summary in their place.

The summary has the hash of the last entry that it closes, from which the chain continues, and that entry's id, negated.
Its signature, an HMAC with a key derived from SECRET_KEY, covers the number and the dates of the closed entries. The
next summary replaces it. Database triggers refuse to delete other entries (`elmemory.audit.triggers`).
"""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import takewhile

import structlog
from django.db import router, transaction
from django.utils.timezone import now

from elmemory.audit.chain import faults, signature
from elmemory.audit.models import Action, Entry, lock
from elmemory.audit.record import command_user, record
from elmemory.memory.text import counted

log = structlog.get_logger(__name__)

_EVERY = timedelta(days=1)
_DETAIL = "{count}, {first} to {last}"
_COUNTED = re.compile(r"(?P<count>[0-9]+) entr(?:y|ies), (?P<first>\S+) to \S+")


class NotClosed(Exception):
    """The old entries were altered, so they are not deleted. `audit verify` shows where."""


def close_entries(before: datetime, most: int) -> int:
    """Close at most `most` entries from before this time. Return their number. Raises NotClosed.

    The newest entry always stays. Fewer than `most` are closed only once a day, because each closing adds an entry.
    """
    using = router.db_for_write(Entry)
    if not _oldest(before, most)[1]:
        return 0
    with transaction.atomic(using):
        # Recorded first, so that the newest entry is the one of this closing.
        record(None, Action.RETAIN, "log", detail=f"closing entries from before {before:%Y-%m-%d}")
        lock(transaction.get_connection(using))
        summary, entries = _oldest(before, most)
        if not entries:
            transaction.set_rollback(True, using)
            return 0
        if found := next(faults([*filter(None, [summary]), *entries], None), None):
            raise NotClosed(found)
        _replace(summary, entries, using)
    return len(entries)


def _oldest(before: datetime, most: int) -> tuple[Entry | None, list[Entry]]:
    """Return the summary of entries closed earlier, if any, and the entries to close now."""
    oldest = list(Entry.objects.order_by("pk")[: most + 2])
    summary = oldest.pop(0) if oldest and oldest[0].pk < 0 else None
    # Without the last one: it may be the newest of the log.
    old = list(takewhile(lambda entry: entry.at < before, oldest[:-1][:most]))
    if len(old) < most and summary and summary.at > now() - _EVERY:
        old = []
    return summary, old


def _replace(summary: Entry | None, entries: Sequence[Entry], using: str) -> None:
    """Add the summary of these entries, then delete them and the earlier summary."""
    before = _COUNTED.fullmatch(summary.detail) if summary else None
    count = len(entries) + (int(before["count"]) if before else 0)
    first = before["first"] if before else f"{entries[0].at:%Y-%m-%d}"
    last = entries[-1]
    closing = Entry(
        pk=-last.pk,
        at=now(),
        username=command_user(),
        action=Action.CLOSE,
        kind="log",
        detail=_DETAIL.format(count=counted(count, "entry", "entries"), first=first, last=f"{last.at:%Y-%m-%d}"),
        hash=last.hash,
    )
    closing.object = signature(closing)
    closing.save_base(raw=True, force_insert=True, using=using)
    with transaction.get_connection(using).cursor() as cursor:
        cursor.execute(
            "DELETE FROM audit_entry WHERE id > %s AND id <= %s AND id <> %s",
            [summary.pk - 1 if summary else 0, last.pk, closing.pk],
        )
    log.info("closed entries of the audit log", entries=len(entries))
