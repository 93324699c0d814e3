"""The alerts and the dashboard of deploy/, in a real Prometheus that asks real servers."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.harness.prometheus import Prometheus
from tests.harness.proxies import is_installed, program
from tests.harness.samples import new_number, transcription
from tests.harness.server import ROOT, Server, wait_until

pytestmark = [
    pytest.mark.deploy,
    pytest.mark.skipif(not is_installed("prometheus"), reason="prometheus is not installed"),
]


def test_the_rules_raise_no_alert_where_all_is_well() -> None:
    command = [program("promtool"), "test", "rules", str(ROOT / "tests" / "deploy" / "alerts_test.yml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@contextmanager
def silent_store() -> Iterator[str]:
    """The port of a server that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        yield str(listener.getsockname()[1])


@contextmanager
def earlier_version() -> Iterator[str]:
    """The address of metrics of another version."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'elmemory_info{version="0.0.1"} 1\n')

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def panels() -> Iterator[tuple[str, str]]:
    """Titles and expressions of the dashboard, with its variables replaced."""
    dashboard = json.loads((ROOT / "deploy" / "grafana.json").read_text())
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["expr"].replace("$__rate_interval", "1m").replace("$instance", ".*")


LATER = {"ElmemoryQueueOld", "ElmemoryIndexDown", "ElmemoryDown"}


def address(server: Server) -> str:
    return server.url.removeprefix("http://")


def test_each_alert_fires(tmp_path: Path) -> None:
    """One server lacks its store, its worker and room on its disk; the other one gets bad requests and faults."""
    for name in ("poor", "well", "prometheus"):
        (tmp_path / name).mkdir()
    with (
        silent_store() as port,
        Server(tmp_path / "poor", "--no-worker", OPENMEMORY_PORT=port, MIN_FREE_MB="2000000000") as poor,
        Server(tmp_path / "well", METRICS_KEY="metrics-key") as well,
        earlier_version() as earlier,
        Prometheus(tmp_path / "prometheus", {address(poor): "", address(well): "metrics-key", earlier: ""}) as watch,
    ):
        wait_until(lambda: "ElmemoryWorkerSilent" in watch.firing())
        for _ in range(10):
            poor.ring(new_number())
            well.client.post("/webhook/client-data", json={}, headers={"x-api-key": "wrong"})
            well.client.post("/webhook/post-call", content=b"{}", headers={"elevenlabs-signature": "t=1,v0=00"})
        assert poor.post_call(transcription(new_number(), "Hi.")).status_code == 503
        event = transcription(new_number(), "Hi.")
        well.deliver(event)
        conversation_id = event["data"]["conversation_id"]
        (well.payloads / conversation_id / f"{conversation_id}_transcription.json").write_bytes(b"{")
        well.manage("reprocess", conversation_id)
        fault = {
            "at": "2026-11-28T03:00:00+00:00",
            "ok": False,
            "detail": "1",
            "succeeded_at": "2026-11-27T03:00:00+00:00",
        }
        (well.payloads / "_verified").write_text(json.dumps(fault))
        for worker in well.workers():
            os.kill(worker, signal.SIGKILL)
        wait_until(lambda: watch.fired() >= watch.alerts() - LATER, 30)

        with closing(sqlite3.connect(well.environment["INDEX_DATABASE_URL"])) as index:
            index.execute(
                "UPDATE conversation SET memory_state='pending', pending_since=1, next_attempt_at=9e12, attempts=0"
            )
            index.commit()
            wait_until(lambda: "ElmemoryQueueOld" in watch.fired(), 30)
            index.execute("BEGIN EXCLUSIVE")
            wait_until(lambda: "ElmemoryIndexDown" in watch.fired(), 30)
            index.rollback()
        for title, expression in panels():
            assert watch.values(expression), f"{title}: {expression}"
        poor.stop()
        wait_until(lambda: watch.fired() == watch.alerts(), 30)
        poor.start()
