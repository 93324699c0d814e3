"""Lenient reading of a `call_initiation_failure`, the event of a call that never connected."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.utils.translation import gettext, gettext_noop

from conversations.payloads.values import event_seconds, text
from elmemory.memory.identity import other_party

_REASONS = {
    "busy": gettext_noop("the line was busy"),
    "no-answer": gettext_noop("nobody answered"),
    "unknown": gettext_noop("the provider gave no reason"),
}
_NEVER = gettext_noop("Never connected: ")
_DETAILS = " (SIP "


def in_language(text: str) -> str:
    """A title or an explanation of a failure, translated. They are stored in English."""
    words, separator, details = text.removeprefix(_NEVER).partition(_DETAILS)
    never = gettext(_NEVER) if text.startswith(_NEVER) else ""
    return f"{never}{gettext(words)}{separator}{details}" if never or words in _REASONS.values() else text


@dataclass(frozen=True)
class Failure:
    """A `call_initiation_failure` event. Names of its details differ by provider: `To` (Twilio), `to_number` (SIP)."""

    event: Mapping[str, Any]

    @property
    def data(self) -> Mapping[str, Any]:
        data = self.event.get("data")
        return data if isinstance(data, dict) else {}

    @property
    def details(self) -> Mapping[str, Any]:
        metadata = self.data.get("metadata")
        body = metadata.get("body") if isinstance(metadata, dict) else None
        return body if isinstance(body, dict) else {}

    @property
    def agent_id(self) -> str:
        return text(self.data.get("agent_id"))

    @property
    def reason(self) -> str:
        return _text(self.data.get("failure_reason")) or "unknown"

    @property
    def caller(self) -> str | None:
        details = self.details
        return other_party(
            details.get("to_number") or details.get("To"), details.get("from_number") or details.get("From")
        )

    @property
    def in_plain_words(self) -> str:
        words = _REASONS.get(self.reason, self.reason)
        details = self.details
        code = _text(str(details.get("sip_status_code") or details.get("SipResponseCode") or ""))
        said = _text(details.get("error_reason") or details.get("CallStatus"))
        return f"{words}{_DETAILS}{code}{', ' + said if said else ''})" if code else words

    @property
    def title(self) -> str:
        return f"{_NEVER}{self.in_plain_words}"

    def at(self, otherwise: datetime) -> datetime:
        stated = event_seconds(self.event)
        return datetime.fromtimestamp(stated, UTC) if stated else otherwise


def _text(value: object) -> str:
    return text(value).replace("\x00", "")[:200]
