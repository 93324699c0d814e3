"""Restores a backup into an empty installation. Existing decisions are kept beside those of the backup."""

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import IO

from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import DEFAULT_DB_ALIAS, connections

from conversations.backup import contents
from conversations.backup.databases import COPIED, VARIABLES, copy_name, restore_database, rows_in
from conversations.backup.listing import Listed, Listing
from conversations.backup.manifest import DATABASES, LISTING, BackupFault
from conversations.backup.readers import Reader
from conversations.files import deletion, opted_out
from conversations.files.durable import write_durably
from conversations.files.paths import conversation_folder, is_conversation_id, payload_root
from elmemory.audit.chain import Head, head_path, parse_head, write_head
from elmemory.audit.models import Entry
from elmemory.environment.private_files import files_of_sqlite
from elmemory.memory.openmemory.embedded.store import ALIAS
from elmemory.memory.text import counted

_KEY = "_decisions/key"
_PIECE = 2**20


def in_the_way(backup: Reader) -> list[str]:
    """What a restored backup would overwrite: payloads, databases. Raises BackupFault if one cannot be read."""
    root, done = payload_root(), _done(backup)
    found = [f"{root} holds payloads"] if done is None and contents.holds_payloads(root) else []
    missing = [alias for alias in _databases(backup) if alias not in (done or ())]
    return found + [
        f"the database of {VARIABLES[alias]} holds {counted(rows, 'row')}"
        for alias in missing
        if (rows := rows_in(alias))
    ]


def move_aside() -> list[tuple[Path, Path]]:
    """Rename the SQLite files and the folders of payloads; returns the old and the new paths.

    Decisions stay. Nothing is deleted.
    """
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    moved: list[tuple[Path, Path]] = []
    for alias in COPIED:
        connections[alias].close()
        if connections[alias].vendor == "sqlite":
            place = Path(connections[alias].settings_dict["NAME"])
            # The log belongs to the file: without it, the last commits are lost.
            for path in files_of_sqlite(place):
                suffix = path.name.removeprefix(place.name)
                _move(path, Path(f"{place}.before-{now}{suffix}"), moved)
    _move(head_path(), Path(f"{head_path()}.before-{now}"), moved)
    root = payload_root()
    if contents.holds_payloads(root):
        aside = root.with_name(f"{root.name}.before-{now}")
        aside.mkdir()
        for folder in contents.payload_folders(root):
            (root / folder).rename(aside / folder)
        moved.append((root, aside))
    return moved


def restore(backup: Reader, step: Callable[[], object] = lambda: None) -> None:
    """Write the payload files and the databases of the backup, and carry out the decisions on the files.

    `step` is called after each file. An interrupted run can be repeated. Raises BackupFault or OSError.
    """
    root = payload_root()
    root.mkdir(parents=True, exist_ok=True)
    done = _done(backup) or []
    _note_done(backup, done)
    for listed, file in backup.payloads():
        _write(root / listed.path, listed, file)
        step()
    with Listing(backup.folder / LISTING) as listing:
        if missing := sum(not (root / listed.path).is_file() for listed in listing):
            raise BackupFault(
                f"{counted(missing, 'file of the backup is', 'files of the backup are')} damaged, and not restored"
            )
    for _ in carry_out_decisions():
        pass
    os.sync()
    for alias, engine in _databases(backup).items():
        if alias not in done:
            restore_database(alias, engine, backup.folder / DATABASES / copy_name(alias, engine))
            done.append(alias)
            _note_done(backup, done)
    for alias in COPIED:
        call_command("migrate", database=alias, verbosity=0)
    # Sessions may name callers who were forgotten since, and ended sessions must not become valid again.
    Session.objects.all().delete()
    _restore_head()
    _mark().unlink(missing_ok=True)


def carry_out_decisions() -> Iterator[str]:
    """Delete the stored files that decisions forbid; yields the names of deleted and reduced ones."""
    root = payload_root()
    for name in _names(root / "_deleted"):
        if is_conversation_id(name) and conversation_folder(name).is_dir():
            deletion.delete_conversation(name)
            yield name
        for path in (root / "_unreadable" / f"{name}.json", root / "_events" / f"{name}.json"):
            if path.is_file():
                path.unlink()
                yield name
    for name in _names(root / "_reduced"):
        if is_conversation_id(name) and opted_out.reduce_again(name):
            yield name


def lost_of_audit_log(backup: Reader) -> str:
    """A message if the restored audit log lacks the newest entry of the backup; "" if it has it."""
    if not backup.manifest.audit_head:
        return ""
    head = parse_head(backup.manifest.audit_head)
    entry = Entry.objects.filter(pk=head.pk).first()
    return "" if entry and Head(entry.pk, entry.hash) == head else f"entry {head.pk} of the audit log is not restored"


def _write(path: Path, listed: Listed, file: IO[bytes]) -> None:
    """Write the file unless it exists. Content that differs from the list, as an archive's older copy, is skipped."""
    with suppress(FileNotFoundError):
        stat = path.stat()
        if (stat.st_size, stat.st_mtime_ns) == (listed.size, listed.mtime_ns):
            return
    if listed.path == _KEY:
        _merge_keys(path, file.read())
        return
    if contents.is_decision(listed.path) and path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{secrets.token_hex(8)}.restoring")
    digest = sha256()
    try:
        with partial.open("xb") as copy:
            while piece := file.read(_PIECE):
                digest.update(piece)
                copy.write(piece)
        if digest.digest() == listed.sha256:
            os.utime(partial, ns=(listed.mtime_ns, listed.mtime_ns))
            partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _merge_keys(path: Path, restored: bytes) -> None:
    """Keep both sets of keys. New keys of the backup come first, because the first key hashes details of decisions."""
    present = path.read_text().split() if path.is_file() else []
    keys = restored.decode().split()
    if not set(keys) <= set(present):
        lines = dict.fromkeys([*keys, *present])
        write_durably(path, "".join(f"{key}\n" for key in lines).encode())


def _restore_head() -> None:
    newest = Entry.objects.using(DEFAULT_DB_ALIAS).order_by("pk").last()
    head_path().unlink(missing_ok=True)
    if newest:
        write_head(Head(newest.pk, newest.hash))


def _databases(backup: Reader) -> dict[str, str]:
    """The databases to restore, with their engines. The embedded store is left out while a server is used."""
    engines = backup.manifest.engines
    return {alias: engine for alias, engine in engines.items() if not (alias == ALIAS and settings.OPENMEMORY_PORT)}


def _done(backup: Reader) -> list[str] | None:
    """The databases that an interrupted run restored from this backup; None if there was no such run."""
    with suppress(OSError, UnicodeError):
        began_at, *done = _mark().read_text().split()
        return done if began_at == backup.manifest.began_at else None
    return None


def _note_done(backup: Reader, aliases: list[str]) -> None:
    write_durably(_mark(), "\n".join([backup.manifest.began_at, *aliases]).encode())


def _mark() -> Path:
    return payload_root() / "_restoring"


def _move(path: Path, to: Path, moved: list[tuple[Path, Path]]) -> None:
    if path.exists():
        path.rename(to)
        moved.append((path, to))


def _names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in os.scandir(folder)) if folder.is_dir() else []
