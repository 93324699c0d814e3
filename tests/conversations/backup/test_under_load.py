"""The loss of a machine: a real server under load is backed up, killed, and restored elsewhere."""

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.harness.postgres import Cluster, why_there_is_none
from tests.harness.samples import new_number, transcription
from tests.harness.server import Server, wait_until


class Load:
    """Delivers calls one after the other until it is stopped; `acknowledged` are their events."""

    def __init__(self, server: Server) -> None:
        self.server, self.acknowledged = server, list[dict[str, Any]]()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Load":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            event = call_of(new_number(), "My dog is called Biscuit.", "He is nine.")
            if self.server.post_call(event).status_code == 200:
                self.acknowledged.append(event)


def call_of(caller: str, *says: str) -> dict[str, Any]:
    return transcription(caller, *says, facts={"first_name": "Maya"})


def done(server: Server, *arguments: str) -> str:
    """The output of a command that succeeds."""
    result = server.manage(*arguments)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def decide(server: Server, forgotten: str, opted_out: str, corrected: str) -> None:
    """Forget a caller with all files, opt another out, and correct the name of a third, as staff do in the admin."""
    code = (
        "from conversations.memories.corrections import correct, set_preference;"
        "from conversations.memories.forgetting import Forgetting, forget;"
        "from elmemory.memory.openmemory import open_memory;"
        f"forget(open_memory(), {forgotten!r}, Forgetting(payloads=True));"
        f"set_preference(open_memory(), {opted_out!r}, 'opt_out', holds=True);"
        f"correct(open_memory(), {corrected!r}, 'first_name', 'Amara')"
    )
    done(server, "shell", "-c", code)


def file_of(server: Server, event: dict[str, Any]) -> Path:
    conversation_id: str = event["data"]["conversation_id"]
    return server.payloads / conversation_id / f"{conversation_id}_transcription.json"


def loses_nothing(folder: Path, here: dict[str, str], there: dict[str, str]) -> None:
    """Everything that was acknowledged and decided before a backup began is restored elsewhere."""
    for name in ("here", "there"):
        (folder / name).mkdir()
    backups = str(folder / "backups")
    forgotten, opted_out, corrected = callers = [new_number() for _ in range(3)]
    server = Server(folder / "here", **here)
    server.start()
    try:
        for caller in callers:
            server.deliver(call_of(caller, "I prefer Fridays."))
        with Load(server) as load:
            wait_until(lambda: len(load.acknowledged) > 20)
            decide(server, *callers)
            before = list(load.acknowledged)
            done(server, "backup", backups)
            assert len(load.acknowledged) > len(before)
    finally:
        server.kill()
        server.client.close()

    other = Server(folder / "there", SECRET_KEY=server.environment["SECRET_KEY"], **there)
    assert "No fault." in done(other, "restore", backups, "--yes")
    assert [event for event in before if json.loads(file_of(other, event).read_bytes()) != event] == []
    done(other, "audit", "verify")
    with other:
        wait_until(lambda: other.client.get("/health").json()["queue"]["pending"] == 0, 90)
        known = [event["data"]["metadata"]["phone_call"]["external_number"] for event in before[::5]]
        returning = {other.ring(caller)["dynamic_variables"]["returning_caller"] for caller in known}
        assert returning == {"yes"}
        for caller in (forgotten, opted_out):
            assert other.ring(caller)["dynamic_variables"]["returning_caller"] == "no"
        assert other.ring(corrected)["dynamic_variables"]["user_name"] == "Amara"


def test_nothing_acknowledged_and_no_decision_of_staff_is_lost(tmp_path: Path) -> None:
    loses_nothing(tmp_path, {}, {})


@pytest.mark.postgres
def test_nothing_is_lost_on_postgresql(tmp_path: Path) -> None:
    if reason := why_there_is_none():
        pytest.skip(reason)
    with Cluster() as cluster:
        loses_nothing(tmp_path, cluster.databases(), cluster.databases())
