"""System checks of the environment: every fault at once, with its variable and what to do."""

import tempfile
from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import phonenumbers
from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, register

from elmemory.memory.identity import caller_key
from elmemory.memory.openmemory import OpenMemoryMisconfigured
from elmemory.memory.openmemory.factory import server_url

# Errors with which the server can still do its other work: an endpoint without its key refuses every request, and an
# OpenMemory server without one may be what somebody runs.
_MISSING_SECRET, _MISSING_OPENMEMORY_KEY = "elmemory.E002", "elmemory.E014"
BEARABLE = frozenset((_MISSING_SECRET, _MISSING_OPENMEMORY_KEY))

_DATABASES = {"DATABASE_URL": "default", "INDEX_DATABASE_URL": "index", "OPENMEMORY_DB_PATH": "memory"}
_SECRETS = {
    "ELEVENLABS_POST_CALL_KEY": "The secret that ElevenLabs showed when the post-call webhook was made.",
    "ELEVENLABS_CLIENT_DATA_KEY": "A random text; the agent's initiation webhook sends it as X-Api-Key.",
    "ELEVENLABS_SEARCH_DATA_KEY": "A random text; the agent's search tool sends it as X-Api-Key.",
}


@register
def environment(**kwargs: Any) -> Sequence[CheckMessage]:  # noqa: ARG001
    return [
        *_malformed(),
        *_missing_secrets(),
        *_unusable_values(),
        *_unusable_openmemory(),
        *_unwritable_folders(),
        *_one_database_for_two(),
    ]


def _malformed() -> Iterator[CheckMessage]:
    for variable, problem, hint in settings.ENVIRONMENT_FAULTS:
        yield Error(f"{variable}: {problem}.", hint=hint, id="elmemory.E001")


def _missing_secrets() -> Iterator[CheckMessage]:
    for variable, hint in _SECRETS.items():
        if not [secret for secret in getattr(settings, variable).split(",") if secret.strip()]:
            if settings.DEBUG:
                yield checks.Warning(f"{variable} is not set.", hint=hint, id="elmemory.W002")
            else:
                yield Error(
                    f"{variable} is not set: its endpoint refuses every request.", hint=hint, id=_MISSING_SECRET
                )
    if not settings.SECRET_KEY_IS_GIVEN:
        hint = 'Set it to what this prints: python3 -c "import secrets; print(secrets.token_urlsafe(50))"'
        if settings.DEBUG:
            yield checks.Warning("SECRET_KEY is not set: logins end with the process.", hint=hint, id="elmemory.W003")
        else:
            yield Error("SECRET_KEY is not set.", hint=hint, id="elmemory.E003")


def _unusable_values() -> Iterator[CheckMessage]:
    region = settings.DEFAULT_REGION
    if region and region not in phonenumbers.SUPPORTED_REGIONS:
        yield Error(
            f"DEFAULT_REGION: {region!r} is no region.",
            hint="Write a country's two letters, such as US.",
            id="elmemory.E004",
        )
    if unusable := [number for number in settings.AGENT_NUMBERS if not caller_key(number)]:
        yield Error(
            f"AGENT_NUMBERS: {', '.join(unusable)} cannot be read.",
            hint="Write numbers as +14155550100, separated by commas.",
            id="elmemory.E005",
        )
    try:
        settings.GREETING.format(name="Maya")
    except (KeyError, ValueError, IndexError, AttributeError):
        yield Error(
            "GREETING: only {name} can be filled in.",
            hint="Write a text such as: Welcome back, {name}! Empty means no greeting.",
            id="elmemory.E006",
        )
    if settings.BACKFILL_EVERY and not settings.ELEVENLABS_API_KEY:
        yield checks.Warning(
            "BACKFILL_EVERY: nothing is fetched without ELEVENLABS_API_KEY.",
            hint="Make a key at elevenlabs.io, or set BACKFILL_EVERY to 0.",
            id="elmemory.W009",
        )
    if reserved := [name for name in settings.DYNAMIC_VARIABLES if name.startswith("system__")]:
        yield Error(
            f"DYNAMIC_VARIABLES: {', '.join(reserved)} cannot be set.",
            hint="Names that begin with system__ belong to ElevenLabs.",
            id="elmemory.E007",
        )


def _unusable_openmemory() -> Iterator[CheckMessage]:
    if settings.OPENMEMORY_CLIENT not in ("", "sdk"):
        yield Error(
            f"OPENMEMORY_CLIENT: {settings.OPENMEMORY_CLIENT!r} is no way to speak to a server.",
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
        server_url(settings.OPENMEMORY_PORT)
    except OpenMemoryMisconfigured as error:
        yield Error(f"{error}.", hint="Empty means the embedded store.", id="elmemory.E011")
    if not settings.OPENMEMORY_KEY:
        level, fault_id = (checks.Warning, "elmemory.W014") if settings.DEBUG else (Error, _MISSING_OPENMEMORY_KEY)
        yield level(
            "OPENMEMORY_KEY is not set: the OpenMemory server would be open to everybody who reaches it.",
            hint="The server's OM_API_KEY.",
            id=fault_id,
        )
    if settings.OPENMEMORY_CLIENT == "sdk":
        from elmemory.memory.openmemory.sdk import sdk_module

        try:
            sdk_module()
        except OpenMemoryMisconfigured as error:
            yield Error(f"{error}.", id="elmemory.E015")


def _unwritable_folders() -> Iterator[CheckMessage]:
    folders = {"PAYLOAD_STORAGE_PATH": settings.PAYLOAD_STORAGE_PATH}
    for variable, alias in _DATABASES.items():
        database = settings.DATABASES[alias]
        if database["ENGINE"].endswith("sqlite3"):
            folders[variable] = Path(database["NAME"]).parent
    for variable, folder in folders.items():
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            yield Error(
                f"{variable}: nothing can be written to {folder} ({error.strerror}).",
                hint="Name a place that this user may write to.",
                id="elmemory.E008",
            )


def _one_database_for_two() -> Iterator[CheckMessage]:
    """Each has migrations of its own, which would be taken for those of the other."""

    def place(variable: str) -> tuple[Any, ...]:
        database = settings.DATABASES[_DATABASES[variable]]
        where = tuple(database.get(name) for name in ("ENGINE", "HOST", "PORT", "NAME"))
        return *where, database.get("OPTIONS", {}).get("options")

    for one, other in combinations(_DATABASES, 2):
        if place(one) == place(other):
            yield Error(
                f"{other}: it names the same database as {one}.",
                hint="Give each a database of its own, or a schema (?options=-csearch_path%3Dmemory).",
                id="elmemory.E016",
            )
