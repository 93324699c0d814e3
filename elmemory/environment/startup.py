"""The system checks at the start of a server."""

import sys
from functools import cache

from django.core import checks

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
        raise SystemExit(f"{len(fatal)} setting(s) to correct before the server can start: see above.")
