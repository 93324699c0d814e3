"""Runs the system checks at the start of a server, and of each command that works on its data."""

import sys
from functools import cache
from typing import Any

import structlog
from django.conf import settings
from django.core import checks
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from elmemory.environment.checks import BEARABLE
from elmemory.memory.openmemory import OpenMemoryError
from elmemory.memory.openmemory.database_faults import summary

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


class PlainCommand(BaseCommand):
    """A command that ends with one line, not with a traceback, where a disk, a database or OpenMemory fails."""

    requires_system_checks = ()

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            return super().execute(*args, **options)
        except BrokenPipeError:  # the reader of a pipe, such as head, has ended
            sys.stdout = None  # it must not be flushed at the end
            raise SystemExit(1) from None
        except (CommandError, DatabaseError, OpenMemoryError, OSError) as error:
            problem = error if isinstance(error, CommandError) else CommandError(_described(error))
            if settings.LOG_JSON and not options.get("traceback"):
                log.critical(str(problem))
                raise SystemExit(problem.returncode) from None
            raise problem from error if problem is not error else None


class CheckedCommand(PlainCommand):
    """A command that works on the server's data. It runs the server's checks, and stops at the same faults."""

    # Django's own handling of checks stops at a missing key, which only closes an endpoint.

    def execute(self, *args: Any, **options: Any) -> str | None:
        if not options.get("skip_checks"):
            report_checks()
        return super().execute(*args, **options)


def _described(error: DatabaseError | OpenMemoryError | OSError) -> str:
    if isinstance(error, OpenMemoryError):
        return f"OpenMemory does not answer ({error}). Run it again when it does."
    if isinstance(error, DatabaseError):
        return f"a database failed: {summary(error)}. The doctor says which one; run it again when it answers."
    return f"{described(error)}. Run it again when that is put right."


def described(error: OSError) -> str:
    """What failed, with the file where one is named: "/data/x: No space left on device"."""
    reason = error.strerror or str(error) or type(error).__name__
    return f"{error.filename}: {reason}" if error.filename else reason
