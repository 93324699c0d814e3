"""An invented month of a dental practice's calls, for browser tests and screenshots."""

import random
import time
from typing import Any

from tests.harness.samples import sample
from tests.harness.server import Server
from webhooks.simulator.call import SimulatedCall, deliver

DAY = 86_400
MAYA = "+14155550100"
AGENT, AGENT_NAME = "agent_practice_front_desk", "Front desk"
_PEOPLE = (
    ("+14155550101", "José Ángel Núñez", "Reported nitrate in the well water", "success"),
    ("+14155550102", "Priya Raman", "Asked for the opening hours on Saturday", "success"),
    ("+4930123456", "Jonas Weber", "Cancelled the cleaning on Monday", "success"),
    ("+14155550107", "", "Hung up while the agent was speaking", "failure"),
    ("+442079460000", "Aoife O’Brien", "Wanted a copy of an invoice from March", "success"),
    ("+14155550109", "Daniel Okonkwo", "Toothache, given an emergency slot today", "success"),
    ("+14155550110", "Mei-Ling Chen", "Asked whether the practice takes her insurance", "unknown"),
    ("+33142685300", "Élodie Martin", "New patient, first appointment on the 3rd", "success"),
)


def play(server: Server, days: int = 28, seed: int = 6) -> None:
    """Deliver the month: known and unknown callers, a web call, a failed one and calls that never connected."""
    chance = random.Random(seed)
    today = int(time.time()) // DAY * DAY
    for back in range(days, -1, -1):
        for _ in range(chance.choice((1, 2, 2, 3, 4))):
            number, name, title, success = chance.choice(_PEOPLE)
            started = today - back * DAY + chance.randrange(8 * 3600, 17 * 3600)
            if started < time.time():
                _deliver(server, _call(chance, number, name, title, success, started))
    for nth, (days_ago, title) in enumerate(_MAYAS):
        _deliver(server, mayas_call(nth, today - days_ago * DAY + 9 * 3600, title))
    returning = shifted("transcription_returning_caller", today - DAY + 15 * 3600)
    returning["data"]["conversation_initiation_client_data"]["dynamic_variables"] |= {
        "user_profile_summary": "The caller is Maya Okafor. They have called 3 times. Preferred time: Thursday 10:00.",
        "returning_caller": "yes",
        "call_count": "3",
        "open_request": "",
        "agent_promise": "",
        "preferred_language": "",
    }
    _deliver(server, returning)
    recording = SimulatedCall(MAYA, conversation_id="conv_example_returning", seconds=37, started_at=int(time.time()))
    deliver(server.client, recording.audio(), "post-call-secret")
    for name in (
        "transcription_failed_1008",
        "transcription_web_call_without_phone",
        "call_initiation_failure_sip",
        "call_initiation_failure_twilio",
    ):
        server.post_call(shifted(name, today - 2 * DAY + 11 * 3600))


_MAYAS = (
    (24, "New patient, booked a cleaning"),
    (17, "Moved the cleaning to Thursday"),
    (9, "Asked about whitening"),
)


def mayas_call(number: int, started: int, title: str) -> SimulatedCall:
    return _CallAbout(
        MAYA, agent_id=AGENT, conversation_id=f"conv_maya_{number}", started_at=started, seconds=34 + number
    ).about(title, "success")


def shifted(name: str, started: int) -> dict[str, Any]:
    """A sample payload, as if it had happened then."""
    event = sample(name)
    event["event_timestamp"] = started + 60
    event["data"]["agent_id"] = AGENT
    if "transcript" in event["data"]:
        event["data"]["agent_name"] = AGENT_NAME
    for turn in event["data"].get("transcript") or ():
        if turn.get("agent_metadata"):
            turn["agent_metadata"]["agent_id"] = AGENT
    if metadata := event["data"].get("metadata"):
        metadata["start_time_unix_secs"] = started
    return event


def _call(chance: random.Random, number: str, name: str, title: str, success: str, started: int) -> SimulatedCall:
    return _CallAbout(number, name, agent_id=AGENT, started_at=started, seconds=chance.randrange(20, 400)).about(
        title, success
    )


def _deliver(server: Server, call: SimulatedCall | dict[str, Any]) -> None:
    """Ring, then deliver the call with the variables of the ring's answer."""
    event = call if isinstance(call, dict) else call.transcription()
    if isinstance(call, SimulatedCall):
        answer = server.ring(call.caller)
        event["data"]["conversation_initiation_client_data"]["dynamic_variables"] |= answer["dynamic_variables"]
        event["data"]["conversation_initiation_client_data"]["conversation_config_override"] = answer[
            "conversation_config_override"
        ]
    server.deliver(event)
    if isinstance(call, SimulatedCall):
        deliver(server.client, call.audio(), "post-call-secret")


class _CallAbout(SimulatedCall):
    """A simulated call about something else."""

    def about(self, title: str, success: str) -> "_CallAbout":
        object.__setattr__(self, "_said", (title, success))
        return self

    def transcription(self, **changes: Any) -> dict[str, Any]:
        event = super().transcription(**changes)
        title, success = self.__dict__["_said"]
        event["data"]["agent_name"] = AGENT_NAME
        event["data"]["analysis"] |= {
            "call_summary_title": title,
            "transcript_summary": f"{self.name or 'The caller'}: {title[:1].lower()}{title[1:]}.",
            "call_successful": success,
        }
        return event
