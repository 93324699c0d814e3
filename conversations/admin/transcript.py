"""The transcript as a page shows it: who said what and when, what was cut off, and the tools in their places."""

from collections.abc import Mapping
from typing import Any

import orjson

from conversations.payloads.transcription import Transcription
from conversations.payloads.values import well_formed

_LATENCIES = {
    "convai_asr_trailing_service_latency": "recognised in",
    "convai_llm_service_ttf_sentence": "model",
    "convai_tts_service_ttfb": "voice",
}


def turns(call: Transcription) -> list[dict[str, Any]]:
    """The turns in order; a tool's result stands with its call, not in a turn of its own."""
    transcript = call.at("transcript")
    shown: list[dict[str, Any]] = []
    calls: dict[str, dict[str, Any]] = {}
    for position, turn in enumerate(transcript if isinstance(transcript, list) else ()):
        if not isinstance(turn, dict):
            continue
        message, tools = _text(turn.get("message")), _tools(turn, calls)
        if message or tools:
            shown.append(
                {
                    "position": position,
                    "role": "caller"
                    if turn.get("role") == "user"
                    else "agent"
                    if turn.get("role") == "agent"
                    else "other",
                    "message": message,
                    "cut_off": _cut_off(turn, message),
                    "seconds": _seconds(turn.get("time_in_call_secs")),
                    "clock": clock(_seconds(turn.get("time_in_call_secs"))),
                    "tools": tools,
                    "latencies": _latencies(turn),
                }
            )
    return shown


def clock(seconds: float | None) -> str:
    """75 is 1:15."""
    return "" if seconds is None else f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def pretty(value: object) -> str:
    """JSON, also as text, spread over lines; other text as it is."""
    if isinstance(value, str):
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            return _text(value)
    try:
        return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
    except TypeError:
        return str(value)


def _tools(turn: Mapping[str, Any], calls: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """The turn's tool calls, and those results whose call is nowhere. `calls` gathers them by request."""
    tools = []
    for called in _dicts(turn.get("tool_calls")):
        details = called.get("tool_details")
        tool = {
            "name": _text(called.get("tool_name")) or "tool",
            "parameters": pretty(called.get("params_as_json") or (details or {}).get("body") or {}),
            "result": None,
            "failed": False,
            "latency": None,
        }
        calls[str(called.get("request_id"))] = tool
        tools.append(tool)
    for result in _dicts(turn.get("tool_results")):
        known = calls.get(str(result.get("request_id")))
        if known is None:
            known = {"name": _text(result.get("tool_name")) or "tool", "parameters": ""}
            tools.append(known)
        known["result"] = pretty(result.get("result_value"))
        known["failed"] = bool(result.get("is_error"))
        known["latency"] = _seconds(result.get("tool_latency_secs"))
    return tools


def _cut_off(turn: Mapping[str, Any], message: str) -> str:
    """What the agent would have said, had it not been interrupted."""
    original = _text(turn.get("original_message"))
    if not original or original == message:
        return ""
    return original.removeprefix(message).strip()


def _latencies(turn: Mapping[str, Any]) -> list[tuple[str, str]]:
    metrics = turn.get("conversation_turn_metrics")
    metrics = metrics.get("metrics") if isinstance(metrics, dict) else None
    if not isinstance(metrics, dict):
        return []
    found = []
    for name, label in _LATENCIES.items():
        metric = metrics.get(name)
        seconds = _seconds(metric.get("elapsed_time")) if isinstance(metric, dict) else None
        if seconds is not None:
            found.append((label, f"{seconds:.2f} s"))
    return found


def _dicts(value: object) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _text(value: object) -> str:
    return well_formed(value).strip() if isinstance(value, str) else ""


def _seconds(value: object) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 2**31 else None
