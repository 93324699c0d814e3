"""Which channel a conversation came over, in which direction, and whose it is."""

import json
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from conversations.payloads.transcription import Transcription
from tests.harness.cases import case
from tests.harness.samples import raw_sample, transcription

MAYA = "+14155550172"


def read(event: dict[str, Any]) -> Transcription:
    return Transcription.read(json.dumps(event).encode())


def whatsapp(caller_id: object = None, *, called_number: object = None, **section: Any) -> Transcription:
    return of_section("whatsapp", caller_id, called_number, section)


def sms(caller_id: object = None, *, called_number: object = None, **section: Any) -> Transcription:
    return of_section("sms", caller_id, called_number, section)


def of_section(name: str, caller_id: object, called_number: object, section: dict[str, Any]) -> Transcription:
    variables = {"system__caller_id": caller_id, "system__called_number": called_number}
    event = transcription(None, "Hello.", metadata={"phone_call": None, name: section})
    event["data"]["conversation_initiation_client_data"] = {"dynamic_variables": variables}
    return read(event)


def test_a_whatsapp_conversation_belongs_to_its_user() -> None:
    call = read(case("wa_none"))
    assert (call.channel, call.outbound, call.caller) == ("whatsapp", False, "+14155550172")


def test_an_sms_conversation_belongs_to_its_user() -> None:
    call = read(case("sms_none"))
    assert (call.channel, call.outbound, call.caller) == ("sms", False, "+14155550174")


@pytest.mark.parametrize(
    ("user_id", "caller"),
    [
        ("14155550172", MAYA),
        ("+14155550172", MAYA),
        ("whatsapp:+14155550172", MAYA),
        ("whatsapp:14155550172", MAYA),
        ("0014155550172", MAYA),
        (14155550172, MAYA),
        ("493023125001", "+493023125001"),
        ("447700900123", "+447700900123"),
        ("US.13491208655302741918", None),
        ("", None),
        (None, None),
        (True, None),
        ({"id": "14155550172"}, None),
        ("12", None),
    ],
)
@pytest.mark.parametrize("region", ["", "US", "DE", "GB"])
def test_a_whatsapp_user_id_is_international_with_or_without_a_plus(
    settings: Settings, region: str, user_id: object, caller: str | None
) -> None:
    settings.DEFAULT_REGION = region
    assert whatsapp(direction="inbound", whatsapp_user_id=user_id).caller == caller


@pytest.mark.parametrize(
    "section",
    [
        {"recipient": {"phone": "+14155550172", "bsuid": "US.1349"}, "whatsapp_user_id": "US.1349"},
        {"recipient": {"phone": "14155550172"}},
        {"recipient": "14155550172"},
        {"recipient": {"bsuid": "US.1349"}, "whatsapp_user_id": "14155550172"},
        {"recipient": None, "whatsapp_user_id": "14155550172"},
        {"recipient": [], "whatsapp_user_id": "14155550172"},
    ],
)
def test_the_recipients_phone_names_the_customer_too(section: dict[str, Any]) -> None:
    call = whatsapp("+14155550199", direction="outbound", **section)
    assert (call.outbound, call.caller) == (True, MAYA)


def test_our_own_whatsapp_id_is_never_the_customer() -> None:
    ours = "14155550199"
    assert whatsapp(ours, whatsapp_phone_number_id=ours).caller is None
    assert whatsapp(f"+{ours}", whatsapp_phone_number_id=f"+{ours}").caller is None
    assert whatsapp(ours, whatsapp_phone_number_id=ours, whatsapp_user_id="14155550172").caller == MAYA


@pytest.mark.parametrize("caller_id", ["1098765", "109876543210987", "447700900123", 447700900123])
def test_an_id_of_a_messaging_channel_is_no_number_although_it_looks_like_one(caller_id: object) -> None:
    assert whatsapp(caller_id, whatsapp_user_id="DE.77").caller is None
    assert sms(caller_id, sms_user_phone_number="").caller is None


def test_variables_name_the_customer_if_the_section_does_not() -> None:
    assert whatsapp("+14155550172", whatsapp_user_id="US.1349").caller == MAYA
    assert sms("+14155550172").caller == MAYA
    assert sms("+14155550199", called_number="+14155550172", direction="outbound").caller == MAYA


def test_our_own_sms_number_is_never_the_customer() -> None:
    assert sms("+14155550199", agent_phone_number="+1 (415) 555-0199").caller is None
    assert sms("+14155550199", agent_phone_number="+14155550199", sms_user_phone_number="+14155550199").caller is None


@pytest.mark.parametrize(
    ("stated", "outbound"),
    [("inbound", False), ("outbound", True), ("OUTBOUND", True), ("unknown", False), (None, False), (7, False)],
)
def test_the_direction_is_that_of_the_section(stated: object, outbound: bool) -> None:
    assert whatsapp(direction=stated, whatsapp_user_id="14155550172").outbound is outbound
    assert sms(direction=stated, sms_user_phone_number="+14155550172").outbound is outbound


def test_without_a_direction_a_call_from_one_of_our_numbers_is_outbound(settings: Settings) -> None:
    call = of_section("phone_call", "+14155550199", MAYA, {"agent_number": "+14155550199", "direction": None})
    assert (call.outbound, call.caller) == (True, MAYA)
    settings.AGENT_NUMBERS = ["+14155550198"]
    call = of_section("none", "+14155550198", MAYA, {})
    assert (call.outbound, call.caller) == (True, MAYA)


@pytest.mark.parametrize("source", ["subagent_tool", "template_preview"])
def test_a_conversation_in_which_no_customer_speaks_is_nobodys(source: str) -> None:
    call = read(transcription(MAYA, "Look up the invoice.", metadata={"conversation_initiation_source": source}))
    assert (call.channel, call.caller) == ("chat", None)


def test_the_phone_call_names_the_customer_before_other_sections() -> None:
    event = transcription("+14155550101", metadata={"whatsapp": {"whatsapp_user_id": "14155550172"}})
    assert read(event).caller == "+14155550101"


def test_a_withheld_number_is_a_stranger_even_if_the_variables_name_one() -> None:
    event = transcription("+14155550101")
    event["data"]["metadata"]["phone_call"]["external_number"] = "anonymous"
    assert read(event).caller is None


@pytest.mark.parametrize(
    ("metadata", "channel"),
    [
        ({"phone_call": {"direction": "inbound"}}, "phone"),
        ({"phone_call": None, "conversation_initiation_source": "sip_trunk"}, "phone"),
        ({"phone_call": None, "conversation_initiation_source": "Twilio"}, "phone"),
        ({"phone_call": None, "conversation_initiation_source": "whatsapp"}, "whatsapp"),
        ({"phone_call": None, "whatsapp": {}}, "whatsapp"),
        ({"phone_call": None, "conversation_initiation_source": "twilio_sms"}, "sms"),
        ({"phone_call": None, "sms": {"direction": "inbound"}}, "sms"),
        ({"phone_call": None, "text_only": True, "conversation_initiation_source": "widget"}, "chat"),
        ({"phone_call": None, "conversation_initiation_source": "telegram_integration"}, "chat"),
        ({"phone_call": None, "conversation_initiation_source": "genesys_bot_connector"}, "chat"),
        ({"phone_call": None, "conversation_initiation_source": "react_sdk"}, "web"),
        ({"phone_call": None, "text_only": False, "conversation_initiation_source": "unknown"}, "web"),
        ({"phone_call": [], "whatsapp": "no", "sms": 7, "text_only": "maybe"}, "web"),
        ({"phone_call": None, "conversation_initiation_source": {"source": "widget"}}, "web"),
    ],
)
def test_the_channel(metadata: dict[str, Any], channel: str) -> None:
    assert read(transcription(None, "Hello.", metadata=metadata)).channel == channel


def test_the_channel_of_the_recorded_calls() -> None:
    names = "returning_caller", "new_caller", "failed_1008", "web_call_without_phone"
    calls = [Transcription.read(raw_sample(f"transcription_{name}")) for name in names]
    assert [call.channel for call in calls] == ["phone", "phone", "phone", "web"]


def test_a_call_without_sections_but_with_a_caller_id_came_by_phone() -> None:
    assert read(transcription("+14155550100", metadata={"phone_call": None})).channel == "phone"
