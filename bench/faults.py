"""Checks that nothing is lost or duplicated when server, worker, OpenMemory, disk, index and clock fail.

    python -m bench.faults [--long] [--only WORD] [--seed N] [--keep]

Each run starts a real server in a folder of its own, sends signed deliveries from 16 senders that repeat what was not
acknowledged, injects the fault meanwhile, and then looks for each acknowledged payload byte for byte, for each memory
exactly once and for leftovers. Prints a Markdown table; the exit code is 1 if anything is lost or duplicated.
"""

import argparse
import contextlib
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import httpx2

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

from bench.stub_openmemory import FAULTS as OPENMEMORY_FAULTS
from bench.stub_openmemory import FaultyOpenMemory
from tests.harness.deliveries import Delivery, Row, Senders, Verdict, deliveries, embedded_rows, judge
from tests.harness.server import ROOT, Server, wait_until

HOUR = 3600


class Skipped(Exception):
    """This fault cannot be injected on this machine; the message says why."""


class Run:
    """One injected fault, with its servers, its deliveries and their results."""

    def __init__(self, folder: Path, *, seed: int, long: bool, stack: ExitStack) -> None:
        self.folder = folder
        self.chance = random.Random(seed)
        self.long = long
        self.strikes = 0
        self.made: list[Delivery] = []
        self.attempts = 0
        self.problems: list[str] = []
        self.servers: list[Server] = []
        self.stub: FaultyOpenMemory | None = None
        self.verdict = Verdict()
        self.index = [folder / f"index.sqlite3{suffix}" for suffix in ("", "-wal", "-shm")]
        self._stack = stack

    def server(self, **environment: str) -> Server:
        server = self._stack.enter_context(_running(Server(self.folder, RING_DEADLINE_MS="20000", **environment)))
        self.servers.append(server)
        return server

    @contextmanager
    def sending(self, count: int, *servers: Server, callers: int = 40) -> Iterator[Senders]:
        """Start senders that deliver; wait for all of them at the end of the block."""
        made = deliveries(count, self.chance, callers=max(callers, count // 20))
        self.made += made
        with Senders(
            made, [server.url for server in servers], self.chance, seconds=600 if self.long else 120
        ) as senders:
            yield senders
        self.attempts += senders.attempts
        self.problems += senders.wrong_answers
        self.problems += [f"{one.file_name}: never acknowledged" for one in made if not one.acknowledged]

    def moments(self, senders: Senders, count: int) -> Iterator[int]:
        """Wait for this many random instants, spread over the time of sending."""
        for number in range(count):
            senders.wait_for_share((number + self.chance.random()) / (count + 0.5))
            # At a random point of a request.
            time.sleep(self.chance.uniform(0, 0.03))
            self.strikes += 1
            yield number

    def wait_until_remembered(self) -> None:
        seconds = 900 if self.long else 150
        waiting = [delivery.conversation_id for delivery in self.made if delivery.is_call and delivery.acknowledged]

        def none_waits() -> bool:
            waiting[:] = [conversation_id for conversation_id in waiting if not self._is_done(conversation_id)]
            return not waiting

        with contextlib.suppress(AssertionError):
            wait_until(none_waits, seconds)
        self.problems += [f"{conversation_id}: not done after {seconds} s" for conversation_id in waiting]

    def settle(self) -> None:
        """Wait until all calls are remembered and the servers are idle; then check the results."""
        self.wait_until_remembered()
        self._ask_by_ring()
        for server in self.servers:
            server.stop()
        self.clear_spool()
        if self.stub:
            (self.folder / "openmemory.json").write_text(json.dumps(self.stub.rows, indent=1))
        self.verdict = judge(self.made, self.folder / "payloads", self.rows())
        self.verdict.problems += self.problems

    def rows(self) -> list[Row]:
        """All memories of the store."""
        return _memories(self.stub) if self.stub else embedded_rows(self.folder / "memory.sqlite3")

    def _is_done(self, conversation_id: str) -> bool:
        path = self.folder / "payloads" / conversation_id / f"{conversation_id}_memory.json"
        receipt = json.loads(path.read_bytes()) if path.exists() else {}
        return bool(receipt.get("payload")) and not receipt.get("reprocess")

    def _ask_by_ring(self) -> None:
        """Check that a ring answers with the number of the caller's calls."""
        callers = [delivery.caller for delivery in self.made if delivery.is_call and delivery.acknowledged]
        for caller in sorted(set(callers)):
            answered = self.servers[-1].ring(caller)["dynamic_variables"]["call_count"]
            if answered != str(callers.count(caller)):
                self.problems.append(f"{caller}: a ring answers {answered} calls instead of {callers.count(caller)}")

    def clear_spool(self) -> None:
        """Check that the next process to start removes old spool files of dead processes."""
        spool = self.folder / "payloads" / "_spool"
        for path in spool.iterdir():
            os.utime(path, (time.time() - HOUR, time.time() - HOUR))
        server = self.servers[0]
        if any(spool.iterdir()):
            server.start()
            with contextlib.suppress(AssertionError):
                wait_until(lambda: not any(spool.iterdir()))
            server.stop()


@contextmanager
def _running(server: Server) -> Iterator[Server]:
    server.start()
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.stop()
        server.client.close()


def _memories(stub: FaultyOpenMemory) -> list[Row]:
    """The server's rows without incomplete ones, which readers ignore."""
    rows = [Row(row["user_id"], row["content"], row["metadata"]) for row in stub.rows]
    memories = [row for row in rows if "unfinished_key" not in row.metadata]
    if len(memories) < len(rows):
        print(f"  {len(rows) - len(memories)} unfinished rows stay at the OpenMemory server", file=sys.stderr)
    return memories


# The faults


def server_killed(run: Run) -> None:
    """kill -9 of the server at random instants, every other time together with its worker."""
    server = run.server()
    with run.sending(10_000 if run.long else 1000, server) as senders:
        for number in run.moments(senders, 60 if run.long else 8):
            workers = _workers_of(server) if number % 2 else []
            server.kill()
            _kill(workers)
            server.start()
    run.settle()


def worker_killed(run: Run) -> None:
    """kill -9 of the worker while it processes calls."""
    server = run.server()
    with run.sending(3000 if run.long else 400, server) as senders:
        for _ in run.moments(senders, 6 if run.long else 4):
            _kill(wait_until(lambda: _workers_of(server), 60))
    run.settle()


def openmemory_misbehaving(run: Run) -> None:
    """Every fault of an OpenMemory server in turn, while it writes a call's memories."""
    with FaultyOpenMemory(run.chance.getrandbits(32)) as stub:
        run.stub = stub
        server = run.server(OPENMEMORY_PORT=str(stub.port), OPENMEMORY_KEY="stub-key")
        for fault in OPENMEMORY_FAULTS * (8 if run.long else 1):
            stub.fault = fault
            struck = stub.struck
            with run.sending(40 if run.long else 20, server, callers=6):
                pass
            if fault == "refuses":
                wait_until(lambda: _failures(run.index[0]), 60)
            else:
                wait_until(lambda: stub.struck >= struck + 2, 120)  # noqa: B023
            # Without a working phase in between, the pauses between attempts would grow to half a minute.
            stub.fault = None
            run.wait_until_remembered()
        run.settle()
        run.strikes = stub.struck


def disk_full(run: Run) -> None:
    """A small disk with payloads, databases and logs becomes full or nearly full."""
    with _small_disk(run.folder, megabytes=160):
        server = run.server(MIN_FREE_MB="0")
        with run.sending(3000 if run.long else 1200, server) as senders:
            for number in run.moments(senders, 12 if run.long else 4):
                ballast = _fill(run.folder, leave=(0, 200_000)[number % 2])
                refused = senders.statuses[503]
                wait_until(lambda: senders.statuses[503] > refused + 20, 60)  # noqa: B023
                ballast.unlink()
        run.settle()


def index_destroyed(run: Run) -> None:
    """The index is damaged in the middle, overwritten with garbage, and deleted while only the worker restarts."""
    server = run.server()
    with run.sending(2000 if run.long else 400, server) as senders:
        for number in run.moments(senders, 21 if run.long else 6):
            match number % 3:
                case 0:
                    _overwrite(run.index[:1], run.chance, start=4096)
                    _overwrite(run.index[1:2], run.chance, start=0)
                case 1:
                    _overwrite(run.index, run.chance, start=0)
                case 2:
                    for path in run.index:
                        path.unlink(missing_ok=True)
                    _kill(_workers_of(server))
    run.settle()


def two_servers(run: Run) -> None:
    """Two servers and two workers on one payload folder; deliveries and repetitions reach either. One server dies."""
    one, other = run.server(), run.server()
    with run.sending(3000 if run.long else 500, one, other) as senders:
        for number in run.moments(senders, 6 if run.long else 2):
            server = (one, other)[number % 2]
            server.kill()
            server.start()
    run.settle()


def clock_steps_back(run: Run) -> None:
    """The server's clock, an hour ahead, is set back while calls wait for a store that is down."""
    ahead = run.folder / "clock"
    ahead.write_text("+3600")
    server = run.server(**_clock(run.folder, ahead), POST_CALL_TOLERANCE=str(3 * HOUR))
    with run.sending(1500 if run.long else 150, server) as senders:
        for _ in run.moments(senders, 5 if run.long else 2):
            ahead.write_text("+3600")
            with _store_unavailable(run.folder / "memory.sqlite3"):
                wait_until(lambda: _failures(run.index[0], after=time.time() + HOUR / 2))
                ahead.write_text("+0")
    # Once more without later deliveries, and with rows that are up to date when reconciling compares them.
    run.wait_until_remembered()
    ahead.write_text("+3600")
    with _store_unavailable(run.folder / "memory.sqlite3"):
        with run.sending(1, server):
            pass
        wait_until(lambda: _failures(run.index[0], after=time.time() + HOUR / 2))
        server.stop()
        for path in run.index:
            path.unlink(missing_ok=True)
        server.start()
        wait_until(lambda: _failures(run.index[0], after=time.time() + HOUR / 2))
        ahead.write_text("+0")
        run.strikes += 1
    run.settle()


FAULTS: dict[str, Callable[[Run], None]] = {
    "server killed": server_killed,
    "worker killed": worker_killed,
    "OpenMemory misbehaving": openmemory_misbehaving,
    "disk full": disk_full,
    "index deleted, garbage": index_destroyed,
    "two servers, two workers": two_servers,
    "clock stepping back": clock_steps_back,
}


# How the faults are injected


def _workers_of(server: Server) -> list[int]:
    tasks = Path(f"/proc/{server.process.pid}/task")
    if not tasks.is_dir():
        raise Skipped("processes are found through /proc, which is not here")
    with contextlib.suppress(OSError):
        return [int(pid) for task in tasks.iterdir() for pid in (task / "children").read_text().split()]
    return []


def _kill(pids: Sequence[int]) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _overwrite(paths: Sequence[Path], chance: random.Random, *, start: int) -> None:
    for path in paths:
        with contextlib.suppress(FileNotFoundError), path.open("r+b") as file:
            file.seek(start)
            file.write(chance.randbytes(60_000))


@contextmanager
def _small_disk(folder: Path, *, megabytes: int) -> Iterator[None]:
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=700", "tmpfs", str(folder)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        raise Skipped("a small disk can be mounted by root, or in a user namespace, only") from None
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _fill(folder: Path, *, leave: int) -> Path:
    """Create a file that fills the disk up to `leave` bytes."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while shutil.disk_usage(folder).free > leave:
            file.write(bytes(max(1, min(2**20, shutil.disk_usage(folder).free - leave))))
    return ballast


def _clock(folder: Path, ahead: Path) -> dict[str, str]:
    """The environment of processes whose clock is ahead by the seconds in this file."""
    for library in Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"):
        return {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(ahead),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",  # the kernel sets the times of files
        }
    # Without libfaketime: shift Python's own clock at its start.
    (folder / "sitecustomize.py").write_text(
        f"import time\n_ns = time.time_ns\n_ahead = lambda: float(open({str(ahead)!r}).read() or 0)\n"
        "time.time_ns = lambda: _ns() + int(_ahead() * 1e9)\ntime.time = lambda: time.time_ns() / 1e9\n"
    )
    return {"PYTHONPATH": str(folder)}


@contextmanager
def _store_unavailable(database: Path) -> Iterator[None]:
    """Remove the table of the embedded store during the block."""
    _execute(database, "ALTER TABLE memory RENAME TO memory_away")
    try:
        yield
    finally:
        _execute(database, "ALTER TABLE memory_away RENAME TO memory")


def _failures(index: Path, *, after: float = 0) -> int:
    """The number of calls that have failed and will be tried again after this time."""
    waiting = f"SELECT count(*) FROM conversation WHERE attempts > 0 AND next_attempt_at > {after}"
    return _execute(index, waiting)[0][0]


def _execute(database: Path, statement: str) -> list[tuple[int]]:
    connection = sqlite3.connect(database, timeout=30)
    try:
        with connection:
            return connection.execute(statement).fetchall()
    finally:
        connection.close()


# The table


def main() -> int:
    parser = argument_parser(__doc__)
    parser.add_argument("--long", action="store_true", help="tens of thousands of deliveries")
    options = parsed(parser)
    print("| Fault | Deliveries | Acknowledged | Lost | Doubled | Sent | Struck | Seconds |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|", flush=True)
    # A run waits most of the time, so two at once take little longer than one.
    with ThreadPoolExecutor(2) as pool:
        good = pool.map(partial(_try, options), [name for name in FAULTS if options.only in name])
        return 0 if all(list(good)) else 1


def argument_parser(doc: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", metavar="WORD", help="the faults with this word in their name")
    parser.add_argument("--seed", type=int, default=None, help="of a run that is to be repeated")
    parser.add_argument("--keep", action="store_true", help="keep the folders")
    return parser


def parsed(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """Parse the arguments, and print the seed, by which a run can be repeated."""
    options = parser.parse_args()
    if options.seed is None:
        options.seed = random.SystemRandom().getrandbits(32)
    print(f"Seed {options.seed}\n", file=sys.stderr)
    return options


def _try(options: argparse.Namespace, name: str) -> bool:
    started = time.monotonic()
    try:
        with folder_of(name, keep=options.keep) as folder, ExitStack() as stack:
            run = Run(folder, seed=options.seed, long=options.long, stack=stack)
            FAULTS[name](run)
    except Skipped as reason:
        print(f"| {name} | skipped: {reason} | | | | | | |", flush=True)
        return True
    except (AssertionError, httpx2.TransportError) as error:
        print(f"| {name} | failed: {error or type(error).__name__} | | | | | | |", flush=True)
        traceback.print_exc()
        return False
    return write_row(name, run, run.attempts, run.strikes, round(time.monotonic() - started))


@contextmanager
def folder_of(name: str, *, keep: bool) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="elmemory-faults-"))
    try:
        yield folder
    finally:
        if keep:
            print(f"{name}: {folder}", file=sys.stderr)
        else:
            shutil.rmtree(folder, ignore_errors=True)


def write_row(name: str, run: Run, *more: object) -> bool:
    """Print the results of a run, and its first problems. Return whether there are none."""
    verdict = run.verdict
    figures = len(run.made), sum(one.acknowledged for one in run.made), len(verdict.lost), len(verdict.doubled)
    print(f"| {name} | {' | '.join(map(str, (*figures, *more)))} |", flush=True)
    for problem in verdict.problems[:20]:
        print(f"  {problem}", file=sys.stderr)
    if len(verdict.problems) > 20:
        print(f"  … and {len(verdict.problems) - 20} more", file=sys.stderr)
    return not verdict.problems


def _enter_user_namespace() -> None:
    """Re-execute in a user namespace, where any user may mount a small disk if the kernel allows it."""
    unshare = shutil.which("unshare")
    into = [unshare or "", "--user", "--map-root-user", "--mount"]
    if (
        os.geteuid() != 0
        and unshare
        and subprocess.run([*into, "true"], check=False, capture_output=True).returncode == 0
    ):
        os.execv(unshare, [*into, sys.executable, "-m", "bench.faults", *sys.argv[1:]])  # noqa: S606


if __name__ == "__main__":
    os.chdir(ROOT)
    _enter_user_namespace()
    sys.exit(main())
