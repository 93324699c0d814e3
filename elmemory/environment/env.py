"""Typed reads of the settings' variables. All faults are collected.

A fault raises no exception here: the default is used, and the system checks report the fault.
"""

import os
import re
from collections.abc import Callable, Collection, Iterator
from difflib import get_close_matches
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, Literal, NamedTuple

import environ
import orjson

from elmemory.environment import databases, dotenv, hosts
from elmemory.memory.language_codes import language_code
from elmemory.memory.text import as_written

BASE_DIR = Path(__file__).resolve().parent.parent.parent

_PATH_VARIABLE = "ELMEMORY_ENV_FILE"
_FROM_FILE: set[str] = set()
# A semicolon may begin a parameter of a SIP address: ;user=phone, ;lr.
_OTHER_COMMA = re.compile(r"[|、，；]|;(?!\s*(?:[\w.-]+=|(?:lr|ob|gr)\b))", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# How similar a misspelled name is.
_CLOSE = 0.86
# Placeholders of examples and templates. Not "secret" or "test", which people use in trials.
_PLACEHOLDER = re.compile(
    r"<.*>|\[.*\]|\$?\{.*\}|(?:wsec_|sk_)?(?:…|\.{3,}|x{3,}|\*{3,})|wsec_|sk_"
    r"|(?:change|replace)[-_ ]?(?:me|this|it)|(?:your|insert|enter)[-_ ].*|.*[-_ ]here|todo|tbd|none|null|undefined",
    re.IGNORECASE,
)

_DATABASE_HINT = (
    'Write a path or a URL (sqlite:/// or postgres://; the latter needs: pip install "psycopg[binary]"). '
    "In a password /, @, #, ? and blanks are written as %2F, %40, %23, %3F and %20. "
    "The option pool is not supported: each thread keeps its connection."
)


type Kind = Literal["error", "key", "warning"]


if not (BASE_DIR / "manage.py").is_file():
    BASE_DIR = Path.cwd()  # installed as a package: settings and data must not be kept in site-packages


class Fault(NamedTuple):
    """A fault of a setting; no part of it repeats the setting's value.

    A "key" fault closes the endpoints that need this key, an "error" keeps the server from starting.
    """

    variable: str
    problem: str
    hint: str
    kind: Kind = "error"


class Environment:
    """Reads variables from the environment, else from `.env`. `faults` are the values that it could not read.

    An empty value counts as not given, except for texts.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._faults: dict[Fault, None] = {}
        self._names: set[str] = set()
        self._path = path
        self._statements = self._load(path) if path else []

    @property
    def faults(self) -> list[Fault]:
        """The faults of all reads so far and of `.env`, including its names that no setting reads."""
        return [*self._faults, *self._faults_of_statements()]

    @property
    def names(self) -> frozenset[str]:
        """The names of the variables that were read so far."""
        return frozenset(self._names)

    def text(self, name: str, default: str = "") -> str:
        value = self._raw(name, default)
        if _CONTROL.search(value):
            self._fault(name, "contains a line break or another control character", "Write it in one line.")
            return default
        return value

    def key(self, name: str) -> str:
        """Return a secret; a placeholder, such as "changeme", counts as not given."""
        return next(iter(self._keys(name, [self.text(name)])), "")

    def keys(self, name: str) -> list[str]:
        """Return the comma-separated secrets, without empty ones and placeholders."""
        return self._keys(name, self._items(name))

    def flag(self, name: str, *, default: bool) -> bool:
        value = self.text(name).lower()
        if value in ("true", "yes", "on", "1"):
            return True
        if value in ("false", "no", "off", "0"):
            return False
        if value:
            self._fault(name, "is neither true nor false", "Write true or false.")
        return default

    def integer(self, name: str, default: int, *, least: int = 0, most: int = 2**31) -> int:
        def read(text: str) -> int:
            if not re.fullmatch("[0-9]{1,12}", text) or not least <= int(text) <= most:
                raise ValueError
            return int(text)

        hint = f"Write a whole number from {least} to {most}, in digits, without unit."
        return self._read(name, self.text(name), default, read, hint)

    def origin(self, name: str, example: str) -> str:
        """Return `scheme://host` or `scheme://host:port`, in the form that browsers send."""
        return self._host(name, hosts.origin, f"Write scheme and host alone, such as {example}.")

    def address(self, name: str, example: str) -> str:
        """Return an http(s) URL without a trailing slash."""
        return self._host(name, hosts.address, f"Write it as {example}.")

    def host_patterns(self, name: str) -> list[str]:
        hint = "Write host names alone, separated by commas, such as memory.example.com."
        return self._each(name, hosts.host_pattern, hint)

    def networks(self, name: str) -> list[IPv4Network | IPv6Network]:
        def read(text: str) -> IPv4Network | IPv6Network:
            network = ip_network(text)
            if not network.prefixlen:
                raise hosts.Unusable("means everybody")
            return network

        return self._each(name, read, "Write addresses or networks, separated by commas: 10.0.0.5, 10.1.0.0/16.")

    def one_of(self, name: str, choices: Collection[str], default: str, hint: str) -> str:
        """Return one of the choices, which may be written in any case."""
        value = self.text(name).lower()
        for choice in choices:
            if choice.lower() == value:
                return choice
        if value:
            self._fault(name, "is unknown", hint)
        return default

    def texts(self, name: str) -> list[str]:
        """Return the entries of a comma-separated list."""
        if _OTHER_COMMA.search(self.text(name)):
            self._fault(name, "contains a separator that is no comma", "Separate the entries by commas.")
        return self._items(name)

    def path(self, name: str, default: str) -> Path:
        """Return a path. A relative one starts at the project's folder."""
        return self._read(name, self.text(name), BASE_DIR / default, _path, "Write the path of a folder.")

    def json_object(self, name: str, example: str) -> dict[str, str]:
        def read(text: str) -> dict[str, str]:
            value = orjson.loads(text)
            if not isinstance(value, dict) or any(isinstance(item, dict | list) for item in value.values()):
                raise ValueError
            return {
                key: as_written(item) if isinstance(item, int | float) else item or "" for key, item in value.items()
            }

        return self._read(name, self._raw(name), {}, read, f"Write a JSON object of texts, such as {example}.")

    def texts_by_name(self, name: str, example: str) -> dict[str, str]:
        """Return a JSON object whose values are texts."""

        def read(text: str) -> dict[str, str]:
            value = orjson.loads(text)
            if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
                raise ValueError
            return {key.strip(): item.strip() for key, item in value.items()}

        return self._read(name, self._raw(name), {}, read, f"Write a JSON object of texts, such as {example}.")

    def language(self, name: str, default: str) -> str:
        """Return the code of a language, which may be given by name or as a locale: de_DE.UTF-8, or de:en."""

        def read(text: str) -> str:
            first = re.split("[.:@]", text)[0]
            if first in ("C", "POSIX"):
                return default
            if not (code := language_code(first)):
                raise ValueError
            return code

        return self._read(name, self.text(name), default, read, "Write a code such as de or pt-br.")

    def database(self, name: str, default: str) -> dict[str, Any]:
        """Return Django's settings of a database, given by its URL or by the path of an SQLite file."""

        def read(text: str) -> dict[str, Any]:
            return databases.of_url(text) if "://" in text else databases.sqlite(_path(text))

        database = self._read(name, self.text(name), databases.sqlite(BASE_DIR / default), read, _DATABASE_HINT)
        if database["ENGINE"].endswith("sqlite3"):
            path = Path(database["NAME"])
            database = databases.sqlite(path if str(path) == ":memory:" else BASE_DIR / path)
        return database | {"CONN_MAX_AGE": None, "CONN_HEALTH_CHECKS": True}

    def _read[T](self, name: str, text: str, default: T, read: Callable[[str], T], hint: str) -> T:
        if not text:
            return default
        try:
            return read(text)
        except (ValueError, environ.ImproperlyConfigured, KeyError, RuntimeError):
            self._fault(name, "cannot be read", hint)
            return default

    def _host(self, name: str, read: Callable[[str], str], hint: str) -> str:
        value = self.text(name)
        try:
            return read(value) if value else ""
        except hosts.Unusable as error:
            self._fault(name, str(error), hint)
            return ""

    def _each[T](self, name: str, read: Callable[[str], T], hint: str) -> list[T]:
        """Return the readable entries of a comma-separated list; report the others by their position."""
        good = []
        for position, text in enumerate(self._items(name), start=1):
            try:
                good.append(read(text))
            except ValueError as error:
                problem = str(error) if isinstance(error, hosts.Unusable) else "cannot be read"
                self._fault(name, f"entry {position} {problem}", hint)
        return good

    def _items(self, name: str) -> list[str]:
        return [item.strip() for item in self.text(name).split(",") if item.strip()]

    def _keys(self, name: str, values: list[str]) -> list[str]:
        good = [value for value in values if not _PLACEHOLDER.fullmatch(value)]
        if len(good) < len(values):
            self._fault(name, "is a placeholder, which counts as no key", "Put the key itself there.", "key")
        return [value for value in good if value]

    def _raw(self, name: str, default: str = "") -> str:
        # Not through django-environ, which replaces a value that begins with $ by another variable's.
        self._names.add(name)
        return os.environ.get(name, default).strip()

    def _fault(self, name: str, problem: str, hint: str, kind: Kind = "error") -> None:
        self._faults[Fault(name, problem, hint, kind)] = None

    def _load(self, path: Path) -> list[dotenv.Statement]:
        """Add this file's variables to the environment, except those that it has. The last of several counts."""
        if str(path) in (".", os.devnull):
            return []
        name = _PATH_VARIABLE if os.environ.get(_PATH_VARIABLE) else path.name
        try:
            # Opening a named pipe would block until something writes to it.
            statements = list(dotenv.read(path)) if path.is_file() else []
            if not path.is_file() and (path.exists() or name == _PATH_VARIABLE):
                self._fault(name, "is no file", "Make it a text file, or remove it: it is not needed.")
        except OSError as error:
            self._fault(name, f"cannot be read ({error.strerror})", "Let this user read the file.")
            return []
        except UnicodeError:
            self._fault(name, "is no text in UTF-8", "Save the file as UTF-8.")
            return []
        given = {statement.name: statement.value for statement in statements if statement.name}
        added = {name: value for name, value in given.items() if name not in os.environ}
        os.environ.update(added)
        _FROM_FILE.update(added)
        return statements

    def _faults_of_statements(self) -> Iterator[Fault]:
        file = self._path.name if self._path else ""
        seen: dict[str, dotenv.Statement] = {}
        for statement in self._statements:
            where = f"{file}, line {statement.line}"
            if not statement.name:
                # An unclosed quote extends the value over the next lines.
                lost = [name for name in sorted(self._names) if re.search(rf"\b{name}\b", statement.text)]
                problem = f"does not assign {', '.join(lost)}" if lost else "assigns nothing"
                yield Fault(where, problem, "Write NAME=value, with a # before a remark; a quote ends in its line.")
                continue
            before = seen.get(statement.name)
            if statement.name not in self._names:
                if near := get_close_matches(statement.name.upper(), self._names, 1, _CLOSE):
                    yield Fault(where, f"looks like {near[0]}", "No setting has the name in the file.", "warning")
            elif before and before.value != statement.value:
                problem = f"is set more than once in {file}; line {statement.line} is used, not line {before.line}"
                yield Fault(statement.name, problem, "Remove one.", "warning")
            seen[statement.name] = statement


def _path(text: str) -> Path:
    """Return a path; a relative one starts at the project's folder.

    Raises ValueError for a text in quotes or with a comment, which only `.env` may have, and for a URL, even without
    its slashes: it may hold a password.
    """
    if text[:1] in "\"'" or re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", text) or re.search(r"\s#", text):
        raise ValueError
    return BASE_DIR / Path(text).expanduser()


def given_environment() -> dict[str, str]:
    """Return the environment without the variables from `.env`, for a new process that reads the file again."""
    return {name: value for name, value in os.environ.items() if name not in _FROM_FILE}


def dotenv_path() -> Path:
    """Return the path in ELMEMORY_ENV_FILE (empty: no file), else that of `.env` beside manage.py."""
    named = os.environ.get(_PATH_VARIABLE)
    return BASE_DIR / ".env" if named is None else Path(named)
