"""An OpenMemory server that answers after a fixed delay and does nothing else: every caller has the same memories.

    python -m bench.slow_openmemory PORT DELAY_MS MEMORIES

A delay of -1 never ends: the server hangs. Written on the bare protocol, so that it costs little beside what is
measured.
"""

import asyncio
import re
import sys
from typing import cast

import orjson
import uvloop

from bench.callers import card, message

_REQUEST = re.compile(rb"GET /users/([^/]+)/memories\?(?:\S*&)?l=(\d+)|GET (/health)")
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
_USER = b'"USER"'


class SlowOpenMemory(asyncio.Protocol):
    delay: float
    items: tuple[bytes, ...]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        asked = _REQUEST.match(data)
        if asked is None:
            self._transport.close()
        elif self.delay >= 0:
            asyncio.get_running_loop().call_later(self.delay, self._answer, self._content(asked))

    def _content(self, asked: "re.Match[bytes]") -> bytes:
        if asked[3]:
            return b'{"ok":true,"version":"slow"}'
        user = asked[1].replace(b"%2B", b"+")
        return b'{"user_id":"%b","items":[%b]}' % (user, b",".join(self.items[: int(asked[2])]))

    def _answer(self, content: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(_HEAD % len(content) + content)


async def main(port: int, delay_ms: int, memories: int) -> None:
    SlowOpenMemory.delay = delay_ms / 1000
    rows = [card(memories), *(message(number) for number in range(memories - 1))]
    SlowOpenMemory.items = tuple(
        orjson.dumps(
            {
                "id": f"id-{number}",
                "content": row.content,
                "tags": [],
                "metadata": row.metadata,
                "salience": row.metadata["salience"],
                "decay_lambda": 0,
                "primary_sector": "semantic",
                "created_at": 2_000_000_000_000 - number,
                "updated_at": 2_000_000_000_000 - number,
                "last_seen_at": 2_000_000_000_000 - number,
            }
        )
        for number, row in enumerate(rows)
    )
    server = await asyncio.get_running_loop().create_server(SlowOpenMemory, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(*(int(argument) for argument in sys.argv[1:4])))
