import sqlite3
import sys
from argparse import ArgumentParser
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.template.defaultfilters import filesizeformat
from tqdm import tqdm

from conversations.backup.contents import unknown_entries
from conversations.backup.create import Backup, backup
from conversations.backup.manifest import BackupFault
from conversations.backup.writers import Writer, archive_writer, folder_writer
from conversations.files.last_runs import note_run
from elmemory.audit.record import record_command
from elmemory.environment.arguments import Whole, refuse_idle
from elmemory.environment.startup import CheckedCommand, described
from elmemory.memory.openmemory import OpenMemoryError, open_memory
from elmemory.memory.text import counted

_ARCHIVE, _KEPT = ".tar.zst", 7
_ON_A_SERVER = (
    "The memories are on an OpenMemory server, which has no interface for backups, and are not in this one. Back up its"
    " database there, or add --memories. Without them, calls are remembered again from their files; corrections and"
    " shared lines of staff are lost."
)


class Command(CheckedCommand):
    help = (
        "Back up payloads, databases, decisions and settings while server and worker run: into a folder, to which only"
        " what has changed is copied, or into a new file.tar.zst."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("target", metavar="DIR|FILE.tar.zst", type=Path, help="a folder of backups, or a new file")
        parser.add_argument("--secrets", action="store_true", help="include the secrets of the settings")
        parser.add_argument("--memories", action="store_true", help="include the memories of an OpenMemory server")
        parser.add_argument("--keep", type=Whole(1, 10_000), help=f"how many backups stay in the folder ({_KEPT})")
        parser.add_argument("--quiet", action="store_true", help="no progress bar")

    def handle(self, *args: Any, target: Path, **options: Any) -> None:  # noqa: ARG002
        is_archive = target.name.endswith(_ARCHIVE)
        refuse_idle(options, not is_archive, "keep", only="where the target is a folder")
        refuse_idle(options, bool(settings.OPENMEMORY_PORT), "memories", only="where OPENMEMORY_PORT names a server")
        target = target.expanduser().resolve()
        root = settings.PAYLOAD_STORAGE_PATH.resolve()
        if target.is_relative_to(root) or root.is_relative_to(target):
            raise CommandError("the backup and the payload folder must not lie inside one another")
        record_command("backup")  # before the backup, so that it includes the entry
        try:
            with (
                _writer(target, options["keep"] or _KEPT) as writer,
                self._progress(quiet=options["quiet"]) as progress,
            ):
                made = backup(
                    writer,
                    open_memory(),
                    secrets=options["secrets"],
                    memories=options["memories"],
                    step=progress.update,
                )
        except (BackupFault, OpenMemoryError, OSError, sqlite3.Error) as error:
            problem = described(error) if isinstance(error, OSError) else str(error)
            note_run("backup", ok=False, detail=problem)
            raise CommandError(f"{problem}. No backup was made; earlier backups are unchanged.") from None
        note_run("backup", ok=True, detail=counted(made.manifest.files, "file"))
        self._report(made, target, options)

    def _progress(self, *, quiet: bool) -> "tqdm[Any]":
        return tqdm(unit=" folders", disable=quiet or None, file=sys.stderr)

    def _report(self, made: Backup, target: Path, options: dict[str, Any]) -> None:
        manifest = made.manifest
        databases = ", ".join(manifest.engines) or "none"
        copied = f"{made.copied} new ({filesizeformat(made.copied_bytes)})"
        self.stdout.write(
            f"{target}: {counted(manifest.calls, 'call')}, {counted(manifest.files, 'file')}"
            f" ({filesizeformat(manifest.size)}), {copied}; databases: {databases}."
        )
        if unknown := unknown_entries():
            self.stdout.write(f"Not copied, because elmemory does not know them: {', '.join(unknown[:10])}")
        if manifest.store == "server" and not options["memories"]:
            self.stdout.write(_ON_A_SERVER)
        if not manifest.with_secrets:
            self.stdout.write("The secrets of the settings are not in it: keep SECRET_KEY and the keys elsewhere.")
        self.stdout.write(f"Head of the audit log: {manifest.audit_head or 'none'}. Note it in another place.")


def _writer(target: Path, keep: int) -> AbstractContextManager[Writer]:
    if target.name.endswith(_ARCHIVE):
        return archive_writer(target)
    if target.suffix in (".zst", ".tar", ".tgz", ".gz", ".zip") or target.is_file():
        raise CommandError("write the name of a folder, or of a new file that ends in .tar.zst")
    name = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
    return folder_writer(target, name, keep=keep)
