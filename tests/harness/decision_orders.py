"""Plays orders of events in the life of one caller against the real files, index and stores, and against a model."""

import contextlib
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from conversations.files.decisions import about
from conversations.files.paths import conversation_folder, conversation_ids
from conversations.index.sync import reconcile, refresh_row
from conversations.memories import corrections, reprocess
from conversations.memories.decided import settle
from conversations.memories.forgetting import Forgetting, forget
from conversations.memories.remember import remember
from conversations.memories.worker import Worker
from conversations.models import CallerCard, Conversation
from elmemory.memory import kinds
from elmemory.memory.card import read_card
from elmemory.memory.openmemory import OpenMemory
from elmemory.memory.openmemory.protocol import BOOKKEEPER
from elmemory.memory.records import Entry, Memory
from tests.harness.samples import transcription
from tests.harness.stored import deliver
from webhooks.live.guard import Guard

CALLER = "+14155550100"
EVENTS = (
    "call",
    "opt out",
    "opt in",
    "correct",
    "delete",
    "forget",
    "switch store",
    "reprocess",
    "backfill",
    "restore",
)
_BEGAN = datetime(2026, 3, 1, 12, tzinfo=UTC)
_OF_A_CALL = kinds.CALL, kinds.MESSAGE


@dataclass
class Kept:
    """What a store holds: calls, and the correction with the time at which it was stated."""

    calls: set[int] = field(default_factory=set)
    correction: tuple[str, int] | None = None


@dataclass
class Model:
    """What should be remembered. Times are counted in events: the n-th makes the calls n, and -n, which gets lost."""

    current: int = 0
    stores: list[Kept] = field(default_factory=lambda: [Kept(), Kept()])
    opted_out: bool = False
    gone_until: int = 0
    withdrawn_at: int = 0
    withheld: set[int] = field(default_factory=set)
    on_disk: set[int] = field(default_factory=set)
    at_elevenlabs: set[int] = field(default_factory=set)
    backup: tuple[set[int], Kept] = field(default_factory=lambda: (set(), Kept()))
    is_backed_up: bool = False

    @property
    def store(self) -> Kept:
        return self.stores[self.current]

    @property
    def messages(self) -> set[int]:
        return self.store.calls - self.withheld

    def allows(self, call: int) -> bool:
        return not self.opted_out and abs(call) > self.gone_until

    def permits_correction(self, kept: Kept) -> bool:
        at = kept.correction[1] if kept.correction else 0
        return not self.opted_out and at > self.gone_until and at > self.withdrawn_at

    def forbids_any(self) -> bool:
        """Whether the present store holds something that must be gone."""
        kept = self.store
        forbidden = any(not self.allows(call) for call in kept.calls)
        return forbidden or (kept.correction is not None and not self.permits_correction(kept))

    def settle(self) -> None:
        self.store.calls = set(filter(self.allows, self.store.calls))
        if self.store.correction and not self.permits_correction(self.store):
            self.store.correction = None

    def remember(self, calls: set[int]) -> None:
        self.on_disk |= calls
        self.store.calls |= set(filter(self.allows, calls))


class Play:
    """One order of events. `stores` are the embedded one, whose file is in the backup, and another."""

    def __init__(self, stores: Sequence[OpenMemory], folder: Path) -> None:
        """The payload folder is `folder`/payloads; the backup is beside it."""
        self._stores = stores
        self._payloads, self._saved = folder / "payloads", folder / "backup"
        self.model = Model()
        self._now = self._ticks = 0
        self._saved_rows: list[Memory] = []
        Conversation.objects.all().delete()
        CallerCard.objects.all().delete()
        for store in stores:
            store.forget(CALLER)
            store.forget(BOOKKEEPER)

    def clock(self) -> datetime:
        """The time of the present event, and never the same twice."""
        self._ticks += 1
        return self._at(self._now) + timedelta(seconds=5, microseconds=self._ticks)

    def do(self, event: str) -> None:
        self._now += 1
        actions: dict[str, Callable[[], None]] = {
            "call": self._call,
            "opt out": self._opt_out,
            "opt in": self._opt_in,
            "correct": self._correct,
            "delete": self._delete,
            "forget": self._forget,
            "switch store": self._switch,
            "reprocess": self._reprocess,
            "backfill": self._backfill,
            "restore": self._restore,
        }
        actions[event]()
        self._check()

    def state(self) -> str:
        """A digest of everything an event could change: files, rows of both stores, backup."""
        found = [str(self.model)]
        for root in (self._payloads, self._saved):
            for path in sorted(root.rglob("*")):
                if path.is_file() and "_locks" not in path.parts:
                    found += [str(path.relative_to(root)), path.read_bytes().hex() if path.stat().st_size else ""]
        for store in self._stores:
            memories = *store.memories(CALLER), *store.memories(BOOKKEEPER)
            found += sorted(f"{memory.key} {memory.content}" for memory in memories)
        return sha256("\n".join(found).encode()).hexdigest()

    @property
    def _store(self) -> OpenMemory:
        return self._stores[self.model.current]

    def _at(self, event: int) -> datetime:
        return _BEGAN + timedelta(minutes=event)

    def _deliver(self, call: int) -> None:
        started_at = int(self._at(abs(call)).timestamp())
        deliver(transcription(CALLER, f"Sentence {call}.", conversation_id=_name(call), started_at=started_at))
        Worker(self._store).process_due()

    def _call(self) -> None:
        self._deliver(self._now)
        self.model.remember({self._now})
        self.model.at_elevenlabs |= {self._now, -self._now}
        if not self.model.is_backed_up:
            self._back_up()

    def _opt_out(self) -> None:
        corrections.set_preference(self._store, CALLER, kinds.OPT_OUT, holds=True)
        self.model.opted_out = True
        self.model.settle()

    def _opt_in(self) -> None:
        corrections.set_preference(self._store, CALLER, kinds.OPT_OUT, holds=False)
        if self.model.opted_out:
            self.model.opted_out, self.model.gone_until = False, self._now

    def _correct(self) -> None:
        with contextlib.suppress(corrections.OptedOut):
            corrections.correct(self._store, CALLER, "city", f"City {self._now}")
        if not self.model.opted_out:
            self.model.store.correction = f"City {self._now}", self._now

    def _delete(self) -> None:
        messages = sorted(self.model.messages, key=lambda call: (abs(call), call))
        wanted = f"Sentence {messages[0]}." if messages else None
        correction = self.model.store.correction
        if wanted is None and correction is None:
            return
        content = wanted or f"City: {correction[0] if correction else ''}"
        (memory,) = (memory for memory in self._memories() if memory.content == content)
        corrections.delete_memory(self._store, CALLER, memory)
        if messages:
            self.model.withheld.add(messages[0])
        else:
            self.model.store.correction, self.model.withdrawn_at = None, self._now

    def _forget(self) -> None:
        forget(self._store, CALLER, Forgetting(payloads=False))
        self.model.gone_until = self._now
        self.model.store.calls, self.model.store.correction = set(), None

    def _switch(self) -> None:
        self.model.current = 1 - self.model.current
        self._start()

    def _reprocess(self) -> None:
        for name in conversation_ids():
            reprocess.request(name)
            remember(name, self._store)
            refresh_row(name)
        self.model.remember(set(self.model.on_disk))

    def _backfill(self) -> None:
        missing = self.model.at_elevenlabs - self.model.on_disk
        for call in sorted(missing):
            self._deliver(call)
        self.model.remember(missing)

    def _back_up(self) -> None:
        self.model.is_backed_up = True
        shutil.copytree(self._payloads, self._saved)
        self._saved_rows = self._stores[0].memories(CALLER)
        kept = self.model.stores[0]
        self.model.backup = set(self.model.on_disk), Kept(set(kept.calls), kept.correction)

    def _restore(self) -> None:
        """Bring back the calls and the embedded store of the backup; its decisions are added to the present ones."""
        if not self.model.is_backed_up:
            return
        for name in list(conversation_ids()):
            shutil.rmtree(conversation_folder(name))
        shutil.copytree(self._saved, self._payloads, dirs_exist_ok=True)
        self._stores[0].forget(CALLER)
        self._stores[0].forget(BOOKKEEPER)
        for memory in reversed(self._saved_rows):
            entry = Entry(memory.key, memory.content, memory.tags, memory.metadata, memory.salience, 0.0)
            self._stores[0].put_all(CALLER, [entry])
        on_disk, kept = self.model.backup
        self.model.on_disk = set(on_disk)
        self.model.stores[0] = Kept(set(kept.calls), kept.correction)
        reconcile()
        self._start()

    def _start(self) -> None:
        """Start server and worker: what must be gone is not spoken before the worker has deleted it."""
        guard = Guard(self._store)
        guard.look()
        if self.model.forbids_any():
            assert guard.hides(CALLER)
        settle(self._store)
        self.model.settle()
        guard.look()
        assert not guard.hides(CALLER)
        Worker(self._store).process_due()

    def _memories(self) -> list[Memory]:
        return self._store.memories(CALLER)

    def _check(self) -> None:
        model, memories = self.model, self._memories()
        assert {memory.content for memory in memories if memory.kind == kinds.MESSAGE} == {
            f"Sentence {call}." for call in model.messages
        }
        assert {memory.metadata["conversation_id"] for memory in memories if memory.kind == kinds.CALL} == {
            _name(call) for call in model.store.calls
        }
        stated = [memory.metadata["value"] for memory in memories if memory.kind == kinds.PREFERENCE]
        assert stated == ([model.store.correction[0]] if model.store.correction else [])
        assert about(CALLER).opted_out is model.opted_out
        card = read_card(self._store, CALLER)
        assert (card.call_count if card else 0) == len(model.store.calls)
        assert (card.facts.get("city") if card else None) == (stated[0] if stated else None)
        assert (card is None) is not bool(model.store.calls or stated)


def _name(call: int) -> str:
    return f"conv_{'heard' if call > 0 else 'missed'}_{abs(call)}"
