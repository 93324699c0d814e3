"""Memories of one invented caller, as the worker would write them."""

from itertools import count
from typing import Any

from elmemory.memory import kinds
from elmemory.memory.records import Memory

CALLER = "+14155550100"
_ids = count()


def memory(kind: str, content: str = "", **metadata: Any) -> Memory:
    number = next(_ids)
    return Memory(str(number), CALLER, content, metadata={"kind": kind, "key": f"{kind}:{number}", **metadata})


def fact(field: str, value: str, called_at: str = "2026-10-01T10:00:00+00:00", **metadata: Any) -> Memory:
    return memory(kinds.FACT, f"{field}: {value}", field=field, value=value, called_at=called_at, **metadata)


def call(called_at: str, summary: str = "", *, spoke: bool = True, **metadata: Any) -> Memory:
    return memory(kinds.CALL, summary, called_at=called_at, summary=summary, spoke=spoke, **metadata)
