"""`elmemory COMMAND`, or `python -m elmemory COMMAND`: what manage.py does, wherever the package is installed.

Settings are read from `.env` in the working directory, and data are kept beneath it.
"""

import os
import shutil
import sys
from pathlib import Path

from elmemory.environment.dotenv import announcement, make
from elmemory.environment.private_files import set_umask

_EXAMPLE = Path(__file__).with_name(".env.example")


def main() -> None:
    set_umask()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "elmemory.settings")
    if sys.argv[1:2] == ["serve"] and "ELMEMORY_ENV_FILE" not in os.environ:
        _make_dotenv(Path.cwd())
    from django.core.management import execute_from_command_line

    from elmemory.audit.acting import acting

    acting.set("command")
    execute_from_command_line(sys.argv)


def _make_dotenv(folder: Path) -> None:
    """Make `.env` with fresh secrets where a server is started for the first time, as `make serve` does."""
    if (folder / ".env").exists():
        return
    if not (folder / ".env.example").exists():
        shutil.copyfile(_EXAMPLE, folder / ".env.example")
    if made := make(folder):
        sys.stdout.write(announcement(folder, made, with_secrets=False))


if __name__ == "__main__":
    main()
