"""The strip on the admin's front page that shows which part is at fault."""

import re
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

from django.conf import settings
from django.db import DatabaseError
from django.template.defaultfilters import filesizeformat
from django.utils.formats import number_format
from django.utils.timesince import timesince
from django.utils.timezone import now
from django.utils.translation import gettext

from conversations.files.heartbeat import a_worker_runs, last_heartbeat
from conversations.files.last_runs import LastRun, last_run
from conversations.files.spool import free_bytes
from conversations.index.queue import queue_status
from conversations.index.rows import moment
from elmemory.memory.openmemory import open_memory

# Calls are remembered within seconds.
_LONG_WAIT_SECONDS = 300
_LATE_BACKUP_SECONDS = 50 * 3600


class Part(NamedTuple):
    """A part of this installation, its state, and, if it is at fault, the remedy."""

    name: str
    is_ok: bool
    detail: str
    remedy: str = ""


def parts() -> list[Part]:
    """The state of worker, OpenMemory (waits for it up to 1.5 s), disk and queue; the last backup and verification."""
    return [_worker(), _openmemory(), _disk(), _queue(), *_last_runs()]


def deliveries_part(deliveries: list[dict[str, Any]]) -> Part:
    """The part for the last deliveries of each webhook, which the dashboard has read."""
    arrived = [delivery["at"] for delivery in deliveries if delivery["at"]]
    last = gettext("the last %(ago)s") % {"ago": ago(max(arrived))} if arrived else gettext("none yet")
    if not (silent := [delivery for delivery in deliveries if delivery["silent"]]):
        return Part(gettext("Deliveries"), True, last)
    stopped = ", ".join(
        gettext("%(what)s for %(time)s") % {"what": each["name"], "time": timesince(each["at"], depth=1)}
        for each in silent
    )
    remedy = gettext("Check the post-call webhook at ElevenLabs, which disables it after ten failures in a row.")
    return Part(gettext("Deliveries"), False, gettext("stopped: %(what)s") % {"what": stopped}, remedy)


def _worker() -> Part:
    name, last = gettext("Worker"), last_heartbeat()
    if a_worker_runs():
        return Part(name, True, gettext("running"))
    seen = gettext("not running, last seen %(ago)s") % {"ago": ago(moment(last))} if last else gettext("not running")
    return Part(
        name, False, seen, gettext("Calls are stored, but not remembered. Start it: manage.py worker, or serve.")
    )


def _openmemory() -> Part:
    health = open_memory().ping()
    remedy = "" if health.ok else gettext("Callers are greeted as strangers, and calls wait to be remembered.")
    return Part("OpenMemory", health.ok, gettext("answers") if health.ok else health.detail, remedy)


def _disk() -> Part:
    name = gettext("Disk")
    try:
        free = free_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        return Part(name, False, reason, gettext("Deliveries are refused until payloads can be stored."))
    is_ok, amount = free >= settings.MIN_FREE_MB * 2**20, gettext("%(size)s free") % {"size": filesizeformat(free)}
    return Part(name, is_ok, amount, "" if is_ok else gettext("Deliveries will soon be refused."))


def _queue() -> Part:
    try:
        queue = queue_status()
    except (DatabaseError, OSError):
        remedy = gettext("It is rebuilt automatically. Webhooks are not affected.")
        return Part(gettext("Index"), False, gettext("cannot be read"), remedy)
    name, waiting = gettext("Queue"), {"n": number_format(queue.pending, force_grouping=True)}
    if not queue.pending:
        return Part(name, True, gettext("no call is waiting"))
    if queue.oldest_seconds < _LONG_WAIT_SECONDS:
        return Part(name, True, gettext("%(n)s waiting") % waiting)
    waiting["time"] = timesince(moment(time.time() - queue.oldest_seconds), depth=1)
    state = gettext("%(n)s waiting, the oldest for %(time)s") % waiting
    return Part(name, False, state, gettext("They are remembered once the faults are repaired."))


def _last_runs() -> Iterator[Part]:
    if backup := last_run("backup"):
        yield _backup(backup)
    if verified := last_run("verify"):
        name, at = gettext("Stored data"), ago(datetime.fromisoformat(verified.at))
        if verified.ok:
            yield Part(name, True, gettext("verified %(ago)s") % {"ago": at})
        else:
            remedy = gettext("manage.py verify shows each fault and how to repair it.")
            yield Part(name, False, _translated(verified.detail), remedy)


def _backup(backup: LastRun) -> Part:
    name, made = gettext("Backup"), ago(datetime.fromisoformat(backup.succeeded_at)) if backup.succeeded_at else ""
    if backup.ok and backup.age_seconds < _LATE_BACKUP_SECONDS:
        return Part(name, True, made)
    if not backup.ok and backup.has_recent_success:
        failed = gettext("an attempt after it failed: %(reason)s") % {"reason": backup.detail}
        return Part(name, True, f"{made}; {failed}")
    fault = gettext("late") if backup.ok else gettext("failed: %(reason)s") % {"reason": backup.detail}
    last = gettext("the last successful one %(ago)s") % {"ago": made} if made else gettext("none was successful yet")
    return Part(name, False, f"{fault}; {last}", gettext("Make one by hand: manage.py backup DIR"))


def _translated(found: str) -> str:
    """The findings of a report's summary in the language of the page."""
    return re.sub("(?<=× )[a-z ]+", lambda kind: gettext(kind[0]), found)


def ago(at: datetime) -> str:
    if (now() - at).total_seconds() < 60:
        return gettext("just now")
    return gettext("%(time)s ago") % {"time": timesince(at, depth=1)}
