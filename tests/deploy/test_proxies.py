"""nginx and Caddy as deploy/ configures them, in front of real servers."""

import json
import os
import signal
import socket
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPException, HTTPResponse
from pathlib import Path

import pytest

from tests.harness.proxies import HOST, Proxy, is_installed
from tests.harness.samples import new_number, transcription
from tests.harness.server import SECRET, Server, free_port, wait_until
from webhooks.signature import signed

pytestmark = pytest.mark.deploy

needs_caddy = pytest.mark.skipif(not is_installed("caddy"), reason="caddy is not installed")
needs_nginx = pytest.mark.skipif(not is_installed("nginx"), reason="nginx is not installed")
PROXIES = [pytest.param("nginx", marks=needs_nginx), pytest.param("caddy", marks=needs_caddy)]
RING = json.dumps({"caller_id": "+14155550100", "called_number": "+14155550199"}).encode()
RING_HEADERS = {"x-api-key": "client-data-key", "content-type": "application/json"}


def port_of(server: Server) -> int:
    return int(server.environment["PORT"])


def answer(connection: HTTPConnection, method: str, path: str, body: bytes = b"", **headers: str) -> HTTPResponse:
    connection.request(method, path, body or None, {name.replace("_", "-"): value for name, value in headers.items()})
    response = connection.getresponse()
    response.read()
    return response


@pytest.fixture(scope="module")
def two_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Server]]:
    """Two servers on the same data; the first has the worker."""
    folder = tmp_path_factory.mktemp("servers")
    with Server(folder, PUBLIC_URL=f"https://{HOST}") as one:
        shared = {name: value for name, value in one.environment.items() if name != "PORT"}
        with Server(folder, "--no-worker", **shared) as other:
            yield one, other


@pytest.fixture(params=PROXIES)
def proxy(request: pytest.FixtureRequest, two_servers: tuple[Server, Server], tmp_path: Path) -> Iterator[Proxy]:
    with Proxy(request.param, tmp_path, [port_of(server) for server in two_servers]) as running:
        yield running


def test_pages_know_that_they_came_over_https(proxy: Proxy) -> None:
    with closing(proxy.connection()) as connection:
        page = answer(connection, "GET", "/admin/login/")
    assert page.status == 200
    assert page.headers["strict-transport-security"]
    assert "Secure" in page.headers["set-cookie"]


def test_plain_http_is_redirected(proxy: Proxy) -> None:
    with closing(HTTPConnection("127.0.0.1", proxy.http, timeout=10)) as connection:
        page = answer(connection, "GET", "/admin/", host=HOST)
    assert page.status in (301, 308)
    assert page.headers["location"].startswith(f"https://{HOST}")


def test_metrics_are_not_for_everybody(proxy: Proxy) -> None:
    with closing(proxy.connection()) as connection:
        assert answer(connection, "GET", "/metrics").status == 404
        assert answer(connection, "GET", "/health").status == 200


def test_a_recording_of_100_mb_in_chunks_passes_as_it_arrives(proxy: Proxy, two_servers: tuple[Server, Server]) -> None:
    payloads = two_servers[0].payloads
    recording = os.urandom(75 * 2**20)
    event = {
        "type": "post_call_audio",
        "event_timestamp": int(time.time()),
        "data": {"conversation_id": f"conv_{os.urandom(8).hex()}", "agent_id": "agent_test"},
    }
    event["data"]["full_audio"] = b64encode(recording).decode()  # type: ignore[index]
    body = json.dumps(event).encode()
    assert len(body) > 100 * 10**6
    half = len(body) // 2

    with closing(proxy.connection()) as connection:
        connection.putrequest("POST", "/webhook/post-call")
        connection.putheader("elevenlabs-signature", signed(body, SECRET, int(time.time())))
        connection.putheader("transfer-encoding", "chunked")
        connection.endheaders()
        for start in range(0, half, 2**16):
            piece = body[start : min(half, start + 2**16)]
            connection.send(b"%x\r\n%s\r\n" % (len(piece), piece))
        wait_until(lambda: sum(path.stat().st_size for path in (payloads / "_spool").iterdir()) > half * 0.9)
        for start in range(half, len(body), 2**16):
            piece = body[start : start + 2**16]
            connection.send(b"%x\r\n%s\r\n" % (len(piece), piece))
        connection.send(b"0\r\n\r\n")
        assert connection.getresponse().status == 200
    conversation_id = event["data"]["conversation_id"]  # type: ignore[index]
    assert (payloads / conversation_id / f"{conversation_id}_audio.mp3").read_bytes() == recording


def stopped_and_started(server: Server) -> None:
    server.stop()
    server.start()


def reloaded(server: Server) -> None:
    times = server.output.count("serves again")
    server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: server.output.count("serves again") > times, 60)


@pytest.mark.parametrize(
    ("kind", "restart"),
    [
        pytest.param("nginx", stopped_and_started, marks=needs_nginx),
        pytest.param("nginx", reloaded, marks=needs_nginx),
        pytest.param("caddy", reloaded, marks=needs_caddy),
    ],
)
def test_rolling_restarts_fail_no_ring_and_no_delivery(
    kind: str, restart: Callable[[Server], None], two_servers: tuple[Server, Server], tmp_path: Path
) -> None:
    with Proxy(kind, tmp_path, [port_of(server) for server in two_servers]) as proxy:
        restart_under_load(proxy, restart, two_servers)


def restart_under_load(proxy: Proxy, restart: Callable[[Server], None], two_servers: tuple[Server, Server]) -> None:
    kept, lock = proxy.connection(), threading.Lock()
    stored = []

    def ring_again() -> int:
        with lock:
            return answer(kept, "POST", "/webhook/client-data", RING, **RING_HEADERS).status

    def deliver() -> int:
        event = transcription(new_number(), "Hi.")
        body = json.dumps(event).encode()
        with closing(proxy.connection()) as connection:
            signature = signed(body, SECRET, int(time.time()))
            status = answer(connection, "POST", "/webhook/post-call", body, elevenlabs_signature=signature).status
        stored.append(event["data"]["conversation_id"])
        return status

    with repeated(ring_again) as again, repeated(lambda: ring_through(proxy)) as new, repeated(deliver) as deliveries:
        for server in two_servers:
            restart(server)
    kept.close()
    assert set(again) == set(new) == set(deliveries) == {200}
    assert len(again) + len(new) > 300
    payloads = two_servers[0].payloads
    assert all((payloads / each / f"{each}_transcription.json").exists() for each in stored)


@contextmanager
def repeated(request: Callable[[], object]) -> Iterator[list[object]]:
    """Repeat the request in a thread until the block ends; yields the results, exceptions among them."""
    ended, results = threading.Event(), list[object]()

    def repeat() -> None:
        while not ended.wait(0.005):
            try:
                results.append(request())
            except (OSError, HTTPException) as error:
                results.append(repr(error))

    thread = threading.Thread(target=repeat)
    thread.start()
    try:
        yield results
    finally:
        ended.set()
        thread.join()


@contextmanager
def breaking_server() -> Iterator[tuple[int, list[bytes]]]:
    """A server that reads a request and closes the connection; yields its port and the first lines that it read."""
    heads: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    connection.settimeout(5)
                    heads.append(connection.recv(2**16).partition(b"\r\n")[0])
                    time.sleep(0.05)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1], heads
        finally:
            listener.shutdown(socket.SHUT_RDWR)
    thread.join()


@pytest.mark.parametrize("kind", PROXIES)
def test_a_delivery_is_never_sent_twice(kind: str, tmp_path: Path) -> None:
    body = json.dumps(transcription(new_number(), "Hi.")).encode()
    with (
        breaking_server() as (one, of_one),
        breaking_server() as (other, of_other),
        Proxy(kind, tmp_path, [one, other]) as broken,
        closing(broken.connection()) as connection,
    ):
        signature = signed(body, SECRET, int(time.time()))
        assert answer(connection, "POST", "/webhook/post-call", body, elevenlabs_signature=signature).status == 502
        assert len(of_one + of_other) == 1


@needs_nginx
def test_nginx_sends_a_ring_again_to_the_other_server(two_servers: tuple[Server, Server], tmp_path: Path) -> None:
    with breaking_server() as (one, of_one), Proxy("nginx", tmp_path, [one, port_of(two_servers[0])]) as half:
        assert {ring_through(half) for _ in range(4)} == {200}
        assert of_one


@needs_nginx
def test_nginx_passes_over_a_server_that_is_away(two_servers: tuple[Server, Server], tmp_path: Path) -> None:
    with Proxy("nginx", tmp_path, [free_port(), port_of(two_servers[0])]) as half:
        assert {ring_through(half) for _ in range(4)} == {200}


def ring_through(proxy: Proxy) -> int:
    with closing(proxy.connection()) as connection:
        return answer(connection, "POST", "/webhook/client-data", RING, **RING_HEADERS).status
