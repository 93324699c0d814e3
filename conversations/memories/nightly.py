"""The nightly verification: the worker takes its steps between batches. After a restart it continues."""

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress

import orjson
import structlog
from django.db import connections
from django.utils.timezone import localtime

from conversations.files.durable import write_durably
from conversations.files.last_runs import last_run, note_run
from conversations.files.locks import Busy, single_lock
from conversations.files.paths import payload_root
from conversations.index.sync import ids_after
from conversations.memories.verify import Finding, Report, Verification, broken_databases, neglected_decisions
from elmemory.memory.openmemory import OpenMemory, OpenMemoryError

log = structlog.get_logger(__name__)

_NIGHT = range(2, 5)
_HOUR = 3600
# Once a night, or by day if the server is off at night.
_EARLIEST_SECONDS, _LATEST_SECONDS = 20 * _HOUR, 36 * _HOUR
_AFTER_START_SECONDS = 600
_CALLS = 50
_STEP_SECONDS = 0.05
_SAVED_SECONDS = 30


class NightlyVerification:
    """One verification of everything, in steps of about a twentieth of a second, at most a fifth of the time."""

    def __init__(self, store: OpenMemory) -> None:
        self._store = store
        self._steps: Iterator[None] | None = None
        self._next = time.monotonic() + _AFTER_START_SECONDS

    def step(self) -> bool:
        """Take a step if one is due; returns whether it did."""
        began = time.monotonic()
        if began < self._next:
            return False
        if self._steps is None:
            if not _is_due():
                self._next = began + 60
                return False
            self._steps = self._pass()
        try:
            next(self._steps)
        except StopIteration:
            self._steps = None
        except (Busy, OpenMemoryError) as error:
            self._steps, self._next = None, began + _HOUR
            log.info("the verification continues in an hour", reason=type(error).__name__)
            return False
        except BaseException:
            self._steps, self._next = None, began + _HOUR
            raise
        self._next = time.monotonic() + 4 * (time.monotonic() - began)
        return True

    def _pass(self) -> Iterator[None]:
        with single_lock("verify", wait=False):
            report, last = _saved()
            verification = Verification(self._store)
            if not last:
                yield from self._databases(report)
                if report.counts:
                    conclude(report)  # now, because the store may not answer
                report.add(neglected_decisions(self._store))
            save_at, until = time.monotonic() + _SAVED_SECONDS, time.monotonic() + _STEP_SECONDS
            while ids := ids_after(last, _CALLS):
                for last in ids:
                    report.add(verification.call(last))
                    report.calls += 1
                    if time.monotonic() >= until:
                        yield
                        until = time.monotonic() + _STEP_SECONDS
                if time.monotonic() >= save_at:
                    report.memories, verification.memories = report.memories + verification.memories, 0
                    _save(report, last)
                    save_at = time.monotonic() + _SAVED_SECONDS
            report.memories += verification.memories
            conclude(report)

    def _databases(self, report: Report) -> Iterator[None]:
        """Check the databases in a thread, because SQLite reads all pages at once."""
        with ThreadPoolExecutor(1, thread_name_prefix="verify") as thread:
            checking = thread.submit(_faults_of_databases)
            while wait([checking], _STEP_SECONDS).not_done:
                yield
            report.add(checking.result())


def conclude(report: Report) -> None:
    """Record the result of a pass, for `/health`, the doctor and the front page."""
    note_run("verify", ok=not report.counts, detail=report.summary)
    if report.counts:
        fields = {kind.replace(" ", "_"): count for kind, count in report.counts.items()}
        log.error("what is stored has faults: run manage.py verify", **fields)
    else:
        log.info("verified what is stored", calls=report.calls, memories=report.memories)
    with suppress(OSError):
        (payload_root() / "_verifying").unlink(missing_ok=True)


def _is_due() -> bool:
    if (payload_root() / "_verifying").exists() or (run := last_run("verify")) is None:
        return True
    is_night = localtime().hour in _NIGHT
    return run.age_seconds > (_EARLIEST_SECONDS if is_night else _LATEST_SECONDS)


def _faults_of_databases() -> list[Finding]:
    try:
        return [finding for finding in broken_databases(index=False) if finding]
    finally:
        connections.close_all()  # the connections of this thread


def _saved() -> tuple[Report, str]:
    """The report of an interrupted pass, and the last call that it verified; without one, an empty report and ""."""
    with suppress(OSError, ValueError, TypeError, KeyError):
        value = orjson.loads((payload_root() / "_verifying").read_bytes())
        report = Report(value["calls"], value["memories"], Counter(value["counts"]))
        return report, str(value["last"])
    return Report(), ""


def _save(report: Report, last: str) -> None:
    value = {"calls": report.calls, "memories": report.memories, "counts": report.counts, "last": last}
    with suppress(OSError):
        write_durably(payload_root() / "_verifying", orjson.dumps(value))
