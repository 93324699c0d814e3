import sys
from argparse import SUPPRESS, ArgumentParser
from dataclasses import asdict
from itertools import groupby
from typing import Any

import orjson
from django.core.management.base import CommandError

from elmemory.agents.check import Check
from elmemory.audit.record import record_command
from elmemory.doctor.checks import run_checks
from elmemory.environment.startup import PlainCommand

_MARKS = {"ok": "✓", "fault": "✗", "note": "·"}


class Command(PlainCommand):
    help = "Check this server and, with ELEVENLABS_API_KEY, the agents at ElevenLabs. Exit code 1 means faults."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("agents", metavar="AGENT_ID", nargs="*", help="the agents to check")
        parser.add_argument("--all", action="store_true", help="check all agents of the workspace")
        parser.add_argument("--url", default="", help="this server's public address (PUBLIC_URL)")
        parser.add_argument("--json", action="store_true", help="print JSON")
        # The doctor's page records who ran the checks.
        parser.add_argument("--recorded", action="store_true", help=SUPPRESS)

    def handle(self, *args: Any, agents: list[str], url: str, json: bool, **options: Any) -> None:  # noqa: ARG002
        if agents and options["all"]:
            raise CommandError("name the agents, or give --all")
        agents = list(dict.fromkeys(agents))
        if not options["recorded"]:
            record_command("doctor", _named(agents, every=options["all"]))
        checks = run_checks(agents, url, every_agent=options["all"])
        faults = sum(check.state == "fault" for check in checks)
        if json:
            report = {"ok": not faults, "checks": [asdict(check) for check in checks]}
            self.stdout.write(orjson.dumps(report, option=orjson.OPT_INDENT_2).decode())
        else:
            for section, of_section in groupby(checks, key=lambda check: check.section):
                self.stdout.write(f"\n{self.style.MIGRATE_HEADING(section)}")
                for check in of_section:
                    self._write(check)
            plural = "" if faults == 1 else "s"
            result = self.style.ERROR(f"{faults} fault{plural}.") if faults else self.style.SUCCESS("All is well.")
            self.stdout.write(f"\n{result}")
        if faults:
            sys.exit(1)

    def _write(self, check: Check) -> None:
        style = {"ok": self.style.SUCCESS, "fault": self.style.ERROR, "note": self.style.WARNING}[check.state]
        self.stdout.write(f"  {style(_MARKS[check.state])} {check.name}: {check.detail}".rstrip(": "))
        if check.remedy:
            self.stdout.write(f"      → {check.remedy}")


def _named(agents: list[str], *, every: bool) -> str:
    """Describe the checked agents for the audit log."""
    if every:
        return "all agents"
    return agents[0] if len(agents) == 1 else f"{len(agents)} agents" if agents else ""
