"""An invented call, told to a server as ElevenLabs tells a real one: for newcomers, demonstrations and tests."""

import base64
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx2
import orjson

from webhooks.signature import signed

_CHUNK = 2**15
# MPEG-1 layer III, 32 kbit/s, 44.1 kHz, mono: 104 bytes and 26 ms a frame. Zeros behind the header are silence.
_SILENT_FRAME = b"\xff\xfb\x10\xc4" + bytes(100)
_FRAMES_PER_SECOND = 38


@dataclass(frozen=True)
class SimulatedCall:
    """A caller who moves an appointment and tells what the dog is called. Numbers and names are invented."""

    caller: str
    name: str = "Maya Okafor"
    agent_number: str = "+14155550199"
    agent_id: str = "agent_simulated"
    conversation_id: str = field(default_factory=lambda: f"conv_simulated_{secrets.token_hex(6)}")
    started_at: int = field(default_factory=lambda: int(time.time()) - 40)
    seconds: int = 34

    @property
    def ring(self) -> dict[str, str]:
        return {
            "caller_id": self.caller,
            "agent_id": self.agent_id,
            "called_number": self.agent_number,
            "call_sid": f"CA{self.conversation_id}",
        }

    def search(self, query: str) -> dict[str, str]:
        return {"query": query, "user_id": self.caller, "agent_id": self.agent_id}

    def transcription(self) -> dict[str, Any]:
        first, _, last = self.name.partition(" ")
        turns = (
            ("agent", "Hello, this is the practice. How can I help you?"),
            ("user", f"Hi, this is {self.name}. I have to move my appointment on Thursday."),
            ("agent", "Of course. When would suit you?"),
            ("user", "Friday at nine would be fine."),
            ("agent", "Friday at nine it is. Is there anything else I should note?"),
            ("user", "Yes, my dog is called Biscuit, he comes along, and I am allergic to penicillin."),
            ("agent", f"Noted. Goodbye, {first}!"),
        )
        facts = {"First Name": first, "Last name": last or None, "preferred_time": "Friday 09:00", "Email": "None"}
        return self._event(
            "post_call_transcription",
            status="done",
            user_id=None,
            transcript=[
                {
                    "role": role,
                    "message": message,
                    "time_in_call_secs": 5 * position,
                    "tool_calls": [],
                    "tool_results": [],
                    "interrupted": False,
                }
                for position, (role, message) in enumerate(turns)
            ],
            metadata={
                "start_time_unix_secs": self.started_at,
                "call_duration_secs": self.seconds,
                "cost": 310,
                "phone_call": {
                    "direction": "inbound",
                    "agent_number": self.agent_number,
                    "external_number": self.caller,
                    "type": "twilio",
                },
                "termination_reason": "Call ended by remote party",
                "error": None,
                "main_language": "en",
                "timezone": None,
            },
            analysis={
                "evaluation_criteria_results": {},
                "data_collection_results": {
                    key: {
                        "data_collection_id": key,
                        "value": value,
                        "json_schema": {},
                        "rationale": "Stated by the caller.",
                    }
                    for key, value in facts.items()
                },
                "call_successful": "success",
                "transcript_summary": f"{first} moved the appointment from Thursday to Friday at nine.",
                "call_summary_title": "Appointment moved to Friday",
            },
            conversation_initiation_client_data={
                "dynamic_variables": {
                    "system__caller_id": self.caller,
                    "system__called_number": self.agent_number,
                    "system__conversation_id": self.conversation_id,
                }
            },
        )

    def audio(self) -> dict[str, Any]:
        return self._event("post_call_audio", full_audio=base64.b64encode(silence(self.seconds)).decode())

    def _event(self, event_type: str, **data: Any) -> dict[str, Any]:
        data |= {"agent_id": self.agent_id, "conversation_id": self.conversation_id}
        return {"type": event_type, "event_timestamp": self.started_at + self.seconds + 2, "data": data}


def silence(seconds: int) -> bytes:
    """An MP3 in which nothing is heard."""
    return _SILENT_FRAME * (seconds * _FRAMES_PER_SECOND)


def deliver(client: httpx2.Client, event: dict[str, Any], secret: str) -> httpx2.Response:
    """POST a signed event to post-call; audio in chunks and without Content-Length, as ElevenLabs sends it."""
    body = orjson.dumps(event)
    headers = {
        "content-type": "application/json",
        "elevenlabs-signature": signed(body, secret, int(time.time())),
        "user-agent": "ElevenLabs/1.0",
    }
    content = _chunks(body) if event["type"] == "post_call_audio" else body
    return client.post("/webhook/post-call", content=content, headers=headers)


def _chunks(body: bytes) -> Iterator[bytes]:
    for start in range(0, len(body), _CHUNK):
        yield body[start : start + _CHUNK]
