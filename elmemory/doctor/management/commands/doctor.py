import sys
from argparse import ArgumentParser
from dataclasses import asdict
from itertools import groupby
from typing import Any

import orjson
from django.core.management.base import BaseCommand

from elmemory.agents.check import Check
from elmemory.doctor.examination import examination

_MARKS = {"ok": "✓", "fault": "✗", "note": "·"}


class Command(BaseCommand):
    help = (
        "Check this server and, with ELEVENLABS_API_KEY, the agent at ElevenLabs. Exit code 1 where something is wrong."
    )
    requires_system_checks = ()  # their faults are among what is told

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("agent", metavar="AGENT_ID", nargs="?", default="", help="the agent to check")
        parser.add_argument("--url", default="", help="this server's public address (PUBLIC_URL)")
        parser.add_argument("--json", action="store_true", help="for machines")

    def handle(self, *args: Any, agent: str, url: str, json: bool, **options: Any) -> None:  # noqa: ARG002
        checks = examination(agent, url)
        faults = sum(check.state == "fault" for check in checks)
        if json:
            told = {"ok": not faults, "checks": [asdict(check) for check in checks]}
            self.stdout.write(orjson.dumps(told, option=orjson.OPT_INDENT_2).decode())
        else:
            for section, of_section in groupby(checks, key=lambda check: check.section):
                self.stdout.write(f"\n{self.style.MIGRATE_HEADING(section)}")
                for check in of_section:
                    self._tell(check)
            told_sum = self.style.ERROR(f"{faults} to mend.") if faults else self.style.SUCCESS("All is well.")
            self.stdout.write(f"\n{told_sum}")
        if faults:
            sys.exit(1)

    def _tell(self, check: Check) -> None:
        style = {"ok": self.style.SUCCESS, "fault": self.style.ERROR, "note": self.style.WARNING}[check.state]
        self.stdout.write(f"  {style(_MARKS[check.state])} {check.name}: {check.detail}".rstrip(": "))
        if check.remedy:
            self.stdout.write(f"      → {check.remedy}")
