"""Measures the admin's pages over a year of calls: `python -m bench.admin [--postgres] [--only WORD] [CALLS ...]`.

Invented rows, texts and memories are written straight into databases of their own, by default 100,000 calls; pages are
requested through Django's test client, several times each, in one process. "Django" is the CPU time of that process,
with that of SQLite; "database" is that of all processes of the PostgreSQL server, which is started for it. The exports,
and the page of one caller with 20, 200 and 2,000 calls, are measured last.
"""

import argparse
import asyncio
import gc
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"

import django

django.setup()

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connections
from django.test import AsyncClient, Client

from bench.admin_rows import NOW, OPENED, REGULAR, fill, fill_one_caller
from bench.processes import resident_mb
from conversations.admin.call_list import CallListAdmin
from conversations.admin.caller_list import CallerListAdmin
from conversations.index.references import caller_reference
from tests.harness.postgres import ALIASES, Cluster, why_there_is_none
from tests.harness.server import ROOT

_TIMES = 7
_CALLS_OF_ONE = 20, 200, 2000
_CALLS = "/admin/conversations/conversation/"
_CALLERS = "/admin/conversations/caller/"
_LOG = "/admin/audit/entry/"
_TICKS = os.sysconf("SC_CLK_TCK")


class Cost(NamedTuple):
    """The cost of a page: milliseconds of CPU time, the number of queries, and its size."""

    django: float
    database: float
    queries: int
    kb: float

    def __str__(self) -> str:
        together = self.django + self.database
        return f"{self.django:.0f} | {self.database:.0f} | {together:.0f} | {self.queries} | {self.kb:.0f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sizes", metavar="CALLS", nargs="*", type=int)
    parser.add_argument("--postgres", action="store_true", help="on a PostgreSQL server that is started for it")
    parser.add_argument("--only", default="", metavar="WORD", help="the pages with this word in their name")
    options = parser.parse_args()
    if options.postgres and "TEST_POSTGRES_URL" not in os.environ:
        sys.exit(_on_postgres())
    settings.ALLOWED_HOSTS = ["*"]
    for alias in ("default", "memory"):
        call_command("migrate", database=alias, verbosity=0)
    user = get_user_model()._default_manager.create_superuser("bench", "", "bench")
    client = Client()
    client.force_login(user)
    # As the server does.
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
    for size in options.sizes or [100_000]:
        began = time.monotonic()
        fill(size)
        print(f"{size:,} calls written in {time.monotonic() - began:.0f} s\n")
        print(f"| CPU ms, median of {_TIMES} | Django | database | together | queries | KB |")
        print("|---|--:|--:|--:|--:|--:|")
        for name, address in pages(size):
            if options.only in name:
                print(f"| {name} | {measure(partial(client.get, address, follow=True))} |", flush=True)
        for kind in ("csv", "json"):
            if options.only in f"export as {kind}":
                print(f"| export as {kind} | {asyncio.run(export(user, f'{_CALLS}export/{kind}/'))} |", flush=True)
        for calls in _CALLS_OF_ONE:
            if options.only in "a caller":
                fill_one_caller(calls)
                address = f"{_CALLERS}{caller_reference(REGULAR)}/change/"
                searched = client.post(address, {"q": "appointment"}).headers["Location"]
                for what, page in (("", address), (", searched", searched), (", last page", f"{address}?p=9999")):
                    cost = measure(partial(client.get, page))
                    print(f"| a caller with {calls:,} calls, {calls * 8:,} memories{what} | {cost} |", flush=True)


def _on_postgres() -> int:
    """Run this command again with a PostgreSQL server."""
    if reason := why_there_is_none():
        sys.exit(f"There is no PostgreSQL: {reason}.")
    with Cluster() as cluster:
        with closing(cluster.connect()) as connection:
            for alias in ALIASES.values():
                connection.execute(f'CREATE DATABASE "{alias}"'.encode())
        environment = os.environ | {"TEST_POSTGRES_URL": cluster.url}
        return subprocess.call([sys.executable, "-m", "bench.admin", *sys.argv[1:]], cwd=ROOT, env=environment)


def pages(size: int) -> Iterator[tuple[str, str]]:
    """The names and URLs of all pages except those of one caller."""
    since, until = (NOW - timedelta(days=90)).date(), (NOW - timedelta(days=30)).date()
    last = -(-size // CallListAdmin.list_per_page)
    yield "front page", "/admin/"
    yield "list of calls", _CALLS
    yield "its page in the middle", f"{_CALLS}?p={last // 2}"
    yield "its last page", f"{_CALLS}?p={last}"
    for place, column in enumerate(CallListAdmin.list_display, start=1):
        if getattr(getattr(CallListAdmin, column), "admin_order_field", None):
            yield f"sorted by {column.removesuffix('_shown')}", f"{_CALLS}?o={place}"
            yield f"sorted by {column.removesuffix('_shown')}, falling", f"{_CALLS}?o=-{place}"
    yield "sorted by cost, last page", f"{_CALLS}?o=8&p={last}"
    for name, query in (
        ("one day", f"started_on__year={NOW.year}&started_on__month={NOW.month}&started_on__day={NOW.day}"),
        *((f"days: {days}", f"days={days}") for days in ("today", "yesterday", "7", "28")),
        *((f"went wrong: {what}", f"wrong={what}") for what in _WRONG),
        ("agent", "agent_id__exact=agent_3"),
        *((f"outcome: {outcome}", f"outcome__exact={outcome}") for outcome in ("done", "failed", "web")),
        ("success", "successful__exact=failure"),
        *((f"channel: {channel}", f"channel__exact={channel}") for channel in ("phone", "whatsapp")),
        ("direction", "direction__exact=inbound"),
        ("answer at the ring", "recall__exact=neutral"),
        *((f"memory: {state}", f"memory_state__exact={state}") for state in ("written", "failed")),
        ("with recording", "has_audio__exact=1"),
        ("without recording", "has_audio__exact=0"),
        ("reviewed", "reviewed__exact=1"),
        ("not reviewed", "reviewed__exact=0"),
        ("from–to", f"since={since}&until={until}"),
        ("length", "length_from=60&length_to=300"),
        ("cost", "cost_from=1500"),
        *((f"language: {language}", f"language={language}") for language in ("en", "es")),
        ("tool used", "tool=book_appointment"),
        ("tool failed", "tool_failed=*"),
        ("criterion met", "criterion=success:Solved"),
        ("criterion not met", "criterion=failure:Solved"),
        ("unreviewed that went wrong in 7 days", "days=7&wrong=any&reviewed__exact=0"),
        ("memory failed, with recording", "memory_state__exact=failed&has_audio__exact=1"),
        ("tool used, sorted by cost, page 500", "tool=book_appointment&o=-8&p=500"),
        ("language, sorted by length, page 500", "language=en&o=5&p=500"),
        ("six filters", f"since={since}&wrong=any&length_from=30&language=en&tool=transfer&criterion=success:Polite"),
        ("six filters that keep most", _SIX_WIDE),
        ("word: in half of the calls", "q=thursday"),
        ("word: in half of the calls, sorted by cost", "q=thursday&o=-8"),
        ("word: in half of the calls, last page", f"q=thursday&p={last // 2 - 10}"),
        ("words: two", "q=appointment+thursday"),
        ("word: rare", "q=heron7"),
        ("word: its beginning", "q=thurs"),
        ("word: in all calls", "q=appointment"),
        ("words: one unwanted", "q=moved+-appointment"),
        ("word: a name", "q=maya"),
        ("word: a name spelled nearly", "q=okafour"),
        ("phrase", "q=%22appointment+on+thursday%22"),
        ("number", "q=%2B1+(415)+200-0042"),
        ("last digits", "q=0042"),
        ("conversation id", "q=conv_7"),
        ("word: in half of the calls, that went wrong in 28 days", "q=thursday&wrong=any&days=28"),
        ("word: in half of the calls, in a language", "q=thursday&language=en"),
        ("counts beside the filters", "wrong=any&_facets=True"),
    ):
        yield name, f"{_CALLS}?{query}"
    yield "a call", f"{_CALLS}{OPENED}/change/"
    for name, asked in (
        ("a search", "q%3Dappointment"),
        ("filters", "wrong%3Dany%26o%3D5"),
        ("a sorted list", "o%3D-8"),
    ):
        yield f"a call within {name}", f"{_CALLS}{OPENED}/change/?_changelist_filters={asked}"
    year = (NOW - timedelta(days=365)).date()
    for name, query in (
        ("7 days", "?days=7"), ("28 days", ""), ("a year", f"?since={year}"), ("all days", "?days=all"),
        ("a year, one agent", f"?since={year}&agent_id__exact=agent_3"),
        ("a year, filtered", "?days=all&wrong=any&language=en"),
        ("a year, a word in half of the calls", "?days=all&q=thursday"),
    ):  # fmt: skip
        yield f"figures of {name}", f"{_CALLS}analytics/{query}"
    yield "callers", _CALLERS
    yield "callers, page in the middle", f"{_CALLERS}?p={size // 10 // CallerListAdmin.list_per_page}"
    for place, column in enumerate(CallerListAdmin.list_display):  # without actions, no column of boxes is counted
        if column in CallerListAdmin.sortable_by:
            yield f"callers sorted by {column}", f"{_CALLERS}?o={place}"
            yield f"callers sorted by {column}, falling", f"{_CALLERS}?o=-{place}"
    for name, query in (
        ("opted out", "opted_out__exact=1"), ("not opted out", "opted_out__exact=0"),
        ("shared lines", "shared_line__exact=1"), ("by a name of most", "q=maya"),
        ("by a name of most, sorted by calls", "q=maya&o=-3"), ("by first and last name", "q=maya+okafor"),
        ("by a name of none", "q=zebedee"), ("by last digits", "q=0042"), ("by number", "q=%2B1+(415)+200-0042"),
    ):  # fmt: skip
        yield f"callers {name}", f"{_CALLERS}?{query}"
    yield "audit log", _LOG
    yield "audit log, last page", f"{_LOG}?p={size // 100}"
    for name, query in (
        ("of an action", "action__exact=listen"), ("of a user", "username=user_3"), ("of a call", "q=conv_7"),
        ("of a month", f"at__year={NOW.year}&at__month=6"), ("sorted by user", "o=2"),
    ):  # fmt: skip
        yield f"audit log {name}", f"{_LOG}?{query}"
    yield "unreadable and parked", f"{_CALLS}unreadable/"
    yield "users", "/admin/auth/user/"


_WRONG = "any", "failed", "unconnected", "unsuccessful", "neutral"
_SIX_WIDE = (
    "length_from=10&cost_from=10&channel__exact=phone&has_audio__exact=1&memory_state__exact=written&tool=transfer"
)


def measure(ask: Callable[[], Any]) -> Cost:
    asked: list[str] = []

    def count(execute: Any, sql: str, *rest: Any) -> Any:
        asked.append(sql)
        return execute(sql, *rest)

    with ExitStack() as stack:
        for connection in connections.all():
            stack.enter_context(connection.execute_wrapper(count))
        answer = ask()
    assert answer.status_code == 200, answer.status_code
    costs = [_once(ask) for _ in range(_TIMES)]
    own, database = (statistics.median(each) for each in zip(*costs, strict=True))
    return Cost(own, database, len(asked), len(answer.content) / 1024)


def _once(ask: Callable[[], Any]) -> tuple[float, float]:
    began, database = time.process_time(), _database_seconds()
    ask()
    return (time.process_time() - began) * 1000, (_database_seconds() - database) * 1000


async def export(user: Any, address: str) -> str:
    """Measure a whole export: its cost, the time to its first byte, and the growth of the process's memory."""
    client = AsyncClient()
    await client.aforce_login(user)
    await sync_to_async(Path("/proc/self/clear_refs").write_text)("5")  # reset the peak of the memory
    before, size, first = resident_mb(os.getpid(), "VmHWM"), 0, 0.0
    database = await sync_to_async(_database_seconds)()
    began, own = time.monotonic(), time.process_time()
    answer: Any = await client.get(address)
    async for chunk in answer:
        first = first or time.monotonic() - began
        size += len(chunk)
    own = (time.process_time() - own) * 1000
    database = (await sync_to_async(_database_seconds)() - database) * 1000
    grown = resident_mb(os.getpid(), "VmHWM") - before
    return f"{Cost(own, database, 0, size / 1024)} | first byte after {first * 1000:.0f} ms, +{grown:.1f} MB"


def _database_seconds() -> float:
    """The CPU time of all processes of the PostgreSQL server, including ended ones; 0 on SQLite."""
    connection = connections["index"]
    if connection.vendor != "postgresql":
        return 0
    connection.ensure_connection()
    backend: Any = connection.connection
    server = _stat(backend.info.backend_pid)[1]
    children = Path(f"/proc/{server}/task/{server}/children").read_text().split()
    running = sum(int(Path(f"/proc/{child}/schedstat").read_text().split()[0]) for child in children)
    ended = sum(map(int, _stat(int(server))[13:15]))
    return running / 1e9 + ended / _TICKS


def _stat(pid: int) -> list[str]:
    """The fields of the process's stat file after its name: its state, its parent and so on."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


if __name__ == "__main__":
    main()
