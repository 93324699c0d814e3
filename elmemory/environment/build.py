"""What tells one version of the code from another: a hash of its source files."""

from functools import cache
from hashlib import sha256
from pathlib import Path

_PACKAGES = "elmemory", "webhooks", "conversations"


@cache
def build() -> str:
    """The first digits of the hash of the files, as they are when a process first asks: call it at its start."""
    return files_build()


def files_build() -> str:
    """The first digits of the hash of the files as they are now."""
    digest, folder = sha256(), Path(__file__).resolve().parent.parent.parent
    for package in _PACKAGES:
        for path in sorted((folder / package).rglob("*.py")):
            digest.update(f"{path.relative_to(folder)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:8]
