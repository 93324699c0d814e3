"""The build: a hash of the source files, which identifies a version of the code."""

from functools import cache
from hashlib import sha256
from pathlib import Path

_PACKAGES = "elmemory", "webhooks", "conversations"


@cache
def build() -> str:
    """Return the build of this process. The first call computes it: call it at the start of the process."""
    return files_build()


def files_build() -> str:
    """Return the build of the files as they are now."""
    digest, folder = sha256(), Path(__file__).resolve().parent.parent.parent
    for package in _PACKAGES:
        for path in sorted((folder / package).rglob("*.py")):
            digest.update(f"{path.relative_to(folder)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:8]
