"""The sample payloads, and small changes to them."""

import copy
import json
import secrets
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent.parent / "data"


def raw_sample(name: str) -> bytes:
    return (DATA / "payloads" / f"{name}.json").read_bytes()


def sample(name: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(raw_sample(name))
    return value


def new_number() -> str:
    """A number nobody has: the range of the 555 exchange, widened so that tests do not meet."""
    return f"+1415{2000000 + secrets.randbelow(7999999)}"


def transcription(
    caller: str | None = "+14155550100",
    *says: str,
    conversation_id: str | None = None,
    facts: dict[str, Any] | None = None,
    started_at: int = 1_790_000_000,
    summary: str = "",
    **changes: Any,
) -> dict[str, Any]:
    """A transcription event; agent and caller take turns, the agent asking "Question n?". `changes` go into data."""
    conversation_id = conversation_id or f"conv_{secrets.token_hex(8)}"
    turns: list[dict[str, Any]] = []
    for number, sentence in enumerate(says):
        turns.append({"role": "agent", "message": f"Question {number}?", "time_in_call_secs": 2 * number})
        turns.append({"role": "user", "message": sentence, "time_in_call_secs": 2 * number + 1})
    data = {
        "agent_id": "agent_test",
        "conversation_id": conversation_id,
        "status": "done",
        "transcript": turns,
        "metadata": {
            "start_time_unix_secs": started_at,
            "call_duration_secs": 30,
            "phone_call": {"direction": "inbound", "external_number": caller, "agent_number": "+14155550199"},
        },
        "analysis": {
            "call_successful": "success",
            "transcript_summary": summary,
            "data_collection_results": {
                key: {"data_collection_id": key, "value": value} for key, value in (facts or {}).items()
            },
        },
        "conversation_initiation_client_data": {"dynamic_variables": {"system__caller_id": caller}},
    }
    return {"type": "post_call_transcription", "event_timestamp": started_at + 60, "data": merged(data, changes)}


def merged(value: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """The value with the changes laid over it, nested dictionaries key by key."""
    result = copy.deepcopy(value)
    for key, change in changes.items():
        nested = isinstance(change, dict) and isinstance(result.get(key), dict)
        result[key] = merged(result[key], change) if nested else change
    return result
