"""The strip on the admin's front page that says which part is at fault."""

import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

from django.conf import settings
from django.db import DatabaseError
from django.template.defaultfilters import filesizeformat
from django.utils.timesince import timesince
from django.utils.timezone import now

from conversations.files.heartbeat import a_worker_runs, last_heartbeat
from conversations.files.last_runs import last_run
from conversations.files.spool import free_bytes
from conversations.index.queue import queue_status
from conversations.index.rows import moment
from elmemory.memory.openmemory import open_memory

# Calls are remembered within seconds.
_LONG_WAIT_SECONDS = 300
_LATE_BACKUP_SECONDS = 50 * 3600


class Part(NamedTuple):
    """A part of this installation, how it is, and where it is at fault what to do."""

    name: str
    is_ok: bool
    detail: str
    remedy: str = ""


def parts() -> list[Part]:
    """Worker, OpenMemory, disk and queue as they are now, and the last backup and verification.

    Waits for OpenMemory, a second and a half at most.
    """
    return [_worker(), _openmemory(), _disk(), *_queue(), *_last_runs()]


def deliveries_part(deliveries: list[dict[str, Any]]) -> Part:
    """The last deliveries of each webhook, as the dashboard has them."""
    arrived = [delivery["at"] for delivery in deliveries if delivery["at"]]
    last = f"the last {ago(max(arrived))}" if arrived else "none yet"
    if not (silent := [delivery for delivery in deliveries if delivery["silent"]]):
        return Part("Deliveries", True, last)
    stopped = ", ".join(f"{each['name'].lower()} since {timesince(each['at'], depth=1)}" for each in silent)
    remedy = "Check the post-call webhook at ElevenLabs, which disables it after ten failures in a row."
    return Part("Deliveries", False, f"stopped: {stopped}", remedy)


def _worker() -> Part:
    if a_worker_runs():
        return Part("Worker", True, "running")
    last = last_heartbeat()
    seen = f"not running, last seen {ago(moment(last))}" if last else "not running"
    return Part("Worker", False, seen, "Calls are stored, but not remembered. Start it: manage.py worker, or serve.")


def _openmemory() -> Part:
    health = open_memory().ping()
    remedy = "" if health.ok else "Callers are greeted as strangers, and calls wait to be remembered."
    return Part("OpenMemory", health.ok, "answers" if health.ok else health.detail, remedy)


def _disk() -> Part:
    try:
        free = free_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        return Part("Disk", False, reason, "Deliveries are refused until payloads can be stored.")
    is_ok = free >= settings.MIN_FREE_MB * 2**20
    return Part("Disk", is_ok, f"{filesizeformat(free)} free", "" if is_ok else "Deliveries will soon be refused.")


def _queue() -> list[Part]:
    try:
        queue = queue_status()
    except (DatabaseError, OSError):
        return [Part("Index", False, "cannot be read", "It is rebuilt by itself. Webhooks are not affected.")]
    if not queue.pending:
        return [Part("Queue", True, "nothing waits")]
    if queue.oldest_seconds < _LONG_WAIT_SECONDS:
        return [Part("Queue", True, f"{queue.pending:,} waiting")]
    waited = timesince(moment(time.time() - queue.oldest_seconds), depth=1)
    remedy = "Nothing is remembered of them until the parts at fault work."
    return [Part("Queue", False, f"{queue.pending:,} waiting, the oldest for {waited}", remedy)]


def _last_runs() -> Iterator[Part]:
    if backup := last_run("backup"):
        made = ago(datetime.fromisoformat(backup.succeeded_at)) if backup.succeeded_at else "none yet"
        if backup.ok and backup.age_seconds < _LATE_BACKUP_SECONDS:
            yield Part("Backup", True, made)
        else:
            fault = "late" if backup.ok else f"failed: {backup.detail}"
            yield Part("Backup", False, f"{fault}; the last good one {made}", "Run it by hand: manage.py backup DIR")
    if verified := last_run("verify"):
        at = ago(datetime.fromisoformat(verified.at))
        remedy = "" if verified.ok else "manage.py verify says where, and what repairs it."
        yield Part("Stored data", verified.ok, f"verified {at}" if verified.ok else verified.detail, remedy)


def ago(at: datetime) -> str:
    return "just now" if (now() - at).total_seconds() < 60 else f"{timesince(at, depth=1)} ago"
