"""Callers who ring now: their pending calls are remembered first."""

import sqlite3
from contextlib import closing
from pathlib import Path
from threading import Event

from tests.harness.samples import transcription
from tests.harness.server import Server, wait_until
from webhooks.live.ringing import Ringing


def test_callers_are_handed_over_together() -> None:
    handed = list[str]()
    ringing = Ringing(handed.extend)
    for caller in ("+14155550100", "+14155550101", "+14155550100"):
        ringing.add(caller)
    wait_until(lambda: len(handed) == 2)
    assert sorted(handed) == ["+14155550100", "+14155550101"]


def test_a_fault_of_the_index_ends_nothing() -> None:
    failed, handed = Event(), list[str]()

    def put_first(callers: object) -> None:
        if not failed.is_set():
            failed.set()
            raise ConnectionError
        handed.extend(callers)  # type: ignore[arg-type]

    ringing = Ringing(put_first)
    ringing.add("+14155550100")
    assert failed.wait(20)
    ringing.add("+14155550101")
    wait_until(lambda: handed == ["+14155550101"])


def test_the_pending_call_of_a_caller_who_rings_is_put_first(tmp_path: Path) -> None:
    with Server(tmp_path, "--no-worker") as server:
        for caller in ("+14155550100", "+14155550101"):
            assert server.post_call(
                transcription(caller, "Yes please.", conversation_id=f"conv_{caller[1:]}")
            ).is_success
        assert server.manage("reindex").returncode == 0
        server.ring("+14155550101")

        def first() -> list[tuple[str]]:
            with closing(sqlite3.connect(tmp_path / "index.sqlite3")) as index:
                rows = index.execute("SELECT conversation_id FROM conversation WHERE next_attempt_at < 0")
                return rows.fetchall()

        assert wait_until(first) == [("conv_14155550101",)]
