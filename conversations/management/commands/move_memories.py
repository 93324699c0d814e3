import os
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError
from django.db import DatabaseError, connections
from tqdm import tqdm

from conversations.index.references import caller_reference
from conversations.management.asking import ask
from conversations.memories import move
from elmemory.audit.record import record_command
from elmemory.environment.arguments import refuse_idle
from elmemory.environment.databases import of_url, sqlite
from elmemory.environment.env import BASE_DIR
from elmemory.environment.hosts import unencrypted
from elmemory.environment.startup import CheckedCommand
from elmemory.memory.openmemory import OpenMemory, OpenMemoryError, open_memory
from elmemory.memory.openmemory.database_faults import summary
from elmemory.memory.openmemory.embedded.store import ALIAS
from elmemory.memory.openmemory.factory import server_url
from elmemory.memory.openmemory.remote.store import RemoteOpenMemory
from elmemory.memory.text import counted

_KEY = "OPENMEMORY_TARGET_KEY"
_SAME = "both are the same store"
_MOST_SHOWN = 20
_NOT_TAKEN = (
    "A server sets ids and times itself, and memories that other clients wrote without a key have one there. Its"
    " embeddings, waypoints and summaries are its own.\n"
)


class Command(CheckedCommand):
    help = "Copy all memories from the store of the settings to another one, and compare both. Deletes nothing here."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--to",
            required=True,
            metavar="URL|PATH",
            help="the other store: http(s):// URL of an OpenMemory server (its key in OPENMEMORY_TARGET_KEY), or path"
            " or postgres:// URL of an embedded one (a password in PGPASSWORD)",
        )
        parser.add_argument("--dry-run", action="store_true", help="say what would be copied, and copy nothing")
        parser.add_argument("--verify", action="store_true", help="only compare both stores")
        parser.add_argument(
            "--delete-extra", action="store_true", help="delete from the other store what this one does not have"
        )
        parser.add_argument("--numbers", action="store_true", help="show whose memories differ, on a terminal")
        parser.add_argument("--yes", action="store_true", help="do not ask")
        parser.add_argument("--quiet", action="store_true", help="no progress bar")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        self._options = options
        if options["numbers"] and not self.stdout.isatty():
            raise CommandError("--numbers shows callers' numbers on a terminal only")
        refuse_idle(
            options, not options["verify"], "dry_run", "delete_extra", only="without --verify, which only compares"
        )
        only_compares = options["dry_run"] or options["verify"]
        try:
            with _opened(options["to"], must_exist=options["verify"], may_make=not only_compares) as target:
                self._move(open_memory(), target, only_compares=only_compares)
        except KeyboardInterrupt:
            raise CommandError("interrupted; run it again to continue", returncode=130) from None
        except (OpenMemoryError, DatabaseError) as error:
            problem = summary(error) if isinstance(error, DatabaseError) else str(error)
            raise CommandError(f"{problem}. What was copied stays; run it again to continue.") from None

    def _move(self, source: OpenMemory, target: OpenMemory | None, *, only_compares: bool) -> None:
        users, are_listed = move.users_of(source)
        there = move.users_of(target)[0] if target else []
        if not are_listed:
            self.stdout.write(
                "This store does not list its users, so the callers that receipts name are copied. What other clients"
                " store under other users is not copied.\n"
            )
        everybody = sorted({*users, *there})
        if not only_compares:
            self._confirm(len(users))
            record_command("move_memories", counted(len(users), "user"))
        copied, found = 0, dict[str, move.Comparison]()
        with tqdm(everybody, unit=" users", disable=self._options["quiet"] or None, file=sys.stderr) as progress:
            for user_id in progress:
                if target is None or only_compares:
                    found[user_id] = move.compare(source, target, user_id)
                else:
                    count, found[user_id] = move.copy(
                        source, target, user_id, delete_extra=self._options["delete_extra"]
                    )
                    copied += count
        if self._options["dry_run"]:
            self._report_plan(found)
        else:
            self._report(found, copied)
        if isinstance(target, RemoteOpenMemory) and not self._options["verify"]:
            self.stdout.write(_NOT_TAKEN)

    def _confirm(self, users: int) -> None:
        if self._options["yes"]:
            return
        others = " It loses what only it has." if self._options["delete_extra"] else ""
        ask(
            f"Copy the memories of {counted(users, 'user')}?{others}",
            "nothing was copied",
            "this changes another store",
        )

    def _report_plan(self, found: dict[str, move.Comparison]) -> None:
        sums = {name: sum(getattr(each, name) for each in found.values()) for name in ("missing", "changed", "extra")}
        self.stdout.write(
            f"{counted(sums['missing'], 'memory', 'memories')} would be copied and {sums['changed']} changed;"
            f" {counted(sums['extra'], 'is', 'are')} there only"
            f"{' and would be deleted' if self._options['delete_extra'] else ''}. Nothing was copied.\n"
        )

    def _report(self, found: dict[str, move.Comparison], copied: int) -> None:
        """Print the comparison. Raises CommandError if the target lacks something."""
        if not self._options["verify"]:
            self.stdout.write(f"Copied {counted(copied, 'memory', 'memories')}.\n")
        different = {user_id: one for user_id, one in found.items() if not one.is_equal}
        memories = sum(one.memories for one in found.values())
        self.stdout.write(
            f"Compared {counted(memories, 'memory', 'memories')} of {counted(len(found), 'user')}:"
            f" {counted(len(found) - len(different), 'user is', 'users are')} equal,"
            f" {counted(len(different), 'differs', 'differ')}.\n"
        )
        shown = found if self._options["verbosity"] > 1 else dict(list(different.items())[:_MOST_SHOWN])
        for user_id, one in shown.items():
            name = user_id if self._options["numbers"] else caller_reference(user_id)
            self.stdout.write(
                f"  {name}  here {one.memories}, missing there {one.missing}, different {one.changed}, only there"
                f" {one.extra}; contents {one.digests[0]}, there {one.digests[1]}\n"
            )
        if len(shown) < len(different):
            self.stdout.write(f"  and {len(different) - len(shown)} more: -v 2 shows all users\n")
        if reordered := sum(not one.is_ordered for one in found.values()):
            self.stdout.write(
                f"{counted(reordered, 'user has', 'users have')} their memories in another order there.\n"
            )
        if any(one.missing or one.changed for one in different.values()):
            raise CommandError("the other store lacks memories; run it again to copy them")
        if different:
            self.stdout.write("What only the other store has stays there; --delete-extra deletes it.\n")


@contextmanager
def _opened(to: str, *, must_exist: bool, may_make: bool) -> Iterator[OpenMemory | None]:
    """The other store; None if its file does not exist and must not be created. Raises CommandError."""
    if to.startswith(("http://", "https://")):
        if settings.OPENMEMORY_PORT and server_url(settings.OPENMEMORY_PORT) == to.rstrip("/"):
            raise CommandError(_SAME)
        with closing(_server(to)) as server:
            health = server.ping()
            if not health.ok:
                raise CommandError(_about_target(health.detail))
            yield server
        return
    path = None if "://" in to else BASE_DIR / Path(to).expanduser()
    if path and not path.is_file() and not may_make:
        if must_exist:
            raise CommandError(f"there is no file {path}")
        yield None
        return
    database = sqlite(path) if path else _of_url(to)
    if not settings.OPENMEMORY_PORT and _is_same(database, connections.settings[ALIAS]):
        raise CommandError(_SAME)
    with move.embedded_target(database) as target:
        yield target


def _is_same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    names = ("ENGINE", "NAME", "HOST", "PORT")
    if [str(one.get(name) or "") for name in names] == [str(other.get(name) or "") for name in names]:
        return True
    try:
        return Path(one["NAME"]).samefile(other["NAME"])
    except OSError:
        return False


def _server(url: str) -> RemoteOpenMemory:
    if unencrypted(url) == "remote":
        raise CommandError("--to is http://: callers' data and the key would cross the network in the clear")
    try:
        return RemoteOpenMemory(server_url(url), os.environ.get(_KEY, ""))
    except OpenMemoryError as error:
        raise CommandError(_about_target(str(error))) from None


def _about_target(problem: str) -> str:
    """A message about the store of the settings, reworded for the other store."""
    return problem.replace("OPENMEMORY_PORT", "--to").replace("OPENMEMORY_KEY", _KEY)


def _of_url(url: str) -> dict[str, Any]:
    try:
        if urlsplit(url).password:
            raise CommandError("--to contains a password that other users of this machine can see: use PGPASSWORD")
        return of_url(url)
    except (ValueError, KeyError, ImproperlyConfigured):
        raise CommandError("--to is no URL of a server, no path and no postgres:// URL") from None
