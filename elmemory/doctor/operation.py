"""Checks of the running server and worker, their builds, and the last backup and verification."""

import secrets
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Literal

import httpx2
from django.conf import settings
from django.utils.timezone import now

from conversations.files.heartbeat import a_worker_runs, build_of_worker, last_heartbeat
from conversations.files.last_runs import last_run
from elmemory.agents.check import Check
from elmemory.environment.build import files_build
from webhooks.health import PROOF_HEADER, is_proof

_TIMEOUT_SECONDS = 5
_HOUR = 3600
_BACKUP_LATE_SECONDS, _VERIFY_LATE_SECONDS = 50 * _HOUR, 74 * _HOUR


def checks_of_operation(section: str) -> Iterator[Check]:
    build = files_build()
    yield _server(section, build)
    yield _worker(section, build)
    yield _backup(section)
    yield _verified(section)


def _server(section: str, build: str) -> Check:
    nonce = secrets.token_hex(16)
    where = f"on port {settings.PORT}"
    try:
        with httpx2.Client(timeout=_TIMEOUT_SECONDS, trust_env=False) as client:
            answer = client.get(f"http://127.0.0.1:{settings.PORT}/health", params={"nonce": nonce})
    except httpx2.TransportError:
        remedy = "Start it: make serve, or manage.py serve. If it listens on another port, set PORT to that."
        return Check(section, "server", "fault", f"none answers {where}", remedy)
    if not is_proof(answer.headers.get(PROOF_HEADER, ""), nonce):
        remedy = "Stop what listens there, or run the doctor with the settings of that server (SECRET_KEY, PORT)."
        return Check(section, "server", "fault", f"another server answers {where}", remedy)
    if _build_in(answer) != build:
        remedy = "Restart it: its files have changed since it started."
        return Check(section, "server", "fault", "runs another version than the files here", remedy)
    return Check(section, "server", "ok", f"answers {where}")


def _worker(section: str, build: str) -> Check:
    if not a_worker_runs():
        last = last_heartbeat()
        seen = f", last seen {_hours(time.time() - last)} ago" if last else ""
        remedy = "Calls are stored, but not remembered. make serve starts one; else: manage.py worker"
        return Check(section, "worker", "fault", f"not running{seen}", remedy)
    if build_of_worker() != build:
        remedy = "Restart it: its files have changed since it started."
        return Check(section, "worker", "fault", "runs another version than the files here", remedy)
    return Check(section, "worker", "ok", "running")


def _backup(section: str) -> Check:
    run = last_run("backup")
    if run is None:
        remedy = "manage.py backup DIR, each night: docs/backup.md. Backups by other means are not seen."
        return Check(section, "backup", "note", "none was made", remedy)
    if not run.ok:
        good = f"; the last successful one {_since(run.succeeded_at)}" if run.succeeded_at else ""
        state: Literal["note", "fault"] = "note" if run.has_recent_success else "fault"
        return Check(section, "backup", state, f"the last one failed: {run.detail}{good}", "Run it again by hand.")
    if run.age_seconds > _BACKUP_LATE_SECONDS:
        return Check(section, "backup", "fault", f"the last one {_since(run.at)}", "Does its timer run?")
    return Check(section, "backup", "ok", f"{_since(run.at)}, {run.detail}")


def _verified(section: str) -> Check:
    run = last_run("verify")
    if run is None:
        return Check(section, "verify", "note", "not yet", "The worker does it each night; now: manage.py verify")
    if not run.ok:
        return Check(section, "verify", "fault", run.detail, "manage.py verify shows each fault and how to repair it.")
    if run.age_seconds > _VERIFY_LATE_SECONDS:
        return Check(section, "verify", "note", _since(run.at), "The worker does it each night: see its log.")
    return Check(section, "verify", "ok", f"{_since(run.at)}: {run.detail}")


def _build_in(answer: httpx2.Response) -> str:
    try:
        return str(answer.json().get("build"))
    except (ValueError, AttributeError):
        return ""


def _since(at: str) -> str:
    return f"{_hours((now() - datetime.fromisoformat(at)).total_seconds())} ago"


def _hours(seconds: float) -> str:
    if seconds < 2 * _HOUR:
        return f"{max(0, seconds) // 60:.0f} min"
    return f"{seconds // _HOUR:.0f} h" if seconds < 48 * _HOUR else f"{seconds // (24 * _HOUR):.0f} days"
