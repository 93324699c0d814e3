import sys
from argparse import ArgumentParser, BooleanOptionalAction
from collections import Counter
from typing import Any

from django.core.management.base import CommandError
from tqdm import tqdm

from conversations.files.locks import Busy, backfill_lock
from conversations.management.times import day_or_time
from conversations.memories.backfill import Survey, fetch, survey
from elmemory.agents.api import Api, ElevenLabsError
from elmemory.audit.record import record_command
from elmemory.environment.startup import CheckedCommand

_ASK_ABOVE = 100
_MOST_FAILURES_IN_A_ROW = 5


class Command(CheckedCommand):
    help = "Fetch calls and recordings from ElevenLabs that were never delivered here. The worker processes them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--agent", help="calls of this agent id only")
        parser.add_argument("--since", help="calls that began then or later (2026-11-01, 2026-11-01T09:30)")
        parser.add_argument("--until", help="calls that began before then")
        parser.add_argument("--audio", action=BooleanOptionalAction, default=True, help="recordings too")
        parser.add_argument("--dry-run", action="store_true", help="count what is missing and fetch nothing")
        parser.add_argument("--yes", action="store_true", help=f"do not ask above {_ASK_ABOVE} calls")
        parser.add_argument("--rate", type=float, default=5, help="requests per second at most (5)")
        parser.add_argument("--quiet", action="store_true", help="no progress bar")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        since, until = day_or_time(options["since"]), day_or_time(options["until"])
        try:
            with backfill_lock(), Api(most_per_second=options["rate"]) as api:
                found = survey(
                    api,
                    agent=options["agent"],
                    since=int(since.timestamp()) if since else None,
                    until=int(until.timestamp()) if until else None,
                    audio=options["audio"],
                )
                self._print_survey(found)
                if options["dry_run"]:
                    self.stdout.write("Nothing was fetched.")
                elif found.missing:
                    self._confirm(len(found.missing), yes=options["yes"])
                    record_command("backfill", f"{len(found.missing)} calls")
                    self._fetch(api, found, quiet=options["quiet"])
        except Busy:
            raise CommandError("another backfill is running") from None
        except ElevenLabsError as error:
            raise CommandError(f"{error}. What was fetched is stored; run it again to continue.") from None
        except OSError as error:
            raise CommandError(
                f"{error.strerror or error}. What was fetched is stored; run it again to continue."
            ) from None
        except KeyboardInterrupt:
            raise CommandError(
                "interrupted. What was fetched is stored; run it again to continue.", returncode=130
            ) from None

    def _print_survey(self, found: Survey) -> None:
        by_agent = ", ".join(f"{agent} {count}" for agent, count in found.agents.most_common())
        self.stdout.write(f"{found.agents.total()} conversations at ElevenLabs{f' ({by_agent})' if by_agent else ''}")
        self.stdout.write(
            f"  without a transcription here  {sum(one.transcription for one in found.missing):>7}\n"
            f"  without a recording here      {sum(one.audio for one in found.missing):>7}\n"
            f"  not finished                  {found.unfinished:>7}"
        )
        if found.unusable:
            self.stdout.write(f"  left out, without a usable id {found.unusable:>7}")

    def _confirm(self, count: int, *, yes: bool) -> None:
        """Ask before many calls are fetched. Raises CommandError for any answer but yes."""
        if count <= _ASK_ABOVE or yes:
            return
        try:
            answer = input(f"Fetch {count} calls? [y/N] ").strip().lower()
        except EOFError:
            answer = ""
        if answer not in ("y", "yes"):
            raise CommandError("nothing was fetched; --yes does not ask")

    def _fetch(self, api: Api, found: Survey, *, quiet: bool) -> None:
        """Fetch what is missing, and print the totals. Raises CommandError if a call failed."""
        sums, in_a_row = Counter[str](), 0
        # Oldest first, so that the newest memories are those of the newest calls.
        with tqdm(found.missing[::-1], unit=" calls", disable=quiet, file=sys.stderr) as progress:
            for missing in progress:
                try:
                    fetched = fetch(api, missing)
                except ElevenLabsError as error:
                    in_a_row += 1
                    if error.status in (0, 401, 403, 429) or in_a_row >= _MOST_FAILURES_IN_A_ROW:
                        raise
                    sums["failed"] += 1
                    tqdm.write(f"{missing.conversation_id}: {error}", file=self.stderr)
                    continue
                in_a_row = 0
                sums.update(fetched._asdict())
        self.stdout.write(
            f"\n  transcriptions  {sums['transcription']:>7}\n  recordings      {sums['audio']:>7}\n"
            f"  not there       {sums['gone']:>7}\n  failed          {sums['failed']:>7}"
        )
        if sums["failed"]:
            raise CommandError(f"{sums['failed']} calls were not fetched; run it again")
