import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.memories.remember import memories_of
from conversations.payloads.transcription import Transcription
from elmemory.memory import kinds
from tests.harness.samples import raw_sample, sample, transcription

ARRIVAL = datetime(2026, 11, 1, 12, tzinfo=UTC)


def read(event: dict[str, Any]) -> Transcription:
    return Transcription.read(json.dumps(event).encode())


def contents(event: dict[str, Any], kind: str) -> list[str]:
    return [memory.content for memory in memories_of(read(event), ARRIVAL) if memory.kind == kind]


def test_a_returning_callers_transcription_is_read() -> None:
    call = Transcription.read(raw_sample("transcription_returning_caller"))
    assert call.caller == "+14155550100"
    assert call.conversation_id == "conv_example_returning"
    assert call.started_at(ARRIVAL) == datetime.fromtimestamp(1791358253, UTC)
    assert call.timezone == "America/Chicago"
    assert call.duration_seconds == 37
    assert call.title == "Appointment moved to Friday"
    assert call.successful == "success"


def test_what_a_returning_caller_leaves_is_facts_sentences_and_the_call() -> None:
    event = sample("transcription_returning_caller")
    assert contents(event, kinds.FACT) == [
        "First name: Maya",
        "Last name: Okafor",
        "Email: maya@example.com",
        "Preferred time: Friday 09:00",
    ]
    assert contents(event, kinds.MESSAGE) == [
        "Hi, yeah, I wanted to move my Thursday appointment, and what did I tell you my dog is called?",
        "Friday at nine, and please send the confirmation to my new address, maya@example.com.",
        "Great, thanks. Oh, and I moved to Duluth last month.",
    ]
    (call,) = contents(event, kinds.CALL)
    assert call == f"Call on 7 October 2026 (success): {event['data']['analysis']['transcript_summary']}"


def test_fields_that_models_fill_with_none_are_no_facts() -> None:
    assert contents(sample("transcription_new_caller"), kinds.FACT) == [
        "First name: José Ángel",
        "Last name: O'Brien-Núñez",
        "Address: 12 Example Road, Springfield",
    ]


def test_a_failed_call_leaves_only_the_call() -> None:
    event = sample("transcription_failed_1008")
    (memory,) = memories_of(read(event), ARRIVAL)
    assert memory.content == ("Call on 13 October 2026 (failed): The call ended before any conversation took place.")
    assert memory.metadata["spoke"] is False


def test_a_web_call_has_no_caller() -> None:
    assert Transcription.read(raw_sample("transcription_web_call_without_phone")).caller is None


def test_a_sentence_is_kept_whole_with_what_the_agent_said_just_before() -> None:
    messages = [m for m in memories_of(read(sample("transcription_new_caller")), ARRIVAL) if m.kind == kinds.MESSAGE]
    assert [(message.metadata["asked"], message.metadata["position"]) for message in messages] == [
        ("Hello! What is your name?", 1),
        ("Thank you. What can I do for you?", 3),
        ("Thank you. What can I do for you?", 4),
    ]
    assert messages[2].content.endswith("would like to hear back this week.")


def test_a_sentence_said_twice_is_remembered_twice() -> None:
    event = transcription("+14155550100", "Yes.", "Yes.")
    keys = {memory.key for memory in memories_of(read(event), ARRIVAL) if memory.kind == kinds.MESSAGE}
    assert len(keys) == 2


def test_each_memory_says_where_it_comes_from() -> None:
    event = transcription("+14155550100", "Yes.", conversation_id="conv_1", facts={"city": "Duluth"})
    for memory in memories_of(read(event), ARRIVAL):
        assert memory.metadata["conversation_id"] == "conv_1"
        assert memory.metadata["agent_id"] == "agent_test"
        assert memory.metadata["called_at"] == "2026-09-21T14:13:20+00:00"


@pytest.mark.parametrize(
    ("start", "event_timestamp", "expected"),
    [
        (1_790_000_000, 1_790_000_060, datetime.fromtimestamp(1_790_000_000, UTC)),
        ("1790000000", 1_790_000_060, datetime.fromtimestamp(1_790_000_000, UTC)),
        (None, 1_790_000_060, datetime.fromtimestamp(1_790_000_060, UTC)),
        ({}, "soon", ARRIVAL),
        (-5, 10**18, ARRIVAL),
        (float("nan"), True, ARRIVAL),
    ],
)
def test_the_start_of_a_call(start: object, event_timestamp: object, expected: datetime) -> None:
    event = transcription(metadata={"start_time_unix_secs": start}) | {"event_timestamp": event_timestamp}
    assert read(event).started_at(ARRIVAL) == expected


def test_an_outbound_call_belongs_to_the_customer() -> None:
    event = transcription(
        None,
        metadata={"phone_call": {"direction": "outbound", "external_number": "+14155550105"}},
        conversation_initiation_client_data={"dynamic_variables": {"system__caller_id": "+14155550199"}},
    )
    assert read(event).caller == "+14155550105"


def test_a_call_without_phone_data_belongs_to_the_caller_id() -> None:
    event = transcription("+14155550100", metadata={"phone_call": None})
    assert read(event).caller == "+14155550100"


def test_one_broken_turn_costs_that_turn_only() -> None:
    event = transcription("+14155550100", "One.", "Two.", "Three.")
    turns = event["data"]["transcript"]
    turns[3] = {"role": "user", "message": {"text": "Two."}}
    turns[2:2] = [None, 7, [], "text", {}, {"role": "user"}, {"message": "Whose?"}, {"role": None, "message": "x"}]
    assert contents(event, kinds.MESSAGE) == ["One.", "Three."]


@pytest.mark.parametrize(
    "results", [None, [], "text", 7, {"a": None, "b": [], "c": {"value": {"nested": 1}}, "": {"value": "x"}}]
)
def test_results_of_another_shape_are_no_facts(results: object) -> None:
    event = transcription("+14155550100")
    event["data"]["analysis"]["data_collection_results"] = results
    assert contents(event, kinds.FACT) == []


@pytest.mark.parametrize("depth", [50, 900, 5000])
def test_a_value_of_bottomless_lists_costs_that_value_only(depth: int) -> None:
    event = transcription("+14155550100", "Hi.", facts={"deep": "@", "city": "Duluth"})
    raw = json.dumps(event).replace('"@"', "[" * depth + '"x"' + "]" * depth).encode()
    memories = list(memories_of(Transcription.read(raw), ARRIVAL))
    assert [memory.content for memory in memories if memory.kind == kinds.FACT] == ["City: Duluth"]


def test_a_lone_surrogate_does_no_harm() -> None:
    raw = json.dumps(transcription("+14155550100", "Half \ud83d a smile.", facts={"x\ud800": "y\udc00"})).encode()
    memories = list(memories_of(Transcription.read(raw), ARRIVAL))
    for memory in memories:
        memory.content.encode()
    assert memories[1].content == "Half \ufffd a smile."


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.data())
def test_whatever_stands_in_its_fields_a_call_can_be_read(data: st.DataObject) -> None:
    event = sample("transcription_returning_caller")
    place = event["data"]
    for _ in range(data.draw(st.integers(0, 4))):
        key = data.draw(st.sampled_from(sorted(place)))
        if not isinstance(place[key], dict) or not place[key] or data.draw(st.booleans()):
            place[key] = data.draw(JSON)
            break
        place = place[key]
    raw = json.dumps(event).encode("utf-8", "surrogatepass")
    call = Transcription.read(raw)
    assert call.caller in (None, "+14155550100") or call.caller.startswith("+")
    for memory in memories_of(call, ARRIVAL):
        memory.content.encode()


@pytest.mark.parametrize(
    "missing",
    [
        "Summary couldn't be generated for this call.",
        "A summary could not be created",
        "No summary available.",
        "Unable to generate summary due to an empty transcript.",
        "N/A",
        "null",
    ],
)
def test_a_sentence_in_place_of_a_summary_is_none(missing: str) -> None:
    assert read(transcription("+14155550100", "Hello.", summary=missing)).summary == ""


@pytest.mark.parametrize(
    "summary",
    [
        "No summary of the contract was sent to Maya.",
        "The summary was not sent to the customer.",
        "No summary was needed; Maya booked a table.",
        "The summary of the invoice was sent to Maya.",
        "The caller did not mention a date and asked to be called back.",
        "No.",
    ],
)
def test_a_summary_that_denies_something_stays(summary: str) -> None:
    assert read(transcription("+14155550100", "Hello.", summary=summary)).summary == summary
