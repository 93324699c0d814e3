"""Tools and waits, from transcripts of any shape."""

from typing import Any

import pytest

from conversations.payloads.agent_turns import tools_of, waits
from conversations.payloads.turns import turns_of

USER: dict[str, Any] = {"role": "user", "message": "Yes."}


def agent(**elapsed: object) -> dict[str, Any]:
    names = {
        "llm": "convai_llm_service_ttf_sentence",
        "first": "convai_llm_service_ttfb",
        "voice": "convai_tts_service_ttfb",
    }
    metrics = {names[name]: {"elapsed_time": value} for name, value in elapsed.items()}
    return {"role": "agent", "message": "Well.", "conversation_turn_metrics": {"metrics": metrics}}


def user(recognised: float) -> dict[str, Any]:
    metrics = {"convai_asr_trailing_service_latency": {"elapsed_time": recognised}}
    return USER | {"conversation_turn_metrics": {"metrics": metrics}}


@pytest.mark.parametrize(
    ("transcript", "expected"),
    [
        ([agent(llm=9.0)], []),
        ([USER, agent(llm=0.5)], [0.5]),
        ([user(0.1), agent(llm=0.5, voice=0.2)], [0.8]),
        ([USER, agent(first=0.4, voice=0.1)], [0.5]),
        ([USER, agent(llm=0.5), agent(llm=7.0)], [0.5]),
        ([USER, agent(voice=0.1), agent(llm=0.5)], [0.5]),
        ([USER, agent(llm=0.5), USER, agent(llm=1.5)], [0.5, 1.5]),
        ([USER, agent(llm="soon")], []),
        ([USER, agent(llm=-1)], []),
        ([USER, {"role": "agent", "conversation_turn_metrics": {"metrics": []}}], []),
        ("nonsense", []),
    ],
)
def test_a_wait_is_from_the_callers_words_to_the_first_answer(transcript: object, expected: list[float]) -> None:
    assert list(waits(turns_of(transcript, mailbox=False))) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("turn", "used", "failed"),
    [
        ({"tool_calls": [{"tool_name": "a"}]}, {"a"}, set()),
        ({"tool_results": [{"tool_name": "a", "is_error": True}]}, {"a"}, {"a"}),
        (
            {
                "tool_calls": [{"tool_name": "a", "request_id": 1}, {"tool_name": "b", "request_id": 2}],
                "tool_results": [{"request_id": 2, "is_error": True}],
            },
            {"a", "b"},
            {"b"},
        ),
        ({"tool_calls": [{"tool_name": None}, {}, "x"], "tool_results": [{"is_error": True}]}, set(), set()),
        ({"tool_calls": None}, set(), set()),
    ],
)
def test_tools_are_named_by_their_calls_or_results(turn: dict[str, Any], used: set[str], failed: set[str]) -> None:
    assert tools_of(turns_of([{"role": "agent", **turn}], mailbox=False)) == (used, failed)
