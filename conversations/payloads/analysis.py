"""What ElevenLabs' analysis of a call collected and judged, from each of the shapes in which it says so."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from conversations.payloads.values import dicts, text, well_formed
from elmemory.memory.fields import canonical_field
from elmemory.memory.names import Evidence
from elmemory.memory.text import field_name
from elmemory.memory.values import usable_value

_IDS_OF_COLLECTED = "data_collection_id", "id", "name"
_IDS_OF_CRITERIA = "criteria_id", "id", "name"


@dataclass(frozen=True, slots=True)
class CollectedItem:
    """One result of data collection. `id` is the payload's own, which memories are keyed by; `name` is for people and
    names the field; `value` is of any type. `agent_id` is empty where the result is the whole conversation's.
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
    """One result of evaluation: success, failure or unknown. `agent_id` as with data collection."""

    id: str
    name: str
    result: str
    rationale: str
    agent_id: str = ""


def collected_in(analysis: object) -> list[CollectedItem]:
    """The results of data collection.

    After transfers each agent has results of its own, and newer payloads list results a second time. Of one id or
    field the first value counts: the whole conversation's, then those of the agents, the last one's first. A result
    without a value gives its place to one with a value.
    """
    found: list[CollectedItem] = []
    places: dict[tuple[str, str], int] = {}

    def register(place: int) -> None:
        for key in (("id", found[place].id), ("field", found[place].field)):
            if key not in places or not _has_value(found[places[key]]):
                places[key] = place

    for one, stands_alone in _records(analysis):
        like = [places[key] for key in (("id", one.id), ("field", one.field)) if key in places]
        place = like[0] if like and not stands_alone else len(found)
        if place == len(found):
            found.append(one)
        elif not any(_has_value(found[other]) for other in like):
            found[place] = one
        elif found[place].id == one.id and found[place].name == one.id:
            found[place] = replace(found[place], name=one.name)
        register(place)
    return found


def criteria_in(analysis: object) -> list[Criterion]:
    """The results of evaluation: the whole conversation's, then those that only agents after transfers have."""
    blocks = _blocks(analysis)
    whole: dict[str, Criterion] = {}
    of_agents: dict[tuple[str, str], Criterion] = {}
    for block, agent_id in blocks:
        for name in ("evaluation_criteria_results", "evaluation_criteria_results_list"):
            for id_, result in _results(block.get(name), _IDS_OF_CRITERIA):
                one = _criterion(id_, result, agent_id)
                if not agent_id:
                    whole.setdefault(id_, one)
                elif whole.get(id_, one).result == "unknown" or id_ not in whole:
                    whole.pop(id_, None)
                    of_agents.setdefault((id_, agent_id), one)
    return [*whole.values(), *of_agents.values()]


def _records(analysis: object) -> Iterator[tuple[CollectedItem, bool]]:
    """All results of data collection in the order in which they count, and whether each stands beside its like:
    an agent's author may have two fields for one thing.
    """
    for block, agent_id in _blocks(analysis):
        for name in ("data_collection_results", "data_collection_results_list"):
            results = block.get(name)
            for id_, result in _results(results, _IDS_OF_COLLECTED):
                yield _collected(id_, result, agent_id), not agent_id and isinstance(results, dict)


def _blocks(analysis: object) -> Iterator[tuple[Mapping[str, Any], str]]:
    """The analysis itself, then its scoped blocks with their agent ids: those of whole conversations, then the last
    agent's first.
    """
    if not isinstance(analysis, dict):
        return
    yield analysis, ""
    scoped = dicts(analysis.get("scoped"))[::-1]
    for block in sorted(scoped, key=lambda block: text(block.get("scope")).casefold() != "conversation"):
        yield block, text(block.get("source_agent_id")).strip() or "another agent"


def _results(results: object, id_names: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    """Ids and results of an object keyed by id, or of a list whose items name their ids."""
    if isinstance(results, dict):
        for id_, result in results.items():
            yield well_formed(id_), result
    for result in dicts(results):
        if id_ := next((id_ for name in id_names if (id_ := text(result.get(name)).strip())), ""):
            yield id_, result


def _collected(id_: str, result: object, agent_id: str) -> CollectedItem:
    if not isinstance(result, dict):
        return CollectedItem(id_, id_, _well_formed_value(result), "", agent_id)
    rationale = well_formed(str(result.get("rationale") or ""))
    return CollectedItem(id_, _name(result, id_), _well_formed_value(result.get("value")), rationale, agent_id)


def _criterion(id_: str, result: object, agent_id: str) -> Criterion:
    if not isinstance(result, dict):
        return Criterion(id_, id_, text(result) or "unknown", "", agent_id)
    stated, rationale = (well_formed(str(result.get(name) or "")) for name in ("result", "rationale"))
    return Criterion(id_, _name(result, id_), stated or "unknown", rationale, agent_id)


def _name(result: Mapping[str, Any], id_: str) -> str:
    """The name that people gave; the id where there is none in which a field could be recognised."""
    name = text(result.get("name")).strip()
    return name if field_name(name) else id_


def _has_value(one: CollectedItem) -> bool:
    return usable_value(one.value, one.field, Evidence(one.rationale)) is not None


def _well_formed_value(value: Any) -> Any:
    match value:
        case str():
            return well_formed(value)
        case list():
            return [well_formed(item) if isinstance(item, str) else item for item in value]
    return value
