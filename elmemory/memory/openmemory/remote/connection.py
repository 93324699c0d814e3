"""HTTP requests to an OpenMemory server: pooled connections, a deadline for every call, exact errors.

No message names a path: paths contain callers' numbers.
"""

import json
import time
from collections.abc import Mapping
from contextlib import closing
from typing import Any

import httpx2
import orjson

from elmemory.memory.openmemory.protocol import NotStorable, OpenMemoryError, OpenMemoryMisconfigured

# The servers close idle connections after 5 s; we close them first.
IDLE_SECONDS = 4.0
_CONNECTIONS = 32
OK = 200
_NOT_FOR_THIS_USER = frozenset(("nf", "forbidden", "user not found"))

NO_ANSWER = "nothing answers at OPENMEMORY_PORT: start the OpenMemory server, or correct OPENMEMORY_PORT"
NO_OPENMEMORY = "the server at OPENMEMORY_PORT is no OpenMemory server: correct OPENMEMORY_PORT"
_REDIRECT = "the server at OPENMEMORY_PORT redirects, which is not followed: correct OPENMEMORY_PORT"
_FOREIGN_KEY = "the OpenMemory server refuses OPENMEMORY_KEY: set it to the server's OM_API_KEY"
_NO_KEY = "the OpenMemory server wants a key: set OPENMEMORY_KEY to the server's OM_API_KEY"
_ONE_USER_PER_KEY = (
    "this OpenMemory server ties its key to one single user and cannot serve many callers:"
    " run v1.2.3 or v1.3.0, or leave OPENMEMORY_PORT empty for the embedded store"
)


class Connection:
    """The server at `url`, such as http://127.0.0.1:8080. Thread-safe."""

    def __init__(self, url: str, key: str = "") -> None:
        if not key.isascii():
            # A server would crash on such a key.
            raise OpenMemoryMisconfigured("OPENMEMORY_KEY may hold ASCII characters only")
        self._client = httpx2.Client(
            base_url=url,
            headers={"x-api-key": key} if key else {},
            limits=httpx2.Limits(max_connections=_CONNECTIONS, keepalive_expiry=IDLE_SECONDS),
            trust_env=False,  # a proxy from the environment must not see what callers said
        )

    def call(
        self, method: str, path: str, *, seconds: float, query: Mapping[str, Any] | None = None, body: Any = None
    ) -> dict[str, Any] | None:
        """Send a request and return the answer; None if this user has no such memory. Raises OpenMemoryError."""
        return answer_of(*self.exchange(method, path, seconds=seconds, query=query, body=body))

    def exchange(
        self, method: str, path: str, *, seconds: float, query: Mapping[str, Any] | None = None, body: Any = None
    ) -> tuple[int, bytes]:
        """Send a request and return status and bytes of the answer, for `answer_of`. Raises OpenMemoryError."""
        headers, content = {}, None
        if body is not None:
            # Escaped to ASCII, because the servers break characters that are split between packets.
            headers, content = {"content-type": "application/json"}, json.dumps(body).encode()
        request = self._client.build_request(
            method, path, params=query, headers=headers, content=content, timeout=seconds
        )
        deadline, chunks = time.monotonic() + seconds, []
        try:
            with closing(self._send(request)) as response:
                for chunk in response.iter_bytes():
                    chunks.append(chunk)
                    if time.monotonic() > deadline:
                        raise TimeoutError
            return response.status_code, b"".join(chunks)
        except (httpx2.TimeoutException, TimeoutError):
            raise OpenMemoryError(f"the OpenMemory server did not answer within {seconds:g} s") from None
        except (httpx2.ConnectError, httpx2.UnsupportedProtocol):
            raise OpenMemoryError(NO_ANSWER) from None
        except httpx2.HTTPError:
            raise OpenMemoryError("the OpenMemory server closed the connection before the end of its answer") from None

    def close(self) -> None:
        self._client.close()

    def _send(self, request: httpx2.Request) -> httpx2.Response:
        """Send the request. Retry once if a pooled connection turns out to be closed.

        A POST is never retried: the server may have added the memory before it closed the connection.
        """
        events: list[str] = []
        request.extensions["trace"] = lambda event, _: events.append(event)
        try:
            return self._client.send(request, stream=True)
        except (httpx2.RemoteProtocolError, httpx2.ReadError, httpx2.WriteError):
            if request.method == "POST" or "connection.connect_tcp.started" in events:
                raise
        return self._client.send(request, stream=True)


def answer_of(status: int, body: bytes) -> dict[str, Any] | None:
    """Return the object in a server's answer; None if the user has no such memory. Raises OpenMemoryError."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        value = None
    answer = value if isinstance(value, dict) else {}
    if status == OK and answer:
        return answer
    reason = answer.get("error") or answer.get("err")
    if reason in _NOT_FOR_THIS_USER:
        return None
    if reason == "tenant_mismatch":
        raise OpenMemoryMisconfigured(_ONE_USER_PER_KEY)
    if status in (401, 403):
        raise OpenMemoryMisconfigured(_NO_KEY if status == 401 else _FOREIGN_KEY)
    if status == 413:
        raise NotStorable("the OpenMemory server accepts no memory of this length")
    if status in (301, 302, 303, 307, 308):
        raise OpenMemoryMisconfigured(_REDIRECT)
    if status < 400 or status == 404:
        raise OpenMemoryMisconfigured(NO_OPENMEMORY)
    raise OpenMemoryError(f"the OpenMemory server answered {status}")
