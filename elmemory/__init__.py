import sys

__version__ = "1.0.0"

if sys.platform == "win32":
    # Here, because every way into the program imports this first: later, a module that only Unix has would be missing.
    raise SystemExit(
        "elmemory runs on Linux and macOS. On Windows, run it in WSL or in a container (docs/production.md)."
    )
