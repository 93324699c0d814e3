"""The command `elmemory COMMAND`, or `python -m elmemory COMMAND`: manage.py for the installed package.

Settings are read from `.env` in the working directory, and data are kept beneath it.
"""

import os
import shutil
import sys
from pathlib import Path

from elmemory import __version__
from elmemory.environment.dotenv import announcement, make
from elmemory.environment.private_files import set_umask

_EXAMPLE = Path(__file__).with_name(".env.example")
_INTERRUPTED = 130  # as shells count a process that SIGINT ended


def main() -> None:
    arguments = sys.argv
    if arguments[1:2] == ["serve"] and not _asks_for_version(arguments) and "ELMEMORY_ENV_FILE" not in os.environ:
        set_umask()
        _make_dotenv(Path.cwd())
    execute(arguments)


def execute(arguments: list[str]) -> None:
    """Run a command of Django or of ours; `--version` prints elmemory's version, not Django's."""
    set_umask()
    if _asks_for_version(arguments):
        sys.stdout.write(f"elmemory {__version__}\n")
        return
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "elmemory.settings")
    try:
        from django.core.management import execute_from_command_line

        from elmemory.audit.acting import acting

        acting.set("command")
        execute_from_command_line(arguments)
    except KeyboardInterrupt:
        if "--traceback" in arguments:
            raise
        sys.stderr.write("\nInterrupted.\n")
        sys.exit(_INTERRUPTED)
    except Exception as error:  # of a command of Django; ours report it themselves
        from django.db import DatabaseError

        if not isinstance(error, DatabaseError) or "--traceback" in arguments:
            raise
        from elmemory.memory.openmemory.database_faults import summary

        sys.exit(f"CommandError: a database failed: {summary(error)}. The doctor says which one.")


def _asks_for_version(arguments: list[str]) -> bool:
    return arguments[1:2] == ["version"] or "--version" in arguments[1:]


def _make_dotenv(folder: Path) -> None:
    """Make `.env` with fresh secrets if a server starts for the first time, as `make serve` does."""
    if (folder / ".env").exists():
        return
    if not (folder / ".env.example").exists():
        shutil.copyfile(_EXAMPLE, folder / ".env.example")
    if made := make(folder):
        sys.stdout.write(announcement(folder, made, with_secrets=False))


if __name__ == "__main__":
    main()
