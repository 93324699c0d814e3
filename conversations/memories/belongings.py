"""Finds what is stored of a caller, in store and files: forgetting deletes it, then searches for traces of it."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from conversations.files.mentions import loose_files_naming, names
from conversations.files.paths import conversation_files, conversation_ids, file_names, folder_text, is_conversation_id
from conversations.files.receipts import receipt_path
from conversations.files.stored import transcription_of
from conversations.index import fulltext
from conversations.index.schema import healed
from conversations.models import Conversation
from conversations.payloads.failure import Failure
from conversations.payloads.outline import NotReadable, parse
from conversations.payloads.transcription import Transcription
from elmemory.memory import kinds
from elmemory.memory.card import card_from
from elmemory.memory.identity import caller_key, former_keys
from elmemory.memory.needles import Needles
from elmemory.memory.records import Memory

_VERSION = re.compile(r".+\.[0-9a-f]{8}\.(?:json|mp3)")
_CONVERSATION = re.compile(rb'"conversation_id"\s*:\s*"([A-Za-z0-9][A-Za-z0-9_-]{0,127})"')
_KINDS = {kinds.CARD: "cards", kinds.PREFERENCE: "preferences"}


@dataclass(slots=True)
class Files:
    """A caller's files.

    `calls` are their conversations: those that they made, and those of unknown callers whose files name them.
    `versions` and `receipts` belong to conversations that have another caller now. `loose` are unreadable bodies and
    events.
    """

    calls: list[str] = field(default_factory=list)
    versions: list[Path] = field(default_factory=list)
    receipts: list[str] = field(default_factory=list)
    loose: list[Path] = field(default_factory=list)

    def counts(self) -> Counter[str]:
        """The number of files of each kind."""
        paths = [path for call in self.calls for path in conversation_files(call)]
        counts = Counter({"calls": len(self.calls), "receipts": len(self.receipts)})
        counts.update(map(_kind_of, [*paths, *self.versions]))
        counts["unreadable bodies"] = sum(path.parent.name == "_unreadable" for path in self.loose)
        counts["events"] += sum(path.parent.name == "_events" for path in self.loose)
        return counts


def keys_of_caller(caller: str) -> list[str]:
    """The caller's key, and other keys that they have or may have had."""
    return list(dict.fromkeys([caller, caller_key(caller) or caller, *former_keys(caller)]))


@healed
def calls_of(caller: str) -> list[str]:
    """The conversation ids of the caller's calls, the oldest first."""
    calls = Conversation.objects.filter(caller__in=keys_of_caller(caller))
    return list(calls.order_by("started_at").values_list("pk", flat=True))


def files_of(caller: str) -> Files:
    """All files of the caller. Lists every conversation and reads the receipts."""
    needles, keys = Needles(caller), keys_of_caller(caller)
    found = Files(calls=calls_of(caller), loose=loose_files_naming(needles))
    without_caller = _calls_without_caller()
    # A recording names no one, but an unreadable file may.
    named = {one.decode() for path in found.loose for one in _CONVERSATION.findall(path.read_bytes())}
    own = set(found.calls)
    for conversation_id in conversation_ids():
        if conversation_id in own:
            continue
        # Most calls are read by names, not Paths: Python 3.12 never frees the parts of a Path.
        files, folder = file_names(conversation_id), folder_text(conversation_id)
        is_in_receipt = _is_in_receipt(conversation_id, keys)
        if conversation_id in without_caller or not _has_party(conversation_id, files):
            texts = [Path(folder, name) for name in files if not name.endswith(".mp3")]
            if conversation_id in named or is_in_receipt or any(names(path, needles) for path in texts):
                found.calls.append(conversation_id)
                continue
        versions = [Path(folder, name) for name in files if _is_version(name)]
        found.versions += [path for path in versions if _party(path) in keys]
        if is_in_receipt:
            found.receipts.append(conversation_id)
    return found


def files_of_call(conversation_id: str, caller: str) -> list[Path]:
    """The files of the caller's call, without versions that name another caller, from before it was theirs."""
    theirs = None, *keys_of_caller(caller)
    return [
        path for path in conversation_files(conversation_id) if not _is_version(path.name) or _party(path) in theirs
    ]


def counts_of(memories: Iterable[Memory]) -> Counter[str]:
    """The number of memories, cards and preferences."""
    return Counter(_KINDS.get(memory.kind, "memories") for memory in memories)


def needles_of(caller: str, memories: Iterable[Memory], files: Files) -> Needles:
    """The texts that must not remain once the caller is forgotten: their number, names and sentences."""
    called, said = set[str](), dict[str, None]()
    for memory in memories:
        if memory.kind == kinds.CARD:
            called.add(card_from(memory.metadata).full_name)
        elif memory.kind == kinds.MESSAGE:
            said[memory.content] = None
    for conversation_id in files.calls:
        if call := transcription_of(conversation_id):
            called.add(call.caller_name)
            said |= {turn.message: None for turn in call.turns if turn.is_of_caller}
    # A single word is left out: it may be the name of other callers too.
    return Needles(caller, {name for name in called if len(name.split()) > 1}, said)


def only_theirs(needles: Needles, caller: str) -> Needles:
    """The needles without the names and sentences that also occur in other callers' calls."""
    others = Conversation.objects.exclude(caller__in=keys_of_caller(caller))

    def is_theirs(text: str) -> bool:
        found = fulltext.matching(f'"{text.replace('"', " ")}"')
        return found is None or not found.of(others).exists()

    return Needles(caller, filter(is_theirs, needles.names), filter(is_theirs, needles.sentences))


def conversations_of(memories: Iterable[Memory], files: Files) -> list[str]:
    """The ids of the caller's conversations, including those whose files are gone."""
    of_memories = (memory.metadata.get("conversation_id") for memory in memories)
    return sorted({*files.calls, *(str(one) for one in of_memories if is_conversation_id(one))})


@healed
def _calls_without_caller() -> set[str]:
    return set(Conversation.objects.filter(caller="").values_list("pk", flat=True))


def _has_party(conversation_id: str, files: Iterable[str]) -> bool:
    """Whether a transcription or a failure is stored. These name the caller."""
    return not {f"{conversation_id}_transcription.json", f"{conversation_id}_failure.json"}.isdisjoint(files)


def _is_in_receipt(conversation_id: str, keys: Iterable[str]) -> bool:
    try:
        with open(f"{folder_text(conversation_id)}/{conversation_id}_memory.json", "rb") as file:
            raw = file.read()
    except FileNotFoundError:
        return False
    return any(key.encode() in raw for key in keys)


def _party(path: Path) -> str | None:
    """The caller whom a stored transcription or failure names."""
    try:
        event = parse(path.read_bytes())
    except (OSError, NotReadable):
        return None
    if not isinstance(event, dict):
        return None
    return Failure(event).caller if "_failure." in path.name else Transcription(event).caller


def _is_version(name: str) -> bool:
    return name.endswith(".json") and _VERSION.fullmatch(name) is not None


def _kind_of(path: Path) -> str:
    if path == receipt_path(path.parent.name):
        return "receipts"
    if _VERSION.fullmatch(path.name):
        return "versions"
    if path.suffix == ".mp3":
        return "recordings"
    return "events" if "_event_" in path.name else "payloads"
