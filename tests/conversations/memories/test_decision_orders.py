"""Every order of events in a caller's life leaves what the decisions allow, and nothing else, on both stores."""

import itertools
import logging
import os
import random
import shutil
from collections.abc import Iterable, Iterator, Sequence
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


class Player:
    """Plays orders on the embedded store and another, one after the other in one folder."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder = folder / "play"
        self._monkeypatch = monkeypatch

    def play(self, order: Sequence[str], stores: Sequence[OpenMemory], first: int) -> int:
        """Play the order, on the store `first` first; returns how many events it took until one changed nothing."""
        shutil.rmtree(self._folder, ignore_errors=True)
        play = Play(stores, self._folder)
        play.model.current = first
        self._monkeypatch.setattr("conversations.files.decisions.now", play.clock)
        self._monkeypatch.setattr("conversations.memories.corrections.now", play.clock)
        before = play.state()
        for position, event in enumerate(order, 1):
            try:
                play.do(event)
            except Exception as error:
                raise AssertionError(f"on store {first}: {', '.join(order[:position])}") from error
            if (after := play.state()) == before:
                return position
            before = after
        return len(order)

    def play_all(self, longest: int, stores: Sequence[OpenMemory], first: int) -> int:
        """Play every order up to this length; returns how many had to be played.

        Shorter orders are played as the beginnings of longer ones. After an event that changed nothing, not even a
        file, an order goes on like a shorter one, which is played too.
        """
        played, same = 0, list[str]()
        for order in itertools.product(EVENTS, repeat=longest):
            if not same or list(order[: len(same)]) != same:
                same = list(order[: self.play(order, stores, first)])
                played += 1
        return played


@pytest.fixture
def player(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Player]:
    """Nothing is flushed and little is logged meanwhile: no order is about a crash."""
    monkeypatch.setattr(os, "fsync", lambda _: None)
    settings.PAYLOAD_STORAGE_PATH = tmp_path / "play" / "payloads"
    if connections["memory"].vendor == "sqlite":
        connections["memory"].cursor().execute("PRAGMA synchronous=OFF")
    logging.disable(logging.CRITICAL)
    yield Player(tmp_path, monkeypatch)
    logging.disable(logging.NOTSET)
    connections["memory"].close()


@pytest.fixture
def server_store(tmp_path: Path) -> Iterator[OpenMemory]:
    """Our own server on loopback, with a store of its own."""
    with wire_server(tmp_path) as url:
        server = RemoteOpenMemory(url, KEY)
        yield server
        server.close()


def sampled(count: int) -> Iterable[list[str]]:
    chance = random.Random(5)
    return (chance.choices(EVENTS, k=5) for _ in range(count))


@pytest.mark.parametrize("first", [0, 1], ids=["embedded first", "server first"])
def test_every_order_of_two_events_keeps_to_the_decisions(player: Player, first: int) -> None:
    player.play_all(2, [EmbeddedOpenMemory(), stub_store(Stub())], first)


def test_orders_of_five_events_keep_to_the_decisions_on_our_own_server(
    player: Player, server_store: OpenMemory
) -> None:
    for number, order in enumerate(sampled(30)):
        player.play(["call", *order], [EmbeddedOpenMemory(), server_store], number % 2)


@pytest.mark.faults
@pytest.mark.parametrize("first", [0, 1], ids=["embedded first", "server first"])
def test_every_order_of_events_keeps_to_the_decisions(player: Player, first: int) -> None:
    """All orders of up to ORDERS events, 3 by default. Of the 111,110 of up to 5 some 11,000 have to be played."""
    player.play_all(int(os.environ.get("ORDERS") or 3), [EmbeddedOpenMemory(), stub_store(Stub())], first)
