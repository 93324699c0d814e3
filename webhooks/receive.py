"""Taking in a post-call webhook.

The body goes through the HMAC into a spool file; nothing is parsed before the signature holds.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import structlog
from django.conf import settings
from django.db import DatabaseError

from conversations import index, storage
from conversations.encodings import TooLarge
from conversations.locks import Busy
from conversations.spool import Spool, free_bytes, spool
from conversations.storage import Delivery, accept, accept_all
from webhooks.grouped import Grouped
from webhooks.signature import SignatureCheck

log = structlog.get_logger(__name__)

type Receive = Callable[[], Awaitable[dict[str, Any]]]

MOST_UNDER_WAY = 64
IDLE_SECONDS = 30
LONGEST_SECONDS = 900
_INDEX_SECONDS = 0.1
# Larger ones would keep the others waiting, and so would those whose conversation somebody else has in hand.
_SMALL = 2**20

_storing_alone = ThreadPoolExecutor(4, thread_name_prefix="store-alone")
_under_way = 0


class CannotStore(Exception):
    """Nothing was kept; the sender should come again later."""


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
            delivery = await _stored(spooled)
    except OSError as error:
        storage.refused += 1
        log.error("a delivery could not be stored", error=error.strerror)
        raise CannotStore("the payload could not be stored") from error
    finally:
        _under_way -= 1
    if delivery.conversation_id:
        await asyncio.wait([_noting.submit(delivery)], timeout=_INDEX_SECONDS)
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
        spooled.write(chunk)
        if not message.get("more_body", False):
            return


async def _stored(spooled: Spool) -> Delivery:
    if spooled.size <= _SMALL:
        with contextlib.suppress(Busy):
            return await _whatever_happens(_storing.submit(spooled))
    return await _whatever_happens(asyncio.get_running_loop().run_in_executor(_storing_alone, accept, spooled))


async def _whatever_happens[R](future: asyncio.Future[R]) -> R:
    """Unlike a plain await of the future, this waits for the thread even when the request is cancelled:
    the spool file must not be closed under it."""
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        while not future.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait([future])
        raise


def _note(deliveries: Sequence[Delivery]) -> list[None]:
    """The row in the index is a convenience: it may be late, and reconciling makes up for a missing one."""
    try:
        index.note_arrivals(deliveries)
    except (DatabaseError, OSError) as error:
        log.warning("the index is behind", deliveries=len(deliveries), error=type(error).__name__)
    return [None] * len(deliveries)


_storing = Grouped(partial(accept_all, wait=False), "store")
_noting = Grouped(_note, "index")
