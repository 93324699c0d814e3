"""Database triggers that refuse to change or delete entries of the audit log.

A migration that makes SQLite rebuild the table drops them with it: it must call `install` again. `audit verify` reports
triggers that are missing.
"""

from django.db.backends.base.base import BaseDatabaseWrapper

_NAMES = "audit_entry_no_update", "audit_entry_no_delete"
_REFUSAL = "the audit log is append-only"
_FUNCTION, _BODY = "audit_entry_refuse", f"BEGIN RAISE EXCEPTION '{_REFUSAL}'; END"
_SQLITE = [
    f"CREATE TRIGGER IF NOT EXISTS {name} BEFORE {event} ON audit_entry BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
    for name, event in zip(_NAMES, ("UPDATE", "DELETE"), strict=True)
]
_POSTGRESQL = [
    f"CREATE OR REPLACE FUNCTION {_FUNCTION}() RETURNS trigger LANGUAGE plpgsql AS $$ {_BODY} $$",
    *(
        f"CREATE OR REPLACE TRIGGER {name} BEFORE {event} ON audit_entry FOR EACH ROW EXECUTE FUNCTION {_FUNCTION}()"
        for name, event in zip(_NAMES, ("UPDATE", "DELETE"), strict=True)
    ),
]


def install(connection: BaseDatabaseWrapper) -> None:
    with connection.cursor() as cursor:
        for statement in _POSTGRESQL if connection.vendor == "postgresql" else _SQLITE:
            cursor.execute(statement)


def remove(connection: BaseDatabaseWrapper) -> None:
    """For migrations that must change entries, and for tests that empty their databases."""
    on = " ON audit_entry" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        for name in _NAMES:
            cursor.execute(f"DROP TRIGGER IF EXISTS {name}{on}")


def missing(connection: BaseDatabaseWrapper) -> list[str]:
    """The names of those that the database does not have, or that are disabled."""
    query = (
        "SELECT tgname FROM pg_trigger WHERE tgrelid = 'audit_entry'::regclass AND tgenabled <> 'D'"
        if connection.vendor == "postgresql"
        else "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    )
    with connection.cursor() as cursor:
        cursor.execute(query)
        present = {row[0] for row in cursor.fetchall()}
    return [name for name in _NAMES if name not in present]
