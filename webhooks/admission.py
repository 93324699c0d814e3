"""Decides which post-call bodies are received at the same time.

Until its signature is verified, a body may be a stranger's: it has to arrive at a minimum rate, and the slowest
unverified body is dropped when a new one needs its slot. Addresses do not count, because all senders may use one proxy.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from django.conf import settings

from conversations.files.spool import MOST_IN_MEMORY

# Less than a telephone modem carries, so a sender on a bad line succeeds too.
_MIN_BYTES_PER_SECOND = 1024
_PAYLOADS_ON_DISK = 4


class TooMany(Exception):
    """No slot is free, or another body took this one's slot."""


class TooSlow(Exception):
    """The body arrives too slowly, or takes too long."""


class Admission:
    """The slots of one process for bodies that are being received.

    Small bodies (up to 256 KiB, which a spool keeps in memory) and large ones have separate slots, so that small bodies
    never wait for large ones. A body may take `grace_seconds` and one second more for each KiB received, but no longer
    than `longest_seconds`, and may not pause for more than `idle_seconds`. Unverified large bodies together may take
    four times MAX_PAYLOAD_MB on the disk.
    """

    def __init__(
        self,
        *,
        small_slots: int = 64,
        large_slots: int = 64,
        grace_seconds: float = 5,
        idle_seconds: float = 30,
        longest_seconds: float = 900,
    ) -> None:
        self.grace_seconds = grace_seconds
        self.idle_seconds = idle_seconds
        self.longest_seconds = longest_seconds
        self._slots = {False: small_slots, True: large_slots}
        self._bodies: dict[bool, set[Body]] = {False: set(), True: set()}

    @contextmanager
    def slot(self, announced_bytes: int) -> Iterator["Body"]:
        """Hold a slot for a body of this Content-Length (0 if unknown) until it is stored. Raises TooMany."""
        body = Body(self, is_large=announced_bytes > MOST_IN_MEMORY)
        self._take_slot(body)
        try:
            yield body
        finally:
            self._bodies[body.is_large].discard(body)

    def make_room(self, body: "Body") -> None:
        """Move a body that has become large to the large slots, and limit the bytes on the disk. Raises TooMany."""
        if body.received > MOST_IN_MEMORY and not body.is_large:
            self._bodies[False].discard(body)
            body.is_large = True
            self._take_slot(body)
        if body.is_large:
            unverified = [other for other in self._bodies[True] if not other.is_verified]
            if sum(other.received for other in unverified) > _PAYLOADS_ON_DISK * settings.MAX_PAYLOAD_MB * 2**20:
                self._displace(min(unverified, key=Body.rate))

    def _take_slot(self, body: "Body") -> None:
        bodies = self._bodies[body.is_large]
        if len(bodies) >= self._slots[body.is_large]:
            unverified = [other for other in bodies if not other.is_verified]
            if not unverified:
                raise TooMany
            self._displace(min(unverified, key=Body.rate))
        bodies.add(body)

    def _displace(self, body: "Body") -> None:
        self._bodies[body.is_large].discard(body)
        body.end()


class Body:
    """A body with a slot. `received` counts its bytes so far. A verified body keeps its slot until it is stored."""

    def __init__(self, admission: Admission, *, is_large: bool) -> None:
        self.received = 0
        self.is_large = is_large
        self.is_verified = False
        self._admission = admission
        self._now = asyncio.get_running_loop().time
        self._began = self._now()
        self._is_displaced = False
        self._timeout: asyncio.Timeout | None = None

    @asynccontextmanager
    async def on_time(self) -> AsyncIterator[None]:
        """Receive the body in this context. Raises TooSlow, or TooMany when another body takes the slot."""
        try:
            async with asyncio.timeout_at(self._deadline()) as self._timeout:
                yield
        except TimeoutError:
            raise (TooMany if self._is_displaced else TooSlow) from None

    def add(self, size: int) -> None:
        """Count `size` bytes that have arrived. Raises TooMany."""
        self.received += size
        self._admission.make_room(self)
        if self._is_displaced:
            raise TooMany

    def wait_for_more(self) -> None:
        """Extend the time of `on_time` for the bytes that have arrived."""
        if self._timeout and not self._timeout.expired():
            self._timeout.reschedule(self._deadline())

    def rate(self) -> float:
        """Bytes per second since the body began. The grace period counts as received, so a new body is fast."""
        return (self._granted() + self.received) / max(self._now() - self._began, 1e-6)

    def end(self) -> None:
        """Make `on_time` raise TooMany."""
        self._is_displaced = True
        if self._timeout and not self._timeout.expired():
            self._timeout.reschedule(self._now())

    def _granted(self) -> float:
        return self._admission.grace_seconds * _MIN_BYTES_PER_SECOND

    def _deadline(self) -> float:
        admission = self._admission
        return min(
            self._began + (self._granted() + self.received) / _MIN_BYTES_PER_SECOND,
            self._began + admission.longest_seconds,
            self._now() + admission.idle_seconds,
        )
