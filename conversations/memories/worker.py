"""The worker: takes pending conversations from the queue and turns them into memories."""

import contextlib
import random
import threading
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import batched
from typing import NamedTuple

import structlog
from django.db import OperationalError

from conversations.files.heartbeat import heartbeat
from conversations.files.locks import Busy, free_caller_locks
from conversations.files.spool import remove_abandoned_spools
from conversations.files.stored import StoredCall, read_call
from conversations.files.tally import Tally
from conversations.index.cards import callers_without_card, save_cards
from conversations.index.queue import due_conversations, make_all_due, record_failure
from conversations.index.schema import made as index_made
from conversations.index.sync import reconcile_in_steps, refresh_rows, refresh_stale_rows
from conversations.memories.callers import list_without_calls
from conversations.memories.decided import settle
from conversations.memories.nightly import NightlyVerification
from conversations.memories.remember import remember
from conversations.memories.retention import Retention
from conversations.payloads.outline import NotReadable
from elmemory.memory.card import read_card
from elmemory.memory.openmemory import NotStorable, OpenMemory, OpenMemoryError

log = structlog.get_logger(__name__)

_POLL_SECONDS = 0.2
_RECONCILE_SECONDS = 60
_LONGEST_PAUSE_SECONDS = 30
_BATCHES_AHEAD = 8
_CARDS_AT_ONCE = 500
_CARDS_PER_WRITE = 32
_END = object()


class _Attempt(NamedTuple):
    """One attempt to process a conversation. `read` is its transcription, None if that is gone or unreadable.

    `fault` says why the conversation is not done; `parked` means that another attempt would fail too. `seconds` is the
    duration.
    """

    conversation_id: str
    read: StoredCall | None = None
    fault: str = ""
    parked: bool = False
    seconds: float = 0


class Worker:
    """Processes up to `jobs` conversations at a time, never two of one caller. Several workers may share a folder.

    If OpenMemory does not answer, the worker tries one conversation per `pause`, which doubles from 1 to 30 seconds.
    When OpenMemory answers again, all failed conversations are due.
    """

    def __init__(self, store: OpenMemory, jobs: int = 4) -> None:
        self._store = store
        self._jobs = jobs
        self._stopping = threading.Event()
        self._answered = threading.Event()
        self._found_away = threading.Event()
        self.pause = 0.0
        self._clock = float("inf")
        self._retention = Retention(store)
        self._verification = NightlyVerification(store)
        self._tally = Tally()
        self._index_made = ""
        self._reconciling: Iterator[None] | None = None
        self._reconcile_at = 0.0
        self._reconciled_for = 0.0

    def stop(self) -> None:
        """Make `run` return after the conversations in progress."""
        self._stopping.set()

    def run(self) -> None:
        """Refresh the index and process what is due until `stop` is called."""
        self._reconcile_at = time.monotonic()
        with heartbeat(), ThreadPoolExecutor(self._jobs, thread_name_prefix="process") as pool:
            while not self._stopping.is_set():
                try:
                    self._tally.save_regularly()
                    reconciled = self._reconcile_a_step()
                    self.handle_clock_change()
                    done = self.process_due(pool)
                    retained = self._retention.step()
                    verified = not (done or self.pause) and self._verification.step()
                    if self.pause:
                        self._wait(self.pause * random.uniform(0.5, 1))  # noqa: S311
                    elif not (done or reconciled or retained or verified):
                        self._stopping.wait(_POLL_SECONDS)
                except Exception as error:
                    # No error may end the worker, because nothing else processes the queue.
                    log.error("the worker failed and continues", **_kind_and_place(error))
                    if isinstance(error, OperationalError):
                        # Deliveries that arrived without an index may have no rows.
                        self._reconciling, self._reconcile_at = None, time.monotonic()
                    self._stopping.wait(1)
            self._tally.close()

    def run_once(self) -> None:
        """Process what is due, and remove what retention says, until nothing is left to do."""
        self.reconcile()
        self.handle_clock_change()
        with ThreadPoolExecutor(self._jobs, thread_name_prefix="process") as pool:
            while not self._stopping.is_set() and (self.process_due(pool) or self._retention.step()):
                pass
        self._tally.close()

    def _wait(self, seconds: float) -> None:
        """Wait without calling OpenMemory. Refresh the index and reconcile meanwhile."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self._stopping.is_set():
            self.refresh_index()
            if not self._reconcile_a_step():
                self._stopping.wait(_POLL_SECONDS)

    def reconcile(self) -> None:
        """Settle the store, delete abandoned spools, compare files and rows, and copy missing cards into the index."""
        for _ in self._reconcile():
            pass

    def _reconcile(self) -> Iterator[None]:
        """Reconcile in steps of a fraction of a second. Only settling another store takes longer."""
        try:
            settle(self._store)
        except OpenMemoryError as error:
            log.warning("the store may hold what decisions forbid", error=str(error))
        yield
        if removed := remove_abandoned_spools():
            log.info("deleted unfinished deliveries of dead processes", files=removed)
        refreshed = 0
        for rows in reconcile_in_steps():
            refreshed += rows
            yield
        if refreshed:
            log.info("refreshed rows that differed from the files", rows=refreshed)
        if not self.pause:
            self._copy_cards(callers_without_card(_CARDS_AT_ONCE))
            yield from list_without_calls(self._store, _CARDS_AT_ONCE)

    def _reconcile_a_step(self) -> bool:
        """Take a step of reconciling if one is due; returns whether it did."""
        began = time.monotonic()
        if (made := index_made()) != self._index_made:
            # The index was created again, perhaps by another process, and its rows are gone.
            self._index_made, self._reconciling, self._reconcile_at = made, None, began
        if self._reconciling is None:
            if began < self._reconcile_at:
                return False
            self._reconciling, self._reconciled_for = self._reconcile(), 0.0
            self._reconcile_at = began + _RECONCILE_SECONDS
        ended = next(self._reconciling, _END) is _END
        now = time.monotonic()
        self._reconciled_for += now - began
        if ended:
            self._reconciling = None
            # Reading a large folder takes long, so reconciling gets at most a fiftieth of the time.
            self._reconcile_at = max(self._reconcile_at, now + 49 * self._reconciled_for)
        return True

    def refresh_index(self, but: Collection[str] = ()) -> None:
        """Refresh the rows that are behind, except `but`. Errors are logged, unless the database is unavailable."""
        try:
            refresh_stale_rows(but)
        except OperationalError:
            raise
        except Exception as error:
            log.error("the index is behind", **_kind_and_place(error))

    def handle_clock_change(self) -> None:
        """Make failed conversations due at the start, and after the clock was set back: they wait by the clock."""
        clock = time.time() - time.monotonic()
        if clock < self._clock - 1:
            make_all_due()
        self._clock = clock

    def process_due(self, pool: ThreadPoolExecutor | None = None) -> int:
        """Process a batch of due conversations, in the pool's threads if given; returns how many are done.

        Their rows are written once all are processed; other rows that are behind are refreshed first. If OpenMemory
        does not answer for one conversation, those that have not begun stay due. `pause` doubles if it answered none of
        them, else it becomes 0.
        """
        self._answered.clear()
        self._found_away.clear()
        # The rows of calls that are about to be processed are written only once, afterwards.
        soon = due_conversations(1 if self.pause else _BATCHES_AHEAD * 32 * self._jobs)
        due = soon[: 32 * self._jobs]
        self.refresh_index(but=frozenset(soon))
        attempts = [attempt for attempt in (map if pool is None else pool.map)(self._process, due) if attempt]
        done = [attempt for attempt in attempts if not attempt.fault]
        failed = [attempt for attempt in attempts if attempt.fault]
        parked = sum(attempt.parked for attempt in failed)
        seconds = sum(attempt.seconds for attempt in attempts)
        self._tally.add(remembered=len(done), parked=parked, failed=len(failed) - parked, seconds=seconds)
        self._write_results(done, failed)
        if self._answered.is_set():
            if self.pause:
                log.info("OpenMemory is back", waiting=make_all_due())
            self.pause = 0
        elif self._found_away.is_set():
            self.pause = min(_LONGEST_PAUSE_SECONDS, self.pause * 2 or 1)
        return len(done)

    def _process(self, conversation_id: str) -> _Attempt | None:
        began = time.monotonic()
        attempt = self._attempt(conversation_id)
        return attempt and attempt._replace(seconds=time.monotonic() - began)

    def _attempt(self, conversation_id: str) -> _Attempt | None:
        """Process one conversation; None if it was not tried. Several threads run this, without using the index."""
        if self._stopping.is_set() or self._found_away.is_set():
            return None
        read = None
        try:
            read = read_call(conversation_id)
            result = remember(conversation_id, self._store, wait=False, stored=read)
        except Busy:
            return None
        except FileNotFoundError:
            return _Attempt(conversation_id)  # deleted meanwhile; refreshing deletes the row
        except (NotReadable, NotStorable) as error:
            reason = f"the payload is {error}" if isinstance(error, NotReadable) else str(error)
            log.warning("parked a payload", conversation_id=conversation_id, reason=reason)
            return _Attempt(conversation_id, read, reason, parked=True)
        except OpenMemoryError as error:
            self._found_away.set()
            log.warning("OpenMemory is away", conversation_id=conversation_id, error=str(error))
            return _Attempt(conversation_id, read, str(error))
        except Exception as error:
            # The log gets no traceback, which could contain the transcript.
            log.error("could not process a call", conversation_id=conversation_id, **_kind_and_place(error))
            return _Attempt(conversation_id, read, type(error).__name__)
        # A call without a caller does not need OpenMemory.
        if result == "done" and read.call.caller:
            self._answered.set()
        return _Attempt(conversation_id, read)

    def _write_results(self, done: Sequence[_Attempt], failed: Sequence[_Attempt]) -> None:
        """Write the rows of these conversations, and copy the cards of those that are done."""
        read = {attempt.conversation_id: attempt.read for attempt in done if attempt.read}
        sum(refresh_rows([attempt.conversation_id for attempt in done], read))
        if failed:
            # Refreshing a thin row later would erase the failure.
            self.refresh_index()
        for attempt in failed:
            record_failure(attempt.conversation_id, attempt.fault, parked=attempt.parked)
        self._copy_cards({one.call.caller for one in read.values() if one.call.caller})

    def _copy_cards(self, callers: Iterable[str]) -> None:
        """Copy the callers' cards into the index. A locked caller's card is left to the holder of the lock."""
        for some in batched(callers, _CARDS_PER_WRITE):
            # Under the locks, so that no card of a caller who is being forgotten is written afterwards.
            with free_caller_locks(*some) as free, contextlib.suppress(OpenMemoryError):
                save_cards({caller: read_card(self._store, caller) for caller in free})


def _kind_and_place(error: BaseException) -> dict[str, str]:
    """The error's class, and the function and line that raised it, for the log. Its message is never logged."""
    traceback = error.__traceback__
    while traceback and traceback.tb_next:
        traceback = traceback.tb_next
    place = f"{traceback.tb_frame.f_code.co_qualname}:{traceback.tb_lineno}" if traceback else ""
    return {"error": type(error).__name__, "at": place}
