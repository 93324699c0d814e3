"""The protocol that every store implements, with defaults for stores that inherit it."""

from abc import abstractmethod
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from elmemory.memory.records import Entry, Match, Memory, Put

# The user id of our own notes about a store. It is no caller, and never copied to another store.
BOOKKEEPER = "elmemory-bookkeeper"


class OpenMemoryError(Exception):
    """The store failed. A retry may succeed."""


class OpenMemoryMisconfigured(OpenMemoryError):
    """The store cannot be used as it is set up. The message says what to change."""


class NotStorable(Exception):
    """The store can never store this memory, so a retry is pointless."""


class Health(NamedTuple):
    """The state of a store. `detail` is for people: a version, or the fault and a remedy. It names no caller."""

    mode: str
    ok: bool
    detail: str


class Summary(NamedTuple):
    """A store's own summary of a user, empty if it has none. `made_at` is in milliseconds since 1970."""

    text: str = ""
    made_at: int = 0


class OpenMemory(Protocol):
    """A store of memories by user.

    Every method but `users`, `users_of` and `ping` needs a non-empty user id (else ValueError, and nothing is sent),
    and reads or changes only that user's memories. Faults of the store raise OpenMemoryError; a memory that it can
    never store, NotStorable. The memories of a user have different keys.

    A store must define the abstract methods; the other methods are right for every store, if slow for some.
    """

    @property
    @abstractmethod
    def concurrency(self) -> int:
        """How many reads may run at a time: one if they only use the CPU, more if they wait."""

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
        """Add the memory with this key, change it, or leave it unchanged. Never add a second one.

        `key`, `salience` and `decay_lambda` are also written to the metadata. `metadata["sector"]` sets the sector.
        """
        return self.put_all(user_id, [Entry(key, content, tags, metadata or {}, salience, decay_lambda)])[0]

    @abstractmethod
    def put_all(self, user_id: str, entries: Sequence[Entry]) -> list[Put]:
        """Put the entries in this order. After an exception some may be written: repeat the call with all of them."""

    @abstractmethod
    def add_all(self, user_id: str, entries: Sequence[Entry], instead_of: Sequence[str] = ()) -> list[Put]:
        """Add entries whose keys are new for this user, then delete the memories with the ids `instead_of`.

        The calling code guarantees that no earlier run, even an interrupted one, wrote any of these keys.
        """

    def of_conversation(self, user_id: str, conversation_id: str) -> list[Memory]:
        """Return the user's memories with this conversation id in their metadata, in any order."""
        return [each for each in self.memories(user_id) if each.metadata.get("conversation_id") == conversation_id]

    @property
    def finds_conversations(self) -> bool:
        """Whether `of_conversation` reads only the conversation's memories, not all of the user's."""
        return False

    def users_of(self, conversation_id: str) -> set[str] | None:  # noqa: ARG002
        """Return the users with memories of this conversation; None if the store would have to read all memories."""
        return None

    @abstractmethod
    def memories(self, user_id: str, limit: int | None = None) -> list[Memory]:
        """Return the user's memories, newest written first. Without a limit, all of them."""

    def texts(self, user_id: str) -> list[Memory]:
        """Return all memories of the user, newest written first, perhaps without fields that no page shows.

        These are tags, decay, times, version and vector. The embedded store needs two thirds of the time of `memories`.
        """
        return self.memories(user_id)

    def peek(self, user_id: str, limit: int) -> Iterator[dict[str, Any]] | None:  # noqa: ARG002
        """Return the metadata of the user's newest memories, newest first. Never waits: it runs on the event loop.

        None if the store cannot do that.
        """
        return None

    @abstractmethod
    def memories_since(
        self, user_id: str, token: Hashable | None, known: Sequence[Memory] = ()
    ) -> tuple[Hashable, list[Memory] | None]:
        """Return the present token of the user's memories, and all of them; or None for them if `token` is the same.

        The token differs after every addition, change and deletion. `known` memories that have not changed need not be
        read again.
        """

    @abstractmethod
    def delete(self, user_id: str, memory_id: str) -> bool:
        """Delete one memory of this user. Return False if the user has no such memory."""

    @abstractmethod
    def forget(self, user_id: str) -> int:
        """Delete all memories of the user, and return how many there were.

        The embedded store also removes traces of deleted rows from its files.
        """

    @abstractmethod
    def users(self) -> dict[str, int] | None:
        """Return the number of memories of each user except BOOKKEEPER, including those of other clients.

        None if the store cannot list its users.
        """

    @abstractmethod
    def summary(self, user_id: str, *, regenerate: bool = False) -> Summary:
        """Return the store's own summary of the user, in a sentence or two. `regenerate` first has it written again."""

    @abstractmethod
    def query(self, user_id: str, query: str, k: int = 8) -> list[Match]:
        """Return at most k of the user's memories, those that best answer the query, best first."""

    @abstractmethod
    def ping(self) -> Health:
        """Return whether the store can be used. Never raises."""


def require_user(user_id: str) -> str:
    """Return the user id. Raises ValueError for an empty one, which an OpenMemory server would read as all users."""
    if not isinstance(user_id, str) or not user_id.strip():
        raise ValueError("a memory needs a user id")
    return user_id
