import asyncio
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import structlog
import uvicorn
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections
from django.db.migrations.exceptions import MigrationSchemaMissing
from django.db.migrations.executor import MigrationExecutor

from conversations.files.locks import single_lock
from conversations.index.schema import ensure_schema, leave_to_others
from elmemory.audit import roles
from elmemory.environment.arguments import PORT
from elmemory.environment.env import given_environment
from elmemory.environment.private_files import private_folder, write_private
from elmemory.environment.startup import CheckedCommand
from elmemory.memory.openmemory.database_faults import summary
from elmemory.serving.handover import CannotListen, Entrance, LeavingServer, Substitute, is_trial
from elmemory.serving.onepacket import OnePacketProtocol

log = structlog.get_logger(__name__)


class Command(CheckedCommand):
    help = "Bring the databases up to date, then serve webhooks and admin on loopback, with a worker."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--host", default="127.0.0.1", help="the address to listen on (127.0.0.1, where a proxy reaches it)"
        )
        parser.add_argument("--port", type=PORT, default=settings.PORT, help="the port (that of PORT)")
        parser.add_argument("--no-worker", action="store_true", help="the worker runs elsewhere")

    def handle(self, *args: Any, host: str, port: int, no_worker: bool, **options: Any) -> None:  # noqa: ARG002
        if is_trial():
            self._set_up()
            return
        try:
            entrance = Entrance(host, port)
        except CannotListen as error:
            raise CommandError(str(error)) from None
        self._set_up()
        while self._serve(entrance, host, port, no_worker=no_worker):
            leave_to_others(leave=False)
            with suppress(DatabaseError):  # another version that did not start may have created the index as its own
                ensure_schema(starting=True)

    def _serve(self, entrance: Entrance, host: str, port: int, *, no_worker: bool) -> bool:
        """Serve until the server stops. Return whether to serve again, because a restart failed."""
        config = uvicorn.Config(
            "elmemory.asgi:application",
            host=host,
            port=port,
            http=OnePacketProtocol,
            log_config=None,
            ws="none",
            access_log=False,
            server_header=False,
            proxy_headers=False,  # Django reads the forwarded scheme itself; /metrics needs the address of the peer
            # Longer than proxies keep an idle connection (Google's load balancer: 600 s): a ring sent on a connection
            # that is just being closed is lost.
            timeout_keep_alive=620,
            timeout_graceful_shutdown=8,
        )
        try:
            worker = None if no_worker else _WorkerProcess()
        except OSError as error:
            raise CommandError(f"the worker cannot be started: {error.strerror}") from None
        server = _Server(config, entrance, worker)
        if entrance.is_first:
            server.once_listening = partial(self._print_addresses, f"http://{host}:{port}")
        try:
            server.run([entrance.listener()])
        except KeyboardInterrupt:
            pass  # uvicorn has shut down by now
        finally:
            if worker:
                worker.stop()
        if server.substitute:
            entrance.replace_process(server.substitute, given_environment())
        return server.substitute is not None

    def _set_up(self) -> None:
        # On PostgreSQL the lock is one of the index database.
        with _named("INDEX_DATABASE_URL"), single_lock("set-up"):
            for variable, alias in (("DATABASE_URL", DEFAULT_DB_ALIAS), ("OPENMEMORY_DB_PATH", "memory")):
                with _named(variable):
                    executor = MigrationExecutor(connections[alias])
                    is_behind = executor.migration_plan(executor.loader.graph.leaf_nodes())
                    if is_behind or (alias == DEFAULT_DB_ALIAS and roles.is_behind(alias)):
                        call_command("migrate", database=alias, verbosity=0)
            with _named("DATABASE_URL"):
                self._create_superuser()
        with _named("INDEX_DATABASE_URL"):
            ensure_schema(starting=True)

    def _create_superuser(self) -> None:
        users = get_user_model()._default_manager
        if users.filter(is_superuser=True).exists():
            return
        name = os.environ.get("DJANGO_SUPERUSER_USERNAME") or "admin"
        given = os.environ.get("DJANGO_SUPERUSER_PASSWORD")
        password = given or secrets.token_urlsafe(12)
        if given:
            shown = "that of DJANGO_SUPERUSER_PASSWORD"
        elif self.stdout.isatty() and not settings.LOG_JSON:
            shown = f"{password}   (shown once)"
        else:  # other output may be stored in logs
            path = private_folder() / "_first_login.txt"
            write_private(path, f"{name}\n{password}\n", replace=True)
            shown = f"in {path}   (delete this file after the first login)"
        users.create_superuser(username=name, email="", password=password)
        if settings.LOG_JSON:
            log.warning("made an administrator", name=name, password=shown)
        else:
            self.stdout.write(f"\n  Admin login: {name}\n  Password:    {shown}\n")

    def _print_addresses(self, url: str) -> None:
        if settings.LOG_JSON:
            log.info("serves", url=url)
            return
        is_here = Path(sys.argv[0]).name == "manage.py"
        manage = f"{os.path.relpath(sys.executable)} manage.py" if is_here else "elmemory"
        self.stdout.write(
            f"\n  elmemory serves on {url}\n"
            f"    rings     POST {url}/webhook/client-data\n"
            f"    searches  POST {url}/webhook/search-data\n"
            f"    calls     POST {url}/webhook/post-call\n"
            f"    API docs  {url}/webhook/docs\n"
            f"    admin     {url}/admin/\n"
            f"    health    {url}/health\n\n"
            f"  Play a call:  {manage} simulate --url {url}\n"
        )
        self.stdout.flush()


@contextmanager
def _named(variable: str) -> Iterator[None]:
    """Raise CommandError that names the variable of a database that does not answer, without the driver's text."""
    try:
        yield
    except DatabaseError as error:
        # Django's own error about a missing table of migrations names no cause.
        cause = error.__context__ if isinstance(error, MigrationSchemaMissing) else None
        reason = summary(cause if isinstance(cause, DatabaseError) else error)
        raise CommandError(
            f"{variable}: the database does not answer: {reason}. Start it, make room for it, or correct the setting"
        ) from None


class _Server(LeavingServer):
    """A server that announces that it listens, and on SIGHUP starts the substitute for its restart."""

    def __init__(self, config: uvicorn.Config, entrance: Entrance, worker: "_WorkerProcess | None") -> None:
        super().__init__(config, entrance)
        self.once_listening: Callable[[], None] = lambda: None
        self.substitute: Substitute | None = None
        self._worker = worker

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if not self.started:
            return
        self.entrance.announce()
        if self.entrance.is_substitute:
            self.leave_at_end_of_input()
        elif not (sys.stdin and sys.stdin.isatty()):  # there, SIGHUP means that the terminal was closed
            self._await_signal()
        self.once_listening()

    def _await_signal(self) -> None:
        loop = asyncio.get_running_loop()

        def restart() -> None:
            # The next process inherits this until it serves; the default action of SIGHUP would end it.
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            self._restarting = loop.create_task(self._restart())

        signal.signal(signal.SIGHUP, lambda *_: loop.call_soon_threadsafe(restart))

    async def _restart(self) -> None:
        self.substitute = await asyncio.to_thread(self._started_substitute)
        if self.substitute:
            await self.leave()
        else:
            self._await_signal()

    def _started_substitute(self) -> Substitute | None:
        """Start the substitute and return it; None if it does not serve. Then this server continues."""
        log.info("restarts")
        leave_to_others(leave=True)
        if self._worker:
            self._worker.stop()
        substitute = self.entrance.start_substitute(given_environment())
        if not substitute:
            log.error("the new server does not start: this one goes on serving")
            leave_to_others(leave=False)
            if self._worker:
                self._worker.start()
        return substitute


class _WorkerProcess:
    """Runs `manage.py worker`, and restarts it if it exits.

    The worker stops when its standard input closes. The kernel closes it even if this process is killed.
    """

    def __init__(self) -> None:
        """Raises OSError if no process can be started."""
        self._stopping = threading.Event()
        self._process: subprocess.Popen[bytes] | None = self._start()
        self._watcher = self._started_watcher()

    def start(self) -> None:
        """Start the worker again after `stop`."""
        self._stopping.clear()
        self._process = self._restarted()
        self._watcher = self._started_watcher()

    def stop(self) -> None:
        self._stopping.set()
        if process := self._process:
            _close_input(process)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
        self._watcher.join()

    def _start(self) -> "subprocess.Popen[bytes]":
        entrance = ["-m", "elmemory"] if Path(sys.argv[0]).name == "__main__.py" else sys.argv[:1]
        command = [sys.executable, *entrance, "worker", "--with-parent"]
        return subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)  # noqa: S603

    def _restarted(self) -> "subprocess.Popen[bytes] | None":
        """Start the worker; None if that fails now. The server goes on, and its watcher tries again."""
        try:
            return self._start()
        except OSError as error:
            log.error("the worker cannot be started: calls are stored, but not remembered", error=error.strerror)
            return None

    def _started_watcher(self) -> threading.Thread:
        watcher = threading.Thread(target=self._watch, daemon=True)
        watcher.start()
        return watcher

    def _watch(self) -> None:
        delay = 0.5
        while True:
            started = time.monotonic()
            code = self._process.wait() if self._process else None
            if self._stopping.is_set():
                return
            delay = 0.5 if time.monotonic() - started > 60 else min(30, delay * 2)
            if self._process:
                _close_input(self._process)
                log.error("the worker died and will be restarted", exit_code=code, in_seconds=delay)
            if self._stopping.wait(delay):
                return
            self._process = self._restarted()
            # `stop` waits for this thread, and may have closed only the previous process.
            if self._stopping.is_set() and self._process:
                _close_input(self._process)


def _close_input(process: "subprocess.Popen[bytes]") -> None:
    if process.stdin:
        process.stdin.close()
