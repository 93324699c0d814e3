"""Converts text, and metadata with vectors, to what every store can hold."""

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any

# The name in the metadata, over HTTP, for the vector in base 64. The embedded store has a column instead.
_VECTOR = "vector"


def storable(text: str) -> str:
    """Return the text without NUL, which PostgreSQL refuses, and lone surrogates, which every driver refuses."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()


def storable_json(value: Any) -> str:
    return storable(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def with_vector(metadata: Mapping[str, Any], vector: bytes) -> dict[str, Any]:
    """Return the metadata with the vector, as sent over HTTP."""
    return {**metadata, _VECTOR: b64encode(vector).decode()} if vector else {**metadata}


def vector_apart(metadata: Mapping[str, Any]) -> tuple[dict[str, Any], bytes]:
    """Return the metadata without the vector, and the vector; empty if there is none."""
    others = {**metadata}
    try:
        return others, b64decode(others.pop(_VECTOR, ""))
    except (TypeError, ValueError):
        return others, b""  # written by another client
