"""A real server, as `make serve` starts it, with a folder of its own, and requests to it."""

import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Self

import httpx2

from webhooks.signature import signed

ROOT = Path(__file__).resolve().parent.parent.parent
SECRET = "post-call-secret"
STAFF, PASSWORD = "staff", "staff-password-1"


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def wait_until[T](condition: Callable[[], T], seconds: float = 20) -> T:
    """The first true result of the condition. Raises AssertionError when none comes in time."""
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < deadline, f"nothing happened within {seconds} s"
        time.sleep(0.02)
    return result


class Server:
    """A server and its folder. It finds migrated databases with the administrator `STAFF`, unless it `is_new`."""

    is_new = False

    def __init__(self, folder: Path, *options: str, **environment: str) -> None:
        self.folder = folder
        self.options = options
        self.payloads = folder / "payloads"
        self.is_new |= "DJANGO_SUPERUSER_PASSWORD" in environment
        self.has_staff = False  # set here and by tests/harness/staff.py
        self.url = f"http://127.0.0.1:{free_port()}"
        self.environment = {
            "PATH": os.environ["PATH"],
            "ELMEMORY_ENV_FILE": "",
            "PORT": self.url.rpartition(":")[2],
            "SECRET_KEY": secrets.token_urlsafe(50),
            "ELEVENLABS_CLIENT_DATA_KEY": "client-data-key",
            "ELEVENLABS_SEARCH_DATA_KEY": "search-data-key",
            "ELEVENLABS_POST_CALL_KEY": SECRET,
            "PAYLOAD_STORAGE_PATH": str(self.payloads),
            "DATABASE_URL": str(folder / "default.sqlite3"),
            "INDEX_DATABASE_URL": str(folder / "index.sqlite3"),
            "OPENMEMORY_DB_PATH": str(folder / "memory.sqlite3"),
            **environment,
        }
        self.client = httpx2.Client(base_url=self.url, timeout=30)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()
        self.client.close()

    def start(self) -> None:
        if not self.is_new:
            self._place_databases()
        self.log = (self.folder / "server.log").open("ab")
        command = [sys.executable, "manage.py", "serve", *self.options]
        self.process = subprocess.Popen(command, cwd=ROOT, env=self.environment, stdout=self.log, stderr=self.log)
        wait_until(self.answers)

    def _place_databases(self) -> None:
        for variable, content in migrated_databases().items():
            path = Path(self.environment[variable])
            if path.parent == self.folder and not path.exists():
                path.write_bytes(content)
                self.has_staff |= variable == "DATABASE_URL"

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(15)
        self.log.close()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self.log.close()

    def answers(self) -> bool:
        assert self.process.poll() is None, self.output
        try:
            return bool(self.client.get("/health").status_code)
        except httpx2.TransportError:
            return False

    def workers(self) -> list[int]:
        """Process ids of the workers that run with this server's environment."""
        mark = f"PAYLOAD_STORAGE_PATH={self.payloads}".encode()
        found = []
        for process in Path("/proc").iterdir():
            if process.name.isdecimal():
                try:
                    if (
                        b"\0worker\0" in (process / "cmdline").read_bytes()
                        and mark in (process / "environ").read_bytes()
                    ):
                        found.append(int(process.name))
                except OSError:
                    continue
        return found

    @property
    def output(self) -> str:
        return (self.folder / "server.log").read_text()

    def manage(self, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "manage.py", *arguments]
        environment = self.environment | environment
        return subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
        )

    def ring(self, caller: object, called: object = "+14155550199", **more: object) -> dict[str, Any]:
        body = {"caller_id": caller, "called_number": called, "agent_id": "agent_test", "call_sid": "CAtest", **more}
        answer = self.client.post("/webhook/client-data", json=body, headers={"x-api-key": "client-data-key"})
        assert answer.status_code == 200
        value: dict[str, Any] = answer.json()
        return value

    def search(self, query: str, user_id: object, **more: object) -> dict[str, Any]:
        body = {"query": query, "user_id": user_id, **more}
        answer = self.client.post("/webhook/search-data", json=body, headers={"x-api-key": "search-data-key"})
        assert answer.status_code == 200, answer.text
        value: dict[str, Any] = answer.json()
        return value

    def post_call(self, event: object, **headers: str) -> httpx2.Response:
        """Deliver an event, or raw bytes, with a valid signature."""
        body = event if isinstance(event, bytes) else json.dumps(event).encode()
        headers = {"elevenlabs-signature": signed(body, SECRET, int(time.time())), **headers}
        return self.client.post("/webhook/post-call", content=body, headers=headers)

    def deliver(self, event: dict[str, Any]) -> None:
        """Deliver a transcription and wait until the worker has processed it."""
        answer = self.post_call(event)
        assert answer.json()["status"] == "received", answer.text
        self.wait_for_receipt(event["data"]["conversation_id"])

    def wait_for_receipt(self, conversation_id: str) -> dict[str, Any]:
        """The receipt of the processed call, as JSON."""
        path = self.payloads / conversation_id / f"{conversation_id}_memory.json"

        def receipt() -> dict[str, Any] | None:
            value = json.loads(path.read_bytes()) if path.exists() else None
            return value if value and value["payload"] else None

        found = wait_until(receipt)
        assert found is not None
        return found


class NewServer(Server):
    """A server at its first start: it makes its databases and an administrator."""

    is_new = True


_MIGRATE = f"""
from django.contrib.auth.models import User
from django.core.management import call_command
for alias in ("default", "memory"):
    call_command("migrate", database=alias, verbosity=0)
staff = User(username="{STAFF}", is_staff=True, is_superuser=True)
staff.set_password("{PASSWORD}")
User.objects.bulk_create([staff])  # sends no signal: the audit log stays empty
"""


@cache
def migrated_databases() -> dict[str, bytes]:
    """The SQLite files that servers start with, by environment variable: migrated once for all of them."""
    with tempfile.TemporaryDirectory() as folder:
        unstarted = NewServer(Path(folder))
        unstarted.client.close()
        done = unstarted.manage("shell", "-v", "0", "-c", _MIGRATE)
        assert done.returncode == 0, done.stderr
        variables = "DATABASE_URL", "OPENMEMORY_DB_PATH"
        return {variable: Path(unstarted.environment[variable]).read_bytes() for variable in variables}
