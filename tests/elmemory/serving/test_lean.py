import asyncio
import json
import sqlite3
import subprocess
import sys
import time
from io import BytesIO
from typing import Any

import pytest
from django.core.handlers.asgi import ASGIRequest

from elmemory.serving.lean import LeanHandler, LeanRequest
from tests.harness.samples import new_number
from tests.harness.server import ROOT, Server

SCOPE = {
    "type": "http",
    "method": "POST",
    "path": "/webhook/client-data",
    "raw_path": b"/webhook/client-data",
    "query_string": b"a=1",
    "headers": [(b"content-type", b"application/json"), (b"x-one", b"1"), (b"x-two", b"2")],
    "http_version": "1.1",
    "scheme": "http",
    "client": ("127.0.0.1", 1),
    "server": ("127.0.0.1", 8000),
}


async def no_body() -> dict[str, Any]:
    return {"type": "http.request", "body": b""}


def test_a_lean_request_tells_what_djangos_own_tells() -> None:
    lean, whole = LeanRequest(SCOPE, no_body, 0.0), ASGIRequest(SCOPE, BytesIO())
    assert lean.META == whole.META
    assert lean.headers == whole.headers
    for name in ("method", "path", "path_info", "GET", "COOKIES", "content_type", "scheme", "encoding"):
        assert getattr(lean, name) == getattr(whole, name)


def test_a_ring_waits_for_no_database_but_the_memory_store(server: Server) -> None:
    for name in ("default", "index"):
        with sqlite3.connect(server.folder / f"{name}.sqlite3") as database:
            database.execute("BEGIN EXCLUSIVE")
            began = time.monotonic()
            server.ring(new_number())
            assert time.monotonic() - began < 2
            database.rollback()


def test_serving_imports_nothing_of_the_elevenlabs_sdk(server: Server) -> None:
    probe = "import elmemory.asgi, sys; sys.exit('elevenlabs' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", probe], env=server.environment, check=False, cwd=ROOT)
    assert done.returncode == 0


@pytest.mark.parametrize("path", ["/webhook/client-data", "/webhook/post-call"])
def test_a_client_that_goes_away_leaves_no_error(path: str) -> None:
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(b"elevenlabs-signature", b"t=1,v0=x")],
        "http_version": "1.1",
        "scheme": "http",
    }
    asyncio.run(LeanHandler(streamed=["/webhook/post-call"])(scope, receive, send))
    if sent:
        assert sent[0]["status"] == 401
        assert json.loads(sent[1]["body"])["detail"]
