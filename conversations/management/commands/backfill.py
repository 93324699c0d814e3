import sys
from argparse import ArgumentParser, BooleanOptionalAction
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.core.management.base import CommandError
from tqdm import tqdm

from conversations.files.locks import Busy, single_lock
from conversations.management.asking import ask
from conversations.memories import reanalysis
from conversations.memories.backfill import Missing, Survey, fetch, survey
from elmemory.agents.api import Api, ElevenLabsError
from elmemory.audit.record import record_command
from elmemory.environment.arguments import day_or_time, per_second, period
from elmemory.environment.startup import CheckedCommand, described
from elmemory.memory.openmemory import OpenMemoryError, open_memory
from elmemory.memory.text import counted

_ASK_ABOVE = 100
_MOST_FAILURES_IN_A_ROW = 5


class Command(CheckedCommand):
    help = (
        "Fetch calls and recordings from ElevenLabs that were never delivered here, or have stored calls analysed "
        "again. The worker processes them."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--agent", help="calls of this agent id only")
        parser.add_argument(
            "--since", type=day_or_time, help="calls that began then or later (2026-11-01, 2026-11-01T09:30)"
        )
        parser.add_argument("--until", type=day_or_time, help="calls that began before then")
        parser.add_argument("--audio", action=BooleanOptionalAction, default=True, help="recordings too")
        parser.add_argument(
            "--analyse",
            action="store_true",
            help="instead, have stored calls analysed with the fields that their agents collect now (charged)",
        )
        parser.add_argument("--dry-run", action="store_true", help="count what is missing and fetch nothing")
        parser.add_argument(
            "--yes", action="store_true", help=f"do not ask, above {_ASK_ABOVE} calls or with --analyse"
        )
        parser.add_argument("--rate", type=per_second, default=5, help="requests per second at most (5); 0: no limit")
        parser.add_argument("--quiet", action="store_true", help="no progress bar")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        if options["analyse"] and not options["audio"]:
            raise CommandError("--no-audio has an effect only without --analyse, which fetches no recordings")
        since, until = period(options["since"], options["until"])
        try:
            with single_lock("backfill", wait=False), _api(options["rate"]) as api:
                if options["analyse"]:
                    self._analyse(api, since, until, options)
                else:
                    self._fetch_missing(api, since, until, options)
        except Busy:
            raise CommandError("another backfill is running") from None
        except ElevenLabsError as error:
            raise CommandError(f"{error}. What was fetched is stored; run it again to continue.") from None
        except OpenMemoryError:
            raise CommandError("OpenMemory does not answer. Nothing is lost; run it again.") from None
        except OSError as error:
            raise CommandError(f"{described(error)}. What was fetched is stored; run it again to continue.") from None
        except KeyboardInterrupt:
            raise CommandError(
                "interrupted. What was fetched is stored; run it again to continue.", returncode=130
            ) from None

    def _fetch_missing(
        self, api: Api, since: datetime | None, until: datetime | None, options: Mapping[str, Any]
    ) -> None:
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
            if len(found.missing) > _ASK_ABOVE and not options["yes"]:
                ask(
                    f"Fetch {counted(len(found.missing), 'call')}?",
                    "nothing was fetched; --yes does not ask",
                    f"these are more than {_ASK_ABOVE} calls",
                )
            record_command("backfill", counted(len(found.missing), "call"))
            self._fetch(api, found, quiet=options["quiet"])

    def _analyse(self, api: Api, since: datetime | None, until: datetime | None, options: Mapping[str, Any]) -> None:
        store = open_memory()
        found = reanalysis.survey(api, store, agent=options["agent"], since=since, until=until)
        for reason, count in sorted(found.left_out.items()):
            self.stdout.write(f"  {reason:<30}{count:>7}")
        self.stdout.write(
            f"  {'to analyse':<30}{len(found.calls):>7}\n  {'to fetch only':<30}{len(found.requested):>7}"
        )
        if found.calls:
            cost = f", about {counted(found.credits, 'credit')} by what earlier ones cost" if found.credits else ""
            self.stdout.write(
                f"ElevenLabs charges each field and criterion as one extraction:"
                f" {counted(found.extractions, 'extraction')}{cost}."
            )
        if options["dry_run"]:
            self.stdout.write("Nothing was analysed.")
            return
        if found.calls and not options["yes"]:
            ask(
                f"Have {counted(len(found.calls), 'call')} analysed?",
                "nothing was analysed; --yes does not ask",
                "ElevenLabs charges this",
            )
        if calls := [*found.requested, *found.calls]:
            record_command("backfill", f"analysis of {counted(len(calls), 'call')}")

            def one(call: tuple[str, reanalysis.Analysis]) -> Mapping[str, int]:
                return {reanalysis.analyse(api, store, *call): 1}

            sums = self._each(calls, one, lambda call: call[0], quiet=options["quiet"])
            self.stdout.write("".join(f"\n  {result:<30}{count:>7}" for result, count in sorted(sums.items())))
            self._complain(sums, "analysed")

    def _print_survey(self, found: Survey) -> None:
        by_agent = ", ".join(f"{agent} {count}" for agent, count in found.agents.most_common())
        self.stdout.write(
            f"{counted(found.agents.total(), 'conversation')} at ElevenLabs{f' ({by_agent})' if by_agent else ''}"
        )
        self.stdout.write(
            f"  without a transcription here  {sum(one.transcription for one in found.missing):>7}\n"
            f"  without a recording here      {sum(one.audio for one in found.missing):>7}\n"
            f"  not finished                  {found.unfinished:>7}"
        )
        if found.unusable:
            self.stdout.write(f"  left out, without a usable id {found.unusable:>7}")

    def _fetch(self, api: Api, found: Survey, *, quiet: bool) -> None:
        """Fetch what is missing, and print the totals. Raises CommandError if a call failed."""

        def one(missing: Missing) -> Mapping[str, int]:
            return fetch(api, missing)._asdict()

        # Oldest first, so that the newest memories are those of the newest calls.
        sums = self._each(found.missing[::-1], one, lambda missing: missing.conversation_id, quiet=quiet)
        self.stdout.write(
            f"\n  transcriptions  {sums['transcription']:>7}\n  recordings      {sums['audio']:>7}\n"
            f"  not there       {sums['gone']:>7}\n  failed          {sums['failed']:>7}"
        )
        self._complain(sums, "fetched")

    def _each[T](
        self, calls: Sequence[T], one: Callable[[T], Mapping[str, int]], id_of: Callable[[T], str], *, quiet: bool
    ) -> Counter[str]:
        """Sum up the results of `one`. A call that fails counts as "failed"; several in a row end the run."""
        sums, in_a_row = Counter[str](), 0
        with tqdm(calls, unit=" calls", disable=quiet or None, file=sys.stderr) as progress:
            for call in progress:
                try:
                    counts = one(call)
                except ElevenLabsError as error:
                    in_a_row += 1
                    if error.status in (0, 401, 403, 429) or in_a_row >= _MOST_FAILURES_IN_A_ROW:
                        raise
                    sums["failed"] += 1
                    tqdm.write(f"{id_of(call)}: {error}", file=self.stderr)
                    continue
                in_a_row = 0
                sums.update(counts)
        return sums

    def _complain(self, sums: Counter[str], done: str) -> None:
        if sums["failed"]:
            raise CommandError(f"{counted(sums['failed'], 'call was', 'calls were')} not {done}; run it again")


def _api(most_per_second: float) -> Api:
    """The API client. Raises CommandError without a key."""
    try:
        return Api(most_per_second=most_per_second)
    except ElevenLabsError as error:
        raise CommandError(f"{error}.") from None
