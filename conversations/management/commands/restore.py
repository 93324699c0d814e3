import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.template.defaultfilters import filesizeformat
from tqdm import tqdm

from conversations.backup import restore
from conversations.backup.create import OF_SERVER
from conversations.backup.manifest import DATABASES, BackupFault
from conversations.backup.readers import Reader, opened
from conversations.files.heartbeat import a_worker_runs
from conversations.index.references import key_fingerprint
from conversations.index.schema import make_ready
from conversations.index.sync import reconcile
from conversations.management.asking import ask
from conversations.memories.decided import settle
from conversations.memories.reviews import erase_undone
from elmemory.audit.record import record_command
from elmemory.environment.startup import CheckedCommand, described
from elmemory.memory.openmemory import OpenMemoryError, open_memory
from elmemory.memory.text import counted

_OTHER_KEY = (
    "SECRET_KEY is not that of the backup: caller references in the audit log lead to no caller."
    " Restore it in .env first, if you have it."
)
_MEMORIES_OF_A_SERVER = (
    "The memories are on the OpenMemory server that the settings name, and are not restored. To copy those of the"
    " backup there: zstd -d {copy}, then OPENMEMORY_PORT= OPENMEMORY_DB_PATH=server.sqlite3 manage.py move_memories"
    " --to URL"
)


class Command(CheckedCommand):
    help = (
        "Restore a backup into an empty installation; from a folder, the newest one. Existing decisions are kept."
        " Afterwards the index is rebuilt and everything is verified."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "source",
            metavar="DIR|FILE.tar.zst",
            type=Path,
            help="what `backup` wrote: its folder, or its file",
        )
        parser.add_argument("--replace", action="store_true", help="first rename existing payloads and SQLite files")
        parser.add_argument("--yes", action="store_true", help="do not ask")
        parser.add_argument("--quiet", action="store_true", help="no progress bar")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        try:
            with opened(options["source"].expanduser().resolve()) as backup:
                self._restore(backup, options)
        except BackupFault as error:
            raise CommandError(str(error)) from None
        except OSError as error:
            raise CommandError(f"{described(error)}. Run it again to continue.") from None
        try:
            settle(open_memory())
        except OpenMemoryError as error:
            self.stdout.write(f"OpenMemory does not answer ({error}): the worker carries out decisions when it does.")
        call_command("verify", quiet=options["quiet"], stdout=self.stdout, stderr=self.stderr)

    def _restore(self, backup: Reader, options: dict[str, Any]) -> None:
        manifest = backup.manifest
        self.stdout.write(
            f"Backup of {manifest.began_at}: {counted(manifest.calls, 'call')}, {counted(manifest.files, 'file')}"
            f" ({filesizeformat(manifest.size)}), databases: {', '.join(manifest.engines) or 'none'}."
        )
        if a_worker_runs():
            raise CommandError(
                "a worker runs on this payload folder: stop server and worker first (one that was killed counts as"
                " running for half a minute)"
            )
        if (found := restore.in_the_way(backup)) and not options["replace"]:
            raise CommandError(
                f"the target is not empty: {'; '.join(found)}. --replace renames payloads and SQLite files; for"
                " PostgreSQL, name an empty database"
            )
        if manifest.secret_key != key_fingerprint():
            self.stdout.write(_OTHER_KEY)
        if not options["yes"]:
            ask(f"Restore it to {settings.PAYLOAD_STORAGE_PATH}?", "nothing was restored", "a backup is restored here")
        if faults := backup.faults():
            more = f" and more: verify --backup {options['source']} lists them" if len(faults) > 1 else ""
            raise CommandError(f"the backup is damaged, and nothing was restored: {faults[0]}{more}")
        if found and options["replace"]:
            for path, aside in restore.move_aside():
                self.stdout.write(f"{path} is now {aside}")
            if found := restore.in_the_way(backup):
                raise CommandError(f"the target is not empty: {'; '.join(found)}")
        with tqdm(total=manifest.files, unit=" files", disable=options["quiet"] or None, file=sys.stderr) as progress:
            restore.restore(backup, progress.update)
        record_command("restore", f"backup of {manifest.began_at}, head {manifest.audit_head.partition(':')[0]}")
        if lost := restore.lost_of_audit_log(backup):
            self.stdout.write(lost)
        make_ready(starting=True)
        self.stdout.write(f"{counted(reconcile(), 'call')} indexed.")
        erase_undone()
        if settings.OPENMEMORY_PORT:
            self.stdout.write(_MEMORIES_OF_A_SERVER.format(copy=f"{DATABASES}/{OF_SERVER}"))
