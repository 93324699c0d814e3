"""Forgets a caller: deletes all their memories and, if staff choose so, the files of their calls, and verifies it.

The receipts of remaining calls list the caller as forgotten, so the calls are never remembered again for the caller. A
decision keeps the time, so that calls that began before and arrive later are not remembered either. An opt-out remains.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import unquote_plus

from django.contrib.sessions.models import Session
from django.db import connections
from django.http import HttpRequest
from django.utils.timezone import now

from conversations.files.decisions import decide, mark_deleted
from conversations.files.deletion import delete_conversation
from conversations.files.durable import sync_folder
from conversations.files.locks import caller_lock
from conversations.files.paths import conversation_files
from conversations.files.receipts import Receipt, read_receipt, write_receipt
from conversations.files.spool import remove_abandoned_spools
from conversations.index.cards import delete_card
from conversations.index.references import caller_reference
from conversations.index.schema import ALIAS as INDEX
from conversations.index.segments import remove_deleted_words
from conversations.index.sync import reconcile, refresh_row
from conversations.memories import certificate, reviews
from conversations.memories.belongings import (
    Files,
    calls_of,
    conversations_of,
    counts_of,
    files_of,
    keys_of_caller,
    needles_of,
    only_theirs,
)
from conversations.memories.decided import enforce, note_carried_out
from conversations.memories.traces import Searched, search_databases, search_everything
from elmemory.audit.models import Entry
from elmemory.audit.record import certify
from elmemory.memory.needles import Needles
from elmemory.memory.openmemory import OpenMemory, OpenMemoryError
from elmemory.memory.openmemory.database_traces import clear_log, rewrite
from elmemory.memory.openmemory.embedded.store import EmbeddedOpenMemory
from elmemory.memory.records import Memory
from elmemory.memory.text import counted
from elmemory.searches.models import SavedSearch


class Extent(NamedTuple):
    """The numbers of a caller's memories, calls, files and notes; `size` is the size of the files in bytes."""

    memories: int
    calls: int
    files: int
    size: int
    notes: int = 0


def extent(store: OpenMemory, caller: str) -> Extent:
    """The extent of what is stored about the caller. Raises OpenMemoryError."""
    memories = len(store.memories(caller))
    calls = calls_of(caller)
    sizes = [path.stat().st_size for call in calls for path in conversation_files(call)]
    noted = sum(bool(review.note) for review in reviews.reviews_of(keys_of_caller(caller), calls))
    return Extent(memories, len(calls), len(sizes), sum(sizes), noted)


@dataclass(frozen=True, slots=True)
class Forgetting:
    """How a caller is forgotten.

    `payloads` also deletes their files, `elevenlabs` their conversations there. `everywhere` searches all files
    afterwards, not only the databases, also for these `names` and `sentences`. The audit log names the user of
    `request`, else that of the operating system. `reconciled`: the index is up to date and need not be compared with
    the files.
    """

    payloads: bool = False
    elevenlabs: bool = False
    everywhere: bool = False
    names: Sequence[str] = ()
    sentences: Sequence[str] = ()
    request: HttpRequest | None = None
    reconciled: bool = False


class Forgotten(NamedTuple):
    """The entry of the audit log with the certificate, and the result of the search afterwards."""

    entry: Entry
    searched: Searched


def belongings(store: OpenMemory, caller: str) -> tuple[list[Memory], Files]:
    """The caller's memories under all their keys, and their files. Raises OpenMemoryError."""
    memories = [memory for key in keys_of_caller(caller) for each in _stores(store) for memory in each.memories(key)]
    return list({memory.id: memory for memory in memories}.values()), files_of(caller)


def forget(store: OpenMemory, caller: str, options: Forgetting) -> Forgotten:
    """Delete what is stored of the caller, search for what is left, and certify it in the audit log.

    It can be repeated after an interruption, and then completes. Raises OpenMemoryError if memories may be left,
    OSError if a file could not be written or deleted, DatabaseError, and ElevenLabsError if conversations are left
    there.
    """
    if not options.reconciled:
        reconcile()  # finds calls that the index lacks
    with caller_lock(*keys_of_caller(caller)) as lock:
        interrupted = certificate.read_notes(caller)
        memories, files = belongings(store, caller)
        needles = needles_of(caller, memories, files)
        theirs = reviews.reviews_of(keys_of_caller(caller), conversations_of(memories, files))
        notes = _noted(interrupted, options, memories, files)
        notes.add({"notes of staff": sum(bool(review.note) for review in theirs)})
        enforce(store, caller)
        # Both are written before anything is deleted, so that no other process writes the memories again, and an
        # interrupted run is noticed.
        decision = decide(caller, "forgotten")
        certificate.write_notes(caller, notes)
        for conversation_id in files.calls:
            _list_as_forgotten(conversation_id, caller)
        for key in keys_of_caller(caller):
            for each in _stores(store):
                each.forget(key)
            delete_card(key)
        note_carried_out(store, [decision])
        if notes.payloads:
            delete_files(caller, files)
        reviews.erase(theirs)
        lock.confirm()
    for conversation_id in (*files.calls, *files.receipts, *(path.parent.name for path in files.versions)):
        refresh_row(conversation_id)
    notes.add({"searches of staff": delete_searches(Needles(caller))})
    if notes.elevenlabs:
        delete_at_elevenlabs(notes.conversations)
    needles = only_theirs(needles, caller)
    notes.add({"saved searches": delete_saved_searches(caller, [*needles.names, *options.names])})
    # The index is searched only if no rows of the caller's calls remain in it.
    aliases = [alias for alias in connections if notes.payloads or alias != INDEX]
    searched = _without_traces(needles, aliases, was_interrupted=interrupted is not None)
    if options.everywhere:
        needles = Needles(caller, [*needles.names, *options.names], [*needles.sentences, *options.sentences])
        searched = search_everything(needles, store, keys_of_caller(caller))
    document = _certified(caller, notes, needles, searched, kept=len(files.calls))
    detail = f"{counted(len(searched.traces), 'trace')} found afterwards"
    entry = certify(options.request, caller_reference(caller), detail, document)
    certificate.delete_notes(caller)
    return Forgotten(entry, searched)


def delete_files(caller: str, files: Files) -> None:
    """Delete the caller's files durably. Files that name the caller come last: an interrupted run finds them again."""
    keys = keys_of_caller(caller)
    for path in files.versions:
        path.unlink(missing_ok=True)
        sync_folder(path.parent)
    for conversation_id in files.receipts:
        if receipt := read_receipt(conversation_id):
            _leave_out(receipt, keys)
            write_receipt(conversation_id, receipt)
    for conversation_id in files.calls:
        delete_conversation(conversation_id)
    for path in files.loose:
        # Without a tombstone a restored backup would bring it back.
        with suppress(ValueError):
            mark_deleted(path.stem)
        path.unlink(missing_ok=True)
        sync_folder(path.parent)


def delete_searches(needles: Needles) -> int:
    """Delete staff's searches from the sessions that name the caller, and expired sessions.

    Returns how many sessions named the caller.
    """
    Session.objects.filter(expire_date__lt=now()).delete()
    found = 0
    for session in Session.objects.iterator():
        value = session.get_decoded()
        if needles.are_in(str(value)):
            found += 1
            value.pop("searches", None)
            session.session_data = Session.objects.encode(value)
            session.save()
    return found


def delete_saved_searches(caller: str, names: Iterable[str]) -> int:
    """Delete the saved searches that name the caller, by reference or name; returns how many there were."""
    reference, needles = caller_reference(caller), Needles(caller, names)
    texts = ((search.pk, unquote_plus(f"{search.query} {search.name}")) for search in SavedSearch.objects.iterator())
    named = [pk for pk, text in texts if reference in text or needles.are_in(text)]
    return SavedSearch.objects.filter(pk__in=named).delete()[0]


def delete_at_elevenlabs(conversation_ids: Iterable[str]) -> int:
    """Delete these conversations at ElevenLabs; returns how many existed. Raises ElevenLabsError."""
    from elmemory.agents.api import Api

    with Api() as api:
        return sum(api.delete_conversation(conversation_id) for conversation_id in conversation_ids)


def remove_traces() -> None:
    """Remove the traces of deleted rows: words of the full-text index, logs of databases. Raises DatabaseError."""
    remove_abandoned_spools()
    remove_deleted_words()
    for alias in connections:
        clear_log(alias)


def _without_traces(needles: Needles, aliases: Sequence[str], *, was_interrupted: bool) -> Searched:
    """Remove the traces in the databases, and rewrite all databases if some remain; returns the last search.

    After an interrupted run they are always rewritten: what it deleted can no longer be searched for.
    """
    remove_traces()
    searched = search_databases(needles, aliases)
    if searched.traces or was_interrupted:
        for alias in connections:
            rewrite(alias)
        searched = search_databases(needles, aliases)
    return searched


def _noted(
    interrupted: certificate.Notes | None, options: Forgetting, memories: list[Memory], files: Files
) -> certificate.Notes:
    """The notes of this run, including those of an interrupted run."""
    notes = interrupted or certificate.Notes(now().isoformat(timespec="seconds"))
    notes.payloads, notes.elevenlabs = notes.payloads or options.payloads, notes.elevenlabs or options.elevenlabs
    found = counts_of(memories)
    if notes.payloads:
        found |= files.counts()
        found["rows of the index"] = len(files.calls)
    if notes.elevenlabs:
        notes.conversations = sorted({*notes.conversations, *conversations_of(memories, files)})
        found["conversations at ElevenLabs"] = len(notes.conversations)
    notes.add(found)
    return notes


def _certified(caller: str, notes: certificate.Notes, needles: Needles, searched: Searched, *, kept: int) -> str:
    left = [
        "the decision to forget and the audit log: a keyed hash of the number",
        "backups and logs of other systems",
    ]
    if not notes.payloads and kept:
        left.insert(
            0,
            counted(kept, "call with its files, which is", "calls with their files, which are")
            + " not remembered again",
        )
    if not notes.elevenlabs:
        left.append("the conversations at ElevenLabs")
    states = {
        "sqlite": "deleted rows overwritten, log emptied",
        "postgresql": "deleted rows freed by VACUUM; its log, replicas and backups may hold them",
    }
    sentences = counted(len(needles.sentences), "sentence")
    if needles.too_short:
        sentences += f" ({needles.too_short} too short to mean one caller were left out)"
    return certificate.as_document(
        notes,
        caller,
        databases={alias: states.get(connections[alias].vendor, "") for alias in connections},
        searched={
            "files": searched.files,
            "rows": searched.rows,
            "bytes": searched.bytes,
            "needles": f"the number in all spellings, {counted(len(needles.names), 'name')}, {sentences}",
            "hits": len(searched.traces),
        },
        left=left,
    )


def _stores(store: OpenMemory) -> Iterator[OpenMemory]:
    """The store in use, and the embedded one if it was used before: switching back must not bring callers back."""
    yield store
    if not isinstance(store, EmbeddedOpenMemory):
        embedded = EmbeddedOpenMemory()
        with suppress(OpenMemoryError):
            if embedded.users():
                yield embedded


def _leave_out(receipt: Receipt, keys: Iterable[str]) -> None:
    """Remove the caller from the receipt of another caller's call. The decision still applies."""
    receipt.callers = [key for key in receipt.callers if key not in keys]
    receipt.forgotten = [key for key in receipt.forgotten if key not in keys]


def _list_as_forgotten(conversation_id: str, caller: str) -> None:
    """List the caller as forgotten in the call's receipt."""
    receipt = read_receipt(conversation_id)
    if receipt is None:
        return  # not processed yet: the mark takes effect when it is
    receipt.forgotten = sorted({*receipt.forgotten, caller})
    receipt.memories = []
    write_receipt(conversation_id, receipt)
