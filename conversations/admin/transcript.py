"""Prepares the transcript for a page: speakers, times, interruptions and tool calls."""

from collections.abc import Mapping
from typing import Any

import orjson
from django.utils.formats import number_format
from django.utils.translation import gettext_lazy

from conversations.admin.masking import MASK
from conversations.payloads.agent_turns import elapsed, request_of
from conversations.payloads.transcription import Transcription
from conversations.payloads.turns import Turn
from conversations.payloads.values import dicts, is_true, text
from conversations.payloads.values import seconds as seconds_of

_LATENCIES = {
    "convai_asr_trailing_service_latency": gettext_lazy("recognised in"),
    "convai_llm_service_ttf_sentence": gettext_lazy("model"),
    "convai_tts_service_ttfb": gettext_lazy("voice"),
}


def turns(call: Transcription, *, reveal: bool) -> list[dict[str, Any]]:
    """The turns in order, tool results with their calls. Without `reveal`, pressed keys are masked."""
    calls: dict[str, dict[str, Any]] = {}
    shown = [_shown(turn, _tools(turn.raw, calls), call.agent_id, reveal=reveal) for turn in call.all_turns]
    # A turn is shown if it has any of these.
    contents = ("message", "tools", "parts", "files", "guardrails", "badge")
    return [turn for turn in shown if any(turn[name] for name in contents)]


def _shown(turn: Turn, tools: list[dict[str, Any]], agent_id: str, *, reveal: bool) -> dict[str, Any]:
    message, is_masked = turn.message.strip(), turn.kind == "keypad" and not reveal
    return {
        "position": turn.position,
        "role": {"user": "caller", "agent": "agent"}.get(turn.role, "other"),
        "badge": "" if turn.kind == "said" else turn.kind,
        "message": MASK if message and is_masked else message,
        "cut_off": "" if is_masked else _cut_off(turn.raw, message),
        "seconds": turn.seconds,
        "clock": clock(turn.seconds),
        "parts": [{"voice": part.voice, "text": part.text} for part in turn.parts],
        "files": [{"name": file.name, "type": file.type} for file in turn.files],
        "speaker": text(turn.raw.get("user_identifier")).strip(),
        "agent": _other_agent(turn, agent_id),
        "guardrails": [
            text(one.get("guardrail_name")).strip() or text(one.get("guardrail_type")).strip() or "guardrail"
            for one in dicts(turn.raw.get("triggered_guardrails"))
        ],
        "tools": tools,
        "latencies": _latencies(turn.raw),
    }


def _other_agent(turn: Turn, agent_id: str) -> str:
    """The id of the agent that spoke after a transfer; empty for the call's own agent."""
    metadata = turn.raw.get("agent_metadata")
    speaking = text(metadata.get("agent_id")).strip() if isinstance(metadata, dict) else ""
    return speaking if turn.role == "agent" and speaking != agent_id else ""


def clock(seconds: float | None) -> str:
    """The time as a clock shows it: 75 as 1:15, and 10,000 as 2:46:40."""
    if seconds is None:
        return ""
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


def pretty(value: object) -> str:
    """A value or JSON text as indented JSON; other text unchanged."""
    if isinstance(value, str):
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            return text(value).strip()
    try:
        return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
    except TypeError:
        return str(value)


def _tools(turn: Mapping[str, Any], calls: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """The turn's tool calls, and results without a call. `calls` collects all calls by request id."""
    tools = []
    for called in dicts(turn.get("tool_calls")):
        details = called.get("tool_details")
        body = details.get("body") if isinstance(details, dict) else None
        tool = {
            "name": text(called.get("tool_name")).strip() or "tool",
            "parameters": pretty(called.get("params_as_json") or body or {}),
            "result": None,
            "failed": False,
            "latency": None,
        }
        calls[request_of(called)] = tool
        tools.append(tool)
    for result in dicts(turn.get("tool_results")):
        known = calls.get(request_of(result))
        if known is None:
            known = {"name": text(result.get("tool_name")).strip() or "tool", "parameters": ""}
            tools.append(known)
        value = result.get("result_value")
        known["result"] = pretty(result.get("result") if value is None else value)
        known["failed"] = is_true(result.get("is_error"))
        known["latency"] = seconds_of(result.get("tool_latency_secs"))
    return tools


def _cut_off(turn: Mapping[str, Any], message: str) -> str:
    """The words that the agent did not say because it was interrupted."""
    original = text(turn.get("original_message")).strip()
    if not original or original == message:
        return ""
    return original.removeprefix(message).strip()


def _latencies(turn: Mapping[str, Any]) -> list[tuple[str, str]]:
    found = [(str(label), elapsed(turn, name)) for name, label in _LATENCIES.items()]
    return [(label, f"{number_format(f'{seconds:.2f}')} s") for label, seconds in found if seconds is not None]
