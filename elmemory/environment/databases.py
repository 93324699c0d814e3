"""Django's settings of a database, from its URL or path."""

import contextlib
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import environ

_POSTGRESQL = "django.db.backends.postgresql"
_ENGINES = "django.db.backends.sqlite3", _POSTGRESQL
# SQLite overwrites deleted content with zeros.
OVERWRITE = "PRAGMA secure_delete=ON;"
# A lost server is noticed within half a minute, not after TCP's two hours. The URL's query may override them.
_LIVELINESS = {
    "connect_timeout": 5,
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
# Of several hosts, use the one that accepts writes, which a failover changes.
_WRITABLE = {"target_session_attrs": "read-write"}
_HOST = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[^:\[\]]+)(?::(?P<port>\d+))?")


def of_url(text: str) -> dict[str, Any]:
    """Return Django's settings of the database with this sqlite:/// or postgres:// URL.

    Raises ValueError, KeyError or ImproperlyConfigured for any other text, and if psycopg is needed but not installed.
    """
    scheme, _, rest = text.partition("://")
    authority, _, name_and_query = rest.partition("/")
    if not scheme.startswith("sqlite"):
        # After such a character in a password, the rest would be parsed as host, port or database, which messages
        # repeat.
        if re.search(r"[#\s]", text) or "@" in name_and_query.partition("?")[0] or re.search(r"\?|@.*@", authority):
            raise ValueError
    elif authority not in ("", ":memory:"):
        raise ValueError
    url: dict[str, Any] = environ.Env.db_url_config(text)
    if url["ENGINE"] not in _ENGINES or (url["ENGINE"] == _POSTGRESQL and not find_spec("psycopg")):
        raise ValueError
    if url["ENGINE"] == _POSTGRESQL:
        if "pool" in url.get("OPTIONS", {}):
            raise ValueError  # each thread keeps its connection, which a pool does not allow
        several = "," in url["HOST"]
        if several:
            url |= _hosts_and_ports(authority.rpartition("@")[2])
        url["OPTIONS"] = _LIVELINESS | (_WRITABLE if several else {}) | url.get("OPTIONS", {})
    return url


def _hosts_and_ports(listed: str) -> dict[str, str]:
    """Return the hosts and ports of `h1:5433,h2,[::1]:5434` in libpq's form: one port, perhaps empty, per host.

    django-environ drops empty ports, and libpq would use a single port for all hosts.
    """
    pairs = [_HOST.fullmatch(host) for host in unquote(listed).split(",")]
    if not all(pairs):
        raise ValueError
    names, ports = zip(*((pair["name"].strip("[]"), pair["port"] or "") for pair in pairs if pair), strict=True)
    return {"HOST": ",".join(names), "PORT": ",".join(ports)}


def sqlite(path: Path) -> dict[str, Any]:
    """Return Django's settings of the SQLite database in this file; make its folder."""
    with contextlib.suppress(OSError):  # the system checks report this fault
        path.parent.mkdir(parents=True, exist_ok=True)
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(path),
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 5,
            "init_command": f"PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; {OVERWRITE}",
        },
    }
