"""The OpenMemory contract: what the project asks of a store, whichever connector provides it."""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from elmemory.memory.records import Entry, Match, Memory, Put


class OpenMemoryError(Exception):
    """The store did not do what it was asked to. Asking again later may help."""


class OpenMemoryMisconfigured(OpenMemoryError):
    """The store cannot serve us as it is set up; the message says what to change."""


class NotStorable(Exception):
    """The store takes this memory neither now nor later: it is the memory that is at fault."""


class Health(NamedTuple):
    """`detail` is for people: a version, or what is wrong and what to do. It names no caller."""

    mode: str
    ok: bool
    detail: str


class OpenMemory(Protocol):
    """A store of memories by user.

    Every call but `ping` needs a non-empty user id (else ValueError, and nothing is sent) and returns
    or touches that user's memories only. Faults of the store are `OpenMemoryError`; a memory that it
    can never take is `NotStorable`.
    """

    @property
    def concurrency(self) -> int:
        """How many reads at a time serve it best: one where they cost CPU time only, more where they wait."""

    def put(
        self,
        user_id: str,
        key: str,
        content: str,
        *,
        tags: Sequence[str] = (),
        metadata: Mapping[str, Any] | None = None,
        salience: float = 0.5,
        decay_lambda: float = 0.0,
    ) -> Put:
        """Write the memory of this key: add it, change it or leave it as it is; never a second one.

        `key`, `salience` and `decay_lambda` go into the metadata too. `metadata["sector"]` forces the sector.
        """

    def put_all(self, user_id: str, entries: Sequence[Entry]) -> list[Put]:
        """Put each entry, in this order. Where it raises some may be written; putting them all again is right."""

    def memories(self, user_id: str, limit: int | None = None) -> list[Memory]:
        """The user's memories, newest written first; all of them without a limit."""

    def glance(self, user_id: str, limit: int) -> Iterator[dict[str, Any]] | None:
        """The metadata of the user's newest memories, newest first, for the event loop: without waiting for anybody.

        None where that cannot be.
        """

    def state(self, user_id: str) -> Hashable | None:
        """What equals an earlier answer only while no memory of the user has been added, changed or deleted since.

        None where telling costs as much as reading them all.
        """

    def delete(self, user_id: str, memory_id: str) -> bool:
        """Delete one memory of this user; False where the user has no such memory."""

    def forget(self, user_id: str) -> int:
        """Delete all that is known of the user; how many memories that were."""

    def summary(self, user_id: str) -> str:
        """What the store itself makes of the user, in a sentence or two; empty where it says nothing."""

    def query(self, user_id: str, query: str, k: int = 8) -> list[Match]:
        """The user's memories that best answer the query, best first, at most k."""

    def ping(self) -> Health:
        """Whether the store can serve us. Never raises."""


def require_user(user_id: str) -> str:
    """An OpenMemory server takes a missing user id for "everybody": none may leave us."""
    if not isinstance(user_id, str) or not user_id.strip():
        raise ValueError("a memory needs a user id")
    return user_id
