"""What a call collected about its caller as facts, each judged beside what the rest of the call says."""

from collections.abc import Sequence
from typing import NamedTuple

from conversations.payloads.analysis import CollectedItem
from elmemory.memory.names import NAME_FIELDS, Evidence
from elmemory.memory.values import usable_value

# ElevenLabs keeps what is named so from models: it is no fact that an agent could be given.
_NOT_FOR_MODELS = "secret__"


class Collected(NamedTuple):
    """A result of data collection with its value as text, None where it says nothing.

    `confirmed` says that the text alone would say nothing and that the rest of the call made it a value: the last
    name Null.
    """

    item: CollectedItem
    text: str | None
    confirmed: bool


def texts_of(items: Sequence[CollectedItem], said: Sequence[str]) -> list[Collected]:
    """The results of one call in their order; `said` are the sentences of the caller."""
    items = [item for item in items if not item.name.strip().casefold().startswith(_NOT_FOR_MODELS)]
    names = {item.field: item.value for item in items if item.field in NAME_FIELDS and isinstance(item.value, str)}
    collected = []
    for item in items:
        text = usable_value(item.value, item.field, Evidence(item.rationale, names, said))
        confirmed = text is not None and item.field in NAME_FIELDS and usable_value(text, item.field) is None
        collected.append(Collected(item, text, confirmed))
    return collected
