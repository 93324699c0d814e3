from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.db import connections, router

from elmemory.audit import triggers
from elmemory.audit.certificate import as_json, as_text
from elmemory.audit.chain import Head, faults, parse_head, read_head
from elmemory.audit.export import csv_lines
from elmemory.audit.models import Entry
from elmemory.audit.record import record_command
from elmemory.environment.arguments import Whole
from elmemory.environment.startup import CheckedCommand
from elmemory.memory.text import counted


class Command(CheckedCommand):
    help = "Verify that no entry of the audit log was changed, removed, inserted or moved; or export the log as CSV."

    def add_arguments(self, parser: ArgumentParser) -> None:
        commands = parser.add_subparsers(dest="subcommand", required=True)
        verify = commands.add_parser("verify", help="exit code 1 means faults")
        verify.add_argument("--head", metavar="ID:HASH", help="a head that an earlier run printed")
        commands.add_parser("export", help="write CSV to the standard output")
        certificate = commands.add_parser("certificate", help="print the certificate of a forgotten caller")
        certificate.add_argument("entry", type=Whole(1, 2**31), help="the number of its entry")
        certificate.add_argument("--json", action="store_true", help="as JSON")

    def handle(self, *args: Any, subcommand: str, **options: Any) -> None:  # noqa: ARG002
        if subcommand == "verify":
            self._verify(options["head"])
        elif subcommand == "certificate":
            self._certificate(options["entry"], json=options["json"])
        else:
            record_command("audit export")
            for line in csv_lines(Entry.objects.all()):
                self.stdout.write(line.decode(), ending="")

    def _certificate(self, number: int, *, json: bool) -> None:
        entry = Entry.objects.filter(pk=number).exclude(document="").first()
        if entry is None:
            raise CommandError(f"entry {number} of the audit log is no certificate")
        self.stdout.write(as_json(entry).decode() if json else as_text(entry), ending="")

    def _verify(self, given: str | None) -> None:
        """Print each fault, the number of entries and the head. Raises CommandError if there are faults."""
        entries, found, written = Entry.objects.order_by("pk"), list[str](), None
        closed = Entry.objects.filter(pk__lt=0).order_by("pk").first()
        newest = entries.last()
        try:
            # Read after `newest`: entries that are added after this are left out of the comparison.
            written = read_head()
        except ValueError:
            found.append("the file of the head cannot be read")
        else:
            if not written:
                self.stdout.write("The file of the head is missing: a removed end would not be seen.")
        try:
            noted = parse_head(given) if given else None
        except ValueError:
            raise CommandError("--head: write ID:HASH as `audit verify` printed it") from None
        if newest:
            entries = entries.filter(pk__lte=max(newest.pk, written.pk if written else 0))
        found += faults(entries.iterator(1000), written, noted)
        found += [f"the trigger {name} is missing" for name in triggers.missing(connections[router.db_for_read(Entry)])]
        for fault in found:
            self.stdout.write(self.style.ERROR(f"  ✗ {fault}"))
        if closed:
            self.stdout.write(f"Entries up to {-closed.pk} were closed by retention: {closed.detail}.")
            if noted and noted.pk < -closed.pk:
                self.stdout.write("The given head is of a closed entry: it cannot be compared.")
        amount = counted(entries.filter(pk__gt=0).count(), "entry", "entries")
        self.stdout.write(f"{amount}; head {Head(newest.pk, newest.hash) if newest else 'none'}")
        if found:
            raise CommandError(f"{counted(len(found), 'fault')} in the audit log")
