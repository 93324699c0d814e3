"""Checks that nothing is lost or duplicated when several servers and workers share PostgreSQL and something fails.

    python -m bench.shared_database [--only WORD] [--seed N] [--count N]

As `bench.faults`, with two servers and two workers on one folder; every commit of PostgreSQL is flushed. Known callers
ring both servers 20 times a second each meanwhile. Prints a Markdown table: "neutral" are rings that were answered with
200 and without memory, "failed" those that found no server; "again" is the time from the end of the fault until both
servers answer with memory, "remembered" until no call waits.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx2

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

from bench.faults import HOUR, Run, argument_parser, folder_of, parsed, write_row
from tests.harness.deliveries import Row
from tests.harness.postgres import Cluster, why_there_is_none
from tests.harness.server import ROOT, Server, wait_until

_RINGS_PER_SECOND = 20


class Machines(Run):
    """Two servers and two workers on one PostgreSQL server, with a standby if the fault needs one."""

    def __init__(self, folder: Path, *, seed: int, count: int, stack: ExitStack, standby: bool) -> None:
        super().__init__(folder, seed=seed, long=False, stack=stack)
        self.count = count
        self.database = stack.enter_context(Cluster(fsync=True))
        urls = self.database.databases()
        self.standby: Cluster | None = None
        if standby:
            self.standby = stack.enter_context(Cluster(fsync=True, primary=self.database))
            one, both = f":{self.database.port}/", f":{self.database.port},127.0.0.1:{self.standby.port}/"
            urls = {name: url.replace(one, both) for name, url in urls.items()}
        self.memory_url = urls["OPENMEMORY_DB_PATH"]
        self._environment = urls | {"SECRET_KEY": "s" * 50}
        for _ in range(2):
            server = stack.enter_context(Server(folder, "--no-worker", **self._environment))
            self.servers.append(server)
        self._workers = [self._worker(), self._worker()]
        stack.callback(self._stop_workers)
        self.rings = Rings(self)
        self.fault_ended = 0.0
        self.again = self.remembered = float("nan")

    def replicate_synchronously(self) -> None:
        """Make the primary acknowledge a commit only when the standby has flushed it."""
        self._execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
        self._execute("SELECT pg_reload_conf()")
        self.wait_for_standby("sync")

    def wait_for_standby(self, state: str) -> None:
        wait_until(lambda: self._execute("SELECT sync_state FROM pg_stat_replication") == [(state,)])

    def kill_worker(self, number: int) -> None:
        self._workers[number].kill()
        self._workers[number].wait()
        self._workers[number] = self._worker()

    def strike(self, share: float) -> None:
        """Wait until this share of the deliveries is acknowledged, and count a fault."""
        self.senders.wait_for_share(share)
        self.strikes += 1

    def play(self, fault: Callable[["Machines"], None]) -> None:
        with self.sending(self.count // 4, *self.servers, callers=10):
            pass
        self.wait_until_remembered()
        known = sorted({one.caller for one in self.made if one.is_call})
        with self.rings.ringing(known):
            with self.sending(self.count, *self.servers) as self.senders:
                fault(self)
                self.fault_ended = time.monotonic()
                self.again = self.rings.wait_until_answered() - self.fault_ended
            self.wait_until_remembered()
            self.remembered = time.monotonic() - self.fault_ended
        self._stop_workers()
        self.settle()

    def rows(self) -> list[Row]:
        selected = "SELECT user_id, content, metadata FROM memory"
        return [
            Row(user, content, json.loads(metadata))
            for user, content, metadata in self._execute(selected, self.memory_url)
        ]

    def _execute(self, sql: str, url: str = "") -> list[tuple[Any, ...]]:
        with self.database.connect(f"{url}?target_session_attrs=read-write" if url else "") as connection:
            cursor = connection.execute(sql.encode())
            return cursor.fetchall() if cursor.description else []

    def clear_spool(self) -> None:
        """Check that a worker removes the spool files of dead processes: these servers have none."""
        for path in (self.folder / "payloads" / "_spool").iterdir():
            os.utime(path, (time.time() - HOUR, time.time() - HOUR))
        self.servers[0].manage("worker", "--once")

    def _worker(self) -> "subprocess.Popen[bytes]":
        environment = Server(self.folder, **self._environment).environment
        with (self.folder / "worker.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "manage.py", "worker"], cwd=ROOT, env=environment, stdout=log, stderr=log
            )

    def _stop_workers(self) -> None:
        for worker in self._workers:
            worker.send_signal(signal.SIGTERM)
        for worker in self._workers:
            worker.wait(20)


class Rings:
    """Known callers who ring each server, and the answers they get."""

    def __init__(self, run: Machines) -> None:
        self._run = run
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._answered_at: dict[str, float] = {}
        self.outcomes: Counter[str] = Counter()
        self.longest = 0.0

    @contextmanager
    def ringing(self, callers: list[str]) -> Iterator[None]:
        threads = [threading.Thread(target=self._ring_all, args=(one.url, callers)) for one in self._run.servers]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stopping.set()
            for thread in threads:
                thread.join()

    def wait_until_answered(self) -> float:
        """Wait until both servers have answered with memory again; returns when the later one did."""
        self._answered_at.clear()
        wait_until(lambda: len(self._answered_at) == len(self._run.servers), 120)
        return max(self._answered_at.values())

    def _ring_all(self, url: str, callers: list[str]) -> None:
        chance = random.Random(url)
        with httpx2.Client(base_url=url, timeout=30, trust_env=False) as client:
            while not self._stopping.wait(1 / _RINGS_PER_SECOND):
                began = time.monotonic()
                outcome = _ring(client, chance.choice(callers))
                with self._lock:
                    self.outcomes[outcome] += 1
                    if outcome == "answered":
                        self._answered_at.setdefault(url, time.monotonic())
                    if outcome != "failed":
                        self.longest = max(self.longest, time.monotonic() - began)


def _ring(client: httpx2.Client, caller: str) -> str:
    body = {"caller_id": caller, "called_number": "+14155550199", "agent_id": "agent_test", "call_sid": "CAtest"}
    try:
        answer = client.post("/webhook/client-data", json=body, headers={"x-api-key": "client-data-key"})
    except httpx2.TransportError:
        return "failed"
    if answer.status_code != 200:
        return "failed"
    return "answered" if answer.json()["dynamic_variables"]["returning_caller"] == "yes" else "neutral"


# The faults


def worker_killed(run: Machines) -> None:
    """kill -9 of one worker after the other; each is started again at once."""
    for number in range(4):
        run.strike((number + 0.5) / 5)
        run.kill_worker(number % 2)


def server_killed(run: Machines) -> None:
    """kill -9 of one server after the other; each is started again at once."""
    for number in range(2):
        run.strike((number + 0.5) / 3)
        run.servers[number].kill()
        run.servers[number].start()


def database_restarted(run: Machines) -> None:
    """The database is stopped twice, for five seconds each; all connections end."""
    for number in range(2):
        run.strike((number + 0.5) / 3)
        run.database.stop()
        time.sleep(5)
        run.database.start()


def database_hangs(run: Machines) -> None:
    """The database answers nothing for ten seconds, twice; connections stay."""
    for number in range(2):
        run.strike((number + 0.5) / 3)
        run.database.hang()
        time.sleep(10)
        run.database.go_on()


def database_and_worker_killed(run: Machines) -> None:
    """kill -9 of all processes of the database and of a worker; the database recovers five seconds later."""
    for number in range(2):
        run.strike((number + 0.5) / 3)
        run.database.kill()
        run.kill_worker(number)
        time.sleep(5)
        run.database.start()


def failover(run: Machines) -> None:
    """The primary dies; three seconds later the standby, which replicates synchronously, is promoted."""
    assert run.standby
    run.replicate_synchronously()
    run.strike(0.4)
    run.database.kill()
    time.sleep(3)
    run.standby.promote()


def failover_from_hanging(run: Machines) -> None:
    """The primary hangs, the standby is promoted after three seconds, and the primary is ended ten seconds later."""
    assert run.standby
    run.replicate_synchronously()
    run.strike(0.4)
    run.database.hang()
    time.sleep(3)
    run.standby.promote()
    time.sleep(10)
    run.database.kill()


def failover_to_lagging(run: Machines) -> None:
    """The standby replicates asynchronously and is two seconds behind when the primary dies; then `verify --repair`."""
    assert run.standby
    run.wait_for_standby("async")
    run.strike(0.4)
    run.standby.stop()
    time.sleep(2)
    run.database.kill()
    run.standby.start()
    run.standby.promote()
    time.sleep(3)
    run.wait_until_remembered()
    wait_until(lambda: run.servers[0].manage("verify", "--repair").returncode == 0, 150)


FAULTS: dict[str, Callable[[Machines], None]] = {
    "worker killed": worker_killed,
    "server killed": server_killed,
    "database restarted": database_restarted,
    "database hangs": database_hangs,
    "database and worker killed": database_and_worker_killed,
    "failover, synchronous standby": failover,
    "failover, primary hangs": failover_from_hanging,
    "failover, standby behind, then verify --repair": failover_to_lagging,
}


def main() -> int:
    parser = argument_parser(__doc__)
    parser.add_argument("--count", type=int, default=400, help="deliveries (400)")
    options = parsed(parser)
    if reason := why_there_is_none():
        sys.exit(f"There is no PostgreSQL: {reason}.")
    columns = "Deliveries", "Acknowledged", "Lost", "Doubled", "Rings", "Neutral", "Failed", "Longest s", "Again s"
    print(f"| Fault | {' | '.join(columns)} | Remembered s |\n|---|{'--:|' * 10}", flush=True)
    good = [_play(options, name) for name in FAULTS if options.only in name]
    return 0 if all(good) else 1


def _play(options: argparse.Namespace, name: str) -> bool:
    has_standby = name.startswith("failover")
    with folder_of(name, keep=options.keep) as folder, ExitStack() as stack:
        run = Machines(folder, seed=options.seed, count=options.count, stack=stack, standby=has_standby)
        run.play(FAULTS[name])
    rings = run.rings
    answers = sum(rings.outcomes.values()), rings.outcomes["neutral"], rings.outcomes["failed"]
    return write_row(name, run, *answers, *(f"{each:.1f}" for each in (rings.longest, run.again, run.remembered)))


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main())
