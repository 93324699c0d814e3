import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from elmemory.serving.onepacket import _OnePacket

HEAD = b"HTTP/1.1 200 OK\r\n\r\n"


class Transport:
    """Keeps what was written, packet by packet."""

    def __init__(self) -> None:
        self.packets: list[bytes] = []
        self.closed = False

    def write(self, data: bytes) -> None:
        assert not self.closed
        self.packets.append(data)

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed


def packets(*does: Callable[[Any], Any]) -> list[bytes]:
    """What goes out when these are done to a transport, one after the other."""

    async def run() -> list[bytes]:
        transport = Transport()
        one_packet = _OnePacket(transport, asyncio.get_running_loop())  # type: ignore[arg-type]
        for do in does:
            if asyncio.iscoroutine(waiting := do(one_packet)):
                await waiting
        await asyncio.sleep(0)
        return transport.packets

    return asyncio.run(run())


async def turn(_: Any) -> None:
    await asyncio.sleep(0)


def test_head_and_body_go_out_together() -> None:
    assert packets(lambda it: it.write(HEAD), lambda it: it.write(b"body")) == [HEAD + b"body"]


def test_a_head_whose_body_comes_later_does_not_wait_for_it() -> None:
    assert packets(lambda it: it.write(HEAD), turn, lambda it: it.write(b"body")) == [HEAD, b"body"]


def test_a_head_goes_out_before_the_connection_closes() -> None:
    assert packets(lambda it: it.write(HEAD), lambda it: it.close()) == [HEAD]


def test_two_answers_on_one_connection_stay_in_order() -> None:
    answers = [HEAD, b"one", HEAD, b"two"]
    assert b"".join(packets(*(lambda it, part=part: it.write(part) for part in answers))) == b"".join(answers)


@pytest.mark.parametrize("body", [b"", b"x"])
def test_everything_else_is_the_transports(body: bytes) -> None:
    assert packets(lambda it: it.write(body), lambda it: it.is_closing()) == [body]
