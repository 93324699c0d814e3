"""What the admin shows of conversations over other channels, and of turns that are not speech."""

import json
import re
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.test import Client

from conversations.models import Conversation
from tests.conftest import As
from tests.harness.cases import case
from tests.harness.samples import raw_sample, transcription
from tests.harness.stored import deliver

pytestmark = [
    pytest.mark.django_db(transaction=True, databases=["default", "memory", "index"]),
    pytest.mark.usefixtures("payloads", "index_schema"),
]

LIST = "/admin/conversations/conversation/"


def page(browser: Client, event: dict[str, Any] | bytes) -> str:
    answer = browser.get(f"{LIST}{deliver(event)}/change/")
    assert answer.status_code == 200
    return answer.content.decode().replace("&#x27;", "'")


def found(browser: Client, question: str) -> set[str]:
    text = browser.get(LIST, {"q": question}).content.decode()
    return set(re.findall(r"/admin/conversations/conversation/([^/]+)/change/", text))


def chat() -> dict[str, Any]:
    return transcription(None, "Hello.", conversation_id="conv_chat", metadata={"phone_call": None, "text_only": True})


def test_the_list_says_how_and_over_which_channel_each_call_came(staff: Client) -> None:
    deliver(case("wa_none"))
    deliver(case("sms_none"))
    deliver(case("voicemail"))
    deliver(raw_sample("transcription_web_call_without_phone"))
    deliver(chat())
    shown = re.findall(r'class="direction">([^<]*)<', staff.get(LIST).content.decode())
    assert sorted(shown) == ["chat", "inbound · SMS", "inbound · WhatsApp", "outbound · phone", "web"]


@pytest.mark.parametrize(
    ("channel", "expected"),
    [("whatsapp", {"conv_wa_none"}), ("sms", {"conv_sms_none"}), ("phone", {"conv_vm"}), ("chat", {"conv_chat"})],
)
def test_the_list_is_filtered_by_channel(staff: Client, channel: str, expected: set[str]) -> None:
    for event in (case("wa_none"), case("sms_none"), case("voicemail"), chat()):
        deliver(event)
    text = staff.get(f"{LIST}?channel__exact={channel}").content.decode()
    assert set(re.findall(r"/admin/conversations/conversation/([^/]+)/change/", text)) == expected


def test_a_conversation_by_message_is_no_web_call_and_has_a_caller(staff: Client) -> None:
    text = page(staff, case("wa_none"))
    assert "inbound · WhatsApp" in text
    assert "web" not in re.sub(r"webhook", "", text.split('class="facts-row"')[1].split("</dl>")[0])
    row = Conversation.objects.get()
    assert (row.caller, row.outcome, row.direction) == ("+14155550172", "done", "inbound")


def test_a_failed_initiation_came_by_phone(staff: Client) -> None:
    assert "outbound · phone" in page(staff, raw_sample("call_initiation_failure_sip"))


def test_the_recording_alone_says_nothing_of_the_channel(staff: Client) -> None:
    deliver(raw_sample("audio"))
    assert re.findall(r'class="direction">([^<]*)<', staff.get(LIST).content.decode()) == [""]


def test_the_export_names_the_channel(staff: Client) -> None:
    deliver(case("wa_none"))
    (row,) = json.loads(async_to_sync(_whole)(staff.get(f"{LIST}export/json/")))
    assert (row["channel"], row["direction"]) == ("whatsapp", "inbound")


async def _whole(answer: Any) -> bytes:
    return b"".join([chunk async for chunk in answer.streaming_content])


# Turns


def test_each_turn_is_marked_as_what_it_is(staff: Client) -> None:
    for event, badges in (
        (case("turns"), ["context", "backchannel", "file"]),
        (case("new_turns"), ["keypad", "platform event", "file"]),
        (case("voicemail"), ["mailbox"] * 4),
    ):
        transcript = page(staff, event).split('id="transcript"')[1].split("</ol>")[0]
        assert re.findall(r'class="badge plain">([^<]*)<', transcript) == badges


def test_pressed_keys_are_shown_to_staff_who_may_see_numbers(staff: Client) -> None:
    assert "4711#" in page(staff, case("new_turns"))


@pytest.mark.parametrize("message", ["4711#", "The user pressed 4711#", "4 7 1 1"])
def test_pressed_keys_are_masked_for_others(as_role: As, message: str) -> None:
    event = case("new_turns")
    event["data"]["transcript"][3] |= {"message": message, "original_message": f"{message} 47110#"}
    text = page(as_role("viewer"), event)
    assert "••••" in text
    assert not re.search(r"4 ?7 ?1 ?1", text)


def test_pressed_keys_are_masked_in_every_text(as_role: As) -> None:
    event = case("new_turns")
    call = {"tool_name": "verify", "request_id": "r", "params_as_json": '{"pin": "4711"}'}
    event["data"]["transcript"].append({"role": "agent", "message": "You keyed in 4 7 1 1.", "tool_calls": [call]})
    event["data"]["analysis"]["transcript_summary"] = "The PIN 4711 was wrong; 147112 and 47 are other numbers."
    event["data"]["analysis"]["data_collection_results"] = {"pin": {"value": "4711"}}
    text = page(as_role("viewer"), event)
    assert not re.search(r"(?<![0-9])4 ?7 ?1 ?1(?![0-9])", text)
    assert "The PIN •••• was wrong; 147112 and 47 are other numbers." in text


def test_results_without_a_request_id_belong_to_the_calls_of_their_tools(as_role: As) -> None:
    event = case("new_turns")
    calls = [{"tool_name": "first"}, {"tool_name": "second"}]
    results = [
        {"tool_name": "first", "result_value": "one answer", "is_error": "false"},
        {"tool_name": "second", "result": {"status": "another answer"}},
    ]
    event["data"]["transcript"].append({"role": "agent", "tool_calls": calls, "tool_results": results})
    text = page(as_role("viewer"), event)
    assert "one answer" in text
    assert "another answer" in text
    assert "no result" not in text
    assert 'class="tool failed"' not in text


def test_the_choice_from_a_menu_masks_no_other_number(as_role: As) -> None:
    event = case("new_turns")
    event["data"]["transcript"][3]["message"] = "1"
    event["data"]["analysis"]["transcript_summary"] = "Asked for 1 lamp."
    assert "Asked for 1 lamp." in page(as_role("viewer"), event)


def test_no_search_finds_pressed_keys(staff: Client) -> None:
    deliver(case("new_turns"))
    assert found(staff, "follows") == {"conv_newturns"}
    assert found(staff, "4711") == set()
    assert found(staff, "4711#") == set()


def test_a_file_is_shown_by_name_and_type_and_never_linked(staff: Client) -> None:
    text = page(staff, case("turns"))
    assert "leak-under-sink.jpg (image/jpeg)" in text
    assert "https://example.com/x.jpg" not in text


def test_the_name_of_a_file_is_text(staff: Client) -> None:
    event = case("turns")
    event["data"]["transcript"][5]["file_input"]["original_filename"] = "<img src=x onerror=alert(1)>"
    assert "<img src=x" not in page(staff, event)


def test_the_parts_of_several_voices_are_shown_with_their_voices(staff: Client) -> None:
    text = page(staff, case("turns"))
    assert re.search(r"Narrator:</span> Thank you, I see the leak\.", text)


def test_who_wrote_which_agent_spoke_and_what_stopped_it_are_shown(staff: Client) -> None:
    event = case("turns")
    event["data"]["transcript"][3]["agent_metadata"] = {"agent_id": "agent_scheduler"}
    event["data"]["transcript"][3]["triggered_guardrails"] = [{"guardrail_type": "profanity"}]
    text = page(staff, event)
    for words in ("guest-2", "agent_scheduler", "guardrail triggered: profanity"):
        assert words in text
    assert "guardrail triggered: Off topic" in page(staff, case("new_turns"))


def test_a_mailbox_is_named(staff: Client) -> None:
    assert "A mailbox answered." in page(staff, case("voicemail"))
    assert "A mailbox answered." not in page(staff, case("turns"))


def test_agents_are_named_where_a_call_has_their_name(staff: Client) -> None:
    named = transcription(None, "Hello.")
    named["data"] |= {"agent_id": "agent_scheduler", "agent_name": "Scheduling"}
    deliver(named)
    event = transcription(None, "To scheduling, please.", "Tomorrow.")
    event["data"]["transcript"][2]["agent_metadata"] = {"agent_id": "agent_scheduler"}
    event["data"]["transcript"][0]["agent_metadata"] = {"agent_id": "agent_nobody_knows"}
    text = page(staff, event)
    assert "<bdi>Scheduling</bdi>" in text
    assert "<bdi>agent_nobody_knows</bdi>" in text


def test_the_page_of_a_long_call_is_small(staff: Client) -> None:
    event = transcription("+14155550100", *[f"I would like to move appointment {n} to next week." for n in range(100)])
    assert len(page(staff, event).encode()) < 80_000


def test_the_results_of_an_agent_after_a_transfer_are_shown_with_it(staff: Client) -> None:
    text = page(staff, case("scoped"))
    assert re.search(r"booked <span[^>]*>agent_scheduler</span>", text)
    assert "Friday 09:00" in text


def test_a_named_item_is_shown_by_its_name(staff: Client) -> None:
    text = page(staff, case("named_items"))
    assert "Preferred time: <strong>Friday 09:00</strong>" in text
    assert "dci_01k3wa:" not in text


@pytest.mark.parametrize(
    ("cost", "fiat", "shown"),
    [
        (100, 0.0345, "100 credits, $0.0345"),
        (100, 2.0, "100 credits, $2"),
        (100, None, "100 credits"),
        (None, 0.0345, "$0.0345"),
        (100, "0.5", "100 credits, $0.5"),
        (100, "free", "100 credits"),
        (100, -1, "100 credits"),
        (100, 0, "100 credits, $0"),
    ],
)
def test_the_cost_in_dollars_is_shown(staff: Client, cost: object, fiat: object, shown: str) -> None:
    text = page(staff, transcription("+14155550100", "Hi.", metadata={"cost": cost, "cost_fiat": fiat}))
    assert f"<dt>Cost</dt><dd>{shown}</dd>" in text


@pytest.mark.parametrize(
    "turn",
    [
        {"tool_calls": [{"tool_details": "text"}], "tool_results": [{"result": 7}]},
        {"file_inputs": [[]], "multivoice_message": [], "triggered_guardrails": {}, "agent_metadata": 7},
        {"user_identifier": {}, "source_medium": {}, "time_in_call_secs": "3"},
    ],
)
def test_a_turn_of_another_shape_does_not_break_the_page(staff: Client, turn: dict[str, Any]) -> None:
    event = transcription("+14155550100", "Hi.")
    event["data"]["transcript"].append({"role": "agent", "message": "Still here.", **turn})
    assert "Still here." in page(staff, event)
