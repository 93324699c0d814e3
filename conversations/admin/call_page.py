"""The contents of a call's page, from its files, the index and OpenMemory."""

import re
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.formats import number_format
from django.utils.translation import gettext

from conversations.admin.masking import keys_in, keys_of, mask
from conversations.admin.speakers import speaker_bar
from conversations.admin.transcript import clock, pretty, turns
from conversations.files.decisions import about
from conversations.files.paths import AUDIO, FAILURE, conversation_files, payload_path, transcription_path
from conversations.files.receipts import Receipt, read_receipt
from conversations.files.stored import read_failure, transcription_of
from conversations.index.references import caller_reference
from conversations.index.values import agents
from conversations.memories.remember import withheld_of
from conversations.models import Conversation
from conversations.payloads import explain
from conversations.payloads.failure import in_language
from conversations.payloads.secret_variables import shown_variables
from conversations.payloads.transcription import Transcription
from elmemory.memory import kinds
from elmemory.memory.openmemory import OpenMemoryError, open_memory
from elmemory.memory.records import Memory

_SHORTEST_VALUE = 3
_ORDER_OF_KINDS = kinds.CALL, kinds.FACT, kinds.INSIGHT, kinds.MESSAGE
# A language tag of BCP 47, for screen readers and hyphenation.
_LANG = re.compile("[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*")


def call_page(row: Conversation, *, reveal: bool) -> dict[str, Any]:
    """The page's texts, lists and dictionaries; without `reveal` the digits in them are masked."""
    call = transcription_of(row.pk)
    page = _page(row, call, reveal=reveal)
    return page if reveal else mask(page, row.caller, keys_in(call) if call else keys_of([row.pk]))


def _page(row: Conversation, call: Transcription | None, *, reveal: bool) -> dict[str, Any]:
    page: dict[str, Any] = {"title": in_language(row.title), "files": _files(row.pk), "problem": ""}
    page["length"] = clock(row.duration_seconds)
    if failure := read_failure(row.pk):
        page["problem"] = gettext("The call never connected: %(failure)s.") % {
            "failure": in_language(failure.in_plain_words)
        }
        page["failure"] = [(str(name), pretty(value)) for name, value in failure.details.items()]
    receipt = read_receipt(row.pk)
    if receipt:
        page["removed"] = {kind: parse_datetime(at) for kind, at in receipt.removed.items()}
        page["remembered"] = _remembered(receipt)
        page["withheld"] = len(receipt.withheld)
        page["forgotten"] = row.caller in receipt.forgotten
    if call is None:
        if row.has_transcription:
            page["problem"] = gettext("The transcription cannot be read. It is stored as it arrived.")
        elif receipt:
            _link(page | {"turns": []})
        return page
    page |= {
        "has_call": True,
        "summary": call.summary,
        "turns": turns(call, reveal=reveal),
        "problem": explain.explained(call) or page["problem"],
        "ended": call.termination_reason,
        "language": call.text("metadata", "main_language"),
        "lang": lang if _LANG.fullmatch(lang := call.text("metadata", "main_language")) else "",
        "mailbox": call.reached_mailbox,
        "dollars": _dollars(call.cost_in_dollars),
        "criteria": [asdict(criterion) for criterion in call.criteria()],
        "collected": _collected(call),
        "ring": _ring(call),
    }
    _name_agents(page)
    page["speakers"] = speaker_bar(page["turns"], row.duration_seconds)
    if receipt:
        page["withheld"] = len(set(filter(None, withheld_of(call, receipt))))
        page["forgotten"] = _is_forgotten(call, receipt)
    page.setdefault("remembered", _remembered(None))
    _link(page)
    return page


def _dollars(amount: float | None) -> str:
    return "" if amount is None else number_format(f"{amount:.4f}".rstrip("0").rstrip("."), force_grouping=True)


def _is_forgotten(call: Transcription, receipt: Receipt) -> bool:
    """Whether a later decision forbids remembering anything of the call."""
    decided = about(call.caller)
    return call.caller in receipt.forgotten or not (
        decided.opted_out or decided.allows(call.started_at(receipt.arrival))
    )


def _collected(call: Transcription) -> list[dict[str, Any]]:
    collected = [asdict(one) | {"value": text} for one, text, _ in call.collected_texts()]
    # Results with a value first.
    return sorted(collected, key=lambda item: item["value"] is None)


def _ring(call: Transcription) -> dict[str, Any]:
    """The variables of the ring, without ElevenLabs' own, and the greeting."""
    variables = {
        name: pretty(value)
        for name, value in shown_variables(call.variables).items()
        if not name.startswith("system__")
    }
    greeting = call.text(
        "conversation_initiation_client_data", "conversation_config_override", "agent", "first_message"
    )
    return {
        "variables": list(variables.items()),
        "empty": [name for name, value in variables.items() if not value],
        "greeting": greeting,
        "recall": call.recall,
    }


def _name_agents(page: dict[str, Any]) -> None:
    """Show the agents of turns and evaluations by name, if a call in the index has it."""
    names = dict(agents())
    for turn in page["turns"]:
        turn["agent"] = names.get(turn["agent"], turn["agent"])
    for item in (*page["criteria"], *page["collected"]):
        item["agent_id"] = names.get(item["agent_id"], item["agent_id"])


def _remembered(receipt: Receipt | None) -> dict[str, Any]:
    """The memories that the receipt names, as OpenMemory has them now."""
    remembered: dict[str, Any] = {
        "memories": [],
        "gone": 0,
        "away": "",
        "count": len(receipt.memories) if receipt else 0,
        "caller_ref": caller_reference(receipt.caller or "") if receipt else "",
    }
    if receipt is None or not receipt.memories or not receipt.caller:
        return remembered
    try:
        stored = open_memory().memories(receipt.caller)
    except OpenMemoryError as error:
        return remembered | {"away": str(error)}
    by_id = {memory.id: memory for memory in stored}
    by_key = {memory.key: memory for memory in stored}
    for named in receipt.memories:
        if memory := by_id.get(named.id) or by_key.get(named.key):
            remembered["memories"].append(_memory(memory))
        else:
            remembered["gone"] += 1
    remembered["memories"].sort(key=lambda memory: _ORDER_OF_KINDS.index(memory["kind"]))
    return remembered


def _memory(memory: Memory) -> dict[str, Any]:
    return {
        "id": memory.id,
        "kind": memory.kind,
        "content": memory.content,
        "value": str(memory.metadata.get("value") or ""),
        "sector": memory.primary_sector,
        "salience": number_format(f"{memory.salience:g}"),
        "turn": memory.metadata.get("position") if memory.kind == kinds.MESSAGE else None,
    }


def _link(page: dict[str, Any]) -> None:
    """Link memories to the turns they came from: a fact to the caller's first turn that has its value."""
    said = [turn for turn in page["turns"] if turn["role"] == "caller" and not turn["badge"]]
    by_position = {turn["position"]: turn for turn in said}
    for memory in page["remembered"]["memories"]:
        if memory["kind"] == kinds.FACT and len(memory["value"]) >= _SHORTEST_VALUE:
            word = re.compile(rf"(?<![\w@]){re.escape(memory['value'])}(?![\w@])", re.IGNORECASE)
            memory["turn"] = next((turn["position"] for turn in said if word.search(turn["message"])), None)
        if turn := by_position.get(memory["turn"]):
            memory["clock"] = turn["clock"] or gettext("the turn")
            turn["remembered"] = True
        else:
            memory["turn"] = None


def _files(conversation_id: str) -> list[dict[str, Any]]:
    main = {
        transcription_path(conversation_id).name: gettext("transcription"),
        payload_path(conversation_id, AUDIO).name: gettext("recording"),
        payload_path(conversation_id, FAILURE).name: gettext("failure"),
        f"{conversation_id}_memory.json": gettext("receipt"),
    }
    files = []
    for path in conversation_files(conversation_id):
        with suppress(FileNotFoundError):  # removed meanwhile
            stat = path.stat()
            files.append(
                {
                    "name": path.name,
                    "is": main.get(path.name) or _other_file(path.name, conversation_id),
                    "size": stat.st_size,
                    "at": datetime.fromtimestamp(stat.st_mtime, UTC),
                    "is_recording": path.suffix == ".mp3",
                    "is_json": path.suffix == ".json",
                }
            )
    return files


def _other_file(name: str, conversation_id: str) -> str:
    rest = name.removeprefix(f"{conversation_id}_")
    if rest.startswith("event_"):
        return gettext("event “%(name)s”") % {"name": rest.removeprefix("event_").split(".")[0]}
    return gettext("earlier or later version")
