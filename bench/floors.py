"""Floors: raw ASGI applications that do nothing but the single read of a ring.

They have no authentication, deadline, identity or checks, and give the server's answers.
"""

import os
import sqlite3
from typing import Any
from urllib.parse import quote

import httpx2
import orjson

_READ = "SELECT metadata FROM memory WHERE user_id = ? ORDER BY sequence DESC LIMIT 2"


async def _body(receive: Any) -> Any:
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return orjson.loads(body)


async def _answer(send: Any, card: dict[str, Any]) -> None:
    facts = dict(card["facts"])
    content = orjson.dumps(
        {
            "type": "conversation_initiation_client_data",
            "dynamic_variables": {
                "user_name": facts["first_name"],
                "user_profile_summary": (
                    f"The caller is {facts['first_name']} {facts['last_name']}. City: {facts['city']}."
                    f" Email: {facts['email']}. They have called {card['call_count']} times, most recently on"
                    f" {card['last_called_on']}."
                ),
                "last_call_summary": card["last_call_summary"],
                "returning_caller": "yes",
                "call_count": str(card["call_count"]),
                "open_request": "",
                "agent_promise": "",
                "preferred_language": "",
            },
            "conversation_config_override": {
                "agent": {"first_message": f"Welcome back, {facts['first_name']}! How can I help you today?"}
            },
        }
    )
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(content))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": content})


class Embedded:
    def __init__(self) -> None:
        self._database: sqlite3.Connection | None = None

    async def __call__(self, _scope: Any, receive: Any, send: Any) -> None:
        caller = (await _body(receive))["caller_id"]
        database = self._database = self._database or sqlite3.connect(os.environ["OPENMEMORY_DB_PATH"])
        rows = database.execute(_READ, (caller,)).fetchall()
        await _answer(send, orjson.loads(rows[0][0]))


class Remote:
    def __init__(self) -> None:
        self._client: httpx2.AsyncClient | None = None

    async def __call__(self, _scope: Any, receive: Any, send: Any) -> None:
        caller = (await _body(receive))["caller_id"]
        client = self._client = self._client or httpx2.AsyncClient(
            base_url=f"http://127.0.0.1:{os.environ['OPENMEMORY_PORT']}",
            limits=httpx2.Limits(max_connections=64),
            trust_env=False,
        )
        answer = await client.get(f"/users/{quote(caller, safe='')}/memories", params={"l": 2, "u": 0})
        await _answer(send, orjson.loads(answer.content)["items"][0]["metadata"])


embedded = Embedded()
remote = Remote()
