"""Forgetting a caller of a running server, on each store: no byte is left, and a killed run is completed."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.openmemory_servers import KEY, wire_server
from tests.harness.samples import new_number, transcription
from tests.harness.server import ROOT, Server

pytestmark = pytest.mark.sqlite

SENTENCE = "I live at twelve Quixotic Lane."
_DIES = """
import os, signal, sys
from unittest.mock import patch
import django
django.setup()
from django.core.management import call_command
die = lambda *arguments, **named: os.kill(os.getpid(), signal.SIGKILL)
with patch(sys.argv[1], die):
    call_command("forget_caller", sys.argv[2], payloads=True, yes=True)
"""


@pytest.fixture(scope="module", params=["embedded", "remote"])
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "embedded":
        with Server(folder) as server:
            yield server
        return
    (folder / "store").mkdir()
    with wire_server(folder / "store") as url, Server(folder, OPENMEMORY_PORT=url, OPENMEMORY_KEY=KEY) as server:
        yield server


def known(server: Server, number: str, name: str) -> None:
    """Store two calls of a caller with a recording, a body that cannot be read, and an event."""
    for at in range(2):
        facts = {"first_name": name, "last_name": "Quackenbush"}
        call_id = f"conv_{number[-7:]}_{at}"
        server.deliver(transcription(number, SENTENCE, f"My {name} dog barks.", facts=facts, conversation_id=call_id))
    server.post_call({"type": "post_call_audio", "data": {"conversation_id": call_id, "full_audio": "SUQz"}})
    server.post_call(f'{{"broken": "({number[2:5]}) {number[5:8]}-{number[8:]}"'.encode())
    server.post_call({"type": "workspace_notice", "data": {"number": f"sip:{number}@example.com"}})


def bytes_that_name(server: Server, number: str, name: str) -> list[str]:
    """The files that hold the number or the name, found without any of our own code."""
    digits = r"[^0-9]{0,3}".join(number[2:])
    pattern = re.compile(f"{digits}|{name}|quixotic".encode(), re.IGNORECASE)
    files = [path for path in server.folder.rglob("*") if path.is_file() and path.name != "server.log"]
    return [str(path) for path in files if pattern.search(path.read_bytes())]


def test_no_byte_is_left_of_a_forgotten_caller(running: Server) -> None:
    number, stranger = new_number(), new_number()
    known(running, number, "Zelmira")
    running.deliver(transcription(stranger, "The fence is painted green.", facts={"first_name": "Pepe"}))
    assert running.ring(number)["dynamic_variables"]["user_name"] == "Zelmira"
    assert running.search("dog", number)["memories"]
    assert bytes_that_name(running, number, "zelmira")
    done = running.manage("forget_caller", number, "--payloads", "--verify", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "\n0 traces in " in done.stdout
    assert bytes_that_name(running, number, "zelmira") == []
    assert running.ring(number)["dynamic_variables"]["returning_caller"] == "no"
    assert running.search("dog", number) == {"profile": None, "memories": []}
    assert running.ring(stranger)["dynamic_variables"]["user_name"] == "Pepe"
    again = running.manage("forget_caller", "--verify", number, "--name", "Zelmira", "--name", "Quackenbush")
    assert again.returncode == 0, again.stdout + again.stderr
    assert running.manage("audit", "verify").returncode == 0


def test_a_killed_run_is_completed_by_the_next(running: Server, tmp_path: Path) -> None:
    steps = [
        "conversations.memories.forgetting.delete_card",
        "conversations.memories.forgetting.certify",
    ]
    numbers = [new_number() for _ in steps]
    for step, number in zip(steps, numbers, strict=True):
        known(running, number, "Zelmira")
        environment = running.environment | {"DJANGO_SETTINGS_MODULE": "elmemory.settings"}
        killed = subprocess.run(
            [sys.executable, "-c", _DIES, step, number], cwd=ROOT, env=environment, capture_output=True, check=False
        )
        assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert len(list((running.payloads / "_forgetting").iterdir())) == len(steps)
    listed = tmp_path / "numbers.txt"
    listed.write_text("\n".join(numbers))
    done = running.manage("forget_caller", "--from", str(listed), "--payloads", "--yes", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count('"calls": 2') == len(steps)
    assert not list((running.payloads / "_forgetting").iterdir())
    assert [path for number in numbers for path in bytes_that_name(running, number, "zelmira")] == []
