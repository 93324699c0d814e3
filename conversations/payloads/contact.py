"""How the two parties of a conversation reached each other: the channel, the direction, and who the customer is."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from conversations.payloads.values import is_true, text
from elmemory.memory.identity import caller_key, caller_of_call

type Channel = Literal["phone", "whatsapp", "sms", "web", "chat"]

# A channel's section of the metadata: where it names the customer, and which ids in it are ours.
_CUSTOMER = {
    "phone_call": ("external_number",),
    "whatsapp": ("recipient", "whatsapp_user_id"),
    "sms": ("sms_user_phone_number",),
}
_OURS = {
    "phone_call": ("agent_number", "phone_number_id"),
    "whatsapp": ("whatsapp_phone_number_id",),
    "sms": ("agent_phone_number", "phone_number_id"),
}
_TELEPHONES = frozenset(("sip_trunk", "twilio", "exotel", "genesys", "avaya", "audiocodes"))
_OF_MESSENGERS = "_integration", "_bot_connector"
_BARE_WHATSAPP_ID = re.compile(r"(?:whatsapp:)?(?:00)?([1-9][0-9]{6,14})", re.IGNORECASE)
_SPELLED_INTERNATIONALLY = re.compile(r"\s*(?:(?:sips?|tel|whatsapp):)?\s*<?\+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Contact:
    """What `metadata` and the dynamic variables say of the two parties. `caller` is a caller key, or None."""

    channel: Channel
    outbound: bool
    caller: str | None


def contact_of(metadata: Mapping[str, Any], source: str, caller_id: object, called_number: object) -> Contact:
    """The customer named by the channel's own section, else the party that ElevenLabs' variables name.

    `source` is ElevenLabs' word for where the conversation began; `caller_id` and `called_number` are the variables
    `system__caller_id` and `system__called_number`. Ids that the sections give as ours are never the customer.
    """
    sections = {name: section for name in _CUSTOMER if isinstance(section := metadata.get(name), dict)}
    ours = {_id(section.get(name)) for key, section in sections.items() for name in _OURS[key]} - {""}
    channel = _channel(metadata, sections, source.casefold(), caller_id)
    outbound = _direction(sections) == "outbound"

    def not_ours(raw: object) -> object:
        return None if _id(raw) in ours else raw

    def of_variable(raw: object) -> object:
        # On the messaging channels they hold ids, which must not pass for the numbers that they may look like.
        plain = channel in ("whatsapp", "sms") and not (isinstance(raw, str) and _SPELLED_INTERNATIONALLY.match(raw))
        return None if plain else not_ours(raw)

    named = (not_ours(raw) for key, section in sections.items() for raw in _named(key, section))
    caller = caller_of_call(
        outbound=outbound,
        external_number=next((raw for raw in named if _says_something(raw)), None),
        caller_id=of_variable(caller_id),
        called_number=of_variable(called_number),
    )
    return Contact(channel, outbound, caller)


def _channel(
    metadata: Mapping[str, Any], sections: Mapping[str, Mapping[str, Any]], source: str, caller_id: object
) -> Channel:
    if "whatsapp" in sections or "whatsapp" in source:
        return "whatsapp"
    if "sms" in sections or "sms" in source.split("_"):
        return "sms"
    if "phone_call" in sections or source in _TELEPHONES:
        return "phone"
    if is_true(metadata.get("text_only")) or source.endswith(_OF_MESSENGERS):
        return "chat"
    return "phone" if _says_something(caller_id) else "web"


def _direction(sections: Mapping[str, Mapping[str, Any]]) -> str:
    stated = (text(section.get("direction")).strip().casefold() for section in sections.values())
    return next((direction for direction in stated if direction in ("inbound", "outbound")), "")


def _named(key: str, section: Mapping[str, Any]) -> list[object]:
    """The customer as a section spells it, the best spelling first."""
    raw_ids = [section.get(name) for name in _CUSTOMER[key]]
    if key != "whatsapp":
        return raw_ids
    recipient, user_id = raw_ids
    phone = recipient.get("phone") if isinstance(recipient, dict) else recipient
    # An id that WhatsApp gives instead of a number says nothing of the number.
    return [raw for raw in map(_international, (phone, user_id)) if caller_key(raw)]


def _international(raw: object) -> object:
    """WhatsApp leaves out the plus of an international number."""
    bare = _BARE_WHATSAPP_ID.fullmatch(str(raw).strip()) if _says_something(raw) else None
    return f"+{bare[1]}" if bare else raw


def _says_something(raw: object) -> bool:
    return raw != "" and isinstance(raw, str | int) and not isinstance(raw, bool)


def _id(raw: object) -> str:
    """One spelling of an id, to compare it with others; empty for what is none."""
    return (caller_key(raw) or str(raw).strip()) if _says_something(raw) else ""
