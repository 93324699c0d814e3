"""Texts for database errors without private data: drivers' own texts name hosts, users and stored values."""

import re
import sqlite3

_REASONS = re.compile(
    r"connection refused|timeout expired|timed out|password authentication failed|no password supplied|no pg_hba\.conf"
    r"|name or service not known|could not translate host name|failed to resolve host|no route to host"
    r"|too many (?:clients|connections)|does not exist|starting up|shutting down|no space left|permission denied"
    r"|server closed the connection|certificate verify failed|does not support SSL",
    re.IGNORECASE,
)


def summary(error: Exception) -> str:
    """Return the error's type and reason, without names and values: "OperationalError (connection refused)".

    The reason is SQLite's message, which contains no values, PostgreSQL's SQLSTATE, or a known phrase of its message.
    """
    name, cause = type(error).__name__, error.__cause__ or error
    if isinstance(cause, sqlite3.Error):
        moved = "no such table" in str(cause) and ": was its file moved or deleted? Restart elmemory"
        return f"{name} ({cause}{moved or ''})"
    known = _REASONS.search(str(cause))
    reasons = [getattr(cause, "sqlstate", None), known[0].lower() if known else None]
    reason = ", ".join(filter(None, reasons))
    return f"{name} ({reason})" if reason else name
