"""The data-collection fields that memory uses: those that an agent has, lacks, or defines in its own words.

They are written into the agent's `data_collection`. ElevenLabs makes an analysis item of each field, with the same id.
Analysis items of the workspace are not used: agents share them, so one cannot be changed or removed for a single agent.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

import orjson

from elmemory.agents.wiring import Json, Wiring
from elmemory.memory.fields import canonical_field
from elmemory.memory.text import counted

MOODS = ("calm", "pleased", "worried", "annoyed", "angry", "upset", "unclear")
# ElevenLabs' limits of fields per agent.
_MOST, _MOST_OF_ENTERPRISES = 25, 40
_OTHER_LANGUAGES = "en"


@dataclass(frozen=True, slots=True)
class Field:
    """One field. `reason` explains its purpose to people. Most calls have no value for a `rare` field."""

    id: str
    reason: str
    type: str = "string"
    enum: tuple[str, ...] = ()
    rare: bool = False

    def definition(self, language: str) -> Json:
        """Return the field as JSON for ElevenLabs, with the extraction prompt in this language, else in English."""
        prompts = _prompts()
        prompt = prompts.get(language.partition("-")[0].lower(), prompts[_OTHER_LANGUAGES])[self.id]
        return {"type": self.type, "description": prompt, **({"enum": list(self.enum)} if self.enum else {})}

    def is_ours(self, found: Json) -> bool:
        """Whether the agent's field is one that provisioning wrote, in any language."""
        same = found.get("type") == self.type and tuple(found.get("enum") or ()) == self.enum
        return same and str(found.get("description")) in {texts[self.id] for texts in _prompts().values()}


# By priority: the first ones are added if there is no room for all. The opt-out comes directly after the profile: an
# agent that collects profiles must collect opt-outs.
FIELDS = (
    Field("first_name", "the greeting by name"),
    Field("caller_profile", "lasting things that the next call should know"),
    Field("do_not_remember", "a caller's wish not to be remembered", "boolean", rare=True),
    Field("open_request", "what the caller is still waiting for"),
    Field("resolved_request", "which earlier request is settled", rare=True),
    Field("agent_promise", "what the agent has promised"),
    Field("preferred_language", "the language of the greeting"),
    Field("last_name", "the whole name"),
    Field("mood", "whether the last call ended badly", enum=MOODS),
    Field("company", "on whose behalf they call"),
)


@dataclass(frozen=True, slots=True)
class Collecting:
    """What provisioning does with the fields: "add" the missing ones, or "remove" ours that are unchanged.

    `most`: how many fields the workspace allows for an agent.
    """

    change: Literal["add", "remove"] = "add"
    most: int = _MOST


def most_fields(tier: str) -> int:
    """Return how many fields a workspace of this tier allows for an agent; the lower limit if the tier is unknown."""
    return _MOST_OF_ENTERPRISES if "enterprise" in tier.lower() else _MOST


def collected(agent: Json) -> dict[str, Json]:
    """Return the agent's fields by id, in the agent's order."""
    found = (agent.get("platform_settings") or {}).get("data_collection") or {}
    return {id_: one for id_, one in found.items() if isinstance(one, dict)}


def of_agent(field: Field, wiring: Wiring) -> tuple[str, Json] | None:
    """Return id and definition of the agent's field for this purpose; None if it has none.

    The id or the name may be spelled differently (`First Name`), if the agent's author wrote the field.
    """
    found = collected(wiring.agent)
    if field.id in found:
        return field.id, found[field.id]
    for id_, one in found.items():
        if field.id in (canonical_field(id_), canonical_field(str(one.get("name") or ""))):
            return id_, one
    return None


def missing(wiring: Wiring) -> list[Field]:
    """Return the fields that the agent lacks, by priority."""
    return [field for field in FIELDS if of_agent(field, wiring) is None]


def left_out(wiring: Wiring, collecting: Collecting) -> list[Field]:
    """Return the missing fields that exceed the limit of fields per agent."""
    return missing(wiring)[_room(wiring, collecting) :]


def wanted(wiring: Wiring, collecting: Collecting) -> dict[str, Json]:
    """Return the fields that the agent should have: its author's unchanged, ours in the agent's language."""
    found, language = collected(wiring.agent), str(wiring.agent_config.get("language") or "")
    ours = {field.id: field for field in FIELDS if field.id in found and field.is_ours(found[field.id])}
    if collecting.change == "remove":
        return {id_: one for id_, one in found.items() if id_ not in ours}
    renewed = {id_: one | ours[id_].definition(language) if id_ in ours else one for id_, one in found.items()}
    added = missing(wiring)[: _room(wiring, collecting)]
    return renewed | {field.id: field.definition(language) for field in added}


def reasons(wiring: Wiring, collecting: Collecting) -> Iterator[str]:
    """Yield lines for people: the purpose of each added field, and how many more fields are allowed."""
    used = len(collected(wiring.agent))
    after = wanted(wiring, collecting)
    if collecting.change == "remove":
        amount = counted(used, "field is", "fields are")
        yield f"{used - len(after)} of {amount} removed; those with another description stay"
        return
    for field in missing(wiring)[: _room(wiring, collecting)]:
        yield f"{field.id}: {field.reason}"
    yield f"{counted(used, 'field')} now, {len(after)} then; {max(0, _most(wiring, collecting) - len(after))} are left"


def _room(wiring: Wiring, collecting: Collecting) -> int:
    return max(0, _most(wiring, collecting) - len(collected(wiring.agent)))


def _most(wiring: Wiring, collecting: Collecting) -> int:
    """Return the limit, raised to the number of fields that the agent already has."""
    return _MOST_OF_ENTERPRISES if len(collected(wiring.agent)) > collecting.most else collecting.most


@cache
def _prompts() -> dict[str, dict[str, str]]:
    """Return the extraction prompts by language and field id."""
    texts: dict[str, dict[str, str]] = orjson.loads(files(__package__).joinpath("data_collection.json").read_bytes())
    return texts
