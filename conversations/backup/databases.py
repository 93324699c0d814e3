"""Copies databases with `VACUUM INTO` or `pg_dump`, each consistent while others write, and restores them.

The index is not copied: it is rebuilt from the files.
"""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections
from django.db.backends.postgresql.client import DatabaseClient

from conversations.backup.compression import zstd
from conversations.backup.manifest import BackupFault
from elmemory.environment.private_files import files_of_sqlite
from elmemory.memory.openmemory.database_faults import summary
from elmemory.memory.openmemory.database_integrity import faults_of_file, reader
from elmemory.memory.openmemory.database_traces import files_of
from elmemory.memory.openmemory.embedded.store import ALIAS

_PIECE = 2**20
# The memories come first, so that the audit log covers the time of their copying.
COPIED = ALIAS, DEFAULT_DB_ALIAS
VARIABLES = {ALIAS: "OPENMEMORY_DB_PATH", DEFAULT_DB_ALIAS: "DATABASE_URL"}
# pg_dump compresses by itself.
_SUFFIXES = {"sqlite": ".sqlite3.zst", "postgresql": ".pgdump"}


def engine_of(alias: str) -> str:
    """The kind of database: "sqlite" or "postgresql"."""
    return connections[alias].vendor


def is_there(alias: str) -> bool:
    """Whether the database exists: an embedded store that was never used has no file."""
    return engine_of(alias) != "sqlite" or bool(files_of(alias))


def copy_name(alias: str, engine: str) -> str:
    return f"{alias}{_SUFFIXES[engine]}"


def copy_database(alias: str, folder: Path) -> str:
    """Copy the database into this folder, and check the copy; returns the file's name. Raises BackupFault."""
    engine = engine_of(alias)
    target = folder / copy_name(alias, engine)
    if engine == "sqlite":
        copy_file(Path(connections[alias].settings_dict["NAME"]), target, alias)
    else:
        options = ["--format=custom", "--no-owner", "--no-privileges", *_schemas(alias), f"--file={target}"]
        _run("pg_dump", alias, options)
        # Reads the table of contents, which a truncated file does not have.
        _run("pg_restore", alias, ["--list", str(target)], connected=False)
    return target.name


def copy_file(source: Path, target: Path, name: str) -> None:
    """Copy an SQLite database to this file, compressed, and check the copy. Messages call it `name`."""
    copy = target.with_suffix("")
    copy.unlink(missing_ok=True)
    try:
        with closing(reader(source)) as connection:
            # Copying rebuilds the indexes from the rows, so it would hide damage of the pages.
            found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            if found == "ok":
                connection.execute("VACUUM INTO ?", (str(copy),))
    except sqlite3.Error as error:
        found = str(error)
    if found != "ok":
        raise BackupFault(f"the database {name} is damaged ({found}): manage.py verify says more")
    if faults := faults_of_file(copy):
        raise BackupFault(f"the copy of the database {name} is damaged: {faults[0]}")
    with copy.open("rb") as file, zstd.open(target, "wb", level=3) as compressed:
        shutil.copyfileobj(file, compressed, _PIECE)
    copy.unlink()


def restore_database(alias: str, engine: str, copy: Path) -> None:
    """Replace the database, which must be empty, by the copy. Raises BackupFault."""
    if engine != engine_of(alias):
        raise BackupFault(
            f"the backup is of {engine}, and {VARIABLES[alias]} names {engine_of(alias)}: name the same kind"
        )
    if engine == "sqlite":
        connections[alias].close()
        place = Path(connections[alias].settings_dict["NAME"])
        place.parent.mkdir(parents=True, exist_ok=True)
        partial = place.with_name(f"{place.name}.restoring")
        with zstd.open(copy, "rb") as compressed, partial.open("wb") as file:
            shutil.copyfileobj(compressed, file, _PIECE)
        if faults := faults_of_file(partial):
            raise BackupFault(f"the copy of {alias} is damaged: {faults[0]}")
        # SQLite would apply the log of the empty database to this one.
        for path in files_of_sqlite(place)[1:]:
            path.unlink(missing_ok=True)
        partial.replace(place)
        return
    # Tables of a newer version may reference the restored ones.
    with connections[alias].cursor() as cursor:
        for table in connections[alias].introspection.table_names(cursor):
            cursor.execute(f"DROP TABLE {connections[alias].ops.quote_name(table)} CASCADE")
    # A new database already has its schema.
    listed = _run("pg_restore", alias, ["--list", str(copy)], connected=False).splitlines()
    contents = copy.with_suffix(".list")
    contents.write_text("\n".join(line for line in listed if " SCHEMA " not in line))
    options = [
        "--clean",
        "--if-exists",
        "--no-owner",
        "--no-privileges",
        "--exit-on-error",
        "--single-transaction",
        f"--use-list={contents}",
    ]
    try:
        _run("pg_restore", alias, [*options, str(copy)])
    finally:
        contents.unlink(missing_ok=True)


def rows_in(alias: str) -> int:
    """The number of rows in the database that would be lost; 0 without its tables or its file."""
    if not is_there(alias):
        return 0
    counted = {ALIAS: ["memory"], DEFAULT_DB_ALIAS: ["auth_user", "audit_entry"]}[alias]
    connection, rows = connections[alias], 0
    try:
        with connection.cursor() as cursor:
            present = set(connection.introspection.table_names(cursor))
            for table in present.intersection(counted):
                cursor.execute(f"SELECT count(*) FROM {connection.ops.quote_name(table)}")
                rows += cursor.fetchone()[0]
    except DatabaseError as error:
        raise BackupFault(f"{VARIABLES[alias]}: the database does not answer: {summary(error)}") from None
    return rows


def _schemas(alias: str) -> list[str]:
    """The options that exclude the schemas of other programs in the same database."""
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT unnest(current_schemas(false))")
        return [f"--schema={connections[alias].ops.quote_name(name)}" for (name,) in cursor.fetchall()]


def _run(program: str, alias: str, options: Sequence[str], *, connected: bool = True) -> str:
    """Run a program of PostgreSQL, on this database if `connected`. The password is only in its environment.

    Raises BackupFault.
    """
    settings: dict[str, Any] = connections[alias].settings_dict
    arguments, environment = DatabaseClient.settings_to_cmd_args_env(settings, [])
    connection = [*arguments[1:-1], "--no-password", f"--dbname={arguments[-1]}"] if connected else []
    given = settings["OPTIONS"]
    passed_on = {"PGOPTIONS": given.get("options"), "PGTARGETSESSIONATTRS": given.get("target_session_attrs")}
    done = subprocess.run(  # noqa: S603
        [_program(program), *connection, *options],
        env={**os.environ, **(environment or {}), **{name: value for name, value in passed_on.items() if value}},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        # The program's message names hosts and users, and may quote rows.
        older = "server version mismatch" in done.stderr
        reason = "it is older than the server: install a newer postgresql-client" if older else "is the server up?"
        raise BackupFault(f"{program} failed on the database of {VARIABLES[alias]}: {reason}")
    return done.stdout


def _program(name: str) -> str:
    """The newest of Debian's versions of the program, else the one in PATH. Raises BackupFault."""
    versions = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[-3]))
    if found := str(versions[-1]) if versions else shutil.which(name):
        return found
    raise BackupFault(f"{name} is not installed: Debian's postgresql-client has it")
