"""What one call collected about its caller, each value beside what the rest of the call says about it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from elmemory.memory.caller import canonical_field
from elmemory.memory.names import NAME_FIELDS, Evidence
from elmemory.memory.values import usable_value

if TYPE_CHECKING:
    from conversations.payload import Transcription


class Collected(NamedTuple):
    """One data-collection result. `text` is None where its value says nothing.

    `confirmed` says that the text alone would say nothing and that the rest of the call made it a value: the last
    name Null.
    """

    raw_id: str
    field: str
    text: str | None
    rationale: str
    confirmed: bool


def collected_of(call: "Transcription") -> Iterator[Collected]:
    """The results in the payload's order."""
    results = [(raw_id, canonical_field(raw_id), value) for raw_id, value in call.collected()]
    names = {field: value for _, field, value in results if field in NAME_FIELDS and isinstance(value, str)}
    said = [turn.message for turn in call.turns if turn.role == "user"] if names else []
    for raw_id, field, value in results:
        rationale = call.text("analysis", "data_collection_results", raw_id, "rationale")
        evidence = Evidence(rationale, names, said) if field in NAME_FIELDS else Evidence()
        text = usable_value(value, field, evidence)
        confirmed = text is not None and field in NAME_FIELDS and usable_value(text, field) is None
        yield Collected(raw_id, field, text, rationale, confirmed)
