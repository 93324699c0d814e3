"""An in-memory OpenMemory server that misbehaves on demand: the API of v1.2.3 with its quirks, and injected faults."""

import json
import random
import re
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal, cast, get_args
from urllib.parse import parse_qs, unquote, urlsplit

Fault = Literal[
    "refuses", "hangs", "commits without answering", "commits, then hangs", "500", "429", "HTML", "half a body"
]
FAULTS: tuple[Fault, ...] = get_args(Fault)
KEY = "stub-key"
# Longer than the client's timeout.
HANGING_SECONDS = 12

_HTML = b"<!doctype html><title>Welcome to nginx!</title>"
_LONGEST_ADDED = 200


class StubOpenMemory:
    """`fault` affects each request with `probability`; `rows` are the committed rows, by id."""

    def __init__(self, seed: int = 0, probability: float = 0.12) -> None:
        self.rows: dict[str, dict[str, Any]] = {}
        self.struck = 0
        self._added: dict[frozenset[str], str] = {}
        self.lock = threading.RLock()
        self._chance = random.Random(seed)
        self._probability = probability
        self._fault: Fault | None = None
        self._ended = threading.Event()
        self._server: ThreadingHTTPServer | None = None
        self.port = 0
        self._listen()

    @property
    def fault(self) -> Fault | None:
        return self._fault

    @fault.setter
    def fault(self, fault: Fault | None) -> None:
        if fault == "refuses":
            self.close()
        elif self._server is None:
            self._listen()
        self._fault = fault

    def strikes(self) -> Fault | None:
        """The fault of this request, if any."""
        with self.lock:
            if self._fault is None or (self._fault != "refuses" and self._chance.random() >= self._probability):
                return None
            self.struck += 1
            return self._fault

    def hang(self) -> None:
        """Wait until the client has given up."""
        self._ended.wait(HANGING_SECONDS)

    def close(self) -> None:
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def end(self) -> None:
        self._ended.set()
        self.close()

    def _listen(self) -> None:
        self._server = _Server(("127.0.0.1", self.port), _Handler)
        self._server.stub = self
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def answer(self, method: str, path: str, query: dict[str, str], body: dict[str, Any]) -> tuple[int, bytes]:
        with self.lock:
            status, answer = self._answer(method, path, query, body)
            return status, json.dumps(answer).encode()

    def _answer(self, method: str, path: str, query: dict[str, str], body: dict[str, Any]) -> tuple[int, Any]:
        match method, *path.strip("/").split("/"):
            case "POST", "memory", "add":
                return self._add(body)
            case "GET", "users", user, "memories":
                start = int(query.get("u", 0))
                items = self._of(unquote(user))[start : start + int(query.get("l", 100))]
                return 200, {"user_id": unquote(user), "items": items}
            case "DELETE", "users", user, "memories":
                gone = self._of(unquote(user))
                for row in gone:
                    del self.rows[row["id"]]
                return 200, {"ok": True, "deleted": len(gone)}
            case "GET", "users", user, "summary":
                return 200, {"user_id": unquote(user), "summary": "User profile initializing..."}
            case "POST", "memory", "query":
                return 200, {"query": body.get("query"), "matches": []}
            case "PATCH" | "DELETE" | "GET", "memory", memory_id:
                return self._by_id(method, memory_id, query, body)
        return 404, {"error": "not found"}

    def _of(self, user_id: str) -> list[dict[str, Any]]:
        return [row for row in reversed(self.rows.values()) if row["user_id"] == user_id]

    def _add(self, body: dict[str, Any]) -> tuple[int, Any]:
        words = _words(body["content"])
        if (known := self._added.get(words)) in self.rows:
            return 200, {"id": known, "primary_sector": "semantic", "deduplicated": True}
        now = time.time_ns() // 1_000_000
        row = {
            "id": str(uuid.uuid4()),
            "user_id": body["user_id"],
            "content": body["content"][:_LONGEST_ADDED],
            "tags": body.get("tags", []),
            "metadata": body.get("metadata", {}),
            "created_at": now,
            "updated_at": now,
            "last_seen_at": now,
            "salience": 0.4,
            "decay_lambda": 0.005,
            "primary_sector": "semantic",
            "version": 1,
        }
        self.rows[row["id"]] = row
        self._added[words] = row["id"]
        return 200, {"id": row["id"], "primary_sector": "semantic", "sectors": ["semantic"], "chunks": 1}

    def _by_id(self, method: str, memory_id: str, query: dict[str, str], body: dict[str, Any]) -> tuple[int, Any]:
        row = self.rows.get(memory_id)
        if row is None:
            return 404, {"err": "nf"}
        if (body.get("user_id") or query.get("user_id") or row["user_id"]) != row["user_id"]:
            return 403, {"err": "forbidden"}
        if method == "DELETE":
            del self.rows[memory_id]
            return 200, {"ok": True}
        if method == "PATCH":
            row |= {name: body[name] for name in ("content", "tags", "metadata") if name in body}
            row |= {"version": row["version"] + 1, "updated_at": time.time_ns() // 1_000_000}
            return 200, {"id": memory_id, "updated": True}
        return 200, row


@contextmanager
def stub_openmemory(seed: int = 0) -> Iterator[StubOpenMemory]:
    stub = StubOpenMemory(seed)
    try:
        yield stub
    finally:
        stub.end()


def _words(content: str) -> frozenset[str]:
    """The words of a text: v1.2.3 merges additions with the same words into one memory."""
    return frozenset(re.findall(r"[a-z0-9]+", content.casefold()))


class _Server(ThreadingHTTPServer):
    stub: StubOpenMemory
    request_queue_size = 64


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def _handle(self) -> None:
        stub = cast(_Server, self.server).stub
        parts = urlsplit(self.path)
        raw = self.rfile.read(int(self.headers.get("content-length") or 0))
        if parts.path == "/health":
            self._send(200, b'{"ok": true, "version": "stub"}')
            return
        if self.headers.get("x-api-key") != KEY:
            self._send(401, b'{"error": "authentication_required"}')
            return
        body = json.loads(raw) if raw else {}
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        match stub.strikes():
            case "refuses":
                self.close_connection = True
            case "hangs":
                stub.hang()
                self.close_connection = True
            case "commits without answering":
                stub.answer(self.command, parts.path, query, body)
                self.close_connection = True
            case "commits, then hangs":
                stub.answer(self.command, parts.path, query, body)
                stub.hang()
                self.close_connection = True
            case "500":
                self._send(500, b'{"error": "internal"}')
            case "429":
                self._send(429, b'{"error": "rate_limited", "retry_after": 1}')
            case "HTML":
                self._send(200, _HTML)
            case "half a body":
                self._send(*stub.answer(self.command, parts.path, query, body), half=True)
            case None:
                self._send(*stub.answer(self.command, parts.path, query, body))

    def _send(self, status: int, content: bytes, *, half: bool = False) -> None:
        head = f"HTTP/1.1 {status} -\r\nContent-Length: {len(content)}\r\n\r\n"
        if half:
            content = content[: len(content) // 2]
            self.close_connection = True
        self.wfile.write(head.encode() + content)

    do_GET = do_POST = do_PATCH = do_DELETE = _handle  # noqa: N815

    def log_message(self, *args: object) -> None:
        pass
