"""The worker: takes pending conversations from the queue and turns them into memories."""

import contextlib
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import structlog
from django.db import OperationalError, connections

from conversations.files.heartbeat import heartbeat
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
_LONGEST_PAUSE_SECONDS = 30
_CARDS_AT_ONCE = 500


class Worker:
    """Processes up to `jobs` conversations at a time, never two of one caller. Several workers may share a folder.

    While OpenMemory is away the worker tries one conversation per `pause`, which doubles from 1 to 30 seconds. When it
    answers again, all conversations that failed are due.
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
        """Make `run` return once the conversations in progress are processed."""
        self._stopping.set()

    def run(self) -> None:
        """Refresh the index and process what is due until `stop` is called."""
        reconcile_at = time.monotonic()
        with heartbeat(), ThreadPoolExecutor(self._jobs, thread_name_prefix="process") as pool:
            while not self._stopping.is_set():
                try:
                    if (began := time.monotonic()) >= reconcile_at:
                        reconcile_at = began + _RECONCILE_SECONDS
                        self.reconcile()
                        # Reading a large folder takes long: reconciling gets at most a fiftieth of the time.
                        reconcile_at = max(reconcile_at, began + 50 * (time.monotonic() - began))
                    self.handle_clock_change()
                    self.refresh_index()
                    done = self.process_due(pool)
                    if self.pause:
                        self._wait(self.pause * random.uniform(0.5, 1))  # noqa: S311
                    elif not done:
                        self._stopping.wait(_POLL_SECONDS)
                except Exception as error:
                    # No error may end the worker: nothing else processes the queue.
                    log.error("the worker failed and goes on", **_kind_and_place(error))
                    if isinstance(error, OperationalError):
                        reconcile_at = time.monotonic()  # deliveries have no rows from while the index was away
                    self._stopping.wait(1)

    def _wait(self, seconds: float) -> None:
        """Wait without calling OpenMemory, and refresh the index meanwhile."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self._stopping.wait(_POLL_SECONDS):
            self.refresh_index()

    def reconcile(self) -> None:
        """Delete abandoned spools, compare files and rows, and copy missing cards into the index."""
        if removed := remove_abandoned_spools():
            log.info("deleted unfinished deliveries of dead processes", files=removed)
        if refreshed := reconcile():
            log.info("refreshed rows that differed from the files", rows=refreshed)
        if not self.pause:
            for caller in callers_without_card(_CARDS_AT_ONCE):
                self._copy_card(caller)

    def refresh_index(self) -> None:
        """Refresh the rows that are behind. A fault other than an unavailable database must not stop processing."""
        try:
            refresh_stale_rows()
        except OperationalError:
            raise
        except Exception as error:
            log.error("the index is behind", **_kind_and_place(error))

    def handle_clock_change(self) -> None:
        """Make failed conversations due after the clock was set back, and at the start.

        Next attempts are wall-clock times: with a clock set back they would lie far ahead.
        """
        clock = time.time() - time.monotonic()
        if clock < self._clock - 1:
            make_all_due()
        self._clock = clock

    def process_due(self, pool: ThreadPoolExecutor | None = None) -> int:
        """Process a batch of due conversations, in the pool's threads if given; returns how many are done.

        When one finds OpenMemory away, those that have not begun stay due. `pause` doubles if OpenMemory answered none
        of them, else it becomes 0.
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
            self.pause = min(_LONGEST_PAUSE_SECONDS, self.pause * 2 or 1)
        return done

    def process(self, conversation_id: str) -> bool:
        """Process one conversation and write the result into its row; returns whether it is done."""
        if self._stopping.is_set() or self._found_away.is_set():
            return False
        try:
            remember(conversation_id, self._store, wait=False)
        except Busy:
            return False
        except FileNotFoundError:
            pass  # deleted meanwhile; refreshing deletes the row
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
            # A traceback could hold the transcript; the kind of error and its place do not.
            delay = record_failure(conversation_id, type(error).__name__, parked=False)
            log.error(
                "could not process a call", conversation_id=conversation_id, **_kind_and_place(error), again_in=delay
            )
            return False
        refresh_row(conversation_id)
        # A call without a caller is done without OpenMemory.
        if (receipt := read_receipt(conversation_id)) and receipt.caller:
            self._answered.set()
            self._copy_card(receipt.caller)
        return True

    def _copy_card(self, caller: str) -> None:
        """Copy the caller's card into the index, unless the caller is locked: then the holder of the lock does it."""
        # Under the lock: a card read before the caller was forgotten must not be written after that.
        with contextlib.suppress(OpenMemoryError, Busy), caller_lock(caller, wait=False):
            save_card(caller, read_card(self._store, caller))

    def _process_in_thread(self, conversation_id: str) -> bool:
        """`process`, but an error is logged and costs this thread's connection only."""
        try:
            return self.process(conversation_id)
        except Exception as error:
            log.error("could not write the result of a call", conversation_id=conversation_id, **_kind_and_place(error))
            connections["index"].close()
            return False


def _kind_and_place(error: BaseException) -> dict[str, str]:
    """For the log: the error's class, and the function and line that raised it. Never its message."""
    traceback = error.__traceback__
    while traceback and traceback.tb_next:
        traceback = traceback.tb_next
    place = f"{traceback.tb_frame.f_code.co_qualname}:{traceback.tb_lineno}" if traceback else ""
    return {"error": type(error).__name__, "at": place}
