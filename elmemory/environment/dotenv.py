"""`python -m elmemory.environment.dotenv`: make `.env` from `.env.example` with fresh secrets, and tell them once."""

import os
import secrets
import stat
import sys
from pathlib import Path

_FRESH = {
    "SECRET_KEY": "signs sessions",
    "ELEVENLABS_CLIENT_DATA_KEY": "X-Api-Key of the initiation webhook",
    "ELEVENLABS_SEARCH_DATA_KEY": "X-Api-Key of the search tool",
    "ELEVENLABS_POST_CALL_KEY": "put the secret here that ElevenLabs shows for the post-call webhook",
    "OPENMEMORY_KEY": "key of an OpenMemory server",
}


def make(folder: Path) -> dict[str, str]:
    """Write `.env` in this folder, readable by its owner alone; the fresh secrets by name, none if it was there."""
    fresh = {name: secrets.token_urlsafe(32) for name in _FRESH}
    lines = (folder / ".env.example").read_text(encoding="utf-8").splitlines()
    lines = [f"{line}{fresh[line[:-1]]}" if line.endswith("=") and line[:-1] in fresh else line for line in lines]
    try:
        descriptor = os.open(folder / ".env", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return {}
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    return fresh


def put(path: Path, name: str, value: str) -> None:
    """Set a variable in this file, in its line or in a new one; the rest stays as it is."""
    path = path.resolve()
    lines = path.read_text(encoding="utf-8").splitlines()
    at = next((number for number, line in enumerate(lines) if line.partition("=")[0].strip() == name), None)
    if at is None:
        lines.append(f"{name}={value}")
    else:
        lines[at] = f"{name}={value}"
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, stat.S_IMODE(path.stat().st_mode))
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


if __name__ == "__main__":
    if made := make(Path(__file__).resolve().parent.parent.parent):
        sys.stdout.write("\n  Made .env with fresh secrets (told this once; they stay in .env):\n")
        for name, secret in made.items():
            sys.stdout.write(f"    {name}={secret}   {_FRESH[name]}\n")
