"""Taking in a body: slow, broken and too large ones, full disks, and too many at once."""

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
from pytest_django.fixtures import Settings

from conversations.files.encodings import TooLarge
from conversations.files.locks import delivery_lock
from conversations.files.placing import Delivery, accept_all
from tests.harness.samples import raw_sample, transcription
from tests.harness.server import Server
from webhooks import receive
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


def take_in(*messages: dict[str, Any] | bytes | None, receiver: Receiver | None = None) -> Delivery:
    return asyncio.run((receiver or Receiver()).receive(sender(*messages), signature(BODY)))


def signature(body: bytes) -> SignatureCheck:
    now = time.time()
    return SignatureCheck(signed(body, SECRET, int(now)), [SECRET], now=now, tolerance=1800)


def left_behind(payloads: Path) -> list[str]:
    return [str(path) for path in payloads.rglob("*") if path.is_file() and "_locks" not in path.parts]


def test_a_body_may_come_in_any_chunks(payloads: Path) -> None:
    assert take_in(*(BODY[start : start + 7] for start in range(0, len(BODY), 7)), END).status == "received"
    (stored,) = left_behind(payloads)
    assert Path(stored).read_bytes() == BODY


def test_a_sender_that_breaks_off_leaves_nothing(payloads: Path) -> None:
    with pytest.raises(SenderGone):
        take_in(BODY[:100], GONE)
    assert left_behind(payloads) == []


def test_a_sender_that_goes_silent_is_given_up(payloads: Path) -> None:
    with pytest.raises(SenderGone):
        take_in(BODY[:100], None, receiver=Receiver(idle_seconds=0.01))
    assert left_behind(payloads) == []


def test_a_sender_that_drips_is_given_up(payloads: Path) -> None:
    with pytest.raises(SenderGone):
        take_in(BODY[:100], None, receiver=Receiver(longest_seconds=0.02))
    assert left_behind(payloads) == []


def test_a_body_above_the_limit_is_refused_before_it_has_come(payloads: Path, settings: Settings) -> None:
    settings.MAX_PAYLOAD_MB = 1
    with pytest.raises(TooLarge):
        take_in(*[b"x" * 2**19] * 3, None)
    assert left_behind(payloads) == []


def test_a_wrong_signature_leaves_nothing(payloads: Path) -> None:
    with pytest.raises(InvalidSignature):
        take_in(BODY + b" ", END)
    assert left_behind(payloads) == []


def test_a_nearly_full_disk_takes_nothing_more(payloads: Path, settings: Settings) -> None:
    settings.MIN_FREE_MB = 2**30
    with pytest.raises(CannotStore, match="nearly full"):
        take_in(BODY, END)
    assert left_behind(payloads) == []


def test_too_many_bodies_under_way_are_refused(payloads: Path) -> None:
    with pytest.raises(CannotStore, match="too many"):
        take_in(BODY, END, receiver=Receiver(most_under_way=0))
    assert not payloads.exists()


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_fault_of_the_disk_is_told_counted_and_leaves_nothing(
    payloads: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    receiver = Receiver()
    with monkeypatch.context() as fault:
        fault.setattr(os if call == "fsync" else Path, call, full)
        with pytest.raises(CannotStore):
            take_in(BODY, END, receiver=receiver)
    assert receiver.refused == 1
    assert left_behind(payloads) == []
    assert take_in(BODY, END, receiver=receiver).status == "received", "it recovers by itself"


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
    with Server(tmp_path, MIN_FREE_MB="0") as server:
        spool = server.payloads / "_spool"
        spool.rename(tmp_path / "aside")
        spool.write_text("a file where a folder should be")
        answer = server.post_call(raw_sample("transcription_new_caller"))
        assert (answer.status_code, answer.json()) == (503, {"detail": "the payload could not be stored"})
        spool.unlink()
        (tmp_path / "aside").rename(spool)
        assert server.post_call(raw_sample("transcription_new_caller")).json()["status"] == "received"
        assert "a delivery could not be stored" in server.output


def test_a_body_above_the_limit_is_answered_413(tmp_path: Path) -> None:
    with Server(tmp_path, MAX_PAYLOAD_MB="1") as server:
        answer = server.post_call(b"x" * (2**20 + 1))
        assert (answer.status_code, answer.json()) == (413, {"detail": "more than 1 MB"})
        assert left_behind(server.payloads) == []
