from argparse import ArgumentParser
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.db import DatabaseError
from django.utils.timezone import now

from conversations.index.references import caller_reference
from conversations.index.sync import reconcile
from conversations.management.asking import ask
from conversations.memories import certificate
from conversations.memories.belongings import conversations_of, counts_of, keys_of_caller
from conversations.memories.callers import not_called_since
from conversations.memories.forgetting import Forgetting, belongings, forget
from conversations.memories.reviews import reviews_of
from conversations.memories.traces import Searched, search_everything
from elmemory.agents.api import ElevenLabsError
from elmemory.audit.certificate import as_json, as_text
from elmemory.audit.models import Action
from elmemory.audit.record import record
from elmemory.environment.arguments import Whole, refuse_idle
from elmemory.environment.startup import CheckedCommand, described
from elmemory.memory.identity import caller_key, number_key
from elmemory.memory.needles import Needles
from elmemory.memory.openmemory import OpenMemoryError, open_memory
from elmemory.memory.openmemory.database_faults import summary
from elmemory.memory.text import counted

_INCOMPLETE = "The caller was forgotten only in part; run this again to finish"


class Command(CheckedCommand):
    help = (
        "Forget callers: delete their memories and, if asked, their files and their conversations at ElevenLabs; then"
        " search for what is left, and certify it in the audit log. `--verify NUMBER` only searches."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("numbers", nargs="*", metavar="NUMBER", help="a caller to forget, such as +14155550100")
        parser.add_argument(
            "--from", dest="file", metavar="FILE", type=Path, help="a file with one number on each line"
        )
        parser.add_argument(
            "--not-called-for",
            type=Whole(1, 36_500),
            metavar="DAYS",
            help="callers without a call for that many days",
        )
        parser.add_argument("--payloads", action="store_true", help="delete the stored files of their calls too")
        parser.add_argument("--elevenlabs", action="store_true", help="delete their conversations at ElevenLabs too")
        parser.add_argument(
            "--verify",
            nargs="?",
            const=True,
            metavar="NUMBER",
            help="--verify NUMBER: delete nothing, only search every file and database for this caller;"
            " NUMBER --verify: forget the caller, then search as much",
        )
        parser.add_argument(
            "--name",
            action="append",
            default=[],
            help="a name of theirs, for --verify; saved searches for it are deleted",
        )
        parser.add_argument(
            "--sentences", type=Path, metavar="FILE", help="--verify searches for these sentences too, one on each line"
        )
        parser.add_argument("--dry-run", action="store_true", help="count what would be deleted, and delete nothing")
        parser.add_argument("--yes", action="store_true", help="do not ask")
        parser.add_argument("--json", action="store_true", help="print the certificates as JSON")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        refuse_idle(options, bool(options["verify"]), "sentences", only="with --verify")
        sentences = _lines(options["sentences"]) if options["sentences"] else []
        if isinstance(options["verify"], str):
            self._verify(options, sentences)
            return
        callers = self._callers(options)
        if options["dry_run"]:
            self._count(callers, options)
            return
        if not callers:
            self.stdout.write("There is no such caller. Nothing was forgotten.")
            return
        self._confirm(callers, options)
        forgetting = Forgetting(
            payloads=options["payloads"],
            elevenlabs=options["elevenlabs"],
            everywhere=bool(options["verify"]),
            names=options["name"],
            sentences=sentences,
        )
        failed = sum(not self._forget(caller, forgetting, as_json_=options["json"]) for caller in callers)
        if failed:
            raise CommandError(
                f"{failed} of {counted(len(callers), 'caller')} could not be forgotten wholly; run this again"
            )

    def _callers(self, options: dict[str, Any]) -> list[str]:
        """The caller keys that the arguments name, without duplicates. Raises CommandError."""
        given = [*options["numbers"], *(_lines(options["file"]) if options["file"] else [])]
        days = options["not_called_for"]
        if not given and days is None:
            raise CommandError("name a caller's number, --from FILE, or --not-called-for DAYS")
        callers = [_key(text, at) for at, text in enumerate(given, start=1)]
        if days is not None:
            callers += not_called_since(open_memory(), now() - timedelta(days=days))
        return list(dict.fromkeys(callers))

    def _count(self, callers: Iterable[str], options: dict[str, Any]) -> None:
        """Print what would be deleted for each caller."""
        store = open_memory()
        reconcile()
        for caller in callers:
            try:
                memories, files = belongings(store, caller)
            except OpenMemoryError as error:
                raise CommandError(f"OpenMemory does not answer ({error})") from None
            counts = counts_of(memories)
            theirs = reviews_of(keys_of_caller(caller), conversations_of(memories, files))
            counts["notes of staff"] = sum(bool(review.note) for review in theirs)
            if options["payloads"]:
                counts += files.counts()
            if options["elevenlabs"]:
                counts["conversations at ElevenLabs"] = len(conversations_of(memories, files))
            listed = ", ".join(f"{kind} {counts[kind]}" for kind in certificate.KINDS if counts[kind])
            self.stdout.write(f"{caller_reference(caller)} …{caller[-2:]}: {listed or 'nothing is stored'}")
        self.stdout.write("Nothing was deleted.")

    def _confirm(self, callers: list[str], options: dict[str, Any]) -> None:
        """Ask before anything is deleted. Raises CommandError for any answer but yes."""
        if options["yes"]:
            return
        what = ["their memories"]
        what += ["the files of their calls"] if options["payloads"] else []
        what += ["their conversations at ElevenLabs"] if options["elevenlabs"] else []
        of = counted(len(callers), "caller")
        ask(f"Delete {', '.join(what)} of {of} for good?", "nothing was deleted", "this deletes for good")

    def _forget(self, caller: str, forgetting: Forgetting, *, as_json_: bool) -> bool:
        """Forget one caller and print the certificate; returns whether it completed and the search found nothing."""
        reference = caller_reference(caller)
        # Recorded first, so that a process that dies leaves no deletion without an entry.
        detail = f"payloads {'deleted' if forgetting.payloads else 'kept'}"
        record(None, Action.FORGET, "caller", reference, detail=detail)
        try:
            done = forget(open_memory(), caller, forgetting)
        except (OpenMemoryError, ElevenLabsError) as error:
            self.stderr.write(f"{reference}: {error}. {_INCOMPLETE}.")
            return False
        except OSError as error:
            self.stderr.write(f"{reference}: {described(error)}. {_INCOMPLETE}.")
            return False
        except DatabaseError as error:
            self.stderr.write(f"{reference}: {summary(error)}. {_INCOMPLETE}.")
            return False
        self.stdout.write(as_json(done.entry).decode() if as_json_ else as_text(done.entry))
        self._print_traces(done.searched)
        return not done.searched.traces

    def _verify(self, options: dict[str, Any], sentences: list[str]) -> None:
        """Search everything for one caller, without forgetting. Raises CommandError if something is found."""
        deleting = "numbers", "file", "not_called_for", "payloads", "elevenlabs", "dry_run", "json"
        if any(options[name] for name in deleting):
            raise CommandError("--verify NUMBER only searches; write NUMBER --verify to forget the caller first")
        caller = _key(options["verify"], 1)
        needles = Needles(caller, options["name"], sentences)
        record(None, Action.FIND, "everything", caller=caller_reference(caller), detail="traces of a caller")
        try:
            searched = search_everything(needles, open_memory(), keys_of_caller(caller))
        except OpenMemoryError as error:
            raise CommandError(f"OpenMemory does not answer ({error})") from None
        if needles.too_short:
            self.stdout.write(f"{counted(needles.too_short, 'sentence is', 'sentences are')} too short to search for.")
        self._print_traces(searched)
        self.stdout.write("Nothing was deleted.")
        if searched.traces:
            raise CommandError(
                f"{counted(len(searched.traces), 'trace of the caller was', 'traces of the caller were')} found"
            )

    def _print_traces(self, searched: Searched) -> None:
        for trace in searched.traces:
            self.stdout.write(f"  {trace.what:<8} {trace.where}")
        self.stdout.write(
            f"{counted(len(searched.traces), 'trace')} in {counted(searched.files, 'file')}"
            f" ({counted(searched.bytes, 'byte')}) and {counted(searched.rows, 'row')}"
        )


def _lines(path: Path) -> list[str]:
    """The non-blank lines of a file. Raises CommandError."""
    try:
        return [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}") from None
    except UnicodeError:
        raise CommandError(f"{path}: not text in UTF-8") from None


def _key(text: str, position: int) -> str:
    """The caller key of this number, or of earlier rules. Raises CommandError without showing the number."""
    if key := caller_key(text) or number_key(text):
        return key
    raise CommandError(f"entry {position} is not a phone number; write it as +14155550100")
