import random
import shutil
import sys
from argparse import ArgumentParser
from collections.abc import Collection
from pathlib import Path
from typing import Any

import httpx2
from django.conf import settings
from django.core.management.base import CommandError
from tqdm import tqdm

from conversations.files.locks import caller_lock
from conversations.files.paths import conversation_folder
from conversations.index.cards import save_card
from conversations.index.sync import refresh_row
from conversations.memories.belongings import calls_of
from elmemory.audit.record import record_command
from elmemory.environment.arguments import Whole, per_second, refuse_idle
from elmemory.environment.hosts import Unusable, address, unencrypted
from elmemory.environment.startup import PlainCommand
from elmemory.memory.card import close_card, write_card
from elmemory.memory.identity import caller_key
from elmemory.memory.openmemory import OpenMemory, open_memory
from elmemory.memory.text import counted
from webhooks.simulator import load
from webhooks.simulator.call import SimulatedCall
from webhooks.simulator.scenarios import SCENARIOS, Scenario, Unexpected

_STORM_CALLS, _STORM_CALLERS = 200, 20


class Command(PlainCommand):
    help = (
        "Play calls against a running server as ElevenLabs would. Without options: a stranger rings, talks, hangs up, "
        "and is known when the phone rings again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--caller", help="the caller's number (an invented one)")
        parser.add_argument("--name", help="the caller's name (Maya Okafor)")
        parser.add_argument("--url", default=f"http://127.0.0.1:{settings.PORT}", help="the server")
        parser.add_argument(
            "--cleanup", action="store_true", help="afterwards delete the calls and what is remembered of them"
        )
        parser.add_argument("--scenario", choices=[*SCENARIOS, "storm"], help="the scenario to play (returning)")
        parser.add_argument(
            "--calls", type=Whole(1, 1_000_000), help="play that many invented calls of the last thirty days"
        )
        parser.add_argument(
            "--callers", type=Whole(1, 10_000), help=f"with --calls or storm: by that many callers ({_STORM_CALLERS})"
        )
        parser.add_argument(
            "--rate", type=per_second, help="with --calls, storm or --replay: that many per second at most; 0: no limit"
        )
        parser.add_argument("--replay", type=Path, metavar="DIR", help="deliver the payloads stored in this folder")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        many = bool(options["calls"]) or options["scenario"] == "storm"
        refuse_idle(options, many, "callers", only="with --calls or --scenario storm")
        refuse_idle(options, many or bool(options["replay"]), "rate", only="with --calls, --scenario storm or --replay")
        refuse_idle(options, not many and not options["replay"], "caller", "name", only="where one call is played")
        refuse_idle(options, not options["replay"], "scenario", "calls", "cleanup", only="without --replay")
        if options["calls"] and options["scenario"] not in (None, "storm"):
            raise CommandError("--calls plays its own calls: leave --scenario out")
        given = options["caller"] or f"+141555501{random.randrange(100):02}"  # noqa: S311
        if (key := caller_key(given)) is None:
            raise CommandError(f"{given!r} is not a phone number; write it as +14155550100")
        played: list[SimulatedCall] = []
        url = options["url"]
        try:
            address(url)
        except Unusable as error:
            raise CommandError(f"--url {error}; write it as http://127.0.0.1:8000") from None
        if unencrypted(url) == "remote":
            raise CommandError("--url is http://: keys would cross the network in the clear; give the https address")
        try:
            with httpx2.Client(base_url=url, timeout=30) as client:
                if options["replay"]:
                    self._replay(client, options["replay"], options["rate"] or 0)
                elif many:
                    played += self._invented(options)
                    self._play_many(client, played, options)
                else:
                    played.append(SimulatedCall(key, options["name"] or "Maya Okafor"))
                    Scenario(client, played[0], self._write, self.style.MIGRATE_HEADING).play(
                        options["scenario"] or "returning"
                    )
        except Unexpected as error:
            raise CommandError(str(error)) from None
        except httpx2.TransportError as error:
            raise CommandError(f"no server answers on {url} ({error}); start one with: make serve") from None
        finally:
            if options["cleanup"]:
                self._clean_up(played)

    def _invented(self, options: dict[str, Any]) -> list[SimulatedCall]:
        calls, callers = options["calls"] or _STORM_CALLS, options["callers"] or _STORM_CALLERS
        return list(load.invented_calls(calls, min(calls, callers)))

    def _play_many(self, client: httpx2.Client, calls: list[SimulatedCall], options: dict[str, Any]) -> None:
        patient = options["scenario"] != "storm"
        with self._progress(len(calls), " calls") as progress:
            tally = load.play(client, calls, rate=options["rate"] or 0, patient=patient, done=progress.update)
        self._write(f"{counted(len(calls), 'call')} of {counted(len({call.caller for call in calls}), 'caller')}\n")
        self._write_tally(tally)

    def _replay(self, client: httpx2.Client, folder: Path, rate: float) -> None:
        if not folder.is_dir():
            raise CommandError(f"{folder} is not a folder")
        if not (count := len(load.stored_payloads(folder))):
            raise CommandError(f"{folder} holds no payloads: name a payload folder")
        with self._progress(count, " payloads") as progress:
            tally = load.replay(client, folder, rate=rate, done=progress.update)
        self._write(f"{counted(count, 'payload')}\n")
        self._write_tally(tally)

    def _write_tally(self, tally: load.Tally) -> None:
        for line in tally.lines():
            self._write(f"{line}\n")
        if tally.refused:
            raise CommandError(f"{counted(tally.refused, 'request was', 'requests were')} not answered with 200")

    def _progress(self, total: int, unit: str) -> "tqdm[Any]":
        return tqdm(total=total, unit=unit, file=sys.stderr, leave=False, disable=None)

    def _write(self, text: str) -> None:
        self.stdout.write(text, ending="")

    def _clean_up(self, calls: Collection[SimulatedCall]) -> None:
        """Delete the calls and their memories. Memories of other calls of the same callers are kept."""
        deleted, store = 0, open_memory()
        simulated = {call.conversation_id for call in calls}
        record_command("simulate --cleanup", "its own calls and their memories")
        for call in calls:
            with caller_lock(call.caller):
                shutil.rmtree(conversation_folder(call.conversation_id), ignore_errors=True)
                if simulated.issuperset(calls_of(call.caller)):
                    deleted += store.forget(call.caller)
                else:
                    deleted += _delete_memories(store, call)
            refresh_row(call.conversation_id)
        callers = {call.caller for call in calls}
        of_callers = next(iter(callers)) if len(callers) == 1 else f"{len(callers)} callers"
        deleted_calls = "the call" if len(calls) == 1 else f"{len(calls)} calls"
        self.stdout.write(f"\nDeleted {counted(deleted, 'memory', 'memories')} of {of_callers} and {deleted_calls}.\n")


def _delete_memories(store: OpenMemory, call: SimulatedCall) -> int:
    """Delete the memories of this call only, and recompute the card; returns their number."""
    memories = store.of_conversation(call.caller, call.conversation_id)
    close_card(store, call.caller)
    for memory in memories:
        store.delete(call.caller, memory.id)
    save_card(call.caller, write_card(store, call.caller))
    return len(memories)
