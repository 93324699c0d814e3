import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from tqdm import tqdm

from conversations.backup.manifest import BackupFault
from conversations.backup.readers import opened
from conversations.files.paths import conversation_ids
from conversations.memories.nightly import conclude
from conversations.memories.verify import (
    REMEDIES,
    Finding,
    Report,
    Verification,
    broken_databases,
    neglected_decisions,
    repair,
)
from elmemory.audit.record import record_command
from elmemory.environment.arguments import refuse_idle
from elmemory.environment.startup import CheckedCommand
from elmemory.memory.openmemory import OpenMemory, OpenMemoryError, open_memory
from elmemory.memory.text import counted


class Command(CheckedCommand):
    help = (
        "Verify stored data: the databases, files against receipts, receipts against the store, decisions. Exit code 1"
        " means faults, each shown with its remedy, or repairs that wait for the worker."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--backup", type=Path, metavar="DIR|FILE", help="read and verify this backup instead")
        parser.add_argument(
            "--repair", action="store_true", help="reprocess calls without memories, delete files of deleted calls"
        )
        parser.add_argument("--quiet", action="store_true", help="no progress bar")

    def handle(self, *args: Any, backup: Path | None, quiet: bool, **options: Any) -> None:  # noqa: ARG002
        refuse_idle(options, backup is None, "repair", only="without --backup")
        if backup:
            self._verify_backup(backup)
            return
        report, waiting = Report(), 0
        try:
            waiting = self._verify(open_memory(), report, repairs=options["repair"], quiet=quiet)
        except OpenMemoryError as error:
            if not report.counts:
                raise CommandError(f"OpenMemory does not answer ({error}); the verification has no result") from None
            self.stdout.write(f"OpenMemory does not answer ({error}): the rest was not verified.")
        conclude(report)
        self._print(report)
        if waiting:
            self.stdout.write(f"The worker repairs {counted(waiting, 'call')}. Verify again when nothing waits.")
        if report.counts:
            raise CommandError(counted(report.counts.total(), "fault"))
        if waiting:
            raise CommandError("no faults except those that are being repaired")
        self.stdout.write(self.style.SUCCESS("No fault."))

    def _verify(self, store: OpenMemory, report: Report, *, repairs: bool, quiet: bool) -> int:
        """Add the findings to the report; returns how many calls the worker will repair. Raises OpenMemoryError."""
        repaired = 0
        report.add(finding for finding in broken_databases(index=True) if finding)
        report.add(neglected_decisions(store))
        verification = Verification(store)
        with tqdm(conversation_ids(), unit=" calls", disable=quiet or None, file=sys.stderr) as progress:
            for conversation_id in progress:
                found = verification.call(conversation_id)
                report.calls += 1
                report.add(found)
                if repairs:
                    repaired += self._repair(found)
        report.memories = verification.memories
        return repaired + verification.waiting

    def _repair(self, found: list[Finding]) -> int:
        if not found:
            return 0
        record_command("verify --repair", found[0].where)
        return sum(map(repair, found))

    def _print(self, report: Report) -> None:
        for kind, where in report.examples.items():
            self.stdout.write(self.style.ERROR(f"  ✗ {report.counts[kind]} × {kind}"))
            for one in where:
                self.stdout.write(f"      {one}")
            if report.counts[kind] > len(where):
                self.stdout.write(f"      and {report.counts[kind] - len(where)} more")
            self.stdout.write(f"      → {REMEDIES[kind]}")
        self.stdout.write(
            f"{counted(report.calls, 'call')} and {counted(report.memories, 'memory', 'memories')} compared."
        )

    def _verify_backup(self, path: Path) -> None:
        try:
            with opened(path) as reader:
                faults, manifest = reader.faults(), reader.manifest
        except (BackupFault, OSError) as error:
            raise CommandError(str(error)) from None
        for fault in faults:
            self.stdout.write(self.style.ERROR(f"  ✗ {fault}"))
        if faults:
            raise CommandError("the backup is damaged")
        self.stdout.write(f"Backup of {manifest.began_at}: {counted(manifest.files, 'file')}, no fault.")
