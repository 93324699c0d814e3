"""The worker: sees waiting transcriptions through the index and turns them into memories, again and again."""

import threading
import time

import structlog

from conversations import index
from conversations.outline import NotReadable
from conversations.remember import remember
from conversations.storage import remove_abandoned_spools
from elmemory.memory.openmemory import OpenMemory, OpenMemoryError

log = structlog.get_logger(__name__)

POLL_SECONDS = 0.2
RECONCILE_SECONDS = 60


class Worker:
    """One conversation at a time; several workers on one folder keep out of each other's way by the caller's lock."""

    def __init__(self, store: OpenMemory) -> None:
        self._store = store
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Finish the conversation in hand, then return from `run`."""
        self._stopping.set()

    def run(self) -> None:
        reconciled_at = float("-inf")
        while not self._stopping.is_set():
            try:
                if time.monotonic() - reconciled_at > RECONCILE_SECONDS:
                    self.reconcile()
                    reconciled_at = time.monotonic()
                if not self.work_off():
                    self._stopping.wait(POLL_SECONDS)
            except Exception:
                # Nothing that happens here may end the worker: what waits would wait for ever.
                log.exception("the worker stumbled")
                self._stopping.wait(1)

    def reconcile(self) -> None:
        if removed := remove_abandoned_spools():
            log.info("removed unfinished deliveries of dead processes", files=removed)
        if mended := index.reconcile():
            log.info("brought the index in line with the files", rows=mended)

    def work_off(self) -> int:
        """Process what is due; how many conversations that were."""
        processed = 0
        for conversation_id in index.due():
            if self._stopping.is_set():
                break
            self.process(conversation_id)
            processed += 1
        return processed

    def process(self, conversation_id: str) -> bool:
        """Remember one call and note what came of it; whether it is done."""
        try:
            remember(conversation_id, self._store)
        except FileNotFoundError:
            pass  # gone since it was seen: the row will be too
        except NotReadable as error:
            index.note_failure(conversation_id, f"the payload is {error}", parked=True)
            log.warning("parked a payload that cannot be read", conversation_id=conversation_id, reason=str(error))
            return False
        except OpenMemoryError as error:
            delay = index.note_failure(conversation_id, str(error), parked=False)
            log.warning(
                "OpenMemory is away", conversation_id=conversation_id, error=str(error), again_in=round(delay, 1)
            )
            return False
        except Exception as error:
            # The traceback could hold what was said; the kind of error and its place do not.
            delay = index.note_failure(conversation_id, type(error).__name__, parked=False)
            log.error(
                "could not remember a call", conversation_id=conversation_id, **_where(error), again_in=round(delay, 1)
            )
            return False
        index.refresh(conversation_id)
        return True


def _where(error: BaseException) -> dict[str, str]:
    traceback = error.__traceback__
    while traceback and traceback.tb_next:
        traceback = traceback.tb_next
    place = f"{traceback.tb_frame.f_code.co_qualname}:{traceback.tb_lineno}" if traceback else ""
    return {"error": type(error).__name__, "at": place}
