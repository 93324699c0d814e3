import asyncio
import json
import subprocess
import sys
from typing import Any

import pytest
from django.core.handlers.base import BaseHandler

from elmemory.lean import LeanHandler
from tests.server import ROOT, Server


def test_django_still_has_the_inner_names_that_the_lean_path_leans_on() -> None:
    assert callable(BaseHandler._get_response_async)  # type: ignore[attr-defined]
    for name in ("create_request", "get_response_async", "send_response", "load_middleware"):
        assert callable(getattr(LeanHandler, name))


def test_a_ring_needs_no_thread_context_and_no_middleware() -> None:
    handler = LeanHandler()
    assert handler._view_middleware == []
    assert handler._middleware_chain.__wrapped__.__func__ is BaseHandler._get_response_async  # type: ignore[attr-defined]


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
