"""OpenMemory servers on loopback: our own, as users start it, and one that misbehaves on demand."""

import json
import os
import secrets
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple, cast
from urllib.parse import parse_qs, unquote, urlsplit

import httpx2

from elmemory.memory.openmemory.remote.store import RemoteOpenMemory
from elmemory.memory.openmemory.sdk import SdkOpenMemory, sdk_module

ROOT = Path(__file__).resolve().parent.parent.parent
KEY = "k-test"


def new_caller() -> str:
    """A number that nobody has, not even in a server that many test runs have filled."""
    return f"+999{secrets.randbelow(10**11):011}"


def sdk_is_installed() -> bool:
    try:
        sdk_module()
    except Exception:
        return False
    return True


def client_of(kind: str, url: str, key: str = KEY) -> RemoteOpenMemory:
    return SdkOpenMemory(url, key) if kind == "sdk" else RemoteOpenMemory(url, key)


@contextmanager
def wire_server(folder: Path) -> Iterator[str]:
    """`manage.py openmemory` in a process of its own over the new store `folder`/memory.sqlite3; its URL."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    environment = {
        "PATH": os.environ["PATH"],
        "ELMEMORY_ENV_FILE": "",
        "SECRET_KEY": secrets.token_urlsafe(50),
        "OPENMEMORY_KEY": KEY,
        "OPENMEMORY_DB_PATH": str(folder / "memory.sqlite3"),
        "DATABASE_URL": str(folder / "default.sqlite3"),
        "INDEX_DATABASE_URL": str(folder / "index.sqlite3"),
        "PAYLOAD_STORAGE_PATH": str(folder / "payloads"),
    }
    with (folder / "server.log").open("wb") as log:
        command = [sys.executable, "manage.py", "openmemory", "--port", str(port)]
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        url = f"http://127.0.0.1:{port}"
        try:
            deadline = time.monotonic() + 30
            while not _answers(url):
                assert process.poll() is None, (folder / "server.log").read_text()
                assert time.monotonic() < deadline, "the server did not start in time"
                time.sleep(0.02)
            yield url
        finally:
            process.terminate()
            process.wait(15)


def fill_embedded(database: Path, user_id: str, count: int) -> None:
    """Rows as the embedded store keeps them, written past it: thousands at once."""
    now = time.time_ns() // 1_000_000
    rows = (
        (uuid.uuid4().hex, user_id, f"filler:{number}", f"Filler {number}", '["filler"]', '["semantic"]', now, now, now)
        for number in range(count)
    )
    with _sqlite(database) as connection:
        connection.executemany(
            "INSERT INTO memory (id, user_id, key, content, tags, metadata, sectors, created_at, updated_at,"
            " last_seen_at, salience, decay_lambda, version) VALUES (?, ?, ?, ?, ?, '{}', ?, ?, ?, ?, 0.5, 0, 1)",
            rows,
        )


def fill_openmemory(database: Path, user_id: str, count: int) -> None:
    """Rows as an OpenMemory server keeps them in its SQLite file, without vectors."""
    now = time.time_ns() // 1_000_000
    rows = (
        (str(uuid.uuid4()), user_id, f"Filler {number}", 2 * f"{secrets.randbits(32):08x}", now, now, now)
        for number in range(count)
    )
    with _sqlite(database) as connection:
        connection.executemany(
            "INSERT INTO memories (id, user_id, content, simhash, created_at, updated_at, last_seen_at, primary_sector,"
            " tags, meta, salience, decay_lambda) VALUES (?, ?, ?, ?, ?, ?, ?, 'semantic', '[]', '{}', 0.4, 0.005)",
            rows,
        )


@contextmanager
def _sqlite(database: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(database, timeout=30)
    try:
        with connection:
            yield connection
    finally:
        connection.close()


def _answers(url: str) -> bool:
    try:
        return httpx2.get(f"{url}/health", timeout=2, trust_env=False).status_code == 200
    except httpx2.TransportError:
        return False


class Seen(NamedTuple):
    method: str
    path: str
    query: dict[str, str]
    body: dict[str, Any]

    @property
    def user_id(self) -> str | None:
        """Whose the request says that it is."""
        named = unquote(self.path.split("/")[2]) if self.path.startswith("/users/") else None
        return named or self.query.get("user_id") or self.body.get("user_id")


class Stub:
    """An OpenMemory server of a few lines, with a fault for each request that `faults` names.

    `faults` maps (method, beginning of the path) to what happens: "hang" and "commit, hang" (no answer until the
    stub ends), "close" and "commit, close", "drop reused" and "commit, drop reused" (closed where the connection
    has served before), "half", or a (status, body).
    """

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.seen: list[Seen] = []
        self.faults: dict[tuple[str, str], Any] = {}
        self.collides: Callable[[str], bool] = lambda _: False
        self.most_deleted = 10_000
        self.lock = threading.RLock()
        self.ended = threading.Event()
        self.connections: list[socket.socket] = []

    def row(self, user_id: str, content: str, metadata: dict[str, Any] | None = None) -> dict[str, Any]:
        row = {
            "id": str(uuid.uuid4()),
            "user_id": user_id,
            "content": content,
            "tags": [],
            "metadata": metadata or {},
            "created_at": len(self.rows),
            "updated_at": len(self.rows),
            "last_seen_at": 0,
            "salience": 0.4,
            "decay_lambda": 0.015,
            "primary_sector": "episodic",
            "version": 1,
        }
        self.rows.append(row)
        return row

    def of(self, user_id: str) -> list[dict[str, Any]]:
        return [row for row in reversed(self.rows) if row["user_id"] == user_id]

    def asked(self, method: str, path: str = "/") -> list[Seen]:
        return [seen for seen in self.seen if seen.method == method and seen.path.startswith(path)]

    def fault_of(self, seen: Seen) -> Any:
        for (method, path), fault in self.faults.items():
            if seen.method == method and seen.path.startswith(path):
                return fault
        return None

    def answer(self, seen: Seen) -> tuple[int, Any]:
        with self.lock:
            match seen.method, *seen.path.strip("/").split("/"):
                case "GET", "health":
                    return 200, {"ok": True, "version": "stub"}
                case "POST", "memory", "add":
                    if self.rows and self.collides(seen.body["content"]):
                        return 200, {"id": self.rows[0]["id"], "primary_sector": "semantic", "deduplicated": True}
                    row = self.row(seen.body["user_id"], seen.body["content"], seen.body["metadata"])
                    return 200, {"id": row["id"], "primary_sector": "semantic", "sectors": ["semantic"], "chunks": 1}
                case "POST", "memory", "query":
                    return 200, {"query": seen.body["query"], "matches": [{"id": row["id"]} for row in self.rows]}
                case "GET", "users", user, "memories":
                    offset, size = int(seen.query["u"]), int(seen.query["l"])
                    return 200, {"user_id": unquote(user), "items": self.of(unquote(user))[offset : offset + size]}
                case "DELETE", "users", user, "memories":
                    gone = self.of(unquote(user))[: self.most_deleted]
                    self.rows = [row for row in self.rows if row not in gone]
                    return 200, {"ok": True, "deleted": len(gone)}
                case "GET", "memory", "all":
                    offset, size = int(seen.query["u"]), int(seen.query["l"])
                    return 200, {"items": self.rows[::-1][offset : offset + size]}
                case "GET", "users", user, "summary":
                    return 200, {"user_id": unquote(user), "summary": "User profile initializing..."}
                case method, "memory", memory_id:
                    return self._by_id(method, memory_id, seen)
        return 404, "404: Not Found"

    def _by_id(self, method: str, memory_id: str, seen: Seen) -> tuple[int, Any]:
        row = next((row for row in self.rows if row["id"] == memory_id), None)
        if row is None:
            return 404, {"err": "nf"}
        if seen.user_id and seen.user_id != row["user_id"]:
            return 403, {"err": "forbidden"}
        if method == "DELETE":
            self.rows.remove(row)
            return 200, {"ok": True}
        row |= {name: seen.body[name] for name in ("content", "tags", "metadata")} | {"version": row["version"] + 1}
        return 200, {"id": memory_id, "updated": True}


def stub_store(stub: Stub) -> RemoteOpenMemory:
    """The remote store over this stub without sockets: requests and answers are those of HTTP."""

    def answer(request: httpx2.Request) -> httpx2.Response:
        body = json.loads(request.content) if request.content else {}
        path = request.url.raw_path.decode().partition("?")[0]
        status, value = stub.answer(Seen(request.method, path, dict(request.url.params), body))
        return httpx2.Response(status, text=value) if isinstance(value, str) else httpx2.Response(status, json=value)

    store = RemoteOpenMemory("http://stub", KEY)
    store._server._client = httpx2.Client(base_url="http://stub", transport=httpx2.MockTransport(answer))
    return store


@contextmanager
def stub_server(stub: Stub | None = None, port: int = 0) -> Iterator[tuple[Stub, str]]:
    stub = stub or Stub()
    server = ThreadingHTTPServer(("127.0.0.1", port), _StubHandler)
    server.daemon_threads = False
    cast(Any, server).stub = stub
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield stub, f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        stub.ended.set()
        server.shutdown()
        for connection in stub.connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        thread.join()
        server.server_close()


class _StubHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one packet an answer: two would wait for each other
    served = 0

    def setup(self) -> None:
        super().setup()
        cast(Any, self.server).stub.connections.append(self.connection)

    def _handle(self) -> None:
        stub: Stub = cast(Any, self.server).stub
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        seen = Seen(self.command, parts.path, query, json.loads(body) if body else {})
        stub.seen.append(seen)
        fault = stub.fault_of(seen)
        self.served += 1
        if isinstance(fault, tuple):
            self._send(*fault)
            return
        if fault in ("drop reused", "commit, drop reused"):
            fault = fault.replace("drop reused", "close") if self.served > 1 else None
        if fault in ("hang", "close"):
            answer: tuple[int, Any] = (0, None)
        else:
            answer = stub.answer(seen)
        if fault in ("hang", "commit, hang"):
            stub.ended.wait()
        if fault in (None, "half"):
            self._send(*answer, half=fault == "half")
        else:
            self.close_connection = True

    def _send(self, status: int, answer: Any, *, half: bool = False) -> None:
        content = answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if half else content)
        if half:
            self.close_connection = True

    do_GET = do_POST = do_PATCH = do_DELETE = _handle  # noqa: N815

    def log_message(self, *args: object) -> None:
        pass
