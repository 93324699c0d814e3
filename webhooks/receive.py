"""Receives post-call deliveries.

The body passes through the HMAC into a spool file. Nothing is parsed before the signature is verified.
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial

import structlog
from django.conf import settings
from django.db import DatabaseError

from conversations.files.encodings import TooLarge
from conversations.files.locks import Busy
from conversations.files.placing import Delivery, accept, accept_all
from conversations.files.spool import MOST_IN_MEMORY, Spool, free_bytes
from conversations.index.sync import record_deliveries
from elmemory.serving.channel import Receive
from webhooks.admission import Admission, Body
from webhooks.live.batcher import Batcher
from webhooks.signature import SignatureCheck

log = structlog.get_logger(__name__)

_INDEX_SECONDS = 0.1
_RECORD_AGAIN_SECONDS = 1
_MOST_UNRECORDED = 10_000
# Larger bodies, and bodies whose conversation is locked elsewhere, would delay the batch.
_LARGEST_IN_BATCH = 2**20
_DISK_CHECKED_EVERY = 2**22


class CannotStore(Exception):
    """Nothing was stored. The sender should retry later."""


class SenderGone(Exception):
    """The sender disconnected before the end of the body."""


class Receiver:
    """Receives deliveries for one process.

    `store` places a batch of small bodies. `refused` counts the deliveries that could not be stored.
    """

    def __init__(
        self,
        *,
        admission: Admission | None = None,
        store: Callable[[Sequence[Spool]], Sequence[Delivery | Exception]] | None = None,
    ) -> None:
        self.refused = 0
        self._admission = admission or Admission()
        self._store_batch = Batcher(store or partial(accept_all, wait=False), "store")
        self._store_alone = ThreadPoolExecutor(4, thread_name_prefix="store-alone")
        self._record_batch = Batcher(_record_rows, "index")
        self._unrecorded: list[Delivery] = []

    async def receive(self, channel: Receive, signature: SignatureCheck, announced_bytes: int = 0) -> Delivery:
        """Store the delivery durably and record it in the index. `announced_bytes` is its Content-Length.

        Raises InvalidSignature, TooLarge, TooMany, TooSlow, SenderGone or CannotStore; then nothing was stored.
        """
        most = settings.MAX_PAYLOAD_MB * 2**20
        if announced_bytes > most:
            raise TooLarge
        try:
            with self._admission.slot(announced_bytes) as body:
                spooled = Spool()
                try:
                    self._check_disk()
                    async with body.on_time():
                        await self._spool_body(channel, signature, spooled, body, most)
                    signature.verify()
                    body.is_verified = True
                    delivery = await self._store(spooled)
                finally:
                    await _close(spooled)
        except OSError as error:
            self.refused += 1
            log.error("a delivery could not be stored", error=error.strerror)
            raise CannotStore("the payload could not be stored") from error
        if delivery.conversation_id:
            await asyncio.wait([self._record(delivery)], timeout=_INDEX_SECONDS)
        return delivery

    def _record(self, delivery: Delivery) -> asyncio.Future[None]:
        """A future that ends when the delivery's row is in the index. A row that cannot be written is retried."""
        recorded = self._record_batch.submit(delivery)
        recorded.add_done_callback(partial(self._retry_unrecorded, delivery))
        return recorded

    def _retry_unrecorded(self, delivery: Delivery, recorded: asyncio.Future[None]) -> None:
        # Reconciling adds the rows beyond this limit, and those that a stopping process has not written.
        if recorded.cancelled() or not recorded.exception() or len(self._unrecorded) >= _MOST_UNRECORDED:
            return
        if not self._unrecorded:
            recorded.get_loop().call_later(_RECORD_AGAIN_SECONDS, self._record_again)
        self._unrecorded.append(delivery)

    def _record_again(self) -> None:
        deliveries, self._unrecorded = self._unrecorded, []
        for delivery in deliveries:
            self._record(delivery)

    async def _spool_body(
        self, channel: Receive, signature: SignatureCheck, spooled: Spool, body: Body, most: int
    ) -> None:
        check_disk_at = _DISK_CHECKED_EVERY
        while True:
            message = await channel()
            if message["type"] == "http.disconnect":
                raise SenderGone
            chunk = message.get("body", b"")
            body.add(len(chunk))
            if body.received > most:
                raise TooLarge
            if body.received > check_disk_at:
                check_disk_at += _DISK_CHECKED_EVERY
                self._check_disk()
            signature.update(chunk)
            spooled.write(chunk)
            if not message.get("more_body", False):
                return
            body.wait_for_more()

    def _check_disk(self) -> None:
        if free_bytes() < settings.MIN_FREE_MB * 2**20:
            self.refused += 1
            raise CannotStore("the disk is nearly full")

    async def _store(self, spooled: Spool) -> Delivery:
        if spooled.size <= _LARGEST_IN_BATCH:
            with contextlib.suppress(Busy):
                return await _completed(self._store_batch.submit(spooled))
        return await _completed(asyncio.get_running_loop().run_in_executor(self._store_alone, accept, spooled))


@cache
def receiver() -> Receiver:
    """The receiver of this process."""
    return Receiver()


async def _close(spooled: Spool) -> None:
    """Close the spool. Deleting a large file takes long, so a thread does it."""
    if spooled.size <= MOST_IN_MEMORY:
        spooled.close()
    else:
        await _completed(asyncio.get_running_loop().run_in_executor(None, spooled.close))


async def _completed[R](future: asyncio.Future[R]) -> R:
    """The result of work in a thread. A cancelled request still waits for it, because its spool must stay open."""
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        while not future.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait([future])
        raise


def _record_rows(deliveries: Sequence[Delivery]) -> Sequence[Exception | None]:
    """Record deliveries in the index; returns per delivery None, or the error that prevented it."""
    try:
        record_deliveries(deliveries)
    except (DatabaseError, OSError) as error:
        log.warning("the index is behind", deliveries=len(deliveries), error=type(error).__name__)
        return [error] * len(deliveries)
    return [None] * len(deliveries)
