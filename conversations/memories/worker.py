"""The worker: sees waiting transcriptions through the index and turns them into memories, again and again."""

import contextlib
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import structlog
from django.db import OperationalError, connections

from conversations.files.locks import Busy, caller_lock
from conversations.files.receipts import read_receipt
from conversations.files.spool import remove_abandoned_spools
from conversations.index.cards import callers_without_card, save_card
from conversations.index.queue import due_conversations, make_all_due, record_failure
from conversations.index.sync import reconcile, refresh_row, refresh_stale_rows
from conversations.memories.remember import remember
from conversations.payloads.outline import NotReadable
from elmemory.memory.card import read_card
from elmemory.memory.openmemory import NotStorable, OpenMemory, OpenMemoryError

log = structlog.get_logger(__name__)

_POLL_SECONDS = 0.2
_RECONCILE_SECONDS = 60
_LONGEST_PAUSE = 30
_CARDS_AT_ONCE = 500


class Worker:
    """Several conversations at once, one at a time for a caller; workers on one folder keep out of each other's way.

    While OpenMemory is away it is asked once per growing pause, whatever waits; when it is back, all of it is due.
    """

    def __init__(self, store: OpenMemory, jobs: int = 4) -> None:
        self._store = store
        self._jobs = jobs
        self._stopping = threading.Event()
        self._answered = threading.Event()
        self._found_away = threading.Event()
        self.pause = 0.0
        self._clock = float("inf")

    def stop(self) -> None:
        """Finish the conversations in hand, then return from `run`."""
        self._stopping.set()

    def run(self) -> None:
        reconcile_at = time.monotonic()
        with ThreadPoolExecutor(self._jobs, thread_name_prefix="remember") as pool:
            while not self._stopping.is_set():
                try:
                    if (began := time.monotonic()) >= reconcile_at:
                        reconcile_at = began + _RECONCILE_SECONDS
                        self.reconcile()
                        # A large folder takes its time: it is not looked through for more than a fiftieth of it.
                        reconcile_at = max(reconcile_at, began + 50 * (time.monotonic() - began))
                    self.mind_the_clock()
                    self.catch_up()
                    done = self.work_off(pool)
                    if self.pause:
                        self._rest(self.pause * random.uniform(0.5, 1))  # noqa: S311
                    elif not done:
                        self._stopping.wait(_POLL_SECONDS)
                except Exception as error:
                    # Nothing that happens here may end the worker: what waits would wait for ever.
                    log.error("the worker stumbled", **_where(error))
                    if isinstance(error, OperationalError):
                        reconcile_at = time.monotonic()  # what was delivered while the index was away has no row
                    self._stopping.wait(1)

    def _rest(self, seconds: float) -> None:
        """OpenMemory is left alone; the index is not."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self._stopping.wait(_POLL_SECONDS):
            self.catch_up()

    def reconcile(self) -> None:
        if removed := remove_abandoned_spools():
            log.info("removed unfinished deliveries of dead processes", files=removed)
        if mended := reconcile():
            log.info("brought the index in line with the files", rows=mended)
        if not self.pause:
            for caller in callers_without_card(_CARDS_AT_ONCE):
                self._note_card(caller)

    def catch_up(self) -> None:
        """What cannot be shown can still be remembered."""
        try:
            refresh_stale_rows()
        except OperationalError:
            raise
        except Exception as error:
            log.error("the index is behind", **_where(error))

    def mind_the_clock(self) -> None:
        """Next attempts stand in the time of day: a clock that was put back, or may have been, must not keep them."""
        clock = time.time() - time.monotonic()
        if clock < self._clock - 1:
            make_all_due()
        self._clock = clock

    def work_off(self, pool: ThreadPoolExecutor | None = None) -> int:
        """Process what is due, in the threads of the pool; how many conversations are done now.

        Once a call has found OpenMemory away, those not yet begun stay due. The pause grows where none was answered.
        """
        self._answered.clear()
        self._found_away.clear()
        due = due_conversations(1 if self.pause else 32 * self._jobs)
        process = self.process if pool is None else self._process_in_thread
        done = sum((map if pool is None else pool.map)(process, due))
        if self._answered.is_set():
            if self.pause:
                log.info("OpenMemory is back", waiting=make_all_due())
            self.pause = 0
        elif self._found_away.is_set():
            self.pause = min(_LONGEST_PAUSE, self.pause * 2 or 1)
        return done

    def process(self, conversation_id: str) -> bool:
        """Remember one call and note what came of it; whether it is done."""
        if self._stopping.is_set() or self._found_away.is_set():
            return False
        try:
            remember(conversation_id, self._store, wait=False)
        except Busy:
            return False
        except FileNotFoundError:
            pass  # gone since it was seen: the row will be too
        except (NotReadable, NotStorable) as error:
            reason = f"the payload is {error}" if isinstance(error, NotReadable) else str(error)
            record_failure(conversation_id, reason, parked=True)
            log.warning("parked a payload", conversation_id=conversation_id, reason=reason)
            return False
        except OpenMemoryError as error:
            self._found_away.set()
            record_failure(conversation_id, str(error), parked=False)
            log.warning("OpenMemory is away", conversation_id=conversation_id, error=str(error))
            return False
        except Exception as error:
            # The traceback could hold what was said; the kind of error and its place do not.
            delay = record_failure(conversation_id, type(error).__name__, parked=False)
            log.error("could not remember a call", conversation_id=conversation_id, **_where(error), again_in=delay)
            return False
        refresh_row(conversation_id)
        # A call of nobody is done without asking OpenMemory.
        if (receipt := read_receipt(conversation_id)) and receipt.caller:
            self._answered.set()
            self._note_card(receipt.caller)
        return True

    def _note_card(self, caller: str) -> None:
        """For the lists of the admin; whoever has the caller in hand, or reconciling, makes up for a missing one."""
        # Under the lock: what was read before the caller was forgotten must not be noted after it.
        with contextlib.suppress(OpenMemoryError, Busy), caller_lock(caller, wait=False):
            save_card(caller, read_card(self._store, caller))

    def _process_in_thread(self, conversation_id: str) -> bool:
        try:
            return self.process(conversation_id)
        except Exception as error:
            log.error("could not note what came of a call", conversation_id=conversation_id, **_where(error))
            connections["index"].close()
            return False


def _where(error: BaseException) -> dict[str, str]:
    traceback = error.__traceback__
    while traceback and traceback.tb_next:
        traceback = traceback.tb_next
    place = f"{traceback.tb_frame.f_code.co_qualname}:{traceback.tb_lineno}" if traceback else ""
    return {"error": type(error).__name__, "at": place}
