"""Reprocessing: flags processed calls as pending again, and places unreadable bodies again."""

import shutil
from contextlib import suppress
from pathlib import Path

from conversations.files.encodings import TooLarge
from conversations.files.locks import caller_lock
from conversations.files.paths import unreadable_paths
from conversations.files.placing import Delivery, accept, reason_unreadable
from conversations.files.receipts import PAYLOAD, read_receipt, write_receipt
from conversations.files.spool import MOST_IN_MEMORY, spool


def request(conversation_id: str) -> None:
    """Flag a processed call in its receipt, so that it is pending again. A pending call stays pending."""
    before = read_receipt(conversation_id)
    if before is None:
        return
    with caller_lock(*before.callers) as lock:
        receipt = read_receipt(conversation_id)
        if receipt is not None and receipt.payload is not None and PAYLOAD not in receipt.removed:
            receipt.reprocess = True
            write_receipt(conversation_id, receipt)
        lock.confirm()


def replay_unreadable() -> tuple[list[Delivery], int]:
    """Place each body of `_unreadable/` again; returns the placed deliveries, and the number of bodies left there."""
    deliveries = []
    for path in unreadable_paths():
        with suppress(FileNotFoundError):  # retried or discarded by another process meanwhile
            deliveries.append(replay(path))
    placed = [delivery for delivery in deliveries if delivery.status != "unreadable"]
    return placed, len(deliveries) - len(placed)


def replay(path: Path) -> Delivery:
    """Place this unreadable body again, and delete it from `_unreadable/` if that succeeds. Raises OSError."""
    with spool() as spooled, path.open("rb") as source:
        shutil.copyfileobj(source, spooled.file)
        try:
            delivery = accept(spooled)
        except TooLarge:
            delivery = Delivery("unreadable")
    if delivery.status != "unreadable":
        path.unlink(missing_ok=True)
    return delivery


def why_unreadable(path: Path) -> str:
    """The reason why this body is unreadable; empty if it can be read by now. Raises OSError."""
    with spool() as spooled, path.open("rb") as source:
        while piece := source.read(MOST_IN_MEMORY):
            spooled.write(piece)
        try:
            return reason_unreadable(spooled)
        except TooLarge:
            return "larger than MAX_PAYLOAD_MB once it is decompressed"
