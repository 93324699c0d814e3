"""Restarting a server without a gap: its listening socket outlives it.

1. On SIGHUP the server starts a substitute: the same command, with the listening socket. If that does not begin to
   serve, nothing else happens.
2. The server stops accepting, finishes what is under way, and executes its own command, under the same process id. If
   that cannot be executed, it serves again itself.
3. Once the new server serves, the substitute stops accepting, finishes what is under way, and ends.

A connection waits in the socket's queue until one of them accepts it, and is never reset. The socket may also be
systemd's (LISTEN_FDS), and `announce` reports to systemd (NOTIFY_SOCKET) that the server serves.
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

_VARIABLE = "ELMEMORY_HANDOVER"
_FIRST_OF_SYSTEMD = 3
_LONGEST_START_SECONDS = 120.0

log = structlog.get_logger(__name__)


class Substitute(NamedTuple):
    """The process that serves while this one restarts; it stops when `lifeline` is closed: also when this one dies."""

    process: "subprocess.Popen[bytes]"
    lifeline: int


class CannotListen(Exception):
    """The address is in use, or none of this machine. The message says which, and what to do."""


class Entrance:
    """The listening socket of this process: its own, systemd's, or that of the process which this one replaces."""

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
        """The socket for a server, which may close it."""
        return self._socket.dup()

    def close(self) -> list[socket.socket]:
        """Close the socket; returns the connections that waited in its queue, which closing alone would reset."""
        waiting = []
        self._socket.setblocking(False)
        with contextlib.suppress(OSError):
            while True:
                waiting.append(self._socket.accept()[0])
        self._socket.close()
        return waiting

    def announce(self) -> None:
        """Report that this process serves: to the process that waits for it, and to systemd."""
        if self.is_substitute:
            with contextlib.suppress(OSError):  # nobody waits any more
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
        """Start this command in another process, on this socket; None if it does not serve in time."""
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
        """Execute this command in the place of this process, which keeps its id, while the substitute serves.

        Returns only if it cannot be executed. Then this process is to serve again: `announce` ends the substitute.
        """
        self._numbers = [self._socket.fileno(), substitute.process.pid, substitute.lifeline]
        handed = {_VARIABLE: " ".join(["successor", *map(str, self._numbers)])}
        _pass_on((self._socket.fileno(), substitute.lifeline), to_successor=True)
        try:
            os.execve(_command()[0], _command(), {**environment, **handed})  # noqa: S606
        except OSError as error:  # its interpreter was moved, or there is no memory for it
            _pass_on((self._socket.fileno(), substitute.lifeline), to_successor=False)
            log.error("the command cannot be executed: this server goes on", error=type(error).__name__)


class LeavingServer(BoundedServer):
    """A server that ends, or leaves its socket to another process, without breaking what is under way."""

    longest_seconds: float = 300
    idle_seconds: float = 2
    fresh_seconds: float = 1

    def __init__(self, config: uvicorn.Config, entrance: Entrance) -> None:
        super().__init__(config)
        self.entrance = entrance
        self._has_left = False

    async def leave(self) -> None:
        """Stop accepting, answer one more request on each connection, and stop when the last one is closed.

        Idle connections are closed after 2 seconds, those with a request under way are awaited for 300.
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
        """End, but first answer the connections that were made already, if their first request comes within a second.

        A proxy may have sent a delivery on them, and sends it no second time.
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
        # uvicorn would cancel what is still under way a second later, with a traceback.
        most = (self.config.timeout_graceful_shutdown or 1) - 1
        asyncio.get_running_loop().call_later(most, self._abort)
        await super().shutdown(sockets)

    def _abort(self) -> None:
        for connection in self._connections():
            connection.transport.abort()

    async def _stop_accepting(self) -> None:
        for server in self.servers:
            server.close()
        self.config.encoded_headers.append((b"connection", b"close"))  # of all answers to come
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
    """A socket that a server makes listen once it can answer: until then a balancer tries another server."""
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


def _command() -> list[str]:
    """The command of this process. An installed script names its interpreter, which may be another by now."""
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
