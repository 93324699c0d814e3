from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from django.core.management.base import CommandError
from django.db import connections
from django.db.models import QuerySet
from tqdm import tqdm

from conversations.files.paths import TRANSCRIPTION, is_conversation_id, unreadable_paths
from conversations.index.sync import reconcile, refresh_row
from conversations.management.asking import ask
from conversations.memories.discard import discard_delivery
from conversations.memories.former import misplaced_calls
from conversations.memories.remember import preview, remember
from conversations.memories.reprocess import replay_unreadable, request
from conversations.models import Conversation, MemoryState
from conversations.payloads.outline import NotReadable
from elmemory.audit.record import record_command
from elmemory.environment.arguments import JOBS, day_or_time, period
from elmemory.environment.startup import CheckedCommand
from elmemory.memory.identity import caller_key, number_key
from elmemory.memory.openmemory import NotStorable, OpenMemoryError, open_memory
from elmemory.memory.text import counted

_ASK_ABOVE = 100
_STATES = {"failed": MemoryState.FAILED, "pending": MemoryState.PENDING, "done": MemoryState.WRITTEN}


class Command(CheckedCommand):
    help = "Turn stored transcriptions into memories again. What staff deleted stays deleted."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("conversations", nargs="*", metavar="CONVERSATION", help="conversation ids")
        parser.add_argument("--caller", help="all calls of this number")
        parser.add_argument("--agent", help="all calls of this agent id")
        parser.add_argument(
            "--since", type=day_or_time, help="calls that began then or later (2026-11-01, 2026-11-01T09:30)"
        )
        parser.add_argument("--until", type=day_or_time, help="calls that began before then")
        parser.add_argument("--state", choices=_STATES, help="calls whose memories are in this state")
        parser.add_argument("--unreadable", action="store_true", help="try again to read unreadable deliveries")
        parser.add_argument("--discard-unreadable", action="store_true", help="list and delete unreadable deliveries")
        parser.add_argument("--misplaced", action="store_true", help="calls remembered under a key of earlier rules")
        parser.add_argument("--all", action="store_true", help="every call")
        parser.add_argument("--dry-run", action="store_true", help="count additions, changes and removals per call")
        parser.add_argument("--yes", action="store_true", help=f"do not ask above {_ASK_ABOVE} calls")
        parser.add_argument("--jobs", type=JOBS, default=4, help="how many calls at once (4)")
        parser.add_argument("--quiet", action="store_true", help="no progress bar")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        placed: list[str] = []
        if options["unreadable"]:
            if options["dry_run"]:
                raise CommandError("--unreadable stores deliveries; it has no dry run")
            record_command("reprocess --unreadable")
            deliveries, left = replay_unreadable()
            placed = [delivery.conversation_id for delivery in deliveries if delivery.type == TRANSCRIPTION]
            read = counted(len(deliveries), "unreadable delivery was", "unreadable deliveries were")
            self.stdout.write(f"{read} read, {left} still cannot be read.")
        if options["discard_unreadable"]:
            self._discard_unreadable(options)
        ids = self._selected(options, placed)
        self.stdout.write(f"{counted(len(ids), 'call')} to reprocess.")
        if options["dry_run"]:
            self._preview(ids)
            return
        if len(ids) > _ASK_ABOVE and not options["yes"]:
            ask("Continue?", "nothing was changed", f"these are more than {_ASK_ABOVE} calls")
        record_command("reprocess", counted(len(ids), "call"))
        failures = self._reprocess(ids, jobs=options["jobs"], quiet=options["quiet"])
        if failures:
            raise CommandError(
                f"{counted(failures, 'call was', 'calls were')} not reprocessed; the worker retries those that it can"
            )

    def _discard_unreadable(self, options: dict[str, Any]) -> None:
        """List the unreadable bodies and, if confirmed, delete them. Raises CommandError."""
        paths = unreadable_paths()
        for path in paths:
            with suppress(FileNotFoundError):  # retried or discarded by another process meanwhile
                self.stdout.write(f"  {path.name}  {counted(path.stat().st_size, 'byte')}")
        if not paths or options["dry_run"]:
            self.stdout.write(
                f"{counted(len(paths), 'unreadable delivery', 'unreadable deliveries')}; nothing was deleted."
            )
            return
        if not options["yes"]:
            ask(f"Delete these {len(paths)} for good?", "nothing was deleted", "--discard-unreadable deletes for good")
        record_command("reprocess --discard-unreadable", counted(len(paths), "delivery", "deliveries"))
        for path in paths:
            discard_delivery(path)
        self.stdout.write(f"{counted(len(paths), 'unreadable delivery', 'unreadable deliveries')} deleted.")

    def _selected(self, options: dict[str, Any], placed: Iterable[str]) -> list[str]:
        """The ids that were just placed, then those of the calls that the options select. Raises CommandError."""
        since, until = period(options["since"], options["until"])
        rows: QuerySet[Conversation] = Conversation.objects.filter(has_transcription=True)
        filters = {
            "started_at__gte": since,
            "started_at__lt": until,
            "agent_id": options["agent"],
            "memory_state": _STATES.get(options["state"]),
        }
        if options["caller"] is not None:
            spellings = {options["caller"].strip(), caller_key(options["caller"]), number_key(options["caller"])}
            # The caller may have another key by earlier rules.
            filters["caller__in"] = [each for each in spellings if each and each.startswith("+")]
            if not filters["caller__in"]:
                raise CommandError(f"{options['caller']!r} is not a phone number; write it as +14155550100")
        filters = {name: value for name, value in filters.items() if value is not None}
        if options["misplaced"]:
            filters["conversation_id__in"] = [each for calls in misplaced_calls().values() for each in calls]
        if filters or options["all"]:
            reconcile()
            if options["conversations"]:
                filters["conversation_id__in"] = options["conversations"]
            return [*placed, *rows.filter(**filters).order_by("started_at").values_list("pk", flat=True)]
        if not (options["conversations"] or options["unreadable"] or options["discard_unreadable"]):
            raise CommandError("name the calls: conversation ids, a filter, --misplaced, --unreadable or --all")
        if invalid := [each for each in options["conversations"] if not is_conversation_id(each)]:
            raise CommandError(f"not conversation ids: {', '.join(invalid)}")
        return [*placed, *options["conversations"]]

    def _preview(self, ids: list[str]) -> None:
        """Print what reprocessing would change, per call and in total."""
        store, sums = open_memory(), Counter[str]()
        for conversation_id in ids:
            try:
                changes = preview(conversation_id, store)
            except (NotReadable, NotStorable, FileNotFoundError) as error:
                self.stdout.write(f"  {conversation_id}  {_reason(error)}")
                continue
            sums.update(changes._asdict())
            counts = ", ".join(f"{count} {name}" for name, count in changes._asdict().items())
            self.stdout.write(f"  {conversation_id}  {counts}")
        totals = ", ".join(f"{sums[name]} {name}" for name in ("added", "changed", "removed"))
        self.stdout.write(f"In all: {totals}. Nothing was changed.")

    def _reprocess(self, ids: list[str], *, jobs: int, quiet: bool) -> int:
        """Reprocess the calls; returns the number of failures."""
        store = open_memory()
        results = Counter[str]()

        def reprocess(conversation_id: str) -> str:
            try:
                result: str = remember(conversation_id, store)
            except (NotReadable, NotStorable, OpenMemoryError, FileNotFoundError) as error:
                result = "failed"
                tqdm.write(f"{conversation_id}: {_reason(error)}", file=self.stderr)
            refresh_row(conversation_id)
            connections.close_all()  # the pool's threads do not close their connections
            return result

        # All are flagged before any is processed, so that the worker completes an interrupted run.
        for conversation_id in ids:
            request(conversation_id)
        pool = ThreadPoolExecutor(jobs)
        try:
            done = pool.map(reprocess, ids)
            results.update(tqdm(done, total=len(ids), unit=" calls", disable=quiet or None, file=self.stderr))
        except KeyboardInterrupt:
            self.stderr.write("The worker processes the rest, or: manage.py reprocess --state pending")
            raise
        finally:
            pool.shutdown(cancel_futures=True)
        failed = results.pop("failed", 0)
        self.stdout.write(f"\n  reprocessed  {results.total():>7}\n  failed       {failed:>7}")
        return failed


def _reason(error: Exception) -> str:
    return (
        "there is no transcription; what is remembered of it stays"
        if isinstance(error, FileNotFoundError)
        else str(error)
    )
