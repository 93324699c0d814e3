"""One line of what `manage.py doctor` tells."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Check:
    """`state`: "ok"; "fault" is to be mended, as `remedy` says; "note" is good to know or cannot be told."""

    section: str
    name: str
    state: Literal["ok", "fault", "note"]
    detail: str = ""
    remedy: str = ""
