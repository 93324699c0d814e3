"""Payloads of newer shapes: one file each in `data/cases`."""

import json
from typing import Any

from tests.harness.samples import DATA


def case(name: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((DATA / "cases" / f"{name}.json").read_bytes())
    return value
