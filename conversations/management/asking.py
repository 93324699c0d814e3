"""Asks before a command does what cannot be undone, takes long, or costs."""

import sys

from django.core.management.base import CommandError


def ask(question: str, otherwise: str, why: str) -> None:
    """Ask the question. Raises CommandError for any answer but yes, and where no terminal can answer.

    `otherwise` is the message for another answer: "nothing was deleted"; `why` says why it is asked.
    """
    if not sys.stdin.isatty():
        raise CommandError(f"{why}: add --yes")
    try:
        answer = input(f"{question} [y/N] ")
    except EOFError:  # Ctrl-D
        answer = ""
    if answer.strip().lower() not in ("y", "yes"):
        raise CommandError(otherwise)
