"""A server that restarts without a gap."""

import asyncio
import json
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from elmemory import __version__
from elmemory.serving.handover import Entrance, LeavingServer
from elmemory.serving.onepacket import OnePacketProtocol
from tests.harness.samples import new_number, transcription
from tests.harness.server import ROOT, SECRET, Server, wait_until
from webhooks.signature import signed

KEY = {"x-api-key": "client-data-key"}
RING = json.dumps({"caller_id": "+14155550100", "called_number": "+14155550199"}).encode()


@pytest.fixture
def unstarted(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path, ELMEMORY_ENV_FILE=str(tmp_path / ".env"))
    server.client.headers["connection"] = "close"  # an idle connection is awaited
    (tmp_path / ".env").touch()
    yield server
    server.client.close()


@contextmanager
def repeated(request: Callable[[], None]) -> Iterator[list[str]]:
    """Repeat the request in a thread until the block ends; yields what went wrong."""
    ended, faults = threading.Event(), list[str]()

    def repeat() -> None:
        while not ended.wait(0.05):
            try:
                request()
            except (OSError, HTTPException, AssertionError) as error:
                faults.append(repr(error))

    thread = threading.Thread(target=repeat)
    thread.start()
    try:
        yield faults
    finally:
        ended.set()
        thread.join()


@contextmanager
def connected(server: Server) -> Iterator[HTTPConnection]:
    with closing(HTTPConnection("127.0.0.1", int(server.environment["PORT"]), timeout=30)) as connection:
        yield connection


def post(connection: HTTPConnection, path: str, body: bytes, headers: dict[str, str]) -> None:
    connection.request("POST", path, body, headers)
    answer = connection.getresponse()
    answer.read()
    assert answer.status == 200, answer.status


def signature_of(body: bytes) -> dict[str, str]:
    return {"elevenlabs-signature": signed(body, SECRET, int(time.time()))}


def restart(server: Server) -> None:
    times = server.output.count("serves again")
    server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: server.output.count("serves again") > times, 60)


def test_a_restart_loses_no_ring_no_delivery_and_no_upload(unstarted: Server) -> None:
    delivered = []
    slow = transcription(new_number(), "It takes its time.")
    with unstarted as server, connected(server) as kept, connected(server) as upload:

        def ring_on_a_new_connection() -> None:
            with connected(server) as connection:
                post(connection, "/webhook/client-data", RING, KEY)

        def deliver() -> None:
            event = transcription(new_number(), "Hi.")
            body = json.dumps(event).encode()
            with connected(server) as connection:
                post(connection, "/webhook/post-call", body, signature_of(body))
            delivered.append(event["data"]["conversation_id"])

        body = json.dumps(slow).encode()
        upload.putrequest("POST", "/webhook/post-call")
        for name, value in (signature_of(body) | {"content-length": str(len(body))}).items():
            upload.putheader(name, value)
        upload.endheaders(body[:100])
        (server.folder / ".env").write_text("METRICS_KEY=a-key\n")
        with (
            repeated(ring_on_a_new_connection) as of_rings,
            repeated(lambda: post(kept, "/webhook/client-data", RING, KEY)) as of_kept,
            repeated(deliver) as of_deliveries,
        ):
            server.process.send_signal(signal.SIGHUP)
            wait_until(lambda: "leaves its socket" in server.output, 60)
            upload.send(body[100:])
            assert upload.getresponse().status == 200
            wait_until(lambda: "serves again" in server.output, 60)
        assert (of_rings, of_kept, of_deliveries) == ([], [], [])
        for conversation_id in (slow["data"]["conversation_id"], *delivered):
            assert (server.payloads / conversation_id / f"{conversation_id}_transcription.json").exists()
        assert server.process.poll() is None
        # The new process has read `.env`, and has a worker.
        assert server.client.get("/metrics", headers={"authorization": "Bearer a-key"}).status_code == 200
        server.deliver(transcription(new_number(), "Hi."))


@pytest.fixture
def stopping() -> Iterator[tuple[LeavingServer, socket.socket, list[str]]]:
    """A server that is about to stop, a connection to it on which nothing was sent, and how requests ended."""
    ends = list[str]()

    async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:  # noqa: ARG001
        more = True
        while more:
            message = await receive()
            more = message.get("more_body", False)
        ends.append(message["type"])
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    config = uvicorn.Config(
        application, http=OnePacketProtocol, log_config=None, lifespan="off", timeout_graceful_shutdown=2
    )
    server = LeavingServer(config, Entrance("127.0.0.1", 0))
    listener = server.entrance.listener()
    thread = threading.Thread(target=asyncio.run, args=(server.serve([listener]),))
    thread.start()
    wait_until(lambda: server.started)
    with socket.create_connection(listener.getsockname(), timeout=10) as client:
        wait_until(lambda: server.server_state.connections)
        server.should_exit = True
        yield server, client, ends
    thread.join()


def test_a_server_that_stops_answers_a_connection_that_is_made_already(
    stopping: tuple[LeavingServer, socket.socket, list[str]],
) -> None:
    server, client, ends = stopping
    wait_until(lambda: not server.servers[0].is_serving())
    client.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\n.")
    assert client.recv(100).startswith(b"HTTP/1.1 200")
    assert ends == ["http.request"]


def test_an_upload_that_a_stop_cuts_short_ends_as_if_its_sender_had_gone(
    stopping: tuple[LeavingServer, socket.socket, list[str]],
) -> None:
    _, client, ends = stopping
    client.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n.")
    with suppress(ConnectionResetError):
        assert client.recv(100) == b""
    wait_until(lambda: ends == ["http.disconnect"])


def test_connections_in_the_queue_of_a_socket_are_not_reset_when_it_is_closed() -> None:
    entrance = Entrance("127.0.0.1", 0)
    with entrance.listener() as listener:
        listener.listen()
        with socket.create_connection(listener.getsockname(), timeout=10) as client:
            (waiting,) = entrance.close()
            with waiting:
                waiting.sendall(b"here")
                assert client.recv(10) == b"here"


def test_a_restart_whose_command_cannot_be_started_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    entrance = Entrance("127.0.0.1", 0)
    monkeypatch.setattr(sys, "argv", ["serve.py"])
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")
    numbers = set(Path("/proc/self/fd").iterdir())
    assert entrance.start_substitute({}) is None
    assert set(Path("/proc/self/fd").iterdir()) == numbers
    entrance.close()


def test_a_restart_that_fails_changes_nothing(unstarted: Server) -> None:
    with unstarted as server:
        (server.folder / ".env").write_text("TIME_ZONE=Mars/Olympus\n")
        server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "this one goes on" in server.output, 60)
        assert "TIME_ZONE" in server.output
        server.deliver(transcription(new_number(), "Hi."))
        (server.folder / ".env").write_text("TIME_ZONE=Europe/Berlin\n")
        server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "leaves its socket" in server.output, 60)


@pytest.mark.deploy
def test_a_server_takes_the_socket_of_systemd_and_says_when_it_serves(unstarted: Server) -> None:
    notified = unstarted.folder / "notified"
    unstarted.environment["NOTIFY_SOCKET"] = str(notified)
    launcher = (
        "import os, socket, sys\n"
        "listener = socket.create_server(('127.0.0.1', int(os.environ['PORT'])))\n"
        "os.dup2(os.dup(listener.fileno()), 3)\n"
        "os.environ |= {'LISTEN_FDS': '1', 'LISTEN_PID': str(os.getpid())}\n"
        "os.execv(sys.executable, [sys.executable, 'manage.py', 'serve', '--no-worker', '--port', '1'])\n"
    )
    with (
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd,
        (unstarted.folder / "server.log").open("ab") as unstarted.log,
    ):
        systemd.bind(str(notified))
        systemd.settimeout(10)
        command = [sys.executable, "-c", launcher]
        unstarted.process = subprocess.Popen(
            command, cwd=ROOT, env=unstarted.environment, stdout=unstarted.log, stderr=unstarted.log
        )
        assert systemd.recv(100) == b"READY=1"
        assert unstarted.answers()
        restart(unstarted)
        assert unstarted.answers()
        unstarted.stop()


def installed(folder: Path, sources: Path) -> Path:
    """An environment whose command `elmemory` runs these sources, as pip would install them."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "sources.pth").write_text(
        f"{sources}\n" + "\n".join(path for path in sys.path if "site-packages" in path)
    )
    script = folder / "bin" / "elmemory"
    script.write_text(f"#!{folder}/bin/python\nfrom elmemory.__main__ import main\nmain()\n")
    script.chmod(0o755)
    return folder


@pytest.mark.deploy
def test_a_restart_runs_the_version_that_its_path_leads_to_by_then(unstarted: Server, tmp_path: Path) -> None:
    for package in ("elmemory", "webhooks", "conversations"):
        shutil.copytree(ROOT / package, tmp_path / "newer" / package)
    (tmp_path / "newer" / "elmemory" / "__init__.py").write_text('__version__ = "99.0"\n')
    current = tmp_path / "current"
    current.symlink_to(installed(tmp_path / "1", ROOT))
    with (tmp_path / "server.log").open("ab") as unstarted.log:
        command = [str(current / "bin" / "elmemory"), "serve"]
        unstarted.process = subprocess.Popen(
            command, cwd=tmp_path, env=unstarted.environment, stdout=unstarted.log, stderr=unstarted.log
        )
        wait_until(unstarted.answers)
        assert unstarted.client.get("/health").json()["version"] == __version__
        current.unlink()
        current.symlink_to(installed(tmp_path / "2", tmp_path / "newer"))
        restart(unstarted)
        assert unstarted.client.get("/health").json()["version"] == "99.0"
        unstarted.deliver(transcription(new_number(), "Hi."))
        unstarted.stop()


@contextmanager
def restart_that_fails(
    server: Server, installation: Path, part: Path, meanwhile: Callable[[], None] = lambda: None
) -> Iterator[None]:
    """Start the installed server and restart it. Before it executes its command, `part` is moved."""
    body = json.dumps(transcription(new_number(), "It takes its time.")).encode()
    with (server.folder / "server.log").open("ab") as server.log:
        command = [str(installation / "bin" / "elmemory"), "serve", "--no-worker"]
        server.process = subprocess.Popen(
            command, cwd=server.folder, env=server.environment, stdout=server.log, stderr=server.log
        )
        wait_until(server.answers)
        with connected(server) as upload:
            upload.putrequest("POST", "/webhook/post-call")
            for name, value in (signature_of(body) | {"content-length": str(len(body))}).items():
                upload.putheader(name, value)
            upload.endheaders(body[:100])
            server.process.send_signal(signal.SIGHUP)
            wait_until(lambda: "leaves its socket" in server.output, 60)
            part.rename(part.with_name("moved"))
            meanwhile()
            upload.send(body[100:])
            assert upload.getresponse().status == 200
        wait_until(lambda: "this server goes on" in server.output and "serves again" in server.output, 60)
        yield


def test_a_server_that_serves_again_has_its_own_index_and_not_that_of_the_version_that_failed(
    unstarted: Server, tmp_path: Path
) -> None:
    installation = installed(tmp_path / "1", ROOT)
    index = unstarted.environment["INDEX_DATABASE_URL"]

    def create_that_of_another_version() -> None:
        with closing(sqlite3.connect(index)) as database:
            database.executescript("UPDATE index_schema SET version = 'other', release = '99.0'")

    part = installation / "bin" / "python"
    with restart_that_fails(unstarted, installation, part, create_that_of_another_version):
        with closing(sqlite3.connect(index)) as database:
            wait_until(lambda: database.execute("SELECT release FROM index_schema").fetchall() == [(__version__,)])
        unstarted.stop()


@pytest.mark.parametrize("broken", ["interpreter", "program"])
def test_a_server_whose_command_cannot_be_executed_any_more_serves_again(
    unstarted: Server, tmp_path: Path, broken: str
) -> None:
    installation = installed(tmp_path / "1", ROOT)
    part = installation / "bin" / "python"
    if broken == "program":
        (part,) = installation.glob("lib/python*/site-packages/sources.pth")
    with restart_that_fails(unstarted, installation, part):
        # It serves alone, and can be restarted once the command is there again.
        for _ in range(20):
            unstarted.ring(new_number())
            assert unstarted.post_call(transcription(new_number(), "Hi.")).json()["status"] == "received"
        part.with_name("moved").rename(part)
        restart(unstarted)
        unstarted.ring(new_number())
        unstarted.stop()


@pytest.mark.parametrize(("command", "host"), [("serve", "127.0.0.1"), ("serve", "::1"), ("openmemory", "127.0.0.1")])
def test_a_busy_port_is_reported_in_one_line(unstarted: Server, command: str, host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as other:
        done = unstarted.manage(command, "--host", host, "--port", str(other.getsockname()[1]), DEBUG="true")
    assert done.returncode == 1
    assert "another process listens on" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.deploy
def test_the_substitute_ends_with_the_server_that_it_stands_in_for(unstarted: Server) -> None:
    with unstarted as server:
        server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "leaves its socket" in server.output, 60)
        server.kill()
        wait_until(lambda: not is_listening(server), 20)
        server.start()


def is_listening(server: Server) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", int(server.environment["PORT"]))) == 0
