"""Invented calls, sent to a server in the way ElevenLabs sends real ones: for trials, demonstrations and tests."""

import base64
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import httpx2
import orjson

from webhooks.signature import signed

_CHUNK = 2**15
# MPEG-1 layer III, 32 kbit/s, 44.1 kHz, mono: 104 bytes and 26 ms a frame. Zeros behind the header are silence.
_SILENT_FRAME = b"\xff\xfb\x10\xc4" + bytes(100)
_FRAMES_PER_SECOND = 38


class Script(NamedTuple):
    """The content of a call: its turns as (role, message), and ElevenLabs' analysis of them."""

    turns: Sequence[tuple[str, str]]
    facts: Mapping[str, str | None]
    summary: str
    title: str


def appointment(name: str) -> Script:
    """A call in which the caller moves an appointment and mentions the name of the dog."""
    first, _, last = name.partition(" ")
    return Script(
        turns=(
            ("agent", "Hello, this is the practice. How can I help you?"),
            ("user", f"Hi, this is {name}. I have to move my appointment on Thursday."),
            ("agent", "Of course. When would suit you?"),
            ("user", "Friday at nine would be fine."),
            ("agent", "Friday at nine it is. Is there anything else I should note?"),
            ("user", "Yes, my dog is called Biscuit, he comes along, and I am allergic to penicillin."),
            ("agent", f"Noted. Goodbye, {first}!"),
        ),
        facts={"First Name": first, "Last name": last or None, "preferred_time": "Friday 09:00", "Email": "None"},
        summary=f"{first} moved the appointment from Thursday to Friday at nine.",
        title="Appointment moved to Friday",
    )


@dataclass(frozen=True)
class SimulatedCall:
    """A call by `caller`, or to `caller` if it is outbound. Times are Unix times in seconds."""

    caller: str
    name: str = "Maya Okafor"
    agent_number: str = "+14155550199"
    agent_id: str = "agent_simulated"
    conversation_id: str = field(default_factory=lambda: f"conv_simulated_{secrets.token_hex(6)}")
    started_at: int = field(default_factory=lambda: int(time.time()) - 40)
    seconds: int = 34
    outbound: bool = False
    script: Script | None = None

    @property
    def ring(self) -> dict[str, str]:
        caller, called = self._ends
        return {
            "caller_id": caller,
            "agent_id": self.agent_id,
            "called_number": called,
            "call_sid": f"CA{self.conversation_id}",
        }

    def search(self, query: str) -> dict[str, str]:
        return {"query": query, "user_id": self.caller, "agent_id": self.agent_id}

    def transcription(self, **changes: Any) -> dict[str, Any]:
        """The transcription event; `changes` replace fields of its data."""
        script = self.script or appointment(self.name)
        caller, called = self._ends
        data: dict[str, Any] = {
            "status": "done",
            "user_id": None,
            "transcript": [
                {
                    "role": role,
                    "message": message,
                    "time_in_call_secs": 5 * position,
                    "tool_calls": [],
                    "tool_results": [],
                    "interrupted": False,
                }
                for position, (role, message) in enumerate(script.turns)
            ],
            "metadata": {
                "start_time_unix_secs": self.started_at,
                "call_duration_secs": self.seconds,
                "cost": 310,
                "phone_call": {
                    "direction": "outbound" if self.outbound else "inbound",
                    "agent_number": self.agent_number,
                    "external_number": self.caller,
                    "type": "twilio",
                },
                "termination_reason": "Call ended by remote party",
                "error": None,
                "main_language": "en",
                "timezone": None,
            },
            "analysis": {
                "evaluation_criteria_results": {},
                "data_collection_results": {
                    key: {
                        "data_collection_id": key,
                        "value": value,
                        "json_schema": {},
                        "rationale": "Stated by the caller.",
                    }
                    for key, value in script.facts.items()
                },
                "call_successful": "success",
                "transcript_summary": script.summary,
                "call_summary_title": script.title,
            },
            "conversation_initiation_client_data": {
                "dynamic_variables": {
                    "system__caller_id": caller,
                    "system__called_number": called,
                    "system__conversation_id": self.conversation_id,
                }
            },
        }
        return self._event("post_call_transcription", **data | changes)

    def failed_transcription(self) -> dict[str, Any]:
        """The transcription event of a call that ended at once because a dynamic variable was missing."""
        event = self.transcription(status="failed", transcript=[], analysis=None)
        event["data"]["metadata"] |= {
            "call_duration_secs": 0,
            "error": {"code": 1008, "reason": "Missing required dynamic variables in first message: {'first_name'}"},
            "termination_reason": "Missing required dynamic variables in first message: {'first_name'}",
        }
        return event

    def failure(self) -> dict[str, Any]:
        """The failure event of an outbound call to a busy line."""
        body = {"To": self.caller, "From": self.agent_number, "CallStatus": "busy"}
        metadata = {"type": "twilio", "body": body}
        return self._event("call_initiation_failure", failure_reason="busy", metadata=metadata)

    def audio(self) -> dict[str, Any]:
        return self._event("post_call_audio", full_audio=base64.b64encode(silence(self.seconds)).decode())

    @property
    def _ends(self) -> tuple[str, str]:
        return (self.agent_number, self.caller) if self.outbound else (self.caller, self.agent_number)

    def _event(self, event_type: str, **data: Any) -> dict[str, Any]:
        data |= {"agent_id": self.agent_id, "conversation_id": self.conversation_id}
        return {"type": event_type, "event_timestamp": self.started_at + self.seconds + 2, "data": data}


def silence(seconds: int) -> bytes:
    """A silent MP3."""
    return _SILENT_FRAME * (seconds * _FRAMES_PER_SECOND)


def deliver(client: httpx2.Client, event: dict[str, Any], secret: str) -> httpx2.Response:
    """POST an event to post-call, signed now. Audio is sent in chunks without Content-Length, as by ElevenLabs."""
    return deliver_body(client, orjson.dumps(event), secret, chunked=event["type"] == "post_call_audio")


def deliver_body(client: httpx2.Client, body: bytes, secret: str, *, chunked: bool = False) -> httpx2.Response:
    """POST a body to post-call, signed now."""
    headers = {
        "content-type": "application/json",
        "elevenlabs-signature": signed(body, secret, int(time.time())),
        "user-agent": "ElevenLabs/1.0",
    }
    content = _chunks(body) if chunked else body
    return client.post("/webhook/post-call", content=content, headers=headers)


def _chunks(body: bytes) -> Iterator[bytes]:
    for start in range(0, len(body), _CHUNK):
        yield body[start : start + _CHUNK]
