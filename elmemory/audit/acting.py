"""The context variable that names who acts, for signal handlers that write the audit log."""

from contextvars import ContextVar

from django.http import HttpRequest

# The current request; "command" in a management command, which the user of the operating system runs; None in
# migrations and tests, whose changes are not recorded.
acting: ContextVar[HttpRequest | str | None] = ContextVar("acting", default=None)
