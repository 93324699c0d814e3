"""System checks of the environment. They report all faults at once, each with its variable and a remedy.

No message repeats a value: messages are logged, and a value may be a secret that was written in the wrong place.
"""

import os
import re
import shlex
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import phonenumbers
from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, register

from elmemory.environment.env import dotenv_path
from elmemory.environment.greetings import unusable_greetings
from elmemory.environment.hosts import Unusable, address, unencrypted
from elmemory.environment.keys import MISSING_SECRET, UNUSABLE_KEY, holds_placeholder, missing_secrets, unusable_keys
from elmemory.environment.private_files import data_folders, files_of_sqlite, is_loose, loose_below
from elmemory.environment.recall import unusable_recall
from elmemory.memory.fields import VARIABLES
from elmemory.memory.identity import number_key, spared_and_excluded, unreadable_not_callers
from elmemory.memory.numbers import MERGED_REGIONS
from elmemory.memory.openmemory import OpenMemoryMisconfigured
from elmemory.memory.openmemory.factory import server_url

# Errors with which the server can still start: an endpoint without a usable key refuses every request, and an
# OpenMemory server may have no key.
_MISSING_OPENMEMORY_KEY = "elmemory.E014"
BEARABLE = frozenset((MISSING_SECRET, _MISSING_OPENMEMORY_KEY, UNUSABLE_KEY))

_DATABASES = {"DATABASE_URL": "default", "INDEX_DATABASE_URL": "index", "OPENMEMORY_DB_PATH": "memory"}
_SIP_HOST = re.compile(r"[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\]")
_VARIABLE = re.compile(r"[^{}\s]+")  # as in {{name}}


@register
def environment(**kwargs: Any) -> Sequence[CheckMessage]:  # noqa: ARG001
    return [
        *_malformed(),
        *missing_secrets(),
        *unusable_keys(),
        *_in_the_clear(),
        *_unusable_values(),
        *unusable_greetings(),
        *_unusable_caller_rules(),
        *_contradictions(),
        *unusable_recall(),
        *_unusable_openmemory(),
        *_unwritable_folders(),
        *_loose_modes(),
        *_one_database_for_two(),
    ]


def _malformed() -> Iterator[CheckMessage]:
    for variable, problem, hint, kind in settings.ENVIRONMENT_FAULTS:
        if kind == "warning":
            yield checks.Warning(f"{variable}: {problem}.", hint=hint, id="elmemory.W017")
        else:
            if (variable, kind) == ("SECRET_KEY", "key"):
                continue  # `missing_secrets` reports it, because without it the server does not start
            fault_id = UNUSABLE_KEY if kind == "key" else "elmemory.E001"
            yield Error(f"{variable}: {problem}.", hint=hint, id=fault_id)


def _in_the_clear() -> Iterator[CheckMessage]:
    """Report http:// URLs of other machines. Names without a dot are taken for containers on this machine."""
    for variable, exposed in (
        ("PUBLIC_URL", "logins and callers' data"),
        ("OPENMEMORY_PORT", "callers' data"),
        ("ELEVENLABS_BASE_URL", "calls and the API key"),
    ):
        distance = unencrypted(getattr(settings, variable))
        problem = f"{variable}: with http:// {exposed} cross the network in the clear."
        if distance == "remote":
            yield Error(problem, hint="Write an https address, or a private one.", id="elmemory.E019")
        elif distance:
            hint = "Write an https address unless the network is yours."
            yield checks.Warning(problem, hint=hint, id="elmemory.W019")


def _unusable_values() -> Iterator[CheckMessage]:
    region = settings.DEFAULT_REGION
    if region and region not in phonenumbers.SUPPORTED_REGIONS:
        yield Error(
            "DEFAULT_REGION is no region.",
            hint="Write a country's two letters, such as US.",
            id="elmemory.E004",
        )
    if unusable := _positions("AGENT_NUMBERS", number_key):
        yield Error(
            f"AGENT_NUMBERS: entry {unusable} cannot be read.",
            hint="Write numbers as +14155550100, separated by commas.",
            id="elmemory.E005",
        )
    if settings.BACKFILL_EVERY and not (settings.ELEVENLABS_API_KEY or holds_placeholder("ELEVENLABS_API_KEY")):
        yield checks.Warning(
            "BACKFILL_EVERY: nothing is fetched without ELEVENLABS_API_KEY.",
            hint="Make a key at elevenlabs.io, or set BACKFILL_EVERY to 0.",
            id="elmemory.W009",
        )
    if settings.ELEVENLABS_BASE_URL.endswith("/v1"):
        yield Error(
            "ELEVENLABS_BASE_URL: it ends in /v1, which is added to it.",
            hint="Write it as https://api.elevenlabs.io.",
            id="elmemory.E020",
        )
    for position, name in enumerate(settings.DYNAMIC_VARIABLES, start=1):
        if name.startswith("system__"):
            problem, hint = "belongs to ElevenLabs", "Names that begin with system__ cannot be set."
        elif name in VARIABLES:
            problem, hint = "is a variable that is always sent", "Give the agent's own variable another name."
        elif not _VARIABLE.fullmatch(name):
            problem, hint = "cannot be a variable's", "Write a name without blanks and braces, such as plan_name."
        else:
            continue
        yield Error(f"DYNAMIC_VARIABLES: name {position} {problem}.", hint=hint, id="elmemory.E007")


def _unusable_caller_rules() -> Iterator[CheckMessage]:
    unreadable = unreadable_not_callers()
    if unusable := _positions("NOT_CALLERS", lambda entry: entry not in unreadable):
        yield Error(
            f"NOT_CALLERS: entry {unusable} cannot be read.",
            hint="Write numbers as +14155550100 and ranges as +1415555*, separated by commas.",
            id="elmemory.E030",
        )
    if unknown := _positions("SEPARATE_SPELLINGS", MERGED_REGIONS.__contains__):
        yield Error(
            f"SEPARATE_SPELLINGS: entry {unknown} is no country whose spellings are merged.",
            hint=f"Write some of {', '.join(sorted(MERGED_REGIONS))}, separated by commas.",
            id="elmemory.E031",
        )
    if hosts := _positions("TRUSTED_SIP_HOSTS", _SIP_HOST.fullmatch):
        yield Error(
            f"TRUSTED_SIP_HOSTS: entry {hosts} cannot be the host of a SIP address.",
            hint="Write names or addresses without sip: and port, such as trunk.example.com, separated by commas.",
            id="elmemory.E032",
        )


def _contradictions() -> Iterator[CheckMessage]:
    """Report settings that can be read, but contradict each other or have no effect beside the others."""
    spared, excluded = spared_and_excluded()
    if spared & excluded:
        yield checks.Warning(
            "NOT_CALLERS: an entry is listed with and without !.", hint="Remove one of the two.", id="elmemory.W030"
        )
    if spared & {number_key(entry) for entry in settings.AGENT_NUMBERS}:
        yield checks.Warning(
            "NOT_CALLERS: a number with ! is in AGENT_NUMBERS, whose numbers are never callers.",
            hint="Remove it from one of the two.",
            id="elmemory.W030",
        )
    if settings.OPENMEMORY_CLIENT and not settings.OPENMEMORY_PORT:
        yield checks.Warning(
            "OPENMEMORY_CLIENT: without OPENMEMORY_PORT it has no effect.",
            hint="Write the server's port or URL there, or leave both empty.",
            id="elmemory.W012",
        )
    if settings.DEBUG and settings.PUBLIC_URL.startswith("https://"):
        yield checks.Warning(
            "DEBUG: with a PUBLIC_URL others can reach it: tracebacks are shown, and endpoints without a key are open.",
            hint="Write DEBUG=false.",
            id="elmemory.W022",
        )


def _positions(variable: str, is_usable: Callable[[str], object]) -> str:
    """Return the positions of unusable entries of a list, counted from 1, such as "1, 3"; "" if there are none.

    Where entries are separated by something else than commas, that alone is reported.
    """
    if any(fault.variable == variable for fault in settings.ENVIRONMENT_FAULTS):
        return ""
    entries: Iterable[str] = getattr(settings, variable)
    return ", ".join(str(position) for position, entry in enumerate(entries, start=1) if not is_usable(entry))


def _unusable_openmemory() -> Iterator[CheckMessage]:
    if settings.OPENMEMORY_CLIENT not in ("", "sdk"):
        yield Error(
            "OPENMEMORY_CLIENT is unknown.",
            hint="Leave it empty, or write sdk.",
            id="elmemory.E012",
        )
    if not settings.OPENMEMORY_KEY.isascii():
        yield Error(
            "OPENMEMORY_KEY cannot be sent.", hint="Letters, digits and signs of ASCII only.", id="elmemory.E013"
        )
    if not settings.OPENMEMORY_PORT:
        return
    try:
        if server_url(settings.OPENMEMORY_PORT) == f"http://127.0.0.1:{settings.PORT}":
            hint = "Give the OpenMemory server another port, or leave this empty for the embedded store."
            yield Error("OPENMEMORY_PORT: this server itself listens there (PORT).", hint=hint, id="elmemory.E011")
        if not settings.OPENMEMORY_PORT.isdecimal():
            address(settings.OPENMEMORY_PORT)
    except Unusable as error:
        yield Error(f"OPENMEMORY_PORT {error}.", hint="Empty means the embedded store.", id="elmemory.E011")
    except OpenMemoryMisconfigured as error:
        yield Error(f"{error}.", hint="Empty means the embedded store.", id="elmemory.E011")
    if not settings.OPENMEMORY_KEY and not holds_placeholder("OPENMEMORY_KEY"):
        level, fault_id = (checks.Warning, "elmemory.W014") if settings.DEBUG else (Error, _MISSING_OPENMEMORY_KEY)
        yield level(
            "OPENMEMORY_KEY is not set: everybody could read the OpenMemory server.",
            hint="The server's OM_API_KEY.",
            id=fault_id,
        )
    if settings.OPENMEMORY_CLIENT == "sdk":
        try:
            from elmemory.memory.openmemory.sdk import sdk_module

            sdk_module()
        except OpenMemoryMisconfigured as error:
            yield Error(f"{error}.", id="elmemory.E015")


def _unwritable_folders() -> Iterator[CheckMessage]:
    folders = {"PAYLOAD_STORAGE_PATH": settings.PAYLOAD_STORAGE_PATH}
    folders |= {variable: path.parent for variable, path in sqlite_files().items()}
    for variable, folder in folders.items():
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            yield Error(
                f"{variable}: nothing can be written there ({error.strerror}).",
                hint="Name a place that this user may write to.",
                id="elmemory.E008",
            )


def _loose_modes() -> Iterator[CheckMessage]:
    payloads, databases = Path(settings.PAYLOAD_STORAGE_PATH), sqlite_files()
    loose = {
        "the payload folder": [payloads] if loose_below(payloads) else [],
        "the data folder": sorted(filter(is_loose, data_folders([payloads, *databases.values()]))),
        "the file of settings": [dotenv_path()] if dotenv_path().is_file() and is_loose(dotenv_path()) else [],
    }
    for variable, path in databases.items():
        loose[f"the database of {variable}"] = list(filter(is_loose, files_of_sqlite(path)))
    for what, paths in loose.items():
        if paths:
            recursive = "-R " if paths == [payloads] else ""
            yield checks.Warning(
                f"Other users of this machine may read {what}.",
                hint=f"chmod {recursive}go= {shlex.join(map(str, paths))}",
                id="elmemory.W040",
            )


def sqlite_files() -> dict[str, Path]:
    """Return the SQLite databases by their variables."""
    databases = {variable: settings.DATABASES[alias] for variable, alias in _DATABASES.items()}
    return {
        variable: Path(database["NAME"])
        for variable, database in databases.items()
        if database["ENGINE"].endswith("sqlite3") and database["NAME"] != ":memory:"
    }


def _one_database_for_two() -> Iterator[CheckMessage]:
    """Report variables that name the same database: each needs its own, with its own migrations."""

    def place(variable: str) -> tuple[Any, ...]:
        database = settings.DATABASES[_DATABASES[variable]]
        is_file = database["ENGINE"].endswith("sqlite3") and database["NAME"] != ":memory:"
        name = os.path.realpath(database["NAME"]) if is_file else database["NAME"]
        where = (name, *(database.get(part) for part in ("ENGINE", "HOST", "PORT")))
        return *where, database.get("OPTIONS", {}).get("options")

    for one, other in combinations(_DATABASES, 2):
        if place(one) == place(other):
            yield Error(
                f"{other}: it names the same database as {one}.",
                hint="Give each a database of its own, or a schema (?options=-csearch_path%3Dmemory).",
                id="elmemory.E016",
            )
