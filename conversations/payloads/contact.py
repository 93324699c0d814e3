"""Reads the parties of a conversation: the channel, the direction, and the customer."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from conversations.payloads.values import is_true, text
from elmemory.memory.identity import caller_key, caller_of_call, is_agent_number

type Channel = Literal["phone", "whatsapp", "sms", "web", "chat"]

type _Section = Mapping[str, Any]

# Per channel: its section of the metadata, and the names of our own ids in it.
_OUR_IDS = {
    "phone_call": ("agent_number", "phone_number_id"),
    "whatsapp": ("whatsapp_phone_number_id",),
    "sms": ("agent_phone_number", "phone_number_id"),
}
_PHONE_SOURCES = frozenset(("sip_trunk", "twilio", "exotel", "genesys", "avaya", "audiocodes"))
_CHAT_SOURCES = "_integration", "_bot_connector"
# An agent that another agent asks, and the author's preview: no customer speaks, whatever number the variables name.
_WITHOUT_CUSTOMER = frozenset(("subagent_tool", "template_preview"))
_BARE_WHATSAPP_ID = re.compile(r"(?:whatsapp:)?(?:00)?([1-9][0-9]{6,14})", re.IGNORECASE)
_HAS_PLUS = re.compile(r"\s*(?:(?:sips?|tel|whatsapp):)?\s*<?\+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Contact:
    """The parties of a conversation. `caller` is the customer's caller key, or None."""

    channel: Channel
    outbound: bool
    caller: str | None


def contact_of(metadata: Mapping[str, Any], source: str, caller_id: object, called_number: object) -> Contact:
    """The contact. The customer is named by the channel's section, else by the two variables.

    `source` is ElevenLabs' `conversation_initiation_source`; `caller_id` and `called_number` are the variables
    `system__caller_id` and `system__called_number`. Ids that a section names as ours are never the customer.
    """
    sections = {name: section for name in _OUR_IDS if isinstance(section := metadata.get(name), dict)}
    ours = {_id(section.get(name)) for key, section in sections.items() for name in _OUR_IDS[key]} - {""}
    source = source.strip().casefold()
    if source in _WITHOUT_CUSTOMER:
        return Contact("chat", outbound=False, caller=None)
    channel = _channel(metadata, sections, source, caller_id)
    # Without a direction, a call from one of our own numbers is outbound.
    direction = _direction(sections)
    outbound = direction == "outbound" or (not direction and (_id(caller_id) in ours or is_agent_number(caller_id)))

    def not_ours(raw: object) -> object:
        return None if _id(raw) in ours else raw

    def of_variable(raw: object) -> object:
        # On WhatsApp and SMS the variables may hold ids that look like numbers. Real numbers begin with a plus.
        is_id = channel in ("whatsapp", "sms") and not (isinstance(raw, str) and _HAS_PLUS.match(raw))
        return None if is_id else not_ours(raw)

    named = (not_ours(raw) for key, section in sections.items() for raw in _named(key, section))
    caller = caller_of_call(
        outbound=outbound,
        external_number=next((raw for raw in named if _is_given(raw)), None),
        caller_id=of_variable(caller_id),
        called_number=of_variable(called_number),
    )
    return Contact(channel, outbound, caller)


def _channel(metadata: _Section, sections: Mapping[str, _Section], source: str, caller_id: object) -> Channel:
    if "whatsapp" in sections or "whatsapp" in source:
        return "whatsapp"
    if "sms" in sections or "sms" in source.split("_"):
        return "sms"
    if "phone_call" in sections or source in _PHONE_SOURCES:
        return "phone"
    if is_true(metadata.get("text_only")) or source.endswith(_CHAT_SOURCES):
        return "chat"
    return "phone" if _is_given(caller_id) else "web"


def _direction(sections: Mapping[str, _Section]) -> str:
    stated = (text(section.get("direction")).strip().casefold() for section in sections.values())
    return next((direction for direction in stated if direction in ("inbound", "outbound")), "")


def _named(key: str, section: _Section) -> list[object]:
    """The raw ids of the customer in a section, the best one first."""
    if key != "whatsapp":
        return [section.get("external_number" if key == "phone_call" else "sms_user_phone_number")]
    recipient = section.get("recipient")
    phone = recipient.get("phone") if isinstance(recipient, dict) else recipient
    # WhatsApp may send an id of its own in place of a number. That id identifies no one.
    return [raw for raw in map(_with_plus, (phone, section.get("whatsapp_user_id"))) if caller_key(raw)]


def _with_plus(raw: object) -> object:
    """The id with the plus that WhatsApp leaves out of international numbers; ids of another form unchanged."""
    bare = _BARE_WHATSAPP_ID.fullmatch(str(raw).strip()) if _is_given(raw) else None
    return f"+{bare[1]}" if bare else raw


def _is_given(raw: object) -> bool:
    return raw != "" and isinstance(raw, str | int) and not isinstance(raw, bool)


def _id(raw: object) -> str:
    """The id in a spelling that can be compared; empty if there is none."""
    return (caller_key(raw) or str(raw).strip()) if _is_given(raw) else ""
