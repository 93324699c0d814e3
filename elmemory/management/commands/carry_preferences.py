import os
from argparse import ArgumentParser
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError
from django.db import DatabaseError
from django.db.utils import ConnectionHandler

from conversations.files.locks import caller_lock
from conversations.index.sync import reconcile
from conversations.memories.decided import enforce
from conversations.models import Conversation
from elmemory.audit.record import record_command
from elmemory.environment.databases import of_url, sqlite
from elmemory.environment.env import BASE_DIR
from elmemory.environment.hosts import unencrypted
from elmemory.environment.startup import CheckedCommand
from elmemory.memory import kinds
from elmemory.memory.card import close_card, write_card
from elmemory.memory.openmemory import OpenMemoryError, open_memory
from elmemory.memory.openmemory.database_faults import summary
from elmemory.memory.openmemory.factory import server_url
from elmemory.memory.openmemory.remote.store import RemoteOpenMemory
from elmemory.memory.records import Entry
from elmemory.memory.text import counted


class Command(CheckedCommand):
    help = "Copy the preferences that staff set (opt-outs, shared lines, corrections) from another store into this one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "source",
            help="the other store: path or postgres:// URL of an embedded one, or http:// URL of an OpenMemory server"
            " (its key in OPENMEMORY_FROM_KEY)",
        )

    def handle(self, *args: Any, source: str, **options: Any) -> None:  # noqa: ARG002
        if unencrypted(source) == "remote":
            raise CommandError("the source is http://: callers' data and the key would cross the network in the clear")
        store = open_memory()
        written = callers = 0
        try:
            preferences = _of_server(source) if source.startswith(("http://", "https://")) else _of_database(source)
            record_command("carry_preferences", f"of {counted(len(preferences), 'caller')}")
            for caller, entries in preferences.items():
                with caller_lock(caller) as lock:
                    close_card(store, caller)
                    puts = store.put_all(caller, entries)
                    enforce(store, caller)
                    write_card(store, caller)
                    lock.confirm()
                callers += 1
                written += sum(put.outcome != "unchanged" for put in puts)
        except (OpenMemoryError, DatabaseError) as error:
            problem = summary(error) if isinstance(error, DatabaseError) else str(error)
            raise CommandError(
                f"{problem}. {counted(written, 'preference was', 'preferences were')} copied; run this again."
            ) from None
        self.stdout.write(
            f"Copied {counted(written, 'preference')}; {counted(callers, 'caller has', 'callers have')} preferences.\n"
        )


def _of_server(url: str) -> Mapping[str, Sequence[Entry]]:
    """Return preferences by caller. A server cannot list its users, so the callers of stored conversations are used."""
    reconcile()
    callers = Conversation.objects.exclude(caller="").values_list("caller", flat=True).distinct().order_by("caller")
    found = {}
    with closing(RemoteOpenMemory(server_url(url), os.environ.get("OPENMEMORY_FROM_KEY", ""))) as server:
        for caller in callers:
            preferences = [memory for memory in reversed(server.memories(caller)) if memory.kind == kinds.PREFERENCE]
            if preferences:
                found[caller] = [Entry.of(memory) for memory in preferences]
    return found


def _of_database(source: str) -> Mapping[str, Sequence[Entry]]:
    if "://" in source:
        try:
            database = of_url(source)
        except (ValueError, KeyError, ImproperlyConfigured):
            raise CommandError("the source is no URL of a server, no path and no postgres:// URL") from None
    else:
        path = BASE_DIR / Path(source).expanduser()
        if not path.is_file():
            raise CommandError(f"there is no file {path}")
        database = sqlite(path)
    found: dict[str, list[Entry]] = defaultdict(list)
    for user_id, entry in _preferences(ConnectionHandler({"default": {}, "source": database})):
        found[user_id].append(entry)
    return found


def _preferences(connections: ConnectionHandler) -> Iterator[tuple[str, Entry]]:
    with connections["source"].cursor() as cursor:
        cursor.execute(
            "SELECT user_id, key, content, tags, metadata, salience, decay_lambda FROM memory"
            " WHERE metadata LIKE %s ORDER BY sequence",
            ('%"kind":"preference"%',),
        )
        for user_id, key, content, tags, metadata, salience, decay_lambda in cursor.fetchall():
            yield (
                user_id,
                Entry(key, content, orjson.loads(tags), orjson.loads(metadata), salience, decay_lambda),
            )
    connections["source"].close()
