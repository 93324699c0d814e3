import signal
import sys
import threading
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from conversations.worker import Worker
from elmemory.memory.openmemory import open_memory


class Command(BaseCommand):
    help = "Turn stored transcriptions into memories, as they arrive, until told to stop."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--with-parent", action="store_true", help="stop when standard input closes")

    def handle(self, *args: Any, with_parent: bool, **options: Any) -> None:  # noqa: ARG002
        worker = Worker(open_memory())
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: worker.stop())
        if with_parent:
            threading.Thread(target=_stop_at_end_of_input, args=(worker,), daemon=True).start()
        worker.run()


def _stop_at_end_of_input(worker: Worker) -> None:
    sys.stdin.buffer.read()
    worker.stop()
