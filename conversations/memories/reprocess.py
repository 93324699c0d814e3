"""Asking for a call to be remembered once more, and taking in again what could not be read before."""

import shutil

from conversations.files.encodings import TooLarge
from conversations.files.locks import caller_lock
from conversations.files.paths import unreadable_paths
from conversations.files.placing import Delivery, accept
from conversations.files.receipts import read_receipt, write_receipt
from conversations.files.spool import spool


def request(conversation_id: str) -> None:
    """Flag a call that is done for another run; one that is not done is due anyway. Survives the index."""
    before = read_receipt(conversation_id)
    if before is None:
        return
    with caller_lock(*before.callers) as lock:
        receipt = read_receipt(conversation_id)
        if receipt is not None and receipt.payload is not None:
            receipt.reprocess = True
            write_receipt(conversation_id, receipt)
        lock.confirm()


def replay_unreadable() -> tuple[list[Delivery], int]:
    """Deliver what is kept as unreadable once more: the deliveries that were taken in, and how many were not.

    What can be read now leaves the unreadable ones; its arrival stays that of its file.
    """
    taken, left = [], 0
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
            taken.append(delivery)
    return taken, left
