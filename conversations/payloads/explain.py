"""Explains why a call failed, in plain words and with a remedy."""

import re

from django.utils.translation import gettext, gettext_lazy, gettext_noop

from conversations.payloads.transcription import Transcription

_MISSING_VARIABLES = re.compile(r"missing required dynamic variables(?: in ([^:]+))?:\s*\{([^}]*)\}", re.IGNORECASE)
_MEANT_TO_END = re.compile(
    r"ended by|client disconnected|end_call|call ended|hung up|agent ended|remote party", re.IGNORECASE
)
# Prefixes of the worker's reason for a parked call, and reasons why a body cannot be read.
_PAYLOAD_IS = "the payload is "
_NOT_READABLE = (
    gettext_noop("not JSON"),
    gettext_noop("not an event"),
    gettext_noop("an event without a type"),
    gettext_noop("an event without a usable conversation id"),
    gettext_noop("an event with too many members"),
    gettext_noop("an audio event without audio"),
    gettext_noop("audio is not base64"),
    gettext_noop("audio is cut off"),
    gettext_noop("audio goes on after its end"),
    gettext_noop("damaged compressed data"),
    gettext_noop("compressed and cut off"),
    gettext_noop("too large to be read"),
    gettext_noop("made of more than 500,000 values"),
    gettext_noop("larger than MAX_PAYLOAD_MB once it is decompressed"),
)
_CODES = {
    1002: gettext_lazy(
        "ElevenLabs refused the call, often because the account's quota is used up. Check the subscription."
    ),
    1008: gettext_lazy("ElevenLabs ended the call because something that the agent needs was missing."),
    1011: gettext_lazy("ElevenLabs had an internal fault. There is nothing to do here; the caller may ring again."),
    3000: gettext_lazy("The agent's model or voice could not be reached. Check the agent's settings."),
}


def explained(call: Transcription) -> str:
    """The reason of a failure, and a remedy if there is one; empty if the call ended normally."""
    error = call.at("metadata", "error")
    reason = error.get("reason") if isinstance(error, dict) else error
    code = error.get("code") if isinstance(error, dict) else None
    said = str(reason or call.termination_reason or "")
    if missing := _MISSING_VARIABLES.search(said):
        return _missing(missing)
    if code in _CODES:
        return f"{_CODES[code]} {_quoted(said)}"
    if error or (call.status == "failed" and not _MEANT_TO_END.search(said)):
        failed, silence = gettext("The call failed."), gettext("nothing about it")
        return f"{failed} {_quoted(said or silence)}"
    return ""


def _quoted(said: str) -> str:
    return gettext("ElevenLabs said: %(text)s") % {"text": said}


def _missing(found: re.Match[str]) -> str:
    names = [name.strip(" '\"") for name in found[2].split(",")]
    variables = ", ".join(f"“{name}”" for name in names)
    where = (found[1] or "").strip() or "prompt"
    text = gettext(
        "The agent's %(where)s uses %(variables)s, but no value was sent, so ElevenLabs ended the call before a word"
        " was said. What to do: in the agent's Security settings enable “Fetch conversation initiation data for"
        " inbound calls”; if it is enabled, name the variable with a default in DYNAMIC_VARIABLES, or remove it"
        " from the agent."
    )
    return text % {"where": where, "variables": variables}


def reason_in_language(reason: str) -> str:
    """The reason why a body cannot be read or a call cannot be processed, translated. Reasons are stored in English."""
    what = reason.removeprefix(_PAYLOAD_IS)
    shown = gettext(what) if what in _NOT_READABLE else what
    return shown if what == reason else gettext("the payload is %(what)s") % {"what": shown}
