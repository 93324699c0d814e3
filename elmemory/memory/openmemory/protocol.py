"""The protocol that every store keeps, whichever connector provides it."""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from elmemory.memory.records import Entry, Match, Memory, Put

# The user under whom we note in a store what was done to it; no caller, and never copied to another store.
BOOKKEEPER = "elmemory-bookkeeper"


class OpenMemoryError(Exception):
    """The store failed. A retry may succeed."""


class OpenMemoryMisconfigured(OpenMemoryError):
    """The store cannot be used as it is set up. The message says what to change."""


class NotStorable(Exception):
    """The store can never take this memory; a retry is pointless."""


class Health(NamedTuple):
    """`detail` is for people: a version, or the fault and what to do. It names no caller."""

    mode: str
    ok: bool
    detail: str


class Summary(NamedTuple):
    """A store's own summary of a user, empty if it has none, and when it was made, in milliseconds since 1970."""

    text: str = ""
    made_at: int = 0


class OpenMemory(Protocol):
    """A store of memories by user.

    Every call but `users`, `users_of` and `ping` needs a non-empty user id (else ValueError, and nothing is sent) and
    reads or changes only that user's memories. Faults of the store raise OpenMemoryError; a memory that it can never
    take, NotStorable. The memories of a user have different keys.
    """

    @property
    def concurrency(self) -> int:
        """How many reads should run at a time: one if they only take CPU time, more if they wait."""

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
        """Add or change the memory of this key, or leave it as it is; never add a second one.

        `key`, `salience` and `decay_lambda` are written into the metadata too. `metadata["sector"]` sets the sector.
        """

    def put_all(self, user_id: str, entries: Sequence[Entry]) -> list[Put]:
        """Put the entries in this order. If it raises, some may be written; repeat it with all of them."""

    def add_all(self, user_id: str, entries: Sequence[Entry], instead_of: Sequence[str] = ()) -> list[Put]:
        """Put entries of whose keys nothing was ever written for this user, not even by a run that was interrupted.

        The store need not look for these keys. Then it deletes the user's memories with the ids `instead_of`.
        """

    def of_conversation(self, user_id: str, conversation_id: str) -> list[Memory]:
        """The user's memories with this conversation id in their metadata, in no order."""

    @property
    def finds_conversations(self) -> bool:
        """Whether the cost of `of_conversation` is that of the conversation, not of all the user's memories."""

    def users_of(self, conversation_id: str) -> set[str] | None:
        """The users with memories of this conversation, at the cost of the conversation.

        None if the store cannot find them.
        """

    def memories(self, user_id: str, limit: int | None = None) -> list[Memory]:
        """The user's memories, the newest written first; without a limit all of them."""

    def texts(self, user_id: str) -> list[Memory]:
        """All memories of the user, the newest written first; what people do not read of them may be left out.

        Those are tags, decay, times, version and vector. The embedded store needs two thirds of the time of `memories`.
        """

    def peek(self, user_id: str, limit: int) -> Iterator[dict[str, Any]] | None:
        """The metadata of the user's newest memories, newest first, without waiting: it runs on the event loop.

        None if the store cannot do that.
        """

    def memories_since(
        self, user_id: str, token: Hashable | None, known: Sequence[Memory] = ()
    ) -> tuple[Hashable, list[Memory] | None]:
        """A token of the user's memories as they are now, and all of them; None for them if the token is this one.

        The token differs after every addition, change and deletion of the user's memories. Of the `known` memories,
        those that have not changed need not be read again.
        """

    def delete(self, user_id: str, memory_id: str) -> bool:
        """Delete one memory of this user; False if the user has no such memory."""

    def forget(self, user_id: str) -> int:
        """Delete all memories of the user, and return how many there were.

        The embedded store also removes what its files keep of deleted rows.
        """

    def users(self) -> dict[str, int] | None:
        """How many memories each user but BOOKKEEPER has, whichever client wrote them.

        None if the store cannot list its users.
        """

    def summary(self, user_id: str, *, regenerate: bool = False) -> Summary:
        """The store's own summary of the user, in a sentence or two; with `regenerate` it is made again first."""

    def query(self, user_id: str, query: str, k: int = 8) -> list[Match]:
        """The user's memories that best answer the query, best first, at most k."""

    def ping(self) -> Health:
        """Whether the store can be used. Never raises."""


def require_user(user_id: str) -> str:
    """Raise ValueError without a user id: an OpenMemory server takes a missing one for all users."""
    if not isinstance(user_id, str) or not user_id.strip():
        raise ValueError("a memory needs a user id")
    return user_id
