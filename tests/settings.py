"""Settings of the tests: nothing of the developer's own `.env` or data."""

import os
import tempfile
from pathlib import Path

_FOLDER = Path(tempfile.mkdtemp(prefix="elmemory-tests-"))

os.environ |= {
    "ELMEMORY_ENV_FILE": "",
    "SECRET_KEY": "only-for-tests-0123456789-0123456789-0123456789-0123456789",
    "ELEVENLABS_CLIENT_DATA_KEY": "client-data-key",
    "ELEVENLABS_SEARCH_DATA_KEY": "search-data-key",
    "ELEVENLABS_POST_CALL_KEY": "post-call-secret",
    "PAYLOAD_STORAGE_PATH": str(_FOLDER / "payloads"),
    "DATABASE_URL": str(_FOLDER / "default.sqlite3"),
    "INDEX_DATABASE_URL": str(_FOLDER / "index.sqlite3"),
    "OPENMEMORY_DB_PATH": str(_FOLDER / "memory.sqlite3"),
}
for _name in (
    "DEBUG",
    "PUBLIC_URL",
    "AGENT_NUMBERS",
    "DEFAULT_REGION",
    "GREETING",
    "DYNAMIC_VARIABLES",
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
from elmemory.settings import DATABASES  # noqa: E402

for _alias, _database in DATABASES.items():
    # Real files, as in production: what is written is there for other threads and connections.
    _database["TEST"] = {"NAME": str(_FOLDER / f"{_alias}.sqlite3"), "DEPENDENCIES": []}
