import os
import signal
import sys
import threading
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from conversations.memories.backfill import Backfiller
from conversations.memories.worker import Worker
from elmemory.memory.openmemory import open_memory

_LONGEST_STOP_SECONDS = 8


class Command(BaseCommand):
    help = "Turn stored transcriptions into memories, as they arrive, until told to stop."

    requires_system_checks = ()  # a key that is missing closes its endpoint; what was delivered is remembered

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--jobs", type=int, default=4, help="how many calls at once (4)")
        parser.add_argument("--with-parent", action="store_true", help="stop when standard input closes")

    def handle(self, *args: Any, jobs: int, with_parent: bool, **options: Any) -> None:  # noqa: ARG002
        worker = Worker(open_memory(), max(1, jobs))
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: _stop(worker))
        if with_parent:
            threading.Thread(target=_stop_at_end_of_input, args=(worker,), daemon=True).start()
        if settings.BACKFILL_EVERY and settings.ELEVENLABS_API_KEY:
            # Not waited for at the end: what it stores is stored whole or not at all.
            fetching = (settings.BACKFILL_EVERY * 60, threading.Event())
            threading.Thread(target=Backfiller().run, args=fetching, daemon=True).start()
        worker.run()


def _stop_at_end_of_input(worker: Worker) -> None:
    sys.stdin.buffer.read()
    _stop(worker)


def _stop(worker: Worker) -> None:
    """Let the calls in hand be finished; a store that hangs is not waited for. The next run completes them."""
    worker.stop()
    deadline = threading.Timer(_LONGEST_STOP_SECONDS, os._exit, (0,))
    deadline.daemon = True
    deadline.start()
