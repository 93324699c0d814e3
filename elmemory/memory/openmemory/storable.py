"""What every store can hold: text, and vectors in the metadata that go over the wire."""

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any

# In the metadata of a memory on the wire: its vector, in base 64. The embedded store has a column for it.
_VECTOR = "vector"


def storable(text: str) -> str:
    """The text without NUL, which PostgreSQL refuses, and without lone surrogates, which every driver refuses."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()


def storable_json(value: Any) -> str:
    return storable(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def with_vector(metadata: Mapping[str, Any], vector: bytes) -> dict[str, Any]:
    """The metadata as they go over the wire."""
    return {**metadata, _VECTOR: b64encode(vector).decode()} if vector else {**metadata}


def vector_apart(metadata: Mapping[str, Any]) -> tuple[dict[str, Any], bytes]:
    """The metadata that came over the wire without the vector, and the vector; empty if there is none."""
    others = {**metadata}
    try:
        return others, b64decode(others.pop(_VECTOR, ""))
    except (TypeError, ValueError):
        return others, b""  # another client's
