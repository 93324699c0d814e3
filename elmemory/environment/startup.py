"""Runs the system checks at the start of a server, and of each command that works on its data."""

import sys
from functools import cache
from typing import Any

import structlog
from django.conf import settings
from django.core import checks
from django.core.management.base import BaseCommand, CommandError

from elmemory.environment.checks import BEARABLE

log = structlog.get_logger(__name__)


@cache
def report_checks() -> None:
    """Run the system checks, once in a process, and report all faults on stderr.

    Raises SystemExit if the server cannot start. A missing key only closes its endpoint; the others serve live calls.
    """
    faults = [
        message for message in checks.run_checks() if message.level >= checks.WARNING and not message.is_silenced()
    ]
    for fault in faults:
        if settings.LOG_JSON:
            log.log(fault.level, str(fault.msg), hint=fault.hint, check=fault.id)
        else:
            sys.stderr.write(f"{fault}\n")
    fatal = [fault for fault in faults if fault.is_serious() and fault.id not in BEARABLE]
    if fatal:
        message = f"{len(fatal)} setting(s) to correct first: see above."
        if settings.LOG_JSON:
            log.critical(message)
        raise SystemExit(1 if settings.LOG_JSON else message)


class CheckedCommand(BaseCommand):
    """A command that works on the server's data. It runs the server's checks, and stops at the same faults."""

    requires_system_checks = ()  # Django's own handling stops at a missing key, which only closes an endpoint

    def execute(self, *args: Any, **options: Any) -> str | None:
        if not options.get("skip_checks"):
            report_checks()
        try:
            return super().execute(*args, **options)
        except CommandError as error:
            if settings.LOG_JSON:
                log.critical(str(error))
                raise SystemExit(error.returncode) from None
            raise
