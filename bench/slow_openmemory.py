"""An OpenMemory server that answers after a fixed delay and does nothing else: every caller has the same memories.

    python -m bench.slow_openmemory PORT DELAY_MS

With a delay of -1 the server hangs. It is a bare protocol, which takes little CPU time from the
measured process.
"""

import asyncio
import re
import sys
from typing import cast

import orjson
import uvloop

from bench.callers import card, message

_REQUEST = re.compile(rb"GET /users/([^/]+)/memories\?(?:\S*&)?l=(\d+)|GET (/health)")
_QUERY = re.compile(rb"POST /memory/query .*?\r\n\r\n.*\"k\":\s*(\d+).*\}", re.DOTALL)
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
_MEMORIES = 600


class SlowOpenMemory(asyncio.Protocol):
    delay: float
    items: tuple[bytes, ...]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._query = b""

    def data_received(self, data: bytes) -> None:
        if asked := _REQUEST.match(data):
            self._answer_later(self._content(asked))
            return
        self._query += data  # head and body come in packets of their own
        if query := _QUERY.match(self._query):
            self._query = b""
            self._answer_later(b'{"matches":[%b]}' % b",".join(self.items[: int(query[1])]))
        elif not self._query.startswith(b"POST /memory/query "):
            self._transport.close()

    def _answer_later(self, content: bytes) -> None:
        if self.delay >= 0:
            asyncio.get_running_loop().call_later(self.delay, self._answer, content)

    def _content(self, asked: "re.Match[bytes]") -> bytes:
        if asked[3]:
            return b'{"ok":true,"version":"slow"}'
        user = asked[1].replace(b"%2B", b"+")
        return b'{"user_id":"%b","items":[%b]}' % (user, b",".join(self.items[: int(asked[2])]))

    def _answer(self, content: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(_HEAD % len(content) + content)


async def main(port: int, delay_ms: int) -> None:
    SlowOpenMemory.delay = delay_ms / 1000
    rows = [card(_MEMORIES), *(message(number) for number in range(_MEMORIES - 1))]
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
    uvloop.run(main(*(int(argument) for argument in sys.argv[1:3])))
