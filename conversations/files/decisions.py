"""Decisions about callers and calls. They apply to every store, reprocessing, backfill and restored backup.

A decision is an empty file below `_decisions/` of the payload folder. Its name holds its subject, its time, its kind
and an optional detail: `<subject>.<time>.<what>[.<detail>]`. Subject and detail are hashes under the key in
`_decisions/key`: no file names a caller, and a new SECRET_KEY does not invalidate them. Decisions are only added, and
the newest counts: copying one folder over another, in either direction, keeps the decisions of both.

Decisions about a conversation are files under its id, in `_deleted/` and `_reduced/`.
"""

import contextlib
import hmac
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Literal, NamedTuple

from django.conf import settings
from django.utils.timezone import now

from conversations.files.durable import make_folder, sync_folder, write_durably
from conversations.files.paths import folder_text, payload_root
from elmemory.memory.identity import former_keys

type What = Literal["forgotten", "opted_out", "opted_in", "withdrawn", "withheld", "restored"]

_TIME = "%Y%m%dT%H%M%S%fZ"
_SHORTEST_STEP = timedelta(microseconds=1)
_SUBJECT_LENGTH = 24
_DETAIL_LENGTH = 16
NOTHING_DECIDED = f"{0:032x}"


class Decision(NamedTuple):
    """One decision. `detail` names a memory by keyed hashes: the key of a withdrawn preference, else its call and
    content.
    """

    at: datetime
    what: str
    detail: str = ""


class Period(NamedTuple):
    """A time during which a caller was opted out; `end` is None if the opt-out still applies."""

    start: datetime
    end: datetime | None


@dataclass(frozen=True, slots=True)
class Decided:
    """The decisions about one caller, under every spelling of the number.

    `gone_until`: calls that began up to then are not remembered, because the caller was forgotten or opted in again.
    `withdrawn` and `withheld` map the details of memories to the time of the decision.
    """

    gone_until: datetime | None = None
    periods: tuple[Period, ...] = ()
    withdrawn: Mapping[str, datetime] = field(default_factory=dict)
    withheld: Mapping[str, datetime] = field(default_factory=dict)
    restored: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.gone_until or self.periods or self.withdrawn or self.withheld or self.restored)

    @property
    def opted_out(self) -> bool:
        return bool(self.periods) and self.periods[-1].end is None

    def allows(self, began: datetime) -> bool:
        """Whether a call that began at this time may be remembered. Compares whole seconds, as memories hold them."""
        if self.opted_out:
            return False
        return self.gone_until is None or began.replace(microsecond=0) > self.gone_until

    def was_opted_out(self, began: datetime, ended: datetime) -> bool:
        """Whether the caller was opted out at any time from `began` to `ended`."""
        return any(ended >= period.start and (period.end is None or began <= period.end) for period in self.periods)

    def withholds(self, conversation_id: str, digest: str, *, by_receipt: bool = False) -> bool:
        """Whether staff deleted this content of the call. `by_receipt`: the receipt of an earlier version lists it."""
        one = memory_detail(conversation_id, digest)
        return one in self.withheld or (by_receipt and one not in self.restored)

    def calls_withheld(self, conversation_ids: Iterable[str]) -> list[str]:
        """Those of these calls from which staff deleted a memory."""
        if not self.withheld:
            return []
        key, known = _keys()[0], {name.partition("-")[0] for name in self.withheld}
        return [one for one in conversation_ids if _hash(key, one, _DETAIL_LENGTH) in known]

    def withdraws(self, key: str, stated_at: datetime) -> bool:
        """Whether staff withdrew the preference with this key after it was stated."""
        at = self.withdrawn.get(key_detail(key)) if self.withdrawn else None
        return at is not None and stated_at <= at


def decide(caller: str, what: What, detail: str = "", *, at: datetime | None = None) -> str:
    """Record a decision about a caller durably; returns its name, or "" if it exists already.

    Without a time the decision is made now; it is dated after all other decisions about this caller, even if the clock
    was set back. The caller's lock must be held. Raises OSError.
    """
    if at is None:
        newest = max((decision.at for decision in decisions_of(caller)), default=None)
        at = max(now(), newest + _SHORTEST_STEP) if newest else now()
    one = _hash(_keys()[0], caller, _SUBJECT_LENGTH)
    name = ".".join(filter(None, (one, at.astimezone(UTC).strftime(_TIME), what, detail)))
    folder = _folder() / name[:2]
    if (folder / name).exists():
        return ""
    payload_root().mkdir(parents=True, exist_ok=True)
    make_folder(_folder())
    keep_key()
    make_folder(folder)
    (folder / name).touch()
    sync_folder(folder)
    return name


def about(caller: str | None) -> Decided:
    """The decisions about the caller."""
    if not caller:
        return Decided()
    gone_until = None
    periods: list[Period] = []
    withdrawn: dict[str, datetime] = {}
    withheld: dict[str, datetime] = {}
    restored: set[str] = set()
    for at, what, detail in decisions_of(caller, *former_keys(caller)):
        match what:
            case "forgotten":
                gone_until = at
            case "opted_out" if not periods or periods[-1].end:
                periods.append(Period(at, None))
            case "opted_in" if periods and not periods[-1].end:
                periods[-1] = Period(periods[-1].start, at)
                gone_until = at
            case "withdrawn":
                withdrawn[detail] = at
            case "withheld":
                withheld[detail] = at
                restored.discard(detail)
            case "restored":
                withheld.pop(detail, None)
                restored.add(detail)
    return Decided(gone_until, tuple(periods), withdrawn, withheld, frozenset(restored))


def decisions_of(*callers: str) -> list[Decision]:
    """The decisions about these caller keys, the oldest first."""
    found = []
    for key in _keys():
        for caller in callers:
            one = _hash(key, caller, _SUBJECT_LENGTH)
            found += [_decision(name) for name in _names(one[:2]) if name.startswith(f"{one}.")]
            # Earlier versions marked forgotten callers this way.
            with contextlib.suppress(FileNotFoundError, ValueError):
                found.append(Decision(datetime.fromisoformat((_old_marks() / one).read_text()), "forgotten"))
    return sorted(found)


def is_deleted(conversation_id: str) -> bool:
    """Whether the conversation was deleted. Its later deliveries are not stored."""
    return os.path.exists(_mark("_deleted", conversation_id))


def is_reduced(conversation_id: str) -> bool:
    """Whether only the conversation's metadata is stored, because its caller was opted out."""
    return os.path.exists(_mark("_reduced", conversation_id))


def mark_deleted(conversation_id: str) -> None:
    """Record that the conversation is deleted. Raises OSError."""
    _write_mark("_deleted", conversation_id)


def mark_reduced(conversation_id: str) -> None:
    """Record that only the conversation's metadata is stored. Raises OSError."""
    _write_mark("_reduced", conversation_id)


def memory_detail(conversation_id: str, digest: str) -> str:
    """The detail that names a memory by its call and the SHA-256 of its content."""
    key = _keys()[0]
    return f"{_hash(key, conversation_id, _DETAIL_LENGTH)}-{_hash(key, digest, _DETAIL_LENGTH)}"


def key_detail(memory_key: str) -> str:
    """The detail that names a preference by its key."""
    return _hash(_keys()[0], memory_key, _DETAIL_LENGTH)


class Subjects:
    """The subjects of all decisions, as hashes."""

    def __init__(self) -> None:
        self._keys = _keys()
        self._hashes = {name.partition(".")[0] for name in _all_names()}

    def hold(self, caller: str) -> bool:
        """Whether there may be a decision about the caller."""
        spellings = (caller, *former_keys(caller)) if self._hashes else ()
        return any(_hash(key, one, _SUBJECT_LENGTH) in self._hashes for key in self._keys for one in spellings)


def fingerprint() -> str:
    """A hash of all decisions that does not depend on their order. Lists every decision."""
    return combined(NOTHING_DECIDED, _all_names())


def combined(fingerprint: str, names: Iterable[str]) -> str:
    """The fingerprint of the decisions that `fingerprint` represents and of these."""
    value = int(fingerprint, 16)
    for name in names:
        value ^= int.from_bytes(sha256(name.encode()).digest()[:16])
    return f"{value:032x}"


def keep_key_of_old_marks() -> None:
    """Write the key with which earlier versions marked forgotten callers, if such marks exist."""
    if _old_marks().is_dir():
        make_folder(_folder())
        keep_key()


def keep_key() -> None:
    """Write the key unless it exists. From then on a new SECRET_KEY does not affect decisions."""
    if not (path := _folder() / "key").exists():
        write_durably(path, f"{_keys()[0].hex()}\n".encode())


def _mark(folder: str, conversation_id: str) -> str:
    """The file that marks a conversation. Its name is the id, which is no secret: deliveries find it at once."""
    root, name = os.path.split(folder_text(conversation_id))
    return f"{root}/{folder}/{name}"


def _write_mark(folder: str, conversation_id: str) -> None:
    mark = Path(_mark(folder, conversation_id))
    payload_root().mkdir(parents=True, exist_ok=True)
    make_folder(mark.parent)
    mark.touch()
    sync_folder(mark.parent)


def _keys() -> list[bytes]:
    """The keys of the hashes: the first is for new decisions, all are for finding existing ones.

    Until the key file exists, the key is that of `caller_reference`, with which earlier versions marked callers.
    """
    with contextlib.suppress(FileNotFoundError):
        if keys := [bytes.fromhex(line) for line in (_folder() / "key").read_text().split()]:
            return keys
    return [sha256(f"elmemory.caller{settings.SECRET_KEY}".encode()).digest()]


def _hash(key: bytes, text: str, length: int) -> str:
    return hmac.digest(key, text.encode(), "sha256").hex()[:length]


def _decision(name: str) -> Decision:
    _, at, what, *detail = name.split(".")
    return Decision(datetime.strptime(at, _TIME).replace(tzinfo=UTC), what, detail[0] if detail else "")


def _all_names() -> Iterator[str]:
    with contextlib.suppress(FileNotFoundError):
        for shard in os.listdir(_folder()):
            if len(shard) == 2:
                yield from _names(shard)
    with contextlib.suppress(FileNotFoundError):
        yield from os.listdir(_old_marks())


def _names(shard: str) -> list[str]:
    """The names of the decisions in this folder. Other files, such as an incomplete copy, are left out."""
    try:
        names = os.listdir(_folder() / shard)
    except FileNotFoundError:
        return []
    return [name for name in names if name.startswith(shard) and name.count(".") in (2, 3)]


def _folder() -> Path:
    return payload_root() / "_decisions"


def _old_marks() -> Path:
    return payload_root() / "_forgotten"
