import os
import signal
import sys
import threading
from argparse import ArgumentParser
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.db import DatabaseError

from conversations.index.schema import ensure_schema
from conversations.memories.backfill import Backfiller
from conversations.memories.worker import Worker
from elmemory.environment.arguments import JOBS
from elmemory.environment.startup import CheckedCommand
from elmemory.memory.caches import clear_caches_regularly
from elmemory.memory.openmemory import open_memory

_LONGEST_STOP_SECONDS = 8


class Command(CheckedCommand):
    help = "Turn stored transcriptions into memories as they arrive. Runs until it is stopped."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--jobs", type=JOBS, default=4, help="how many calls at once (4)")
        parser.add_argument("--once", action="store_true", help="process what is due now, including retention, and end")
        parser.add_argument("--with-parent", action="store_true", help="stop when standard input is closed")

    def execute(self, *args: Any, **options: Any) -> str | None:
        # The server that starts this process has already reported the checks.
        return super().execute(*args, **options | {"skip_checks": options["with_parent"]})

    def handle(self, *args: Any, jobs: int, once: bool, with_parent: bool, **options: Any) -> None:  # noqa: ARG002
        # The worker starts without a reachable index, and waits for it.
        with suppress(DatabaseError):
            ensure_schema(starting=True)
        worker = Worker(open_memory(), jobs)
        for signal_number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(signal_number, lambda *_: _stop(worker))
        if with_parent:
            threading.Thread(target=_stop_at_end_of_input, args=(worker,), daemon=True).start()
        if once:
            worker.run_once()
            return
        if settings.BACKFILL_EVERY and settings.ELEVENLABS_API_KEY:
            # A daemon thread is enough: it writes files atomically, so nothing is lost when the process ends.
            fetching = (settings.BACKFILL_EVERY * 60, threading.Event())
            threading.Thread(target=Backfiller().run, args=fetching, daemon=True).start()
        clear_caches_regularly()
        worker.run()


def _stop_at_end_of_input(worker: Worker) -> None:
    sys.stdin.buffer.read()
    _stop(worker)


def _stop(worker: Worker) -> None:
    """Stop the worker. The process ends after 8 seconds even if a store hangs; the next run completes the calls."""
    worker.stop()
    deadline = threading.Timer(_LONGEST_STOP_SECONDS, os._exit, (0,))
    deadline.daemon = True
    deadline.start()
