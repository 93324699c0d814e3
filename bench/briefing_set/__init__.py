"""Invented callers of six calls each, with ElevenLabs' analysis of each call, and what the next call's briefing needs.

Written by hand, before any code of the briefing: 40 callers, 13 languages, one JSON file per language (rare
ones in `others.json`). All people, companies and numbers are invented. A file is a list of

    {"caller": "de-1", "about": …, "next": "2026-06-02", "calls": [six calls], "must": […], "must_not": […],
     "variables": {…}}

- A call is `[day, said, got]`. `said` are the caller's sentences as speech recognition writes them, one per turn; those
  that begin with "A: " are the agent's. `got` are the values of data collection, by short names (`FIELDS`); a missing
  one is null.
- The values contain mistakes of models: a null for what was said, "None" and its kind as text, a value in another
  language, two facts in one, a wrong or invented one, another person's name, an old request repeated after it was
  settled, the first of two numbers where the caller corrected it.
- `next` is the day of the seventh call. `must`: what its briefing has to contain; `must_not`: what is false or outdated
  by then. Both are looked for in the profile summary and the variables together, ignoring case; "a|b" is either.
- `variables`: what `open_request` and `agent_promise` have to contain ("a|b": either), and what the others have to be.
  "" means empty; a variable that is not named is not judged.
- A caller who asked not to be remembered ("forget") must leave nothing in the briefing.

No rule can detect some mistakes, such as a plausible invention that nothing contradicts, so a full score is not
expected.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any, NamedTuple

FIELDS = {
    "first": "first_name",
    "last": "last_name",
    "company": "company",
    "language": "preferred_language",
    "profile": "caller_profile",
    "open": "open_request",
    "promise": "agent_promise",
    "resolved": "resolved_request",
    "mood": "mood",
    "forget": "do_not_remember",
}


class Caller(NamedTuple):
    """One caller: the transcription events of their calls, in order, and the checklist of the next call."""

    id: str
    number: str
    events: list[dict[str, Any]]
    next_at: datetime
    must: list[str]
    must_not: list[str]
    variables: dict[str, str]


def callers() -> Iterator[Caller]:
    """Yield all callers, in a fixed order; each has a number of the 555 exchange."""
    paths = sorted((path for path in files(__package__).iterdir() if path.name.endswith(".json")), key=lambda p: p.name)
    written = [one for path in paths for one in json.loads(path.read_text(encoding="utf-8"))]
    for position, one in enumerate(written):
        number = f"+1415555{100 + position:04}"
        events = [_event(one["caller"], number, index, call) for index, call in enumerate(one["calls"])]
        yield Caller(one["caller"], number, events, _at(one["next"]), one["must"], one["must_not"], one["variables"])


def _event(caller: str, number: str, index: int, call: list[Any]) -> dict[str, Any]:
    day, said, got = call
    # Calls of one day follow one another.
    started_at = int(_at(day).timestamp()) + 60 * index
    turns = [
        {"role": "agent" if line.startswith("A: ") else "user", "message": line.removeprefix("A: ")} for line in said
    ]
    results = {
        field: {"data_collection_id": field, "value": got.get(short), "rationale": ""}
        for short, field in FIELDS.items()
    }
    return {
        "type": "post_call_transcription",
        "event_timestamp": started_at + 90,
        "data": {
            "agent_id": "agent_briefing",
            "conversation_id": f"conv_{caller}_{index}",
            "status": "done",
            "transcript": [{**turn, "time_in_call_secs": 5 * second} for second, turn in enumerate(turns)],
            "metadata": {
                "start_time_unix_secs": started_at,
                "call_duration_secs": 60,
                "main_language": caller.partition("-")[0],
                "phone_call": {"direction": "inbound", "external_number": number, "agent_number": "+14155550199"},
            },
            "analysis": {"call_successful": "success", "data_collection_results": results},
            "conversation_initiation_client_data": {"dynamic_variables": {"system__caller_id": number}},
        },
    }


def _at(day: str) -> datetime:
    return datetime.fromisoformat(f"{day}T10:00:00").replace(tzinfo=UTC)
