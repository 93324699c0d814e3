"""Who acts, for what is recorded without a call of `record`."""

from contextvars import ContextVar

from django.http import HttpRequest

# The request that is being answered; "command" in a process that runs a management command, where the user of the
# operating system acts; None in migrations and tests, whose changes are not recorded.
acting: ContextVar[HttpRequest | str | None] = ContextVar("acting", default=None)
