"""The system checks at the start of a server, and of each command that works on its data."""

import sys
from functools import cache
from typing import Any

from django.core import checks
from django.core.management.base import BaseCommand

from elmemory.environment.checks import BEARABLE


@cache
def report_checks() -> None:
    """Run the system checks, once in a process, and report all faults on stderr.

    Faults that leave nothing to serve raise SystemExit. A missing key does not: its endpoint refuses
    every request, and the others go on serving live calls.
    """
    faults = [
        message for message in checks.run_checks() if message.level >= checks.WARNING and not message.is_silenced()
    ]
    for fault in faults:
        sys.stderr.write(f"{fault}\n")
    fatal = [fault for fault in faults if fault.is_serious() and fault.id not in BEARABLE]
    if fatal:
        raise SystemExit(f"{len(fatal)} setting(s) to correct first: see above.")


class CheckedCommand(BaseCommand):
    """A command that works on the server's data: it runs the checks of the server, and stops where the server would."""

    requires_system_checks = ()  # Django's own handling stops at a missing key, which only closes an endpoint

    def execute(self, *args: Any, **options: Any) -> str | None:
        if not options.get("skip_checks"):
            report_checks()
        return super().execute(*args, **options)
