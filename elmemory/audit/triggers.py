"""Database triggers that refuse to change entries of the audit log, and to delete any that no summary closes.

A migration for which SQLite rebuilds the table drops the triggers, and must call `install` again. `audit verify`
reports triggers that are missing.
"""

from django.db.backends.base.base import BaseDatabaseWrapper

_EVENTS = {"audit_entry_no_update": "UPDATE", "audit_entry_no_delete": "DELETE", "audit_entry_no_close": "INSERT"}
_REFUSAL = "the audit log is append-only"
# Entries that a later summary covers may be deleted. A summary may be added if the last entry that it closes exists and
# is not the newest.
_ALLOWED = {
    "UPDATE": "1 = 0",
    "DELETE": "EXISTS (SELECT 1 FROM audit_entry WHERE id < 0 AND id <> OLD.id AND -id >= ABS(OLD.id))",
    "INSERT": (
        "NEW.id > 0 OR (EXISTS (SELECT 1 FROM audit_entry WHERE id = -NEW.id AND hash = NEW.hash)"
        " AND EXISTS (SELECT 1 FROM audit_entry WHERE id > -NEW.id))"
    ),
}
_SQLITE = [
    f"CREATE TRIGGER IF NOT EXISTS {name} BEFORE {event} ON audit_entry WHEN NOT ({_ALLOWED[event]})"
    f" BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
    for name, event in _EVENTS.items()
]
_BODY = f"BEGIN IF NOT ({{allowed}}) THEN RAISE EXCEPTION '{_REFUSAL}'; END IF; RETURN {{row}}; END"
_BODIES = {
    event: _BODY.format(allowed=allowed, row="OLD" if event == "DELETE" else "NEW")
    for event, allowed in _ALLOWED.items()
}
_POSTGRESQL = [
    statement
    for name, event in _EVENTS.items()
    for statement in (
        f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ {_BODIES[event]} $$",
        f"CREATE OR REPLACE TRIGGER {name} BEFORE {event} ON audit_entry FOR EACH ROW EXECUTE FUNCTION {name}()",
    )
]


def install(connection: BaseDatabaseWrapper) -> None:
    with connection.cursor() as cursor:
        for statement in _POSTGRESQL if connection.vendor == "postgresql" else _SQLITE:
            cursor.execute(statement)


def remove(connection: BaseDatabaseWrapper) -> None:
    """Drop the triggers, for migrations that change entries and for tests that empty their databases."""
    on = " ON audit_entry" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        for name in _EVENTS:
            cursor.execute(f"DROP TRIGGER IF EXISTS {name}{on}")


def missing(connection: BaseDatabaseWrapper) -> list[str]:
    """Return the names of the triggers that the database lacks or that are disabled."""
    query = (
        "SELECT tgname FROM pg_trigger WHERE tgrelid = 'audit_entry'::regclass AND tgenabled <> 'D'"
        if connection.vendor == "postgresql"
        else "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    )
    with connection.cursor() as cursor:
        cursor.execute(query)
        present = {row[0] for row in cursor.fetchall()}
    return [name for name in _EVENTS if name not in present]
