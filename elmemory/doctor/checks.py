"""Checks of this server, its public address and the agent at ElevenLabs, for the command and the admin page."""

import os
import secrets
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx2
import orjson
from django.conf import settings
from django.core import checks as system_checks
from django.db import DatabaseError

from conversations.files.stored import transcription_of
from conversations.memories.certificate import unfinished
from conversations.memories.former import memories_without_calls, misplaced_calls
from conversations.memories.retention import kept_for, overdue
from conversations.models import Conversation, Outcome
from elmemory.agents.agent_checks import check_agents
from elmemory.agents.check import Check
from elmemory.agents.data_collection import FIELDS
from elmemory.agents.wiring import CLIENT_DATA_PATH, POST_CALL_PATH, SEARCH_DATA_PATH
from elmemory.doctor.operation import checks_of_operation
from elmemory.doctor.volumes import file_system_of, is_encrypted
from elmemory.environment.checks import sqlite_files
from elmemory.environment.hosts import is_loopback
from elmemory.environment.keys import first_key
from elmemory.memory.encoder.factory import OFF, installed
from elmemory.memory.identity import caller_key
from elmemory.memory.openmemory import OpenMemoryError, open_memory
from elmemory.memory.text import counted
from webhooks.health import PROOF_HEADER, current_report, is_proof

_HERE, _OUTSIDE = "This server", "From outside"
_LONGEST_WAIT_SECONDS = 120
_TIMEOUT_SECONDS = 10
_SUBPROCESS_TIMEOUT_SECONDS = 90
_MOST_SHOWN = 5
_RECENT_CALLS, _FEWEST_CALLS = 50, 10


def run_checks(agent_ids: Sequence[str] = (), url: str = "", *, every_agent: bool = False) -> list[Check]:
    """Run all checks; `url` is this server's public address, PUBLIC_URL if empty.

    Takes seconds and changes nothing. Sends requests to the address and to ElevenLabs, if they are set. A serving
    process must use `run_checks_in_subprocess`.
    """
    url = url.rstrip("/") or settings.PUBLIC_URL
    checks = [
        *_settings(),
        *checks_of_operation(_HERE),
        *_state(),
        *_encoder(),
        *_at_rest(),
        *_retention(),
        *_callers(),
        *_without_files(),
    ]
    checks += [*_collected(agent_ids), *_reachable(url)]
    if settings.ELEVENLABS_API_KEY:
        return [*checks, *check_agents(agent_ids, url, every=every_agent)]
    remedy = "Set ELEVENLABS_API_KEY to have the agent checked."
    return [*checks, Check("ElevenLabs", "API", "note", "not checked", remedy)]


def run_checks_in_subprocess(agent_id: str = "") -> list[Check]:
    """Run all checks in another process, because importing ElevenLabs' SDK would delay this one's live calls.

    Raises OSError, subprocess.SubprocessError or ValueError if the process gives no result.
    """
    command = [sys.executable, "-m", "elmemory", "doctor", "--json", "--recorded", *filter(None, [agent_id])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(  # noqa: S603
        command, capture_output=True, timeout=_SUBPROCESS_TIMEOUT_SECONDS, env=environment, check=False
    )
    return [Check(**check) for check in orjson.loads(done.stdout)["checks"]]


def _settings() -> Iterator[Check]:
    faults = [one for one in system_checks.run_checks() if one.level >= system_checks.WARNING and not one.is_silenced()]
    for fault in faults:
        yield Check(_HERE, "settings", "fault" if fault.is_serious() else "note", str(fault.msg), str(fault.hint or ""))
    if not faults:
        yield Check(_HERE, "settings", "ok", "no fault")


def _state() -> Iterator[Check]:
    state = current_report()
    yield _payloads(state["payloads"])
    yield from _queue(state["queue"])
    memory = state["openmemory"]
    detail = f"{memory['mode']}: {memory['detail']}"
    if memory["ok"]:
        yield Check(_HERE, "OpenMemory", "ok", detail)
    else:
        yield Check(_HERE, "OpenMemory", "fault", detail, "Until it is available, rings are answered without memory.")


def _payloads(state: dict[str, Any]) -> Check:
    folder = Path(settings.PAYLOAD_STORAGE_PATH)
    if not state["ok"]:
        remedy = "Make room, or name a folder in PAYLOAD_STORAGE_PATH that this user may write to."
        return Check(_HERE, "payloads", "fault", f"{folder}: {state.get('detail')}", remedy)
    if (system := file_system_of(folder)) in ("tmpfs", "ramfs"):
        remedy = "Name a folder on a disk in PAYLOAD_STORAGE_PATH."
        return Check(_HERE, "payloads", "fault", f"{folder} is in memory ({system}): lost with a restart", remedy)
    return Check(_HERE, "payloads", "ok", f"{folder}, {state['free_mb']} MB free")


def _queue(queue: dict[str, Any]) -> Iterator[Check]:
    if queue["pending"] is None:
        remedy = "Delete the SQLite file of INDEX_DATABASE_URL (it is rebuilt), or start its PostgreSQL."
        yield Check(_HERE, "index", "fault", "cannot be read", remedy)
        return
    yield Check(_HERE, "index", "ok", "readable")
    if queue["oldest_seconds"] > _LONGEST_WAIT_SECONDS:
        detail = f"{counted(queue['pending'], 'call waits', 'calls wait')}, the oldest for {queue['oldest_seconds']} s"
        remedy = "Does a worker run, and does OpenMemory answer? The worker logs why it waits."
        yield Check(_HERE, "queue", "fault", detail, remedy)
    else:
        yield Check(_HERE, "queue", "ok", counted(queue["pending"], "call waits", "calls wait"))
    if queue["failed"]:
        remedy = "The admin shows the reasons; then: manage.py reprocess --state failed"
        yield Check(_HERE, "parked calls", "fault", f"{queue['failed']} could not be processed", remedy)


def _at_rest() -> Iterator[Check]:
    """Check whether the folders with personal data are on encrypted volumes."""
    folders = {Path(settings.PAYLOAD_STORAGE_PATH)} | {path.parent for path in sqlite_files().values()}
    seen: dict[bool | None, list[str]] = {}
    for folder in sorted(folders):
        seen.setdefault(is_encrypted(folder), []).append(str(folder))
    if plain := seen.get(False):
        remedy = "docs/privacy.md says how to encrypt. A disk or a host that encrypts by itself is not seen."
        yield Check(_HERE, "at rest", "note", f"on no encrypted volume: {', '.join(plain)}", remedy)
    if unclear := seen.get(None):
        remedy = "Check with whoever runs the volume; docs/privacy.md says what is needed."
        yield Check(_HERE, "at rest", "note", f"cannot be seen whether encrypted: {', '.join(unclear)}", remedy)
    if len(sqlite_files()) < len(settings.DATABASES):
        remedy = "Ask whoever runs PostgreSQL whether its volume and its backups are encrypted."
        yield Check(_HERE, "at rest", "note", "databases on another server are not seen", remedy)
    if seen.keys() == {True}:
        yield Check(_HERE, "at rest", "ok", "payloads and SQLite files are on an encrypted volume")


def _encoder() -> Iterator[Check]:
    """Report whether searches also compare meanings."""
    found = installed()
    if settings.EMBEDDINGS == OFF:
        yield Check(_HERE, "encoder", "ok", "off by EMBEDDINGS: searches go by words alone")
    elif found.encoder:
        detail = f"{found.detail}: searches go by words and by meaning"
        yield Check(_HERE, "encoder", "ok", detail, "For memories from before it: manage.py reindex --vectors")
    else:
        yield Check(_HERE, "encoder", "ok", f"{found.detail}: searches go by words alone (docs/encoder.md)")


def _retention() -> Iterator[Check]:
    """Report what retention removes, and whether any removal is overdue by more than a day."""
    if not (kept := kept_for()):
        yield Check(_HERE, "retention", "ok", "off: everything is kept until staff delete it")
        return
    shown = ", ".join(kept)
    if late := overdue():
        detail = f"{shown}; overdue: {', '.join(f'{kind} {count}' for kind, count in late.items())}"
        remedy = "Is a worker running? It logs what it cannot remove. Calls that wait for OpenMemory are kept."
        yield Check(_HERE, "retention", "fault", detail, remedy)
    else:
        yield Check(_HERE, "retention", "ok", shown)


def _callers() -> Iterator[Check]:
    """Check for calls remembered under a former key: one that identifies no caller now, or is spelled otherwise."""
    misplaced = misplaced_calls()
    of_no_caller = {key: calls for key, calls in misplaced.items() if not caller_key(key)}
    respelled = {key: calls for key, calls in misplaced.items() if key not in of_no_caller}
    remedy = "Look with: manage.py reprocess --misplaced --dry-run; remove or move them with: reprocess --misplaced"
    if of_no_caller:
        yield Check(
            _HERE, "numbers of no caller", "fault", f"strangers share a memory under {_masked(of_no_caller)}", remedy
        )
    if respelled:
        yield Check(_HERE, "respelled numbers", "fault", f"callers are not found under {_masked(respelled)}", remedy)
    if not misplaced:
        yield Check(_HERE, "callers", "ok", "each call is remembered under its caller's number")


def _without_files() -> Iterator[Check]:
    """Check for memories of callers whose calls are no longer stored here."""
    what = "memories without files"
    try:
        found = memories_without_calls(open_memory())
    except (OpenMemoryError, DatabaseError) as error:
        yield Check(_HERE, what, "note", f"not counted ({type(error).__name__})")
        return
    if count := unfinished():
        remedy = "Repeat it, in the admin or with manage.py forget_caller: it completes what was begun."
        yield Check(_HERE, "forgetting", "fault", f"{count} were begun and not finished", remedy)
    if found is None:
        yield Check(_HERE, what, "note", "not counted: this OpenMemory server does not list its users")
    elif found.callers:
        memories = counted(found.memories, "memory", "memories")
        detail = f"{memories} of {counted(found.callers, 'caller, who is', 'callers, who are')} still greeted by name"
        remedy = "They are in the admin's list of callers; forget them there or with: manage.py forget_caller NUMBER"
        yield Check(_HERE, what, "note", detail, remedy)
    else:
        yield Check(_HERE, what, "ok", "none")


def _collected(agent_ids: Sequence[str]) -> Iterator[Check]:
    """Check which data-collection fields were null in all of the last calls. Without ids, of all agents."""
    calls = Conversation.objects.filter(has_transcription=True, outcome=Outcome.DONE)
    if agent_ids:
        calls = calls.filter(agent_id__in=agent_ids)
    asked, answered = Counter[str](), Counter[str]()
    try:
        newest = list(calls.order_by("-sort_key").values_list("conversation_id", flat=True)[:_RECENT_CALLS])
    except DatabaseError:
        return  # another check reports the state of the index
    for conversation_id in newest:
        if call := transcription_of(conversation_id):
            for item, value, _ in call.collected_texts():
                asked[item.field] += 1
                answered[item.field] += value is not None
    ours = [field for field in FIELDS if asked[field.id]]
    if counts := ", ".join(f"{field.id} {answered[field.id]} of {asked[field.id]}" for field in ours):
        yield Check(_HERE, "data collection", "ok", f"values in the last calls: {counts}")
    empty = [field.id for field in ours if not (answered[field.id] or field.rare) and asked[field.id] >= _FEWEST_CALLS]
    if empty:
        detail = f"null in all of the last calls that ask for it: {', '.join(empty)}"
        remedy = "Do callers mention it? If so, the rationale on a call's page says why it was not found."
        yield Check(_HERE, "data collection", "note", detail, remedy)


def _masked(calls_by_key: dict[str, list[str]]) -> str:
    shown = ", ".join(f"…{key[-4:]}" for key in sorted(calls_by_key)[:_MOST_SHOWN])
    more = f" and {len(calls_by_key) - _MOST_SHOWN} more" if len(calls_by_key) > _MOST_SHOWN else ""
    return f"{shown}{more} ({counted(sum(map(len, calls_by_key.values())), 'call')})"


def _reachable(url: str) -> Iterator[Check]:
    if not url:
        remedy = "Set it to the https address at which ElevenLabs reaches this server; for trials: manage.py tunnel"
        yield Check(_OUTSIDE, "PUBLIC_URL", "note", "not set", remedy)
        return
    if not url.startswith("https://"):
        yield Check(_OUTSIDE, "PUBLIC_URL", "fault", "not https", "ElevenLabs calls https addresses only.")
    with client_of(url) as client:
        try:
            nonce = secrets.token_hex(16)
            health = client.get("/health", params={"nonce": nonce})
            yield _health(health)
            if reason := _reason_to_keep_keys(url, health, nonce):
                remedy = "Give the https address of this server, and run the doctor with the settings of that server."
                yield Check(_OUTSIDE, "keys", "fault", f"not sent: {reason}", remedy)
            else:
                yield _answer(client, CLIENT_DATA_PATH, first_key("ELEVENLABS_CLIENT_DATA_KEY"), {})
                yield _answer(client, SEARCH_DATA_PATH, first_key("ELEVENLABS_SEARCH_DATA_KEY"), {"query": "anything"})
            yield _refusal(client)
        except httpx2.TransportError as error:
            remedy = "Is the server running, the name in the DNS, the certificate valid, the proxy or tunnel up?"
            yield Check(_OUTSIDE, "PUBLIC_URL", "fault", f"does not answer ({type(error).__name__})", remedy)


def _reason_to_keep_keys(url: str, health: httpx2.Response, nonce: str) -> str:
    """Return why the keys must not be sent to this address; "" if they may be sent."""
    if not url.startswith("https://") and not is_loopback(url):
        return "the address is not https"
    if not is_proof(health.headers.get(PROOF_HEADER, ""), nonce):
        return "the server there does not prove that it has this SECRET_KEY"
    return ""


def client_of(url: str) -> httpx2.Client:
    return httpx2.Client(base_url=url, timeout=_TIMEOUT_SECONDS)


def _health(answer: httpx2.Response) -> Check:
    try:
        state = answer.json().get("status")
    except (ValueError, AttributeError):
        state = None
    if answer.status_code == 200 and state == "ok":
        return Check(_OUTSIDE, "PUBLIC_URL", "ok", f"answers in {_milliseconds(answer)} ms")
    if state == "degraded":
        return Check(_OUTSIDE, "PUBLIC_URL", "note", f"answers {answer.status_code}, degraded", "See /health.")
    remedy = "Point the proxy or tunnel to this server, without redirects."
    return Check(_OUTSIDE, "PUBLIC_URL", "fault", f"another server answers ({answer.status_code})", remedy)


def _answer(client: httpx2.Client, path: str, key: str, body: dict[str, str]) -> Check:
    """Check the answer of a webhook to a ring or search of a stranger."""
    answer = client.post(path, json=body, headers={"x-api-key": key})
    if answer.status_code == 200:
        return Check(_OUTSIDE, path, "ok", f"answers in {_milliseconds(answer)} ms")
    remedy = "That server has another key than these settings, or the proxy drops X-Api-Key."
    return Check(_OUTSIDE, path, "fault", f"answers {answer.status_code}", remedy if answer.status_code == 401 else "")


def _refusal(client: httpx2.Client) -> Check:
    answer = client.post(POST_CALL_PATH, content=b"{}")
    if answer.status_code == 401:
        return Check(_OUTSIDE, POST_CALL_PATH, "ok", "refuses unsigned bodies")
    remedy = "Point the proxy or tunnel to this server."
    return Check(_OUTSIDE, POST_CALL_PATH, "fault", f"answers {answer.status_code} to an unsigned body", remedy)


def _milliseconds(answer: httpx2.Response) -> int:
    return round(answer.elapsed.total_seconds() * 1000)
