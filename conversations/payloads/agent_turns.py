"""Reads what the agent did in its turns: which tools it used, and how long callers waited for its answers."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from conversations.payloads.turns import Turn
from conversations.payloads.values import dicts, is_true, seconds, text

# From the end of the caller's words to the agent's voice: recognition, the model's first sentence, the first sound.
_RECOGNITION = "convai_asr_trailing_service_latency"
_MODEL = "convai_llm_service_ttf_sentence", "convai_llm_service_ttfb"
_VOICE = "convai_tts_service_ttfb"


class Tools(NamedTuple):
    """Names of the tools that were used, and of those that failed at least once."""

    used: set[str]
    failed: set[str]


def tools_of(turns: Iterable[Turn]) -> Tools:
    tools, names = Tools(set(), set()), dict[str, str]()
    for turn in turns:
        for called in dicts(turn.raw.get("tool_calls")):
            if name := text(called.get("tool_name")).strip():
                names[request_of(called)] = name
                tools.used.add(name)
        for result in dicts(turn.raw.get("tool_results")):
            if name := text(result.get("tool_name")).strip() or names.get(request_of(result), ""):
                tools.used.add(name)
                if is_true(result.get("is_error")):
                    tools.failed.add(name)
    return tools


def request_of(tool: Mapping[str, Any]) -> str:
    """By what a tool's call and its result belong together: the request id, else the name of the tool."""
    return str(tool.get("request_id") or text(tool.get("tool_name")).strip())


def waits(turns: Iterable[Turn]) -> Iterator[float]:
    """The seconds that the caller waited for each answer, where the payload measures them."""
    recognised: float | None = None
    is_asked = False
    for turn in turns:
        if turn.role == "user":
            is_asked, recognised = True, elapsed(turn.raw, _RECOGNITION)
        elif is_asked and (model := elapsed(turn.raw, *_MODEL)) is not None:
            yield (recognised or 0) + model + (elapsed(turn.raw, _VOICE) or 0)
            is_asked = False


def elapsed(turn: Mapping[str, Any], *names: str) -> float | None:
    """The first of these metrics that the turn has, in seconds."""
    metrics = turn.get("conversation_turn_metrics")
    metrics = metrics.get("metrics") if isinstance(metrics, dict) else None
    if not isinstance(metrics, dict):
        return None
    found = (seconds(metric.get("elapsed_time")) for name in names if isinstance(metric := metrics.get(name), dict))
    return next((figure for figure in found if figure is not None), None)
