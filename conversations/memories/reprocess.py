"""Reprocessing: flags calls that are done, and places unreadable bodies again."""

import shutil

from conversations.files.encodings import TooLarge
from conversations.files.locks import caller_lock
from conversations.files.paths import unreadable_paths
from conversations.files.placing import Delivery, accept
from conversations.files.receipts import PAYLOAD, read_receipt, write_receipt
from conversations.files.spool import spool


def request(conversation_id: str) -> None:
    """Flag a call that is done, in its receipt, so that it is pending again; a call that is not done stays pending."""
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
    """Place each body of `_unreadable/` again: the deliveries that were placed, and how many bodies stay unreadable.

    A placed body is deleted from `_unreadable/`.
    """
    placed, left = [], 0
    for path in unreadable_paths():
        with spool() as spooled, path.open("rb") as source:
            shutil.copyfileobj(source, spooled.file)
            try:
                delivery = accept(spooled)
            except TooLarge:
                delivery = Delivery("unreadable")
        if delivery.status == "unreadable":
            left += 1
        else:
            path.unlink()
            placed.append(delivery)
    return placed, left
