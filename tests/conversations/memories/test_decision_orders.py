"""Every order of events in a caller's life leaves what the decisions allow, and nothing else."""

import itertools
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connections
from pytest_django.fixtures import Settings

from elmemory.memory.openmemory import OpenMemory
from elmemory.memory.openmemory.embedded.store import EmbeddedOpenMemory
from elmemory.memory.openmemory.remote.store import RemoteOpenMemory
from tests.harness.decision_orders import EVENTS, Play
from tests.harness.openmemory_servers import KEY, Stub, stub_store, wire_server

pytestmark = [
    pytest.mark.django_db(transaction=True, databases=["default", "memory", "index"]),
    pytest.mark.usefixtures("index_schema"),
]


@pytest.fixture
def in_memory(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder in memory where the machine has one; files are not flushed: no order is about a crash."""
    monkeypatch.setattr(os, "fsync", lambda _: None)
    logging.disable(logging.CRITICAL)
    with connections["memory"].cursor() as cursor:
        if connections["memory"].vendor == "sqlite":
            cursor.execute("PRAGMA synchronous=OFF")
    folder = Path(tempfile.mkdtemp(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None))
    yield folder
    logging.disable(logging.NOTSET)
    shutil.rmtree(folder)
    connections["memory"].close()


@pytest.fixture
def server_store(in_memory: Path) -> Iterator[OpenMemory]:
    """Our own server on loopback, with a store of its own."""
    (in_memory / "server").mkdir()
    with wire_server(in_memory / "server") as url:
        server = RemoteOpenMemory(url, KEY)
        yield server
        server.close()


def play_all(
    longest: int, stores: list[OpenMemory], folder: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> tuple[int, int]:
    """Play every order up to this length, on each store first; returns how many were played, and how many there are.

    Shorter orders are played as the beginnings of longer ones. An order with an event that changed nothing, of which
    the rest was played as a shorter order, is not played on.
    """
    played, same = 0, ()
    settings.PAYLOAD_STORAGE_PATH = folder / "play" / "payloads"
    for first in (0, 1):
        for order in itertools.product(EVENTS, repeat=longest):
            if same and order[: len(same)] == same:
                continue
            here = folder / "play"
            shutil.rmtree(here, ignore_errors=True)
            play = Play(stores, here)
            play.model.current = first
            monkeypatch.setattr("conversations.files.decisions.now", play.clock)
            monkeypatch.setattr("conversations.memories.corrections.now", play.clock)
            played += 1
            before = play.state()
            for position, event in enumerate(order):
                try:
                    play.do(event)
                except Exception as error:
                    raise AssertionError(f"store {first}: {', '.join(order[: position + 1])}") from error
                state = play.state()
                if state == before:
                    same = order[: position + 1]
                    break
                before = state
    return played, 2 * sum(len(EVENTS) ** length for length in range(1, longest + 1))


def test_x(in_memory: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    began = time.monotonic()
    longest = int(os.environ.get("L", "2"))
    print(
        play_all(longest, [EmbeddedOpenMemory(), stub_store(Stub())], in_memory, settings, monkeypatch),
        time.monotonic() - began,
    )
