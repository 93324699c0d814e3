"""The result of one check of the doctor."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Check:
    """The state "fault" needs the `remedy`; a "note" is for information, or says what could not be checked."""

    section: str
    name: str
    state: Literal["ok", "fault", "note"]
    detail: str = ""
    remedy: str = ""
