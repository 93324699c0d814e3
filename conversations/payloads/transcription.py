"""Lenient reading of a stored transcription.

ElevenLabs' payloads differ from their documentation and from one another. A field of the wrong type counts as missing;
the rest of the call is still read.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Literal

from conversations.payloads.agent_turns import Tools, tools_of, waits
from conversations.payloads.analysis import Collected, CollectedItem, Criterion, collected_in, criteria_in, texts_of
from conversations.payloads.contact import Channel, Contact, contact_of
from conversations.payloads.opt_out import asks_for_opt_out
from conversations.payloads.outline import NotReadable, parse
from conversations.payloads.turns import Turn, mailbox_answered, turns_of
from conversations.payloads.values import call_seconds, event_seconds, is_true, number, text, unix_seconds
from elmemory.memory.card import Card
from elmemory.memory.nothing import says_nothing
from elmemory.memory.values import usable_value

_MOST_CREDITS = 2**31
_DELETIONS = (
    ("payload", "delete_transcript_and_pii", "deleted_transcript_at_time_unix_secs"),
    ("audio", "delete_audio", "deleted_audio_at_time_unix_secs"),
)
# What ElevenLabs and models write if there is no summary.
_NO_SUMMARY = re.compile(
    r"(?:the |an? )?summary (?:could not|couldn't|couldn’t|cannot|can't|was not|is not|not) (?:be )?(?:yet )?"
    r"(?:generated|created|produced|made|available|possible)\b[^.,;:]*\.?"
    r"|no summary(?: (?:is|was|could be|can be))?"
    r"(?: (?:available|generated|created|produced|provided|possible)\b[^.,;:]*)?\.?"
    r"|(?:failed|unable) to (?:generate|create|produce) (?:an? |the )?summary[^.,;:]*\.?",
    re.IGNORECASE,
)
_LONGEST_MARK = 20
_VARIABLES = "conversation_initiation_client_data", "dynamic_variables"


@dataclass(frozen=True)
class Transcription:
    """A `post_call_transcription` event."""

    event: Mapping[str, Any]

    @classmethod
    def read(cls, raw: bytes) -> "Transcription":
        """The transcription in these bytes. Raises NotReadable if they are not an event."""
        event = parse(raw)
        if not isinstance(event, dict) or not isinstance(event.get("data"), dict):
            raise NotReadable("not an event")
        return cls(event)

    def at(self, *path: str) -> Any:
        """The value at this path in `data`; None if there is none."""
        value: Any = self.event.get("data")
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        return value

    def text(self, *path: str) -> str:
        return text(self.at(*path))

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
        """The evaluation of the call: success, failure or unknown; empty if the payload has none."""
        return self.text("analysis", "call_successful").strip().casefold()

    @property
    def summary(self) -> str:
        summary = self.text("analysis", "transcript_summary").strip()
        says_so = len(summary) <= _LONGEST_MARK and says_nothing(summary)
        return "" if says_so or _NO_SUMMARY.fullmatch(summary) else summary

    @property
    def title(self) -> str:
        return self.text("analysis", "call_summary_title").strip()

    @property
    def timezone(self) -> str:
        return self.text("metadata", "timezone")

    @property
    def agent_language(self) -> str:
        """The language that was set for the agent in this call; empty if the agent spoke its own."""
        return self.text("conversation_initiation_client_data", "conversation_config_override", "agent", "language")

    @property
    def duration_seconds(self) -> int | None:
        return call_seconds(self.at("metadata", "call_duration_secs"))

    @property
    def cost(self) -> int | None:
        """The cost in ElevenLabs' credits."""
        value = number(self.at("metadata", "cost"))
        return int(value) if value is not None and abs(value) < _MOST_CREDITS else None

    @property
    def cost_in_dollars(self) -> float | None:
        value = number(self.at("metadata", "cost_fiat"))
        return value if value is not None and 0 <= value < _MOST_CREDITS else None

    @property
    def language(self) -> str:
        """The main language as the payload writes it: "en", "pt-BR"."""
        return self.text("metadata", "main_language").strip()

    @property
    def termination_reason(self) -> str:
        return self.text("metadata", "termination_reason")

    @property
    def metadata(self) -> dict[str, Any]:
        value = self.at("metadata")
        return value if isinstance(value, dict) else {}

    @property
    def deletion_due(self) -> dict[str, int]:
        """When ElevenLabs deletes, or deleted, the "payload" and the "audio", in seconds since 1970; what it keeps is
        left out.
        """
        asked = self.at("metadata", "deletion_settings")
        asked = asked if isinstance(asked, dict) else {}
        due = {}
        for kind, flag, done in _DELETIONS:
            times = [asked.get(done), asked.get("deletion_time_unix_secs") if is_true(asked.get(flag)) else None]
            if stated := [moment for moment in map(unix_seconds, times) if moment]:
                due[kind] = int(min(stated))
        return due

    @property
    def variables(self) -> dict[str, Any]:
        """The dynamic variables of the call: ElevenLabs' own (`system__…`) and those sent at the ring."""
        value = self.at(*_VARIABLES)
        return value if isinstance(value, dict) else {}

    @property
    def recall(self) -> Literal["memory", "neutral", ""]:
        """How the ring was answered; empty if the payload holds no variables of ours."""
        returning, summary = self.variables.get("returning_caller"), self.variables.get("user_profile_summary")
        if returning is None and summary is None:
            return ""
        return "memory" if returning == "yes" or (returning is None and summary) else "neutral"

    @cached_property
    def caller_name(self) -> str:
        """The name that the call collected, else the one sent at the ring."""
        facts = {} if self.reached_mailbox else {item.field: text for item, text, _ in self.collected_texts() if text}
        return Card(facts=facts).full_name or usable_value(self.text(*_VARIABLES, "user_name"), "name") or ""

    @cached_property
    def contact(self) -> Contact:
        source = self.text("metadata", "conversation_initiation_source") or self.text(
            "conversation_initiation_client_data", "source_info", "source"
        )
        caller_id, called_number = (self.variables.get(f"system__{name}") for name in ("caller_id", "called_number"))
        return contact_of(self.metadata, source, caller_id, called_number)

    @property
    def channel(self) -> Channel:
        return self.contact.channel

    @property
    def outbound(self) -> bool:
        return self.contact.outbound

    @property
    def caller(self) -> str | None:
        """The caller key of the customer; None for strangers."""
        return self.contact.caller

    @cached_property
    def reached_mailbox(self) -> bool:
        """Whether a mailbox answered in place of the customer."""
        return mailbox_answered(self.at("transcript"), self.metadata, self.termination_reason)

    def started_at(self, arrived_at: datetime) -> datetime:
        """The start of the call in UTC; without it, the time of the event, else of its arrival."""
        stated = unix_seconds(self.at("metadata", "start_time_unix_secs")) or event_seconds(self.event)
        return datetime.fromtimestamp(stated, UTC) if stated else arrived_at

    @cached_property
    def all_turns(self) -> list[Turn]:
        """All turns, also those without words: tools, files and events."""
        return turns_of(self.at("transcript"), mailbox=self.reached_mailbox)

    @cached_property
    def turns(self) -> list[Turn]:
        """The turns with words or keypad digits."""
        return [turn for turn in self.all_turns if turn.is_said]

    @property
    def tools(self) -> Tools:
        return tools_of(self.all_turns)

    @cached_property
    def waits(self) -> list[float]:
        """The seconds that the caller waited for each answer of the agent, where the payload measures them."""
        return list(waits(self.all_turns))

    def collected(self) -> list[CollectedItem]:
        """The results of data collection, without repetitions."""
        return collected_in(self.at("analysis"))

    def collected_texts(self) -> list[Collected]:
        """The results of data collection with their values as text."""
        return texts_of(self.collected(), [turn.message for turn in self.turns if turn.is_of_caller])

    @property
    def asks_for_opt_out(self) -> bool:
        """Whether the agent collected that the caller does not want to be remembered (OPT_OUT_FIELD)."""
        return not self.reached_mailbox and asks_for_opt_out(self.at("analysis"))

    def criteria(self) -> list[Criterion]:
        return criteria_in(self.at("analysis"))
