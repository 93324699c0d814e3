"""What a call collected about its caller, each value judged beside what the rest of the call says."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from elmemory.memory.fields import canonical_field
from elmemory.memory.names import NAME_FIELDS, Evidence
from elmemory.memory.values import usable_value


class Result(NamedTuple):
    """A data-collection result as it came: raw id, value of any type, and ElevenLabs' reason for it."""

    raw_id: str
    value: Any
    rationale: str


class Collected(NamedTuple):
    """A data-collection result. `text` is None where its value says nothing.

    `confirmed` says that the text alone would say nothing and that the rest of the call made it a value: the last
    name Null.
    """

    raw_id: str
    field: str
    text: str | None
    rationale: str
    confirmed: bool


def collected_of(results: Iterable[Result], said: Sequence[str]) -> list[Collected]:
    """The results of one call in their order; `said` are the sentences of the caller."""
    results = list(results)
    fields = [canonical_field(result.raw_id) for result in results]
    names = {
        field: result.value
        for field, result in zip(fields, results, strict=True)
        if field in NAME_FIELDS and isinstance(result.value, str)
    }
    collected = []
    for field, (raw_id, value, rationale) in zip(fields, results, strict=True):
        text = usable_value(value, field, Evidence(rationale, names, said))
        confirmed = text is not None and field in NAME_FIELDS and usable_value(text, field) is None
        collected.append(Collected(raw_id, field, text, rationale, confirmed))
    return collected
