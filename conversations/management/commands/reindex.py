from argparse import ArgumentParser
from typing import Any

from tqdm import tqdm

from conversations.files.paths import conversation_ids
from conversations.index.schema import ensure_schema
from conversations.index.sync import reconcile, refresh_rows
from elmemory.environment.startup import CheckedCommand


class Command(CheckedCommand):
    help = "Rebuild the index from payload files and receipts. Deliveries may continue meanwhile."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--quiet", action="store_true", help="no progress bar")

    def handle(self, *args: Any, quiet: bool, **options: Any) -> None:  # noqa: ARG002
        ensure_schema(starting=True)
        ids = list(conversation_ids())
        with tqdm(total=len(ids), unit=" calls", disable=quiet or None, file=self.stderr) as progress:
            for size in refresh_rows(ids):
                progress.update(size)
        refreshed = reconcile()
        self.stdout.write(f"{len(ids)} conversations indexed; {refreshed} more rows changed meanwhile.")
