"""Reads the turns of a transcript: the kind of each, and whether a mailbox answered the call."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from conversations.payloads.values import dicts, is_true, seconds, text

type Kind = Literal["said", "keypad", "platform event", "context", "backchannel", "file", "mailbox"]

_KEYPAD_MEDIUM = re.compile(r"dtmf|key ?pad|touch ?tone|dial ?pad")
# Speech recognition writes no * and no final #, but a person may type one. Some transcripts name the keypad.
_KEYPAD_DIGITS = re.compile(
    r"[*#]*[0-9][0-9 *#]*[*#]|\*[*#]*[0-9][0-9 *#]*|[*#]+|\W*(?:dtmf|keypad)\W+[0-9][\W\d]*", re.IGNORECASE
)
# Transcripts write a silence as dots, and a noise as some words in brackets: "[silence]", "*coughs*".
_SILENCE = r"[\s.…,_–—♪-]"
_SILENT = re.compile(rf"{_SILENCE}*")
_NOISE = r"[^\W\d]\w*(?:[ _/-]{1,3}\w+){0,4}[ .!…]*"
_UNSPACED_NOISE = r"[^\W\d]\w{0,5}"
_WORDLESS = re.compile(
    rf"(?:{_SILENCE}|\[{_NOISE}\]|\({_NOISE}\)|（{_UNSPACED_NOISE}）|【{_UNSPACED_NOISE}】|<{_NOISE}>|\*{_NOISE}\*|♪[^♪]*♪)*"
)
_MAILBOX = re.compile(r"voice[\s_-]*mail|answering[\s_-]*machine|\bmailbox|\bmachine_(?:start|end)", re.IGNORECASE)
_ANSWERED_BY = re.compile(r"voice[\s_-]*mail|answering[\s_-]*machine|machine|mailbox", re.IGNORECASE)
_WHO_ANSWERED = "call_result", "answered_by", "AnsweredBy", "answering_machine_detection", "machine_detection"
_DETECTION = "voicemail_detection"
_FILE_TEXTS = "original_filename", "file_url", "file_id"


@dataclass(frozen=True, slots=True)
class File:
    """A file attached to a turn. Its URL is not read, so that nothing fetches it and no page links to it."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class Part:
    """The words of one voice of a multi-voice agent."""

    voice: str
    text: str


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of the transcript.

    `position` is its index in the payload's list, `seconds` its time in the call, `kind` who or what it comes from (an
    agent's turn is always "said"), `raw` the turn as the payload has it.
    """

    position: int
    role: str
    message: str
    seconds: float | None
    kind: Kind = "said"
    parts: tuple[Part, ...] = ()
    files: tuple[File, ...] = ()
    raw: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @property
    def is_said(self) -> bool:
        """Whether the turn holds words or keypad digits."""
        return bool(self.message.strip())

    @property
    def is_of_caller(self) -> bool:
        """Whether the caller said or wrote the words of the turn. A silence or a noise has no words."""
        wordless = _SILENT if self.raw.get("source_medium") == "text" else _WORDLESS
        return self.role == "user" and self.kind == "said" and not wordless.fullmatch(self.message)


def turns_of(transcript: object, *, mailbox: bool) -> list[Turn]:
    """All readable turns. If a `mailbox` answered, the user's turns are the mailbox's."""
    return [
        _turn(position, turn, mailbox=mailbox)
        for position, turn in enumerate(transcript if isinstance(transcript, list) else ())
        if isinstance(turn, dict)
    ]


def mailbox_answered(transcript: object, metadata: Mapping[str, Any], termination_reason: str) -> bool:
    """Whether the detection tool, the termination reason or the telephone provider says that a mailbox answered."""
    used = metadata.get("features_usage")
    used = used.get(_DETECTION) if isinstance(used, dict) else None
    if _MAILBOX.search(termination_reason) or (isinstance(used, dict) and is_true(used.get("used"))):
        return True
    answered = (
        section.get(name)
        for section in (metadata, metadata.get("phone_call"), metadata.get("whatsapp"))
        if isinstance(section, dict)
        for name in _WHO_ANSWERED
    )
    if any(_ANSWERED_BY.match(text(word).strip()) for value in answered for word in _texts(value)):
        return True
    return any(_is_detection(result) for turn in dicts(transcript) for result in dicts(turn.get("tool_results")))


def _turn(position: int, turn: Mapping[str, Any], *, mailbox: bool) -> Turn:
    role = str(turn.get("role")).strip().casefold()
    message, parts, files = text(turn.get("message")), _parts(turn), _files(turn)
    if role == "agent" and not message.strip():
        message = " ".join(part.text for part in parts)
    kind = _kind(turn, message.strip(), mailbox=mailbox) if role == "user" else "said"
    return Turn(position, role, message, seconds(turn.get("time_in_call_secs")), kind, parts, files, turn)


def _kind(turn: Mapping[str, Any], message: str, *, mailbox: bool) -> Kind:
    medium = re.sub(r"[\s_-]+", " ", text(turn.get("source_medium")).strip().casefold())
    if _KEYPAD_MEDIUM.search(medium) or (medium != "text" and _KEYPAD_DIGITS.fullmatch(message)):
        return "keypad"
    if turn.get("platform_event"):
        return "platform event"
    if turn.get("contextual_update_info"):
        return "context"
    if is_true(turn.get("ignored_as_backchannel")):
        return "backchannel"
    attached = _attached(turn)
    if attached and message in ("", *(text(file.get(name)).strip() for file in attached for name in _FILE_TEXTS)):
        return "file"
    return "mailbox" if mailbox and message else "said"


def _parts(turn: Mapping[str, Any]) -> tuple[Part, ...]:
    multivoice = turn.get("multivoice_message")
    parts = dicts(multivoice.get("parts")) if isinstance(multivoice, dict) else []
    return tuple(
        Part(text(part.get("voice_label")).strip(), said) for part in parts if (said := text(part.get("text")).strip())
    )


def _attached(turn: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The files of a turn. The older field `file_input` repeats the first of `file_inputs`."""
    return dicts(turn.get("file_inputs")) or dicts([turn.get("file_input")])


def _files(turn: Mapping[str, Any]) -> tuple[File, ...]:
    return tuple(
        File(text(file.get("original_filename")).strip() or "unnamed", text(file.get("mime_type")).strip())
        for file in _attached(turn)
    )


def _is_detection(result: Mapping[str, Any]) -> bool:
    """Whether this is a successful result of the system tool `voicemail_detection`."""
    outcome = result.get("result")
    outcome = outcome if isinstance(outcome, dict) else {}
    kind = text(outcome.get("result_type"))
    if kind:
        return kind == f"{_DETECTION}_success"
    failed = is_true(result.get("is_error")) or is_true(result.get("is_blocked")) or outcome.get("status") == "error"
    names = text(result.get("tool_name")).strip().casefold(), text(result.get("tool_id")).removeprefix("__system_")
    return _DETECTION in names and not failed


def _texts(value: object) -> Iterable[object]:
    return value.values() if isinstance(value, dict) else (value,)
