"""An OpenMemory server through the SDK `openmemory-py` 1.0.x, which adds, queries, summarises and deletes.

The SDK can neither patch nor page: `remote` does both over HTTP. Each call of the SDK starts an event loop, without
timeout; here calls run in threads, with timeouts.
"""

import importlib
import inspect
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import Any

from elmemory.memory.openmemory.protocol import OpenMemoryError, OpenMemoryMisconfigured

try:
    import requests
    import urllib3
except ImportError:
    raise OpenMemoryMisconfigured("OPENMEMORY_CLIENT=sdk needs the package requests: pip install requests") from None

from elmemory.memory.openmemory.remote.connection import NO_ANSWER, answer_of
from elmemory.memory.openmemory.remote.store import (
    FORGET_SECONDS,
    NEWEST_SECONDS,
    WRITE_SECONDS,
    RemoteOpenMemory,
    ids_of,
    in_path,
)

HOW_TO_GET_IT = (
    "OPENMEMORY_CLIENT=sdk needs openmemory-py 1.0.x, which no package index has any more: install it from the"
    " folder sdk-py of the OpenMemory repository, tag v1.2.3, or leave OPENMEMORY_CLIENT empty"
)
_THREADS = 16


class SdkOpenMemory(RemoteOpenMemory):
    """A `RemoteOpenMemory` that uses the SDK where possible. Raises OpenMemoryMisconfigured if it is not installed."""

    mode = "sdk"

    def __init__(self, url: str, key: str = "") -> None:
        super().__init__(url, key)
        module = sdk_module()
        module.requests = _http  # type: ignore[attr-defined]
        self._sdk = module.OpenMemory(mode="remote", url=url, apiKey=key or None)
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="openmemory-sdk")

    def close(self) -> None:
        super().close()
        self._threads.shutdown()

    def _add(self, user_id: str, content: str, metadata: dict[str, Any]) -> dict[str, Any] | None:
        return self._within(WRITE_SECONDS, lambda: self._sdk.add(content, metadata=metadata, userId=user_id))

    def _matches(self, user_id: str, query: str, k: int) -> list[str]:
        return ids_of(
            self._within(NEWEST_SECONDS, lambda: self._sdk.query(query, k, {"user_id": user_id}, userId=user_id))
        )

    def _summary(self, user_id: str) -> dict[str, Any] | None:
        return self._within(NEWEST_SECONDS, lambda: self._sdk.get_user_summary(in_path(user_id)))

    def _delete(self, user_id: str, memory_id: str) -> bool:
        # The SDK has no parameter for the owner, but it inserts the id into the URL unescaped.
        owned = f"{in_path(memory_id)}?user_id={in_path(user_id)}"
        return self._within(WRITE_SECONDS, lambda: {"ok": self._sdk.delete(owned) is None}) is not None

    def _delete_all(self, user_id: str) -> None:
        deleted = in_path(user_id)
        self._within(FORGET_SECONDS, lambda: {"deleted": self._sdk.delete_user_memories(deleted)})

    def _within(self, seconds: float, work: Callable[[], Any]) -> dict[str, Any] | None:
        future = self._threads.submit(_http.limited, seconds, work)
        try:
            answer = future.result(seconds)
        except (TimeoutError, requests.Timeout):
            future.cancel()
            raise OpenMemoryError(f"the OpenMemory server did not answer within {seconds:g} s") from None
        except requests.HTTPError:
            return None  # the user has no such memory; `answer_of` raises for all other faults
        except requests.RequestException as error:
            closed = _was_closed(error)
            raise OpenMemoryError(
                "the OpenMemory server closed the connection before the end of its answer" if closed else NO_ANSWER
            ) from None
        return answer if isinstance(answer, dict) else None


def sdk_module() -> ModuleType:
    """Import and return the SDK. Raises OpenMemoryMisconfigured if none is installed that can use a server."""
    environment = dict(os.environ)
    try:
        module = importlib.import_module("openmemory")
        parameters = inspect.signature(module.OpenMemory.__init__).parameters
    except Exception as error:
        # Another package of the same name may raise anything.
        raise OpenMemoryMisconfigured(f"{_found(error)}: {HOW_TO_GET_IT}") from None
    finally:
        # Importing it reads the nearest .env into the environment.
        for name in os.environ.keys() - environment.keys():
            del os.environ[name]
    # 1.1 and later have no remote mode.
    if "mode" not in parameters:
        raise OpenMemoryMisconfigured(f"the package openmemory that is installed has no remote mode: {HOW_TO_GET_IT}")
    return module


def _found(error: Exception) -> str:
    if isinstance(error, ModuleNotFoundError):
        missing = error.name or "openmemory"
        return f"the package {missing} is not installed" + ("" if missing == "openmemory" else ", which the SDK needs")
    return f"the package openmemory that is installed is not the SDK ({type(error).__name__})"


class _BoundedRequests:
    """Replaces the module `requests` in the SDK: with the timeout of the current call, and errors for faults."""

    def __init__(self) -> None:
        self._local = threading.local()

    def limited(self, seconds: float, work: Callable[[], Any]) -> Any:
        self._local.seconds = seconds
        return work()

    def get(self, url: str, **options: Any) -> requests.Response:
        return self._send("GET", url, options)

    def post(self, url: str, **options: Any) -> requests.Response:
        return self._send("POST", url, options)

    def delete(self, url: str, **options: Any) -> requests.Response:
        return self._send("DELETE", url, options)

    def _send(self, method: str, url: str, options: dict[str, Any]) -> requests.Response:
        options |= {"timeout": self._local.seconds, "allow_redirects": False}
        with requests.Session() as session:
            session.trust_env = False  # a proxy from the environment must not see what callers said
            response = session.request(method, url, **options)
        # Raises for faults in the answer, most of which the SDK ignores.
        answer_of(response.status_code, response.content)
        return response


_http = _BoundedRequests()


def _was_closed(error: requests.RequestException) -> bool:
    return bool(error.args) and isinstance(error.args[0], urllib3.exceptions.ProtocolError)
