"""Everything stored about one caller, as a ZIP that is written while it is sent: it is never in memory or on disk as a
whole."""

import io
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, NamedTuple
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from django.utils.timezone import localtime
from django.utils.translation import gettext, gettext_lazy, ngettext, ngettext_lazy

from conversations.admin.caller_document import caller_document
from conversations.admin.export import COLUMNS
from conversations.files.decisions import about
from conversations.files.paths import unreadable_paths
from conversations.files.receipts import PAYLOAD, RECORDING, read_receipt
from conversations.index.references import caller_reference
from conversations.index.sync import reconcile
from conversations.memories.belongings import files_of_call, keys_of_caller
from conversations.memories.reviews import reviews_of
from conversations.models import Conversation
from conversations.payloads.secret_variables import shown_file
from elmemory.audit.models import Action, Entry, Review
from elmemory.memory.card import Card, read_card
from elmemory.memory.openmemory import OpenMemory
from elmemory.memory.records import Memory
from elmemory.memory.text import counted

_CHUNK = 2**18
_LEFT_OUT = (
    (
        gettext_lazy("Which members of staff looked or acted"),
        gettext_lazy("The log says when and what, not who: names of staff are personal data."),
    ),
    (
        gettext_lazy("The values of secret variables"),
        gettext_lazy("They are this organisation's keys for its tools. Files have ••• in their place."),
    ),
    (
        gettext_lazy("Copies"),
        gettext_lazy(
            "The index, the agent's search and the vectors of an encoder repeat these data: they are computed from"
            " them."
        ),
    ),
    (
        gettext_lazy("What ElevenLabs stores, and backups"),
        gettext_lazy("They are outside this server: ask for them separately."),
    ),
)


class Known(NamedTuple):
    """What is stored about a caller. The files of the calls are read when they are sent."""

    caller: str
    card: Card | None
    memories: list[Memory]
    calls: list[Conversation]
    reviews: list[Review]

    @property
    def name(self) -> str:
        """The name of the ZIP without its suffix; no file name holds the number."""
        return f"caller-{caller_reference(self.caller)}"

    @property
    def amount(self) -> str:
        return f"{counted(len(self.memories), 'memory', 'memories')}, {counted(len(self.calls), 'call')}"

    @property
    def is_empty(self) -> bool:
        return not (self.card or self.memories or self.calls or self.reviews)


def known_of(store: OpenMemory, caller: str) -> Known:
    """What is stored about the caller. Raises OpenMemoryError, because an export must be complete."""
    keys = keys_of_caller(caller)
    # Of an opt-out only the decision is kept.
    card = Card(opted_out=True) if about(caller).opted_out else read_card(store, caller)
    memories = [memory for key in keys for memory in store.memories(key)]
    reconcile()  # the index may have missed a call
    calls = list(Conversation.objects.filter(caller__in=keys).order_by("started_at"))
    return Known(caller, card, memories, calls, reviews_of(keys, [call.pk for call in calls]))


def exported(known: Known) -> Iterator[bytes]:
    """The ZIP in pieces: `index.html` for people, the same as JSON for machines, and the files as they are stored."""
    at, entries, left_out = localtime(), _entries(known.caller), _left_out(known.calls)
    document = caller_document(
        known.caller, known.card, known.memories, known.calls, known.reviews, entries, left_out, at
    )
    documents = {
        "caller.json": {"number": known.caller, "exported_at": at, "card": _card(known.card)},
        "memories.json": [_memory(memory) for memory in known.memories],
        "calls.json": [_call(call) for call in known.calls],
        "notes.json": [_review(review) for review in known.reviews],
        "log.json": entries,
        "left_out.json": left_out,
    }
    return _archive(known, document, documents)


def _archive(known: Known, document: Iterable[str], documents: Mapping[str, Any]) -> Iterator[bytes]:
    outlet, name = _Outlet(), known.name
    with ZipFile(outlet, "w", ZIP_DEFLATED) as archive:
        with archive.open(f"{name}/index.html", "w") as target:
            for text in document:
                target.write(text.encode(errors="replace"))
                yield outlet.take()
        for file, value in documents.items():
            archive.writestr(f"{name}/{file}", _json(value))
            yield outlet.take()
        for conversation_id in (call.pk for call in known.calls):
            for path in files_of_call(conversation_id, known.caller):
                with suppress(FileNotFoundError):  # removed meanwhile
                    # A ZIP cannot store times before 1980, which a payload may have.
                    inside = f"{name}/calls/{conversation_id}/{path.name}"
                    entry = ZipInfo.from_file(path, inside, strict_timestamps=False)
                    entry.compress_type = ZIP_STORED if path.suffix == ".mp3" else ZIP_DEFLATED
                    with shown_file(path) as source, archive.open(entry, "w") as target:
                        while piece := source.read(_CHUNK):
                            target.write(piece)
                            yield outlet.take()
    yield outlet.take()


class _Outlet(io.RawIOBase):
    """A file without seeking that the archive writes to. `take` returns and removes what was written."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, piece: Any) -> int:
        self._pieces.append(bytes(piece))
        return len(piece)

    def take(self) -> bytes:
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)


def _entries(caller: str) -> list[dict[str, Any]]:
    """The entries of the audit log about the caller, oldest first, without the user and address of staff."""
    entries = Entry.objects.filter(caller=caller_reference(caller)).order_by("pk")
    return [
        {
            "at": entry.at,
            "by": gettext("staff") if entry.user_id else gettext("the system"),
            "did": entry.get_action_display(),
            "kind": entry.kind,
            "what": entry.object if entry.kind != "caller" else "",
            # What was searched for is no business of the caller, and may be about others.
            "detail": "" if entry.action == Action.FIND else entry.detail,
        }
        for entry in entries.iterator(1000)
    ]


def _left_out(calls: Iterable[Conversation]) -> list[dict[str, str]]:
    """The data that the export leaves out, with the reasons."""
    left_out = [{"what": str(what), "why": str(why)} for what, why in _LEFT_OUT]
    for kind, transcripts in (
        (PAYLOAD, ngettext_lazy("Transcript of %(n)s call", "Transcripts of %(n)s calls", "n")),
        (RECORDING, ngettext_lazy("Recording of %(n)s call", "Recordings of %(n)s calls", "n")),
    ):
        dates = [
            receipt.removed[kind] for call in calls if (receipt := read_receipt(call.pk)) and kind in receipt.removed
        ]
        if dates:
            why = gettext("Retention removed them, the last on %(day)s. The calls are listed with the dates.")
            left_out.append({"what": transcripts % {"n": len(dates)}, "why": why % {"day": max(dates)[:10]}})
    if unreadable := len(unreadable_paths()):
        what = ngettext("%(n)s delivery that could not be read", "%(n)s deliveries that could not be read", unreadable)
        left_out.append({"what": what % {"n": unreadable}, "why": gettext("It is not known to whom they belong.")})
    return left_out


def _card(card: Card | None) -> dict[str, Any] | None:
    return {"name": card.full_name, "summary": card.summary, **asdict(card)} if card else None


def _memory(memory: Memory) -> dict[str, Any]:
    times = {name: _moment(getattr(memory, name)) for name in ("created_at", "updated_at", "last_seen_at")}
    shown = {name: value for name, value in memory._asdict().items() if name not in ("vector", "write_number")}
    return {"kind": memory.kind, **shown, **times}


def _moment(milliseconds: int) -> datetime | None:
    return datetime.fromtimestamp(milliseconds / 1000, UTC) if milliseconds else None


def _call(call: Conversation) -> dict[str, Any]:
    files = [path.name for path in files_of_call(call.pk, call.caller)]
    return {name: getattr(call, name) for name in COLUMNS} | {"files": files}


def _review(review: Review) -> dict[str, Any]:
    """Staff's review of a call, without who wrote it."""
    return {name: getattr(review, name) for name in ("conversation_id", "note", "note_at", "reviewed_at")}


def _json(value: Any) -> bytes:
    """JSON of any value that metadata may hold; dates in ISO 8601."""

    def as_text(value: Any) -> str:
        return value.isoformat(timespec="seconds") if isinstance(value, datetime) else str(value)

    return json.dumps(value, ensure_ascii=False, indent=2, default=as_text).encode(errors="replace")
