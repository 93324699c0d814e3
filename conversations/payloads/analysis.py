"""Reads the results of ElevenLabs' analysis of a call, data collection and evaluation criteria, in all shapes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from conversations.payloads.values import dicts, text, well_formed
from elmemory.memory.fields import canonical_field
from elmemory.memory.names import NAME_FIELDS, Evidence
from elmemory.memory.text import field_name
from elmemory.memory.values import usable_value

_IDS_OF_COLLECTED = "data_collection_id", "id", "name"
_IDS_OF_CRITERIA = "criteria_id", "id", "name"
# ElevenLabs hides variables with this prefix from models, so no agent may be given such a result as a fact.
_NOT_FOR_MODELS = "secret__"


@dataclass(frozen=True, slots=True)
class CollectedItem:
    """One result of data collection.

    `id` is the payload's id and part of the memory's key; `name` is for people and names the field; `value` has any
    type; `agent_id` is empty for a result of the whole conversation.
    """

    id: str
    name: str
    value: Any
    rationale: str
    agent_id: str = ""

    @property
    def field(self) -> str:
        return canonical_field(self.name)


@dataclass(frozen=True, slots=True)
class Criterion:
    """One evaluation criterion. `result` is success, failure or unknown.

    `agent_id` is empty for a result of the whole conversation.
    """

    id: str
    name: str
    result: str
    rationale: str
    agent_id: str = ""


class Collected(NamedTuple):
    """A result of data collection with its value as text; None if the value says nothing.

    `confirmed`: the text alone would say nothing, but the rest of the call shows that it is a value (the last name
    Null).
    """

    item: CollectedItem
    text: str | None
    confirmed: bool


def collected_in(analysis: object) -> list[CollectedItem]:
    """The results of data collection, without repetitions.

    After transfers each agent has its own results, and newer payloads list results twice. For each id or field the
    first value counts: the whole conversation's, then the last agent's, and so on. A result with a value replaces one
    without.
    """
    found: list[CollectedItem] = []
    places: dict[tuple[str, str], int] = {}
    for item, stands_alone in _records(analysis):
        like = [places[key] for key in _keys(item) if key in places]
        place = like[0] if like and not stands_alone else len(found)
        if place == len(found):
            found.append(item)
        elif not any(_has_value(found[other]) for other in like):
            found[place] = item
        elif found[place].id == found[place].name == item.id:
            found[place] = replace(found[place], name=item.name)
        for key in _keys(found[place]):
            if key not in places or not _has_value(found[places[key]]):
                places[key] = place
    return found


def values_collected(analysis: object, field: str) -> list[Any]:
    """Every value that was collected for this field, including those that `collected_in` leaves out."""
    return [item.value for item, _ in _records(analysis) if field in (item.field, canonical_field(item.id))]


def texts_of(items: Sequence[CollectedItem], said: Sequence[str]) -> list[Collected]:
    """The results with their values as text. An unusual name counts if `said`, the caller's sentences, confirms it."""
    items = [item for item in items if not item.name.strip().casefold().startswith(_NOT_FOR_MODELS)]
    names = {item.field: item.value for item in items if item.field in NAME_FIELDS and isinstance(item.value, str)}
    collected = []
    for item in items:
        value = usable_value(item.value, item.field, Evidence(item.rationale, names, said))
        confirmed = value is not None and item.field in NAME_FIELDS and usable_value(value, item.field) is None
        collected.append(Collected(item, value, confirmed))
    return collected


def criteria_in(analysis: object) -> list[Criterion]:
    """The evaluation criteria: the whole conversation's, or each agent's if that is missing or unknown."""
    whole: dict[str, Criterion] = {}
    of_agents: dict[tuple[str, str], Criterion] = {}
    for block, agent_id in _blocks(analysis):
        for name in ("evaluation_criteria_results", "evaluation_criteria_results_list"):
            for id_, result in _results(block.get(name), _IDS_OF_CRITERIA, "result"):
                judged = _judged(result.get("result"))
                one = Criterion(id_, _name(result, id_), judged, text(result.get("rationale")), agent_id)
                if not agent_id:
                    whole.setdefault(id_, one)
                elif id_ not in whole or whole[id_].result == "unknown":
                    of_agents.setdefault((id_, agent_id), one)
    judged_by_agents = {id_ for id_, _ in of_agents}
    return [*(one for id_, one in whole.items() if id_ not in judged_by_agents), *of_agents.values()]


def _judged(value: object) -> str:
    """The verdict in ElevenLabs' spelling; from a truth value too."""
    if isinstance(value, bool):
        return "success" if value else "failure"
    return text(value).strip().casefold() or "unknown"


def _records(analysis: object) -> Iterator[tuple[CollectedItem, bool]]:
    """Yields the results of data collection in order of precedence, with a flag.

    The flag: keep the result beside another of its field, because the agent's author asks for both.
    """
    for block, agent_id in _blocks(analysis):
        for name in ("data_collection_results", "data_collection_results_list"):
            results = block.get(name)
            for id_, result in _results(results, _IDS_OF_COLLECTED, "value"):
                value, rationale = _well_formed_value(result.get("value")), text(result.get("rationale"))
                item = CollectedItem(id_, _name(result, id_), value, rationale, agent_id)
                yield item, not agent_id and isinstance(results, dict)


def _blocks(analysis: object) -> Iterator[tuple[Mapping[str, Any], str]]:
    """Yields the analysis, then its scoped blocks, each with its agent id.

    Blocks of whole conversations come first, then those of agents from the last to the first.
    """
    if not isinstance(analysis, dict):
        return
    yield analysis, ""
    scoped = dicts(analysis.get("scoped"))[::-1]
    for block in sorted(scoped, key=lambda block: text(block.get("scope")).casefold() != "conversation"):
        yield block, text(block.get("source_agent_id")).strip() or "another agent"


def _results(results: object, id_names: tuple[str, ...], bare: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Ids and results, from an object keyed by id or a list of items with ids. A bare value becomes `{bare: value}`."""
    if isinstance(results, dict):
        for id_, result in results.items():
            yield well_formed(id_), result if isinstance(result, dict) else {bare: result}
    for result in dicts(results):
        if id_ := next((id_ for name in id_names if (id_ := text(result.get(name)).strip())), ""):
            yield id_, result


def _name(result: Mapping[str, Any], id_: str) -> str:
    """The result's name for people; the id if that name cannot name a field."""
    name = text(result.get("name")).strip()
    return name if field_name(name) else id_


def _keys(item: CollectedItem) -> tuple[tuple[str, str], ...]:
    """The keys by which results are compared: two with the same id or the same field are one."""
    return ("id", item.id), ("field", item.field)


def _has_value(item: CollectedItem) -> bool:
    return usable_value(item.value, item.field, Evidence(item.rationale)) is not None


def _well_formed_value(value: Any) -> Any:
    match value:
        case str():
            return well_formed(value)
        case list():
            return [well_formed(item) if isinstance(item, str) else item for item in value]
    return value
