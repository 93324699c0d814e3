import sys

__version__ = "1.1.0"

if sys.platform == "win32":
    # Checked here, because every entry point imports this module before any module that needs Unix.
    raise SystemExit(
        "elmemory runs on Linux and macOS. On Windows, run it in WSL or in a container (docs/production.md)."
    )
