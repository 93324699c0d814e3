import asyncio
import json
import subprocess
import sys
from typing import Any

import pytest

from elmemory.lean import LeanHandler
from tests.server import ROOT, Server


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
