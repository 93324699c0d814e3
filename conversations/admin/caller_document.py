"""`index.html` of an export: the data of a caller for people to read. One file, offline, without scripts."""

from base64 import b64encode
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from hashlib import sha256
from typing import Any

from django.template.loader import render_to_string
from django.utils.dateparse import parse_datetime

from conversations.admin.caller_insights import rationales
from conversations.admin.caller_page import facts_of, grouped
from conversations.admin.transcript import clock, turns
from conversations.files.receipts import read_receipt
from conversations.files.stored import read_failure, transcription_of
from conversations.memories.belongings import files_of_call
from conversations.models import Conversation
from conversations.payloads.failure import in_language
from elmemory.audit.models import Review
from elmemory.memory import kinds
from elmemory.memory.card import Card
from elmemory.memory.records import Memory


def caller_document(
    number: str,
    card: Card | None,
    memories: Sequence[Memory],
    calls: Sequence[Conversation],
    reviews: Sequence[Review],
    entries: Iterable[dict[str, Any]],
    left_out: Sequence[dict[str, str]],
    exported_at: Any,
) -> Iterator[str]:
    """The document in pieces, one for each call. All texts are escaped."""
    of_call: dict[str, list[Memory]] = defaultdict(list)
    for memory in memories:
        of_call[str(memory.metadata.get("conversation_id") or "")].append(memory)
    of_calls, noted = {call.pk for call in calls}, {review.pk: review for review in reviews if review.note}
    style, read = render_to_string("export/caller.css"), cache(rationales)
    yield render_to_string(
        "export/caller_start.html",
        {
            "number": number,
            "exported_at": exported_at,
            "card": card,
            "facts": [
                fact | {"rationale": read(fact["conversation_id"]).get(fact["field"], "")}
                for fact in facts_of(grouped(memories))
            ],
            "statements": [memory.content for memory in memories if memory.kind == kinds.PREFERENCE],
            "others": _others(of_call, of_calls),
            "notes": [review for review in noted.values() if review.pk not in of_calls],
            "calls": calls,
            "style": style,
            "style_hash": b64encode(sha256(style.encode()).digest()).decode(),
        },
    )
    for call in calls:
        yield render_to_string("export/caller_call.html", _call(call, of_call[call.pk]) | {"note": noted.get(call.pk)})
    yield render_to_string("export/caller_end.html", {"entries": entries, "left_out": left_out})


def _others(of_call: dict[str, list[Memory]], calls: set[str]) -> list[Memory]:
    """The memories that no other section shows: insights, those of other programs, and of calls that are not stored."""
    of_a_call = kinds.FACT, kinds.MESSAGE, kinds.CALL
    shown = kinds.CARD, kinds.PREFERENCE
    return [
        memory
        for call, memories in of_call.items()
        for memory in memories
        if memory.kind not in shown and not (call in calls and memory.kind in of_a_call)
    ]


def _call(row: Conversation, memories: list[Memory]) -> dict[str, Any]:
    call, receipt = transcription_of(row.pk), read_receipt(row.pk)
    files = files_of_call(row.pk, row.caller)
    failure = read_failure(row.pk)
    remembered = {memory.metadata.get("position") for memory in memories if memory.kind == kinds.MESSAGE}
    said = turns(call, reveal=True) if call else []
    return {
        "row": row,
        "length": clock(row.duration_seconds),
        "summary": call.summary if call else "",
        "turns": [turn | {"remembered": turn["position"] in remembered} for turn in said],
        "collected": [(item.name, value, item.rationale) for item, value, _ in call.collected_texts()] if call else [],
        "criteria": call.criteria() if call else [],
        "failure": in_language(failure.in_plain_words) if failure else "",
        # Without its transcript the call shows what is remembered of it.
        "memories": [] if call else [memory.content for memory in memories],
        "removed": {kind: parse_datetime(at) for kind, at in receipt.removed.items()} if receipt else {},
        "recordings": [file.name for file in files if file.suffix == ".mp3"],
        "files": [file.name for file in files],
    }
