"""Text as every store can hold it."""

import json
from typing import Any


def storable(text: str) -> str:
    """The text without what a store would refuse: PostgreSQL knows no NUL, no driver takes lone surrogates."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()


def storable_json(value: Any) -> str:
    return storable(json.dumps(value, ensure_ascii=False, separators=(",", ":")))
