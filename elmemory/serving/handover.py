"""Restarts a server without refusing connections: its listening socket stays open.

1. On SIGHUP the server starts a substitute: the same command, with the listening socket. If it does not serve,
   nothing else happens.
2. The server stops accepting, finishes the requests in progress, and executes its own command, under the same process
   id. Before that it tries the command once more, for the program may have changed meanwhile. If one of these fails,
   it serves again itself.
3. Once the new server serves, the substitute stops accepting, finishes its requests, and ends.

Until one of them accepts a connection, it waits in the socket's queue; none is reset. The socket may come from systemd
(LISTEN_FDS), and `announce` notifies systemd (NOTIFY_SOCKET).
"""

import asyncio
import contextlib
import errno
import os
import selectors
import socket
import subprocess
import sys
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import structlog
import uvicorn

from elmemory.serving.edge import BoundedProtocol, BoundedServer

_VARIABLE, _TRIAL = "ELMEMORY_HANDOVER", "trial"
_FIRST_OF_SYSTEMD = 3
_LONGEST_START_SECONDS = 120.0

log = structlog.get_logger(__name__)


class Substitute(NamedTuple):
    """The process that serves while this one restarts. It stops when `lifeline` is closed, or this process dies."""

    process: "subprocess.Popen[bytes]"
    lifeline: int


class CannotListen(Exception):
    """The address is in use, or not one of this machine. The message names it and says what to do."""


class Entrance:
    """The listening socket of this process: a new one, systemd's, or one inherited from the process it replaces."""

    def __init__(self, host: str, port: int) -> None:
        """Raises CannotListen."""
        handed = os.environ.pop(_VARIABLE, "")
        count, owner = os.environ.pop("LISTEN_FDS", ""), os.environ.pop("LISTEN_PID", "")
        self.is_substitute = handed.startswith("substitute ")
        self.is_first = not handed
        self._numbers = [int(number) for number in handed.split()[1:]]
        if handed:
            self._socket = socket.socket(fileno=self._numbers[0])
        elif count == "1" and owner == str(os.getpid()):
            self._socket = socket.socket(fileno=_FIRST_OF_SYSTEMD)
        else:
            self._socket = _bound(host, port)
        self._socket.set_inheritable(False)

    def listener(self) -> socket.socket:
        """Return a duplicate of the socket, which a server may close."""
        return self._socket.dup()

    def close(self) -> list[socket.socket]:
        """Accept and return the connections in the socket's queue, then close it. Closing would reset them."""
        waiting = []
        self._socket.setblocking(False)
        with contextlib.suppress(OSError):
            while True:
                waiting.append(self._socket.accept()[0])
        self._socket.close()
        return waiting

    def announce(self) -> None:
        """Notify the waiting process and systemd that this process serves."""
        if self.is_substitute:
            with contextlib.suppress(OSError):  # the waiting process has ended
                os.write(self._numbers[1], b"1")
            os.close(self._numbers[1])
            return
        if self._numbers:
            _, process, lifeline = self._numbers
            self._numbers = []
            os.close(lifeline)
            threading.Thread(target=_await_end, args=(process,), daemon=True).start()
        if address := os.environ.get("NOTIFY_SOCKET"):
            with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
                systemd.sendto(b"READY=1", address.replace("@", "\0", 1) if address[0] == "@" else address)

    def start_substitute(self, environment: Mapping[str, str]) -> Substitute | None:
        """Start this command in another process, on this socket. Returns None if it does not serve in time."""
        ready, its_end = os.pipe()
        its_input, lifeline = os.pipe()
        handed = self._socket.fileno(), its_end
        try:
            process = subprocess.Popen(  # noqa: S603
                _command(),
                stdin=its_input,
                pass_fds=handed,
                env={**environment, _VARIABLE: " ".join(["substitute", *map(str, handed)])},
                start_new_session=True,
            )
        except OSError as error:  # its interpreter was moved, or no process can be started now
            for number in (ready, lifeline):
                os.close(number)
            log.error("the command cannot be started", error=type(error).__name__)
            return None
        finally:
            os.close(its_end)
            os.close(its_input)
        with open(ready, "rb", buffering=0) as signs, selectors.DefaultSelector() as selector:  # noqa: PTH123
            selector.register(signs, selectors.EVENT_READ)
            if selector.select(_LONGEST_START_SECONDS) and signs.read(1):
                return Substitute(process, lifeline)
        os.close(lifeline)
        process.kill()
        process.wait()
        return None

    def replace_process(self, substitute: Substitute, environment: Mapping[str, str]) -> None:
        """Replace this process by a new execution of its command, while the substitute serves. The process id stays.

        Returns only if that fails. Then this process must serve again; `announce` ends the substitute.
        """
        self._numbers = [self._socket.fileno(), substitute.process.pid, substitute.lifeline]
        if not _can_start(environment):
            log.error("the command fails by now: this server goes on")
            return
        handed = {_VARIABLE: " ".join(["successor", *map(str, self._numbers)])}
        _pass_on((self._socket.fileno(), substitute.lifeline), to_successor=True)
        try:
            os.execve(_command()[0], _command(), {**environment, **handed})  # noqa: S606
        except OSError as error:  # its interpreter was moved, or memory is short
            _pass_on((self._socket.fileno(), substitute.lifeline), to_successor=False)
            log.error("the command cannot be executed: this server goes on", error=type(error).__name__)


class LeavingServer(BoundedServer):
    """A server that ends, or leaves its socket to another process, without breaking off requests."""

    longest_seconds: float = 300
    idle_seconds: float = 2
    fresh_seconds: float = 1

    def __init__(self, config: uvicorn.Config, entrance: Entrance) -> None:
        super().__init__(config)
        self.entrance = entrance
        self._has_left = False

    async def leave(self) -> None:
        """Stop accepting, answer one more request on each connection, and stop when the last one is closed.

        Closes idle connections after 2 seconds, and waits up to 300 seconds for the others.
        """
        log.info("leaves its socket to another process", connections=len(self.server_state.connections))
        self._has_left = True
        await self._stop_accepting()
        clock = asyncio.get_running_loop().time
        began = clock()
        for connection in self._connections():
            if connection.cycle and not connection.is_idle:
                connection.cycle.keep_alive = False
        while self.server_state.connections and not self.should_exit and clock() - began < self.longest_seconds:
            await asyncio.sleep(0.1)
            if clock() - began > self.idle_seconds:
                for connection in self._connections():
                    if connection.is_idle:
                        connection.shutdown()
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End, after answering connections in the queue whose first request arrives within a second.

        A proxy may have sent a delivery on one, and would not send it again.
        """
        if not self._has_left:
            await self._stop_accepting()
            loop = asyncio.get_running_loop()
            for connection in self.entrance.close():
                await loop.connect_accepted_socket(self._protocol, connection)
            for _ in range(50):
                if not any(connection.is_fresh for connection in self._connections()):
                    break
                await asyncio.sleep(self.fresh_seconds / 50)
        # A second later, uvicorn would cancel the remaining requests with a traceback.
        most = (self.config.timeout_graceful_shutdown or 1) - 1
        asyncio.get_running_loop().call_later(most, self._abort)
        await super().shutdown(sockets)

    def _abort(self) -> None:
        for connection in self._connections():
            connection.transport.abort()

    async def _stop_accepting(self) -> None:
        for server in self.servers:
            server.close()
        self.config.encoded_headers.append((b"connection", b"close"))  # in all further answers
        await self.on_tick(0)

    def _protocol(self) -> asyncio.Protocol:
        protocol: type[Any] = self.config.http_protocol_class
        state = self.lifespan.state
        return protocol(config=self.config, server_state=self.server_state, app_state=state)  # type: ignore[no-any-return]

    def leave_at_end_of_input(self) -> None:
        """Leave once standard input is closed."""
        loop = asyncio.get_running_loop()

        def wait() -> None:
            sys.stdin.buffer.read()
            with contextlib.suppress(RuntimeError):  # the loop has ended
                asyncio.run_coroutine_threadsafe(self.leave(), loop)

        threading.Thread(target=wait, daemon=True).start()

    def _connections(self) -> list[BoundedProtocol]:
        return [one for one in self.server_state.connections if isinstance(one, BoundedProtocol)]


def _bound(host: str, port: int) -> socket.socket:
    """Return a bound socket. The server listens on it once it can answer, so that balancers try other servers first."""
    found = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((host, port))
    except OverflowError:
        found.close()
        raise CannotListen("a port is a whole number from 1 to 65535") from None
    except OSError as error:
        found.close()
        where = f"{host}, port {port}"
        if error.errno == errno.EADDRINUSE:
            raise CannotListen(f"another process listens on {where}: stop it, or choose another port") from None
        raise CannotListen(f"cannot listen on {where}: {error.strerror}") from None
    return found


def is_trial() -> bool:
    """Whether this process only tries whether the server could start. It prepares everything, and ends."""
    return os.environ.get(_VARIABLE) == _TRIAL


def _can_start(environment: Mapping[str, str]) -> bool:
    """Try this command up to where it would listen. Returns whether it got there in time."""
    try:
        tried = subprocess.run(  # noqa: S603
            _command(),
            stdin=subprocess.DEVNULL,
            env={**environment, _VARIABLE: _TRIAL},
            timeout=_LONGEST_START_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        log.error("the command cannot be tried", error=type(error).__name__)
        return False
    return tried.returncode == 0


def _command() -> list[str]:
    """Return the command of this process. An installed script is run by its own interpreter, which may have changed."""
    script = Path(sys.argv[0])
    if script.suffix != ".py" and os.access(script, os.X_OK):
        return [str(script), *sys.argv[1:]]
    return [sys.executable, *sys.orig_argv[1:]]


def _pass_on(descriptors: Iterable[int], *, to_successor: bool) -> None:
    for descriptor in descriptors:
        os.set_inheritable(descriptor, to_successor)


def _await_end(substitute: int) -> None:
    with contextlib.suppress(OSError):
        os.waitpid(substitute, 0)
    log.info("serves again")
