from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.db import DatabaseError
from tqdm import tqdm

from conversations.files.paths import conversation_ids
from conversations.index.schema import ensure_schema
from conversations.index.sync import reconcile, refresh_rows
from conversations.memories.move import users_of
from conversations.memories.vectors import add_vectors
from elmemory.environment.startup import CheckedCommand
from elmemory.memory.encoder import encoder
from elmemory.memory.openmemory import OpenMemoryError, open_memory
from elmemory.memory.text import counted


class Command(CheckedCommand):
    help = "Rebuild the index from payload files and receipts. Deliveries may continue meanwhile."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--quiet", action="store_true", help="no progress bar")
        parser.add_argument(
            "--vectors",
            action="store_true",
            help="instead, make missing vectors of memories with the installed encoder; may be interrupted",
        )

    def handle(self, *args: Any, quiet: bool, vectors: bool, **options: Any) -> None:  # noqa: ARG002
        if vectors:
            self._make_vectors(quiet=quiet)
            return
        ensure_schema(starting=True)
        ids = list(conversation_ids())
        with tqdm(total=len(ids), unit=" calls", disable=quiet or None, file=self.stderr) as progress:
            for size in refresh_rows(ids):
                progress.update(size)
        refreshed = reconcile()
        self.stdout.write(
            f"{counted(len(ids), 'conversation')} indexed; {counted(refreshed, 'more row')} changed meanwhile."
        )

    def _make_vectors(self, *, quiet: bool) -> None:
        if (encodes := encoder()) is None:
            raise CommandError("There is no encoder: make semantic installs one, and EMBEDDINGS=off keeps it idle.")
        made = 0
        try:
            store = open_memory()
            users, _ = users_of(store)
            for caller in tqdm(users, unit=" callers", disable=quiet, file=self.stderr):
                made += sum(add_vectors(encodes, store, caller))
        except (OpenMemoryError, DatabaseError) as error:
            reason = str(error) if isinstance(error, OpenMemoryError) else type(error).__name__
            raise CommandError(
                f"{counted(made, 'vector was', 'vectors were')} made; then the store failed: {reason}. Run it again."
            ) from None
        self.stdout.write(f"{counted(made, 'vector')} made, of memories of {counted(len(users), 'caller')}.")
