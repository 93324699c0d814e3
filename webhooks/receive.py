"""Taking in a post-call webhook.

The body goes through the HMAC into a spool file; nothing is parsed before the signature holds.
"""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import structlog
from django.conf import settings
from django.db import DatabaseError

from conversations import index, storage
from conversations.storage import Delivery, Spool, accept, free_bytes, spool
from webhooks.signature import SignatureCheck

log = structlog.get_logger(__name__)

type Receive = Callable[[], Awaitable[dict[str, Any]]]

MOST_UNDER_WAY = 64
IDLE_SECONDS = 30
LONGEST_SECONDS = 900
_INDEX_SECONDS = 0.1

_storing = ThreadPoolExecutor(8, thread_name_prefix="store")
_indexing = ThreadPoolExecutor(1, thread_name_prefix="index")
_under_way = 0


class CannotStore(Exception):
    """Nothing was kept; the sender should come again later."""


class TooLarge(Exception):
    """The body is larger than MAX_PAYLOAD_MB."""


class SenderGone(Exception):
    """The sender broke off, or went silent, before the end of the body."""


async def receive_delivery(receive: Receive, signature: SignatureCheck) -> Delivery:
    """Spool the body, check its signature, put it in its place durably and note it in the index.

    Raises InvalidSignature, TooLarge, SenderGone or CannotStore; nothing is left behind then.
    """
    global _under_way
    if _under_way >= MOST_UNDER_WAY:
        raise CannotStore("too many deliveries are under way")
    _under_way += 1
    try:
        if free_bytes() < settings.MIN_FREE_MB * 2**20:
            storage.refused += 1
            raise CannotStore("the disk is nearly full")
        with spool() as spooled:
            try:
                async with asyncio.timeout(LONGEST_SECONDS):
                    await _spool_body(receive, signature, spooled)
            except TimeoutError:
                raise SenderGone from None
            signature.verify()
            delivery = await _in_thread(_storing, lambda: accept(spooled))
    except OSError as error:
        storage.refused += 1
        log.error("a delivery could not be stored", error=error.strerror)
        raise CannotStore("the payload could not be stored") from error
    finally:
        _under_way -= 1
    if delivery.conversation_id:
        await _note(delivery)
    return delivery


async def _spool_body(receive: Receive, signature: SignatureCheck, spooled: Spool) -> None:
    left = settings.MAX_PAYLOAD_MB * 2**20
    while True:
        message = await asyncio.wait_for(receive(), IDLE_SECONDS)
        if message["type"] == "http.disconnect":
            raise SenderGone
        chunk = message.get("body", b"")
        left -= len(chunk)
        if left < 0:
            raise TooLarge
        signature.update(chunk)
        spooled.file.write(chunk)
        if not message.get("more_body", False):
            return


async def _note(delivery: Delivery) -> None:
    """The row in the index is a convenience: it may be late, and reconciling makes up for a missing one."""

    def note() -> None:
        try:
            index.refresh(delivery.conversation_id)
        except (DatabaseError, OSError) as error:
            log.warning("the index is behind", conversation_id=delivery.conversation_id, error=type(error).__name__)

    noted = asyncio.get_running_loop().run_in_executor(_indexing, note)
    await asyncio.wait([noted], timeout=_INDEX_SECONDS)


async def _in_thread[T](pool: ThreadPoolExecutor, work: Callable[[], T]) -> T:
    """Unlike a plain await of the future, this waits for the thread even when the request is cancelled:
    the spool file must not be closed under it."""
    future = asyncio.get_running_loop().run_in_executor(pool, work)
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        await asyncio.wait([future])
        raise
