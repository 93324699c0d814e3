"""Makes a backup while server and worker run."""

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, DatabaseError

from conversations.backup import contents
from conversations.backup.databases import COPIED, copy_database, copy_file, engine_of, is_there
from conversations.backup.listing import Listed
from conversations.backup.manifest import DATABASES, SETTINGS, BackupFault, Manifest
from conversations.backup.writers import Writer
from conversations.files.paths import is_conversation_id, payload_root
from conversations.files.receipts import PAYLOAD, Receipt, read_receipt, receipt_bytes
from conversations.index.references import key_fingerprint
from conversations.memories import move
from elmemory.audit.chain import Head
from elmemory.audit.models import Entry
from elmemory.environment.build import build
from elmemory.environment.databases import sqlite
from elmemory.environment.dotenv import as_dotenv
from elmemory.memory.openmemory import OpenMemory

OF_SERVER = "server.sqlite3.zst"
_BATCH = 500
_TURNS = 10
_RECEIPT = "_memory.json"


class Backup:
    """One backup into `writer`. Call its steps in this order: payloads, databases, decisions, finish."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self.manifest = Manifest(
            datetime.now(UTC).isoformat(timespec="seconds"), build=build(), secret_key=key_fingerprint()
        )
        self.copied = self.copied_bytes = 0

    def payloads(self) -> Iterator[None]:
        """Copy new and changed payload files; yields after each folder."""
        batch: list[Listed] = []
        for folder in contents.folders():
            batch += self._copy_folder(folder)
            self.manifest.calls += is_conversation_id(folder)
            if len(batch) >= _BATCH:
                self._writer.listing.put(batch)
                batch.clear()
            yield
        self._writer.listing.put(batch)

    def databases(self, store: OpenMemory, *, memories: bool) -> None:
        """Copy the databases, including the embedded store. `memories` also copies those of an OpenMemory server.

        Raises BackupFault or OpenMemoryError.
        """
        folder = self._writer.folder / DATABASES
        self.manifest.store = "server" if settings.OPENMEMORY_PORT else "embedded"
        if settings.OPENMEMORY_PORT and memories:
            self._copy_memories(store, folder / OF_SERVER)
            self.manifest.parts[f"{DATABASES}/{OF_SERVER}"] = ""
        for alias in filter(is_there, COPIED):
            if alias == DEFAULT_DB_ALIAS:
                self.manifest.audit_head = _audit_head()
            self.manifest.engines[alias] = engine_of(alias)
            self.manifest.parts[f"{DATABASES}/{copy_database(alias, folder)}"] = ""

    def _copy_memories(self, store: OpenMemory, path: Path) -> None:
        """Copy the server's memories into an embedded store in this file."""
        made = self._writer.folder / "copied.sqlite3"
        with move.embedded_target(sqlite(made)) as target:
            for user_id in move.users_of(store)[0]:
                move.copy(store, target, user_id, delete_extra=False)
        copy_file(made, path, "with the memories of the server")
        for suffix in ("", "-wal", "-shm"):
            made.with_name(f"{made.name}{suffix}").unlink(missing_ok=True)

    def decisions(self) -> None:
        """Copy the decisions. Calls that were processed while the databases were copied are marked for reprocessing."""
        for listed in self._writer.listing:
            folder, _, name = listed.path.partition("/")
            if name == f"{folder}{_RECEIPT}" and self._has_changed(listed):
                self._copy_changed_call(folder)
        for folder in contents.decision_folders():
            self._writer.listing.put(self._copy_folder(folder))

    def finish(self, *, secrets: bool) -> None:
        """Write the settings, check everything, and publish the backup. Raises BackupFault or OSError."""
        text = as_dotenv(settings.ENVIRONMENT_NAMES, with_secrets=secrets)
        (self._writer.folder / SETTINGS).write_text(text, encoding="utf-8")
        self.manifest.parts[SETTINGS] = ""
        self.manifest.with_secrets = secrets
        self.manifest.files, self.manifest.size = self._writer.listing.totals()
        self.manifest.ended_at = datetime.now(UTC).isoformat(timespec="seconds")
        self._writer.finish(self.manifest)

    def _copy_folder(self, folder: str) -> list[Listed]:
        """Copy the files of this folder until it no longer changes, so that no version that moves aside is missed."""
        before = self._writer.before.of_folder(folder) if self._writer.before else {}
        done: dict[str, Listed] = {}
        for _ in range(_TURNS):
            paths = contents.files_in(folder)
            for path in paths:
                if path not in done and (listed := self._copy(path, before.get(path))):
                    done[path] = listed
            if contents.files_in(folder) == paths:
                break
        return list(done.values())

    def _copy(self, path: str, before: Listed | None) -> Listed | None:
        """Copy the file unless the previous backup has it; None if it is gone."""
        try:
            with open(f"{payload_root()}/{path}", "rb") as file:
                stat = os.fstat(file.fileno())
                if before and (before.size, before.mtime_ns, before.ctime_ns) == _stamp(stat):
                    return before
                listed = self._writer.put(path, file, stat)
        except FileNotFoundError:
            return None
        self.copied += 1
        self.copied_bytes += listed.size
        return listed

    def _has_changed(self, receipt: Listed) -> bool:
        try:
            stat = os.stat(f"{payload_root()}/{receipt.path}")
        except FileNotFoundError:
            return False  # deleted; its tombstone is copied
        return (receipt.size, receipt.mtime_ns, receipt.ctime_ns) != _stamp(stat)

    def _copy_changed_call(self, conversation_id: str) -> None:
        """Copy the call again. Its receipt asks for a run, because the copied databases may lack its memories."""
        self._writer.listing.put(
            listed for listed in self._copy_folder(conversation_id) if not listed.path.endswith(_RECEIPT)
        )
        receipt = read_receipt(conversation_id)
        if receipt is None:
            return
        if PAYLOAD not in receipt.removed:
            receipt.reprocess = True
        self._put_receipt(conversation_id, receipt)

    def _put_receipt(self, conversation_id: str, receipt: Receipt) -> None:
        made = self._writer.folder / "receipt"
        made.write_bytes(receipt_bytes(receipt))
        with made.open("rb") as file:
            listed = self._writer.put(f"{conversation_id}/{conversation_id}{_RECEIPT}", file, os.fstat(file.fileno()))
        made.unlink()
        self._writer.listing.put([listed])


def backup(
    writer: Writer,
    store: OpenMemory,
    *,
    secrets: bool,
    memories: bool,
    step: Callable[[], object] = lambda: None,
) -> Backup:
    """Make a backup with this writer, and call `step` after each folder.

    Raises BackupFault, OSError, sqlite3.Error or OpenMemoryError.
    """
    made = Backup(writer)
    for _ in made.payloads():
        step()
    made.databases(store, memories=memories)
    made.decisions()
    made.finish(secrets=secrets)
    return made


def _audit_head() -> str:
    try:
        newest = Entry.objects.order_by("pk").last()
    except DatabaseError as error:
        raise BackupFault(f"the audit log cannot be read ({type(error).__name__})") from None
    return str(Head(newest.pk, newest.hash)) if newest else ""


def _stamp(stat: os.stat_result) -> tuple[int, int, int]:
    return stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns
