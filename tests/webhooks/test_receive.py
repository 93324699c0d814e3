"""Receiving a body: slow, broken and too large ones, full disks, and too many at once."""

import asyncio
import errno
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError
from pytest_django.fixtures import Settings

from conversations.files.encodings import TooLarge
from conversations.files.locks import delivery_lock
from conversations.files.placing import Delivery, accept_all
from tests.harness.samples import raw_sample, transcription
from tests.harness.server import Server
from webhooks import receive
from webhooks.admission import Admission, TooMany, TooSlow
from webhooks.receive import CannotStore, Receiver, SenderGone
from webhooks.signature import InvalidSignature, SignatureCheck, signed

SECRET = "post-call-secret"
BODY = json.dumps(transcription("+14155550100", "Hi.")).encode()

pytestmark = pytest.mark.usefixtures("no_index")


@pytest.fixture
def no_index(monkeypatch: pytest.MonkeyPatch) -> None:
    """These deliveries are about the file; the row in the index is another matter."""
    monkeypatch.setattr(receive, "record_deliveries", lambda _: None)


def sender(*messages: dict[str, Any] | bytes | None) -> Callable[[], Any]:
    """An ASGI channel with these messages; bytes are a chunk with more to come, None is silence."""
    left: Iterator[dict[str, Any] | bytes | None] = iter(messages)

    async def receive_message() -> dict[str, Any]:
        message = next(left)
        if message is None:
            await asyncio.Event().wait()
        if isinstance(message, bytes):
            return {"type": "http.request", "body": message, "more_body": True}
        assert message is not None
        return message

    return receive_message


END = {"type": "http.request", "body": b"", "more_body": False}
GONE = {"type": "http.disconnect"}


def received(*messages: dict[str, Any] | bytes | None, receiver: Receiver | None = None) -> Delivery:
    return asyncio.run((receiver or Receiver()).receive(sender(*messages), signature(BODY)))


def signature(body: bytes) -> SignatureCheck:
    now = time.time()
    return SignatureCheck(signed(body, SECRET, int(now)), [SECRET], now=now, tolerance=1800)


def left_behind(payloads: Path) -> list[str]:
    return [str(path) for path in payloads.rglob("*") if path.is_file() and not {"_locks", "_worker"} & {*path.parts}]


def test_a_body_may_come_in_any_chunks(payloads: Path) -> None:
    assert received(*(BODY[start : start + 7] for start in range(0, len(BODY), 7)), END).status == "received"
    (stored,) = left_behind(payloads)
    assert Path(stored).read_bytes() == BODY


def test_a_sender_that_breaks_off_leaves_nothing(payloads: Path) -> None:
    with pytest.raises(SenderGone):
        received(BODY[:100], GONE)
    assert left_behind(payloads) == []


def test_a_sender_that_pauses_for_too_long_is_refused(payloads: Path) -> None:
    with pytest.raises(TooSlow):
        received(BODY[:100], None, receiver=Receiver(admission=Admission(idle_seconds=0.01)))
    assert left_behind(payloads) == []


def test_a_sender_that_takes_too_long_is_refused(payloads: Path) -> None:
    with pytest.raises(TooSlow):
        received(BODY[:100], None, receiver=Receiver(admission=Admission(longest_seconds=0.02)))
    assert left_behind(payloads) == []


def test_a_sender_below_the_minimum_rate_is_refused_after_the_grace(payloads: Path) -> None:
    began = time.monotonic()
    with pytest.raises(TooSlow):
        received(b"x" * 512, None, receiver=Receiver(admission=Admission(grace_seconds=0.25)))
    assert 0.7 < time.monotonic() - began < 2, "the grace, and half a second for half a KiB"
    assert left_behind(payloads) == []


def test_a_body_above_the_limit_is_refused_before_it_has_come(payloads: Path, settings: Settings) -> None:
    settings.MAX_PAYLOAD_MB = 1
    with pytest.raises(TooLarge):
        received(*[b"x" * 2**19] * 3, None)
    assert left_behind(payloads) == []


def test_a_wrong_signature_leaves_nothing(payloads: Path) -> None:
    with pytest.raises(InvalidSignature):
        received(BODY + b" ", END)
    assert left_behind(payloads) == []


def test_a_nearly_full_disk_takes_nothing_more(payloads: Path, settings: Settings) -> None:
    settings.MIN_FREE_MB = 2**30
    with pytest.raises(CannotStore, match="nearly full"):
        received(BODY, END)
    assert left_behind(payloads) == []


def test_the_disk_is_checked_while_a_body_arrives(payloads: Path, settings: Settings) -> None:
    def filling_up(body: bytes) -> Iterator[bytes]:
        yield body
        settings.MIN_FREE_MB = 2**30
        yield body

    with pytest.raises(CannotStore, match="nearly full"):
        received(*filling_up(b"x" * 2**22), END, None)
    assert left_behind(payloads) == []


def test_an_announced_length_above_the_limit_is_refused_before_reading(payloads: Path) -> None:
    with pytest.raises(TooLarge):
        asyncio.run(Receiver().receive(sender(None), signature(BODY), 2**40))
    assert not payloads.exists()


class Crowd:
    """Bodies that are received at the same time by one receiver."""

    def __init__(self, admission: Admission) -> None:
        self.receiver = Receiver(admission=admission)

    async def begins(self, *messages: dict[str, Any] | bytes | None, announced: int = 0) -> "asyncio.Task[Delivery]":
        task = asyncio.create_task(self.receiver.receive(sender(*messages), signature(BODY), announced))
        # Not every test awaits all bodies; asyncio would log the exceptions of the others.
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        await asyncio.sleep(0)
        return task


def test_the_slowest_unverified_body_makes_room_for_a_new_one(payloads: Path) -> None:
    async def crowded() -> None:
        crowd = Crowd(Admission(small_slots=3))
        await (await crowd.begins(BODY, END))  # what happens only once makes no body slow
        quick, slow, middling = [await crowd.begins(b"x" * size, None) for size in (200_000, 1, 100_000)]
        assert (await (await crowd.begins(BODY, END))).status == "duplicate"
        with pytest.raises(TooMany):
            await slow
        assert not quick.done()
        assert not middling.done()

    asyncio.run(crowded())
    assert len(left_behind(payloads)) == 1


@pytest.mark.parametrize("count", [1, 64, 640])
def test_no_number_of_slow_bodies_keeps_a_signed_one_waiting(payloads: Path, count: int) -> None:
    async def crowded() -> None:
        crowd = Crowd(Admission())
        slow = [await crowd.begins(b"x", None) for _ in range(count)]
        assert (await (await crowd.begins(BODY, END))).status == "received"
        assert sum(not body.done() for body in slow) == min(63, count)

    asyncio.run(crowded())
    assert len(left_behind(payloads)) == 1


@pytest.mark.parametrize("announced", [0, 2**19])
def test_large_bodies_take_slots_of_their_own(payloads: Path, announced: int) -> None:
    async def crowded() -> None:
        crowd = Crowd(Admission(small_slots=2, large_slots=2))
        small = await crowd.begins(b"x", None)
        large = [await crowd.begins(b"x" * size, None, announced=announced) for size in (2**18 + 1, 2**21, 2**21)]
        with pytest.raises(TooMany):
            await large[0]
        assert [body.done() for body in (small, *large)] == [False, True, False, False]

    asyncio.run(crowded())
    assert left_behind(payloads) == []


def test_unverified_bodies_take_a_bounded_part_of_the_disk(payloads: Path, settings: Settings) -> None:
    settings.MAX_PAYLOAD_MB = 1
    most = 0

    async def crowded() -> None:
        nonlocal most
        crowd = Crowd(Admission())
        bodies = [await crowd.begins(*[b"x" * 2**17] * 6, None) for _ in range(8)]
        _, under_way = await asyncio.wait(bodies, timeout=0.2)
        most = sum(path.stat().st_size for path in (payloads / "_spool").iterdir())
        assert len(under_way) == 5
        assert (await (await crowd.begins(BODY, END))).status == "received"

    asyncio.run(crowded())
    assert 2**20 <= most <= 4 * 2**20


def test_many_recordings_that_arrive_at_once_are_all_received(payloads: Path) -> None:
    async def crowded() -> None:
        crowd, arrived = Crowd(Admission()), asyncio.Event()
        chunk = b" " * 2**19

        async def recording(number: int) -> Delivery:
            event = json.dumps(transcription("+14155550100", "Hi.", conversation_id=f"conv_{number}")).encode()
            left = iter(({"type": "http.request", "body": chunk, "more_body": True}, None))

            async def channel() -> dict[str, Any]:
                if message := next(left):
                    return message
                await arrived.wait()
                return {"type": "http.request", "body": event, "more_body": False}

            return await crowd.receiver.receive(channel, signature(chunk + event), 2**20)

        recordings = [asyncio.create_task(recording(number)) for number in range(64)]
        await asyncio.sleep(0)
        arrived.set()
        assert {delivery.status for delivery in await asyncio.gather(*recordings)} == {"received"}

    asyncio.run(crowded())
    assert len(left_behind(payloads)) == 64


def test_a_verified_body_keeps_its_slot_until_it_is_stored(payloads: Path) -> None:
    async def crowded() -> None:
        storing, stored = asyncio.Event(), threading.Event()
        loop = asyncio.get_running_loop()

        def accept_slowly(spools: Any) -> Any:
            loop.call_soon_threadsafe(storing.set)
            stored.wait(5)
            return accept_all(spools)

        receiver = Receiver(admission=Admission(small_slots=1), store=accept_slowly)
        first = asyncio.create_task(receiver.receive(sender(BODY, END), signature(BODY)))
        await storing.wait()
        with pytest.raises(TooMany):
            await receiver.receive(sender(BODY, END), signature(BODY))
        stored.set()
        assert (await first).status == "received"

    asyncio.run(crowded())
    assert len(left_behind(payloads)) == 1


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_fault_of_the_disk_is_raised_counted_and_leaves_nothing(
    payloads: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    receiver = Receiver()
    with monkeypatch.context() as fault:
        fault.setattr(os, call, full)
        with pytest.raises(CannotStore):
            received(BODY, END, receiver=receiver)
    assert receiver.refused == 1
    assert left_behind(payloads) == []
    assert received(BODY, END, receiver=receiver).status == "received", "it recovers by itself"


def test_a_cancelled_request_does_not_close_the_file_under_the_thread_that_stores_it(
    payloads: Path,
) -> None:
    begun, cancelled = asyncio.Event(), threading.Event()

    async def cancelled_half_way() -> None:
        loop = asyncio.get_running_loop()

        def accept_slowly(spools: Any) -> Any:
            loop.call_soon_threadsafe(begun.set)
            cancelled.wait(5)
            return accept_all(spools)

        task = asyncio.create_task(Receiver(store=accept_slowly).receive(sender(BODY, END), signature(BODY)))
        await begun.wait()
        task.cancel()
        await asyncio.sleep(0)
        task.cancel()
        loop.call_soon(cancelled.set)
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled_half_way())
    assert len(left_behind(payloads)) == 1


def test_a_delivery_that_must_wait_for_its_conversation_keeps_no_other_waiting(payloads: Path) -> None:  # noqa: ARG001
    async def one_waits() -> list[str]:
        receiver, ended = Receiver(), []

        async def delivered(conversation_id: str) -> None:
            body = json.dumps(transcription("+14155550100", "Hi.", conversation_id=conversation_id)).encode()
            await receiver.receive(sender(body, END), signature(body))
            ended.append(conversation_id)

        with delivery_lock("conv_busy"):
            waiting = asyncio.create_task(delivered("conv_busy"))
            await delivered("conv_free")
            assert not waiting.done()
        await waiting
        return ended

    assert asyncio.run(one_waits()) == ["conv_free", "conv_busy"]


def test_a_server_whose_payload_folder_is_gone_wrong_says_503_and_recovers(tmp_path: Path) -> None:
    with Server(tmp_path, "--no-worker", MIN_FREE_MB="0") as server:
        spool = server.payloads / "_spool"
        spool.rename(tmp_path / "aside")
        spool.write_text("a file where a folder should be")
        answer = server.post_call(raw_sample("transcription_new_caller"))
        assert (answer.status_code, answer.json()) == (503, {"detail": "the payload could not be stored"})
        spool.unlink()
        (tmp_path / "aside").rename(spool)
        assert server.post_call(raw_sample("transcription_new_caller")).json()["status"] == "received"
        assert "a delivery could not be stored" in server.output


@pytest.mark.usefixtures("payloads")
def test_a_row_that_the_index_refuses_is_written_once_the_index_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    faults = iter([OperationalError("the connection is closed"), OperationalError("starting up")])
    recorded: list[Delivery] = []
    is_recorded = threading.Event()

    def record(deliveries: list[Delivery]) -> None:
        for fault in faults:
            raise fault
        recorded.extend(deliveries)
        is_recorded.set()

    monkeypatch.setattr(receive, "record_deliveries", record)

    async def deliver() -> Delivery:
        delivery = await Receiver().receive(sender(BODY, END), signature(BODY))
        assert await asyncio.to_thread(is_recorded.wait, 10)
        return delivery

    delivery = asyncio.run(deliver())
    assert recorded == [delivery]
