"""Reading a stored transcription leniently: whatever can be read is, whatever cannot is left out.

ElevenLabs' payloads differ from their documentation and from one another; a field of the wrong type costs
that field, never the call.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Literal

from conversations.payloads.outline import NotReadable, parse
from conversations.payloads.values import number, well_formed
from elmemory.memory.card import Card
from elmemory.memory.fields import canonical_field
from elmemory.memory.identity import caller_of_call
from elmemory.memory.text import spoken_name, usable_value

_EARLIEST, _LATEST = 0, 2**34
_LONGEST_CALL = 30 * 24 * 3600
_MOST_CREDITS = 2**31
_VARIABLES = "conversation_initiation_client_data", "dynamic_variables"


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of the transcript. `position` is its place in the payload's list, `seconds` its time in the call."""

    position: int
    role: str
    message: str
    seconds: float | None


@dataclass(frozen=True)
class Transcription:
    """A `post_call_transcription` event."""

    event: Mapping[str, Any]

    @classmethod
    def read(cls, raw: bytes) -> "Transcription":
        """Raises NotReadable where the bytes are no event at all."""
        event = parse(raw)
        if not isinstance(event, dict) or not isinstance(event.get("data"), dict):
            raise NotReadable("not an event")
        return cls(event)

    def at(self, *path: str) -> Any:
        """What stands at this path in `data`; None where there is no such thing."""
        value: Any = self.event.get("data")
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        return value

    def text(self, *path: str) -> str:
        value = self.at(*path)
        return well_formed(value) if isinstance(value, str) else ""

    @property
    def conversation_id(self) -> str:
        return self.text("conversation_id")

    @property
    def agent_id(self) -> str:
        return self.text("agent_id")

    @property
    def agent_name(self) -> str:
        return self.text("agent_name")

    @property
    def status(self) -> str:
        return self.text("status")

    @property
    def successful(self) -> str:
        """success, failure or unknown; empty where the payload does not say."""
        return self.text("analysis", "call_successful")

    @property
    def summary(self) -> str:
        return self.text("analysis", "transcript_summary").strip()

    @property
    def title(self) -> str:
        return self.text("analysis", "call_summary_title").strip()

    @property
    def timezone(self) -> str:
        return self.text("metadata", "timezone")

    @property
    def duration_seconds(self) -> int | None:
        value = number(self.at("metadata", "call_duration_secs"))
        return int(value) if value is not None and 0 <= value <= _LONGEST_CALL else None

    @property
    def cost(self) -> int | None:
        """In ElevenLabs' credits."""
        value = number(self.at("metadata", "cost"))
        return int(value) if value is not None and abs(value) < _MOST_CREDITS else None

    @property
    def is_phone_call(self) -> bool:
        return isinstance(self.at("metadata", "phone_call"), dict)

    @property
    def variables(self) -> dict[str, Any]:
        """The dynamic variables of the call: ElevenLabs' own (`system__…`) and those it was told at the ring."""
        value = self.at(*_VARIABLES)
        return value if isinstance(value, dict) else {}

    @property
    def recall(self) -> Literal["memory", "neutral", ""]:
        """How the ring was answered; empty where the payload holds no variables of ours."""
        returning, summary = self.variables.get("returning_caller"), self.variables.get("user_profile_summary")
        if returning is None and summary is None:
            return ""
        return "memory" if returning == "yes" or (returning is None and summary) else "neutral"

    @cached_property
    def caller_name(self) -> str:
        """The name that the call collected, else the one that the agent was told at the ring."""
        facts = {canonical_field(key): text for key, value in self.collected() if (text := usable_value(value))}
        return Card(facts=facts).full_name or spoken_name(self.text(*_VARIABLES, "user_name"))

    @property
    def outbound(self) -> bool:
        return self.text("metadata", "phone_call", "direction") == "outbound"

    @cached_property
    def caller(self) -> str | None:
        """The caller key of the customer; None for web calls, strangers and withheld numbers."""
        return caller_of_call(
            outbound=self.outbound,
            external_number=self.at("metadata", "phone_call", "external_number"),
            caller_id=self.at(*_VARIABLES, "system__caller_id"),
            called_number=self.at(*_VARIABLES, "system__called_number"),
        )

    def started_at(self, arrived_at: datetime) -> datetime:
        """The call's start in UTC; its event's time, else that of its arrival, where the payload does not say."""
        stated = self.at("metadata", "start_time_unix_secs"), self.event.get("event_timestamp")
        for value in map(number, stated):
            if value is not None and _EARLIEST < value < _LATEST:
                return datetime.fromtimestamp(value, UTC)
        return arrived_at

    @cached_property
    def turns(self) -> list[Turn]:
        """The turns with something said in them."""
        transcript = self.at("transcript")
        return [
            Turn(position, str(turn.get("role")), well_formed(turn["message"]), number(turn.get("time_in_call_secs")))
            for position, turn in enumerate(transcript if isinstance(transcript, list) else ())
            if isinstance(turn, dict) and isinstance(turn.get("message"), str) and turn["message"].strip()
        ]

    def collected(self) -> Iterator[tuple[str, Any]]:
        """The data-collection results: raw id as the agent's author wrote it, and value of any type."""
        results = self.at("analysis", "data_collection_results")
        if isinstance(results, dict):
            for key, result in results.items():
                yield well_formed(key), _well_formed_value(result.get("value") if isinstance(result, dict) else result)


def _well_formed_value(value: Any) -> Any:
    match value:
        case str():
            return well_formed(value)
        case list():
            return [well_formed(item) if isinstance(item, str) else item for item in value]
    return value
