from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from conversations.files.decisions import about
from conversations.index.references import caller_reference
from conversations.management.asking import ask
from conversations.memories.corrections import set_preference
from conversations.memories.forgetting import extent
from elmemory.audit.record import record_command
from elmemory.environment.startup import CheckedCommand
from elmemory.memory import kinds
from elmemory.memory.identity import caller_key
from elmemory.memory.openmemory import OpenMemoryError, open_memory
from elmemory.memory.text import counted


class Command(CheckedCommand):
    help = "Opt a number out: delete its memories, and remember nothing from now on."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("number", help="in any spelling; it need not have called")
        parser.add_argument("--undo", action="store_true", help="end the opt-out, for calls that begin from now on")
        parser.add_argument("--dry-run", action="store_true", help="say what would be deleted, and change nothing")
        parser.add_argument("--yes", action="store_true", help="do not ask")

    def handle(self, *args: Any, number: str, undo: bool, dry_run: bool, yes: bool, **options: Any) -> None:  # noqa: ARG002
        if not (caller := caller_key(number)):
            raise CommandError("this is not the number of a caller; write it as +14155550100")
        store, is_opted_out = open_memory(), about(caller).opted_out
        try:
            found = extent(store, caller)
            self.stdout.write(
                f"The number is{'' if is_opted_out else ' not'} opted out. Memories: {found.memories};"
                f" stored calls: {found.calls} (they stay)."
            )
            if dry_run:
                self.stdout.write("Nothing was changed.")
                return
            if not undo and found.memories and not yes:
                amount = counted(found.memories, "memory", "memories")
                ask(f"Delete {amount} for good?", "nothing was changed", "this deletes memories for good")
            record_command("opt_out --undo" if undo else "opt_out", caller_reference(caller))
            set_preference(store, caller, kinds.OPT_OUT, holds=not undo)
        except OpenMemoryError as error:
            recorded = about(caller).opted_out and not undo
            raise CommandError(
                f"{error}. The opt-out is recorded; the worker deletes the memories." if recorded else f"{error}."
            ) from None
        self.stdout.write("No longer opted out." if undo else f"Opted out. Memories deleted: {found.memories}.")
