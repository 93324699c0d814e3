"""Writes the given settings as the lines of a `.env`, with or without secrets."""

import os
import re
from collections.abc import Iterable

_SECRET = re.compile(r"_KEY$|_KEYS$|_AUTHTOKEN$|_FALLBACKS$|PASSWORD|SECRET")
_PASSWORD_IN_URL = re.compile(r"://[^/@\s]*:[^/@\s]*@")


def as_dotenv(names: Iterable[str], *, with_secrets: bool) -> str:
    """Return lines for those of these variables that have a value. A comment takes the place of each omitted secret."""
    lines = []
    for name in sorted(names):
        if not (value := os.environ.get(name, "").strip()):
            continue
        if not with_secrets and (_SECRET.search(name) or _PASSWORD_IN_URL.search(value)):
            lines.append(f"# {name} is set, and left out here: it contains a secret.")
        else:
            lines.append(f"{name}={_quoted(value)}")
    return "\n".join([*lines, ""])


def _quoted(value: str) -> str:
    """Return the value quoted for python-dotenv."""
    if re.fullmatch(r"[\w.,:/+=@%-]*", value, re.ASCII):
        return value
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
