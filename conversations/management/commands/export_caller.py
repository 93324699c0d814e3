import os
from argparse import ArgumentParser
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from conversations.admin.caller_export import exported, known_of
from conversations.index.references import caller_reference
from elmemory.audit.models import Action
from elmemory.audit.record import record
from elmemory.environment.startup import CheckedCommand, described
from elmemory.memory.identity import caller_key, number_key
from elmemory.memory.openmemory import OpenMemoryError, open_memory


class Command(CheckedCommand):
    help = "Write all stored data of a caller into a ZIP. People read it by opening its index.html."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("number", metavar="NUMBER", help="the caller's number, as +14155550100")
        parser.add_argument("-o", "--output", metavar="FILE.zip", type=Path, required=True, help="a new file")

    def handle(self, *args: Any, number: str, output: Path, **options: Any) -> None:  # noqa: ARG002
        caller = caller_key(number) or number_key(number)
        if not caller:
            raise CommandError("this is not a phone number; write it as +14155550100")
        try:
            known = known_of(open_memory(), caller)
        except OpenMemoryError as error:
            raise CommandError(f"OpenMemory does not answer ({error}); nothing was written") from None
        if known.is_empty:
            raise CommandError("nothing is known of this caller; nothing was written")
        try:
            descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:
            raise CommandError(f"{output}: {error.strerror}; nothing was written") from None
        try:
            with os.fdopen(descriptor, "wb") as file:
                record(None, Action.EXPORT, "caller", caller_reference(caller), detail=known.amount)
                for piece in exported(known):
                    file.write(piece)
        except BaseException as error:
            with suppress(OSError):
                output.unlink()
            if isinstance(error, OSError):
                place = "" if error.filename else f"{output}: "  # a file of the caller, or the new one
                raise CommandError(f"{place}{described(error)}; the ZIP was removed") from None
            raise
        self.stdout.write(f"{output}: {known.amount}. Open index.html in it.")
