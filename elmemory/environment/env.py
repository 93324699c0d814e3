"""The environment, read through django-environ in such a way that all its faults are told at once.

A fault does not raise here: the default stands in for the value, and the system checks report it.
"""

import contextlib
import os
from collections.abc import Callable, Collection
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import environ
import orjson

from elmemory.memory.text import as_written

BASE_DIR = Path(__file__).resolve().parent.parent.parent


_POSTGRESQL = "django.db.backends.postgresql"
_ENGINES = "django.db.backends.sqlite3", _POSTGRESQL
# A server that is gone is noticed within half a minute, not after the two hours of TCP; more in the URL's query.
_LIVELINESS = {
    "connect_timeout": 5,
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
_DATABASE_HINT = 'Write a path or a URL (sqlite:/// or postgres://; the latter needs: pip install "psycopg[binary]").'


if not (BASE_DIR / "manage.py").is_file():
    BASE_DIR = Path.cwd()  # installed as a package, which is no place for settings and data


class Fault(NamedTuple):
    variable: str
    problem: str
    hint: str


class Environment:
    """Typed reads of the variables; `faults` collects what could not be read.

    An empty value of anything but a text counts as not given.
    """

    def __init__(self, dotenv: Path | None = None) -> None:
        self.faults: list[Fault] = []
        self._env = environ.Env()
        if dotenv and dotenv.is_file():
            self._env.read_env(str(dotenv))

    def text(self, name: str, default: str = "") -> str:
        # Not through django-environ, which takes a value that begins with $ for another variable's name.
        return os.environ.get(name, default).strip()

    def flag(self, name: str, *, default: bool) -> bool:
        value = self.text(name).lower()
        if value in ("true", "yes", "on", "1"):
            return True
        if value in ("false", "no", "off", "0"):
            return False
        if value:
            self._fault(name, f"{value!r} is neither true nor false", "Write true or false.")
        return default

    def integer(self, name: str, default: int, *, least: int = 0, most: int = 2**31) -> int:
        def read() -> int:
            value = int(self.text(name))
            if not least <= value <= most:
                raise ValueError
            return value

        return self._read(name, default, read, f"Write a whole number from {least} to {most}.")

    def url(self, name: str, example: str) -> str:
        """An http(s) URL without a slash at its end."""
        value = self.text(name).rstrip("/")
        if value and not (value.startswith(("https://", "http://")) and urlsplit(value).hostname):
            self._fault(name, f"{value!r} is no URL", f"Write it as {example}.")
            return ""
        return value

    def one_of(self, name: str, choices: Collection[str], default: str, hint: str) -> str:
        value = self.text(name) or default
        if value in choices:
            return value
        self._fault(name, f"{value!r} is unknown", hint)
        return default

    def texts(self, name: str) -> list[str]:
        """A comma-separated list."""
        return [item.strip() for item in self.text(name).split(",") if item.strip()]

    def path(self, name: str, default: str) -> Path:
        """A path; a relative one starts at the project's folder."""
        return BASE_DIR / Path(self.text(name) or default).expanduser()

    def json_object(self, name: str) -> dict[str, str]:
        def read() -> dict[str, str]:
            value = orjson.loads(self.text(name))
            if not isinstance(value, dict) or any(isinstance(item, dict | list) for item in value.values()):
                raise ValueError
            return {
                key: as_written(item) if isinstance(item, int | float) else item or "" for key, item in value.items()
            }

        return self._read(name, {}, read, 'Write a JSON object of texts, such as {"plan": "basic"}.')

    def database(self, name: str, default: str) -> dict[str, Any]:
        """A database by its URL, or an SQLite file by its path."""

        def read() -> dict[str, Any]:
            value = self.text(name)
            if "://" not in value:
                return sqlite(BASE_DIR / Path(value).expanduser())
            url: dict[str, Any] = self._env.db_url_config(value)
            if url["ENGINE"] not in _ENGINES or (url["ENGINE"] == _POSTGRESQL and not find_spec("psycopg")):
                raise ValueError
            if url["ENGINE"] == _POSTGRESQL:
                url["OPTIONS"] = _LIVELINESS | url.get("OPTIONS", {})
            return url

        database = self._read(name, sqlite(BASE_DIR / default), read, _DATABASE_HINT)
        if database["ENGINE"].endswith("sqlite3"):
            database = sqlite(Path(database["NAME"]) if database["NAME"] == ":memory:" else BASE_DIR / database["NAME"])
        return database | {"CONN_MAX_AGE": None, "CONN_HEALTH_CHECKS": True}

    def _read[T](self, name: str, default: T, read: Callable[[], T], hint: str) -> T:
        if not self.text(name):
            return default
        try:
            return read()
        except (ValueError, environ.ImproperlyConfigured, KeyError):
            self._fault(name, "cannot be read", hint)
            return default

    def _fault(self, name: str, problem: str, hint: str) -> None:
        self.faults.append(Fault(name, problem, hint))


def sqlite(path: Path) -> dict[str, Any]:
    with contextlib.suppress(OSError):  # the system checks tell it, with the other faults
        path.parent.mkdir(parents=True, exist_ok=True)
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(path),
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 5,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        },
    }


def dotenv_path() -> Path:
    """`.env` beside manage.py; ELMEMORY_ENV_FILE names another one, or none by being empty."""
    named = os.environ.get("ELMEMORY_ENV_FILE")
    return BASE_DIR / ".env" if named is None else Path(named)
