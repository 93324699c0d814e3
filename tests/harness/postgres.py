"""A temporary PostgreSQL server.

`python -m tests.harness.postgres [ARGUMENTS…]` runs pytest with these arguments on three databases of such a server.
"""

import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from pwd import getpwnam
from typing import TYPE_CHECKING, Any, Self

from tests.harness.server import ROOT, free_port, wait_until

if TYPE_CHECKING:
    import psycopg

ALIASES = {"DATABASE_URL": "default", "INDEX_DATABASE_URL": "index", "OPENMEMORY_DB_PATH": "memory"}
# The tests that use the databases in their own process.
ON_BOTH = [
    "tests/conversations/admin",
    "tests/conversations/files",
    "tests/conversations/index",
    "tests/conversations/memories",
    "tests/elmemory/audit",
    "tests/elmemory/doctor/test_checks.py",
    "tests/elmemory/memory/openmemory/test_contract.py",
    "tests/elmemory/memory/openmemory/test_embedded.py",
    "tests/elmemory/memory/test_search.py",
    "tests/elmemory/memory/test_search_cache.py",
]
_OPTIONS = {"fsync": "off", "shared_buffers": "32MB", "listen_addresses": "127.0.0.1", "unix_socket_directories": ""}


def why_there_is_none() -> str | None:
    """Why no PostgreSQL server can be started here; None if one can."""
    if _programs() is None:
        return "no initdb is found: Debian's package postgresql has it"
    if find_spec("psycopg") is None:
        return "psycopg is not installed"
    return None


class Cluster:
    """A PostgreSQL server on loopback, with a folder that is deleted with it. `fsync`: as in production.

    With `primary`, a standby that replicates this one.
    """

    def __init__(self, *, fsync: bool = False, primary: "Cluster | None" = None) -> None:
        self._primary = primary
        self._options = _OPTIONS | ({"fsync": "on"} if fsync else {})
        self._folder = Path(tempfile.mkdtemp(prefix="elmemory-postgres-"))
        self._data = self._folder / "data"
        self._password: str = primary._password if primary else secrets.token_urlsafe(16)
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            self._make()
            self.start()
        except BaseException:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def url(self) -> str:
        return f"postgres://tests:{self._password}@127.0.0.1:{self.port}"

    def start(self) -> None:
        options = [f"--{name}={value}" for name, value in (self._options | {"port": str(self.port)}).items()]
        command = [_program("postgres"), "-D", str(self._data), *options]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True, **_account())
        wait_until(self._answers)

    def stop(self) -> None:
        """Stop the server as for a restart: all connections are dropped (SIGINT)."""
        if self._process:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(30)
            self._process = None

    def kill(self) -> None:
        """End all processes of the server at once (SIGKILL), as when its machine dies."""
        assert self._process
        self._signal_all(signal.SIGKILL)
        self._process.wait(30)
        self._process = None

    def promote(self) -> None:
        """Make a standby the primary."""
        with closing(self.connect()) as connection:
            connection.execute("SELECT pg_promote()")

    def hang(self) -> None:
        """Suspend the server: connections stay open and new ones are accepted, but nothing is answered."""
        self._signal_all(signal.SIGSTOP)

    def go_on(self) -> None:
        """End `hang`."""
        self._signal_all(signal.SIGCONT)

    def databases(self) -> dict[str, str]:
        """Create three databases, and return their URLs by environment variable."""
        name = secrets.token_hex(4)
        with closing(self.connect()) as connection:
            for alias in ALIASES.values():
                connection.execute(f'CREATE DATABASE "{alias}_{name}"'.encode())
        return {variable: f"{self.url}/{alias}_{name}" for variable, alias in ALIASES.items()}

    def connect(self, url: str = "") -> "psycopg.Connection[tuple[Any, ...]]":
        import psycopg

        return psycopg.connect(url or f"{self.url}/postgres", autocommit=True)

    def _make(self) -> None:
        owner = _account()
        if owner:
            shutil.chown(self._folder, owner["user"], owner["group"])
        if self._primary:
            copied_from = f"{self._primary.url}/?application_name=standby"
            command = [_program("pg_basebackup"), "-d", copied_from, "-D", str(self._data), "--write-recovery-conf"]
            made = subprocess.run(
                [*command, "--checkpoint=fast"], capture_output=True, text=True, check=False, cwd=self._folder, **owner
            )
            assert made.returncode == 0, made.stderr
            return
        password = self._folder / "password"
        password.write_text(self._password)
        if owner:
            shutil.chown(password, owner["user"])
        options = [
            "-D",
            str(self._data),
            "-U",
            "tests",
            "--auth=scram-sha-256",
            f"--pwfile={password}",
            "--encoding=UTF8",
        ]
        command = [_program("initdb"), *options, "--locale=C.UTF-8", "--no-sync"]
        made = subprocess.run(command, capture_output=True, text=True, check=False, cwd=self._folder, **owner)
        assert made.returncode == 0, made.stderr

    def _answers(self) -> bool:
        import psycopg

        assert self._process
        assert self._process.poll() is None, (self._folder / "log").read_text()
        try:
            self.connect().close()
        except psycopg.OperationalError:
            return False
        return True

    def _signal_all(self, number: signal.Signals) -> None:
        assert self._process
        parent = self._process.pid
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        for process in [parent, *map(int, children)]:
            os.kill(process, number)


def _account() -> dict[str, Any]:
    """For subprocess: the account to run PostgreSQL as, which refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            account = getpwnam(name)
        except KeyError:
            continue
        return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    return {}


def _programs() -> Path | None:
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    versions = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    return max((path.parent for path in versions), key=lambda path: int(path.parent.name), default=None)


def _program(name: str) -> str:
    folder = _programs()
    assert folder is not None
    return str(folder / name)


def _pytest(arguments: list[str]) -> list[str]:
    marked = "not sqlite and not browser and not faults and not postgres"
    # psycopg warns of connections of ended threads that the garbage collector closes.
    ignored = "ignore::pytest.PytestUnraisableExceptionWarning"
    return [sys.executable, "-m", "pytest", "--reuse-db", "-m", marked, "-W", ignored, *(arguments or ON_BOTH)]


def main(arguments: list[str]) -> int:
    if reason := why_there_is_none():
        sys.stderr.write(f"There is no PostgreSQL: {reason}.\n")
        return 1
    with Cluster() as cluster:
        environment = os.environ | {"TEST_POSTGRES_URL": cluster.url}
        return subprocess.call(_pytest(arguments), cwd=ROOT, env=environment)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
