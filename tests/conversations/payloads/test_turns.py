"""Only what the caller said or wrote is a memory: keys, events, files and mailboxes are not."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from conversations.memories.remember import memories_of
from conversations.payloads.transcription import Transcription
from elmemory.memory import kinds
from tests.harness.cases import case
from tests.harness.samples import transcription

ARRIVAL = datetime(2026, 11, 1, 12, tzinfo=UTC)


def read(event: dict[str, Any]) -> Transcription:
    return Transcription.read(json.dumps(event).encode())


def memories(event: dict[str, Any], kind: str) -> list[kinds.NewMemory]:
    return [memory for memory in memories_of(read(event), ARRIVAL) if memory.kind == kind]


def said(event: dict[str, Any]) -> list[str]:
    return [memory.content for memory in memories(event, kinds.MESSAGE)]


def with_turn(**turn: Any) -> dict[str, Any]:
    """A call in which the caller says "Hello.", and then this turn comes."""
    event = transcription("+14155550100", "Hello.")
    event["data"]["transcript"].append({"role": "user", "time_in_call_secs": 5, **turn})
    return event


def kind_of(**turn: Any) -> str:
    return read(with_turn(**turn)).all_turns[-1].kind


def test_keys_and_events_between_sentences_are_no_sentences() -> None:
    assert said(case("new_turns")) == ["My PIN follows."]


def test_context_backchannels_and_files_between_sentences_are_no_sentences() -> None:
    assert said(case("turns")) == ["Here is the photo.", "It started yesterday."]


@pytest.mark.parametrize(
    "medium", ["dtmf", "DTMF", " Dtmf ", "keypad", "key_pad", "touch_tone", "touchtone", "dial-pad", "dtmf_input"]
)
@pytest.mark.parametrize("keys", ["4711#", "4711", "*", "1", "1 2 3", "The user pressed 4711#", "four seven"])
def test_what_is_keyed_in_is_never_a_memory(medium: str, keys: str) -> None:
    event = with_turn(message=keys, source_medium=medium)
    assert said(event) == ["Hello."]
    assert read(event).all_turns[-1].kind == "keypad"


@pytest.mark.parametrize("medium", [None, "audio", "unheard_of"])
@pytest.mark.parametrize("keys", ["4711#", "*67#", "1234 5678 9012 3456 #", "0*", "#", "**"])
def test_keys_that_no_voice_can_say_are_keyed_in_whatever_the_medium(medium: object, keys: str) -> None:
    assert said(with_turn(message=keys, source_medium=medium)) == ["Hello."]


@pytest.mark.parametrize("medium", [None, "audio", "AUDIO", "text", "voice", "video", "", 7, {}, ["dtmf"]])
@pytest.mark.parametrize("words", ["4711", "My PIN is 4711.", "#1", "We are number #1 *", "Press 1 for what?"])
def test_what_is_said_or_written_is_a_memory_whatever_the_medium(medium: object, words: str) -> None:
    assert said(with_turn(message=words, source_medium=medium)) == ["Hello.", words]


@pytest.mark.parametrize("silence", ["...", "…", " - ", "— …", "."])
def test_a_silence_is_no_memory(silence: str) -> None:
    assert said(with_turn(message=silence)) == ["Hello."]


@pytest.mark.parametrize(
    "noise", ["[silence]", "(laughs)", "[Music] ...", "<noise>", "*coughs*", "♪ music ♪", "（笑）", "[NAME]"]
)
def test_a_noise_in_brackets_is_no_memory(noise: str) -> None:
    assert said(with_turn(message=noise, source_medium="audio")) == ["Hello."]


@pytest.mark.parametrize(
    "words",
    [
        "(laughs) That is funny.",
        "(404) 555",
        "(please call me back tomorrow morning)",
        "（住所は変わりました）",
        "<maya@example.com>",
        "Keypad.",
        "「はい」",
        "(Hello",
        "[1]",
    ],
)
def test_words_beside_a_noise_are_a_memory(words: str) -> None:
    assert said(with_turn(message=words)) == ["Hello.", words]


def test_what_a_person_writes_in_brackets_is_a_memory() -> None:
    assert said(with_turn(message="(yes)", source_medium="text")) == ["Hello.", "(yes)"]


@pytest.mark.parametrize("keys", ["*9", "[DTMF] 4711", "DTMF: 4 7 1 1", "keypad 12"])
def test_keys_that_the_transcript_names_are_keyed_in(keys: str) -> None:
    assert kind_of(message=keys, source_medium="audio") == "keypad"


@pytest.mark.parametrize("answer", ["👍", "?", "!!!", "ok", "はい"])
def test_a_short_answer_is_a_memory(answer: str) -> None:
    assert said(with_turn(message=answer)) == ["Hello.", answer]


def test_a_person_may_write_what_no_voice_can_say() -> None:
    assert said(with_turn(message="4711#", source_medium="text")) == ["Hello.", "4711#"]


@pytest.mark.parametrize(
    ("marks", "kind"),
    [
        ({"platform_event": "user_turn_timeout"}, "platform event"),
        ({"platform_event": "skip_turn_wait_elapsed", "source_medium": "audio"}, "platform event"),
        ({"platform_event": {"type": "heard_of_later"}}, "platform event"),
        ({"contextual_update_info": {"context_id": "crm", "is_superseded": False}}, "context"),
        ({"contextual_update_info": {"context_id": "crm", "is_superseded": True}, "source_medium": "text"}, "context"),
        ({"ignored_as_backchannel": True}, "backchannel"),
        ({"ignored_as_backchannel": "true"}, "backchannel"),
    ],
)
def test_a_turn_that_no_caller_took_is_no_memory(marks: dict[str, Any], kind: str) -> None:
    assert said(with_turn(message="Customer tier: gold.", **marks)) == ["Hello."]
    assert kind_of(message="Customer tier: gold.", **marks) == kind


@pytest.mark.parametrize(
    "marks",
    [
        {"platform_event": None, "contextual_update_info": None, "ignored_as_backchannel": None},
        {"platform_event": "", "contextual_update_info": {}, "ignored_as_backchannel": False},
        {"ignored_as_backchannel": "false"},
        {"interrupted": True, "original_message": "I live in"},
        {"user_identifier": "guest-2"},
    ],
)
def test_marks_that_say_nothing_cost_nothing(marks: dict[str, Any]) -> None:
    assert said(with_turn(message="I live in Duluth.", **marks)) == ["Hello.", "I live in Duluth."]


@pytest.mark.parametrize(("role", "is_remembered"), [("user", True), ("User", True), ("USER ", True), ("tool", False)])
def test_only_the_user_is_remembered(role: str, is_remembered: bool) -> None:
    assert ("It leaks." in said(with_turn(role=role, message="It leaks."))) is is_remembered


@pytest.mark.parametrize("role", ["agent", "system", "tool", "assistant", "", None, 7])
def test_no_other_role_is(role: object) -> None:
    assert said(with_turn(role=role, message="It leaks.")) == ["Hello."]


PDF = {
    "file_id": "f1",
    "original_filename": "bill.pdf",
    "mime_type": "application/pdf",
    "file_url": "https://x.example",
}
JPG = {"file_id": "f2", "original_filename": "leak.jpg", "mime_type": "image/jpeg", "file_url": "https://y.example"}


@pytest.mark.parametrize("message", [None, "", " ", "bill.pdf", "https://x.example", "f1"])
def test_a_file_without_words_is_no_memory(message: object) -> None:
    turn = {"message": message, "file_inputs": [PDF], "source_medium": "file"}
    assert said(with_turn(**turn)) == ["Hello."]
    assert kind_of(**turn) == "file"


def test_the_words_that_come_with_a_file_are_the_callers() -> None:
    assert said(with_turn(message="Here is the bill.", file_inputs=[PDF, JPG])) == ["Hello.", "Here is the bill."]


@pytest.mark.parametrize(
    ("turn", "names"),
    [
        ({"file_inputs": [PDF, JPG], "file_input": PDF}, ["bill.pdf", "leak.jpg"]),
        ({"file_input": JPG}, ["leak.jpg"]),
        ({"file_inputs": [None, 7, {}, {"original_filename": 7, "mime_type": []}]}, ["unnamed", "unnamed"]),
        ({"file_inputs": "bill.pdf", "file_input": [JPG]}, []),
    ],
)
def test_the_files_of_a_turn(turn: dict[str, Any], names: list[str]) -> None:
    assert [file.name for file in read(with_turn(**turn)).all_turns[-1].files] == names


def test_what_an_agent_says_in_several_voices_is_what_it_said() -> None:
    answered = {message.content: message.metadata.get("asked") for message in memories(case("turns"), kinds.MESSAGE)}
    assert answered["It started yesterday."] == "Thank you, I see the leak."


@pytest.mark.parametrize(
    ("multivoice", "asked"),
    [
        ({"parts": [{"text": "Once."}, {"text": " Upon ", "voice_label": "Elf"}]}, "Once. Upon"),
        ({"parts": [{"text": None}, None, {"text": "A time."}]}, "A time."),
        ({"parts": []}, "Question 0?"),
        ({"parts": "Once."}, "Question 0?"),
        ("Once.", "Question 0?"),
        (None, "Question 0?"),
    ],
)
def test_parts_of_several_voices_are_read_leniently(multivoice: object, asked: str) -> None:
    event = with_turn(role="agent", message=None, multivoice_message=multivoice)
    event["data"]["transcript"].append({"role": "user", "message": "Yes."})
    assert memories(event, kinds.MESSAGE)[-1].metadata["asked"] == asked


# Mailboxes


def detection(**changes: Any) -> dict[str, Any]:
    result = {"result_type": "voicemail_detection_success", "status": "success"}
    return {"tool_name": "voicemail_detection", "type": "system", "is_error": False, "result": result, **changes}


def outbound(**changes: Any) -> dict[str, Any]:
    """A call that we made: something says "Hello." and gives a name."""
    metadata = {"phone_call": {"direction": "outbound"}}
    event = transcription("+14155550100", "Hello.", facts={"first_name": "Maya"}, metadata=metadata)
    event["data"]["metadata"] |= changes
    return event


def test_a_mailbox_leaves_the_call_alone() -> None:
    (memory,) = memories_of(read(case("voicemail")), ARRIVAL)
    assert memory.kind == kinds.CALL
    assert memory.metadata["spoke"] is False
    assert memory.metadata["direction"] == "outbound"


@pytest.mark.parametrize(
    "metadata",
    [
        {"termination_reason": "voicemail_detection tool was called."},
        {"termination_reason": "Call ended: Voicemail detected"},
        {"termination_reason": "ANSWERING MACHINE"},
        {"termination_reason": "answering-machine detected"},
        {"termination_reason": "reached a mailbox"},
        {"termination_reason": "machine_end_beep"},
        {"phone_call": {"direction": "outbound", "call_result": "voicemail"}},
        {"phone_call": {"direction": "outbound", "answered_by": "machine_end_beep"}},
        {"phone_call": {"direction": "outbound", "AnsweredBy": "machine_start"}},
        {"whatsapp": {"call_result": "voicemail"}},
        {"answering_machine_detection": {"result": "machine_end_silence"}},
        {"features_usage": {"voicemail_detection": {"enabled": True, "used": True}}},
    ],
)
def test_what_the_metadata_says_of_a_mailbox_is_believed(metadata: dict[str, Any]) -> None:
    event = outbound(**metadata)
    assert read(event).reached_mailbox
    assert [memory.kind for memory in memories_of(read(event), ARRIVAL)] == [kinds.CALL]


@pytest.mark.parametrize(
    "result",
    [
        detection(),
        detection(tool_name="renamed"),
        detection(result=None),
        detection(result={}, tool_name="VOICEMAIL_DETECTION"),
        detection(result=None, tool_name="", tool_id="__system_voicemail_detection"),
    ],
)
def test_the_tool_that_recognises_mailboxes_is_believed(result: dict[str, Any]) -> None:
    event = outbound()
    event["data"]["transcript"][0]["tool_results"] = [None, {"tool_name": "search_data"}, result]
    assert read(event).reached_mailbox


@pytest.mark.parametrize(
    "result",
    [
        detection(is_error=True, result=None),
        detection(is_blocked=True, result=None),
        detection(result={"status": "error"}),
        detection(result={"result_type": "end_call_success"}),
        detection(tool_name="log_voicemail_detection_rate", result=None),
    ],
)
def test_a_tool_that_failed_or_another_recognises_none(result: dict[str, Any]) -> None:
    event = outbound()
    event["data"]["transcript"][0]["tool_results"] = [result]
    assert not read(event).reached_mailbox


@pytest.mark.parametrize(
    "metadata",
    [
        {"termination_reason": "Call ended by remote party"},
        {"termination_reason": None},
        {"termination_reason": {"voicemail": True}},
        {"phone_call": {"direction": "outbound", "call_result": "answered"}},
        {"phone_call": {"direction": "outbound", "answered_by": "human"}},
        {"answering_machine_detection": {"result": "human"}},
        {"answering_machine_detection": {"result": "unknown"}},
        {"features_usage": {"voicemail_detection": {"enabled": True, "used": False}}},
        {"features_usage": {"voicemail_detection": True}},
    ],
)
def test_a_person_who_answers_is_no_mailbox(metadata: dict[str, Any]) -> None:
    event = outbound(**metadata)
    assert not read(event).reached_mailbox
    assert said(event) == ["Hello."]


def test_a_caller_may_talk_about_a_mailbox() -> None:
    event = transcription("+14155550100", "I got your voicemail. Please leave no message after the tone.")
    assert len(said(event)) == 1


def test_a_mailbox_names_no_caller() -> None:
    assert read(case("voicemail")).caller_name == ""
