"""Settings of the tests: nothing of the developer's own `.env` or data."""

import os
import tempfile
from pathlib import Path

import certifi

os.umask(0o077)  # as in every command

_FOLDER = Path(tempfile.mkdtemp(prefix="elmemory-tests-"))
# Set by tests/harness/postgres.py, for the tests that can be run on a PostgreSQL server too.
_POSTGRES_URL = os.environ.get("TEST_POSTGRES_URL")


def _database(alias: str) -> str:
    return f"{_POSTGRES_URL}/{alias}" if _POSTGRES_URL else str(_FOLDER / f"{alias}.sqlite3")


os.environ |= {
    "ELMEMORY_ENV_FILE": "",
    "SECRET_KEY": "only-for-tests-0123456789-0123456789-0123456789-0123456789",
    "ELEVENLABS_CLIENT_DATA_KEY": "client-data-key",
    "ELEVENLABS_SEARCH_DATA_KEY": "search-data-key",
    "ELEVENLABS_POST_CALL_KEY": "post-call-secret",
    "PAYLOAD_STORAGE_PATH": str(_FOLDER / "payloads"),
    "DATABASE_URL": _database("default"),
    "INDEX_DATABASE_URL": _database("index"),
    "OPENMEMORY_DB_PATH": _database("memory"),
    "EMBEDDINGS": "off",  # the same results whether or not an encoder is installed
}
# Each HTTP client reads the certificates of all authorities, 10 ms long; no test needs more than one.
_authority = Path(certifi.where()).read_text().partition("-----END CERTIFICATE-----")
(_FOLDER / "authority.pem").write_text(_authority[0] + _authority[1])
os.environ["SSL_CERT_FILE"] = str(_FOLDER / "authority.pem")
for _name in (
    "DEBUG",
    "REQUIRE_2FA",
    "SECRET_KEY_FALLBACKS",
    "PUBLIC_URL",
    "ALLOWED_HOSTS",
    "TRUSTED_PROXIES",
    "AGENT_NUMBERS",
    "DEFAULT_REGION",
    "GREETING",
    "GREETINGS",
    "LANGUAGE",
    "OVERRIDE_LANGUAGE",
    "SEND_USER_ID",
    "DYNAMIC_VARIABLES",
    "SPOKEN_FACTS",
    "SEARCHABLE_FACTS",
    "REDACT",
    "REDACT_PATTERNS",
    "OPT_OUT_FIELD",
    "STORE_OPTED_OUT",
    "RETAIN_AUDIO_DAYS",
    "RETAIN_PAYLOAD_DAYS",
    "RETAIN_UNREADABLE_DAYS",
    "RETAIN_MEMORY_DAYS",
    "RETAIN_AUDIT_DAYS",
    "HONOUR_DELETION_SETTINGS",
    "OPENMEMORY_PORT",
    "ELEVENLABS_API_KEY",
    "ELEVENLABS_BASE_URL",
    "BACKFILL_EVERY",
    "NGROK_AUTHTOKEN",
    "OPENMEMORY_KEY",
    "OPENMEMORY_CLIENT",
):
    os.environ.pop(_name, None)

from elmemory.settings import *  # noqa: E402, F403
from elmemory.settings import DATABASES, INSTALLED_APPS  # noqa: E402

INSTALLED_APPS = [*INSTALLED_APPS, "tests.harness"]  # its command `flush`

for _alias, _settings in DATABASES.items():
    # Real files, as in production: what is written is there for other threads and connections.
    _settings["TEST"] = {"NAME": f"test_{_alias}" if _POSTGRES_URL else _database(_alias), "DEPENDENCIES": []}

# The strength of password hashes is Django's; a slow one would be half of the time of the tests of logging in.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
