"""Scenes of the life of an agent, played against a running server: what is sent, what is answered, what must hold."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx2
import orjson
from django.conf import settings

from webhooks.simulator.call import Script, SimulatedCall, deliver, deliver_body

_PATIENCE_SECONDS = 30
_LONG_SECONDS = 1800
_LONG_TURNS = 360


class Unexpected(Exception):
    """The server did not answer as it should; the message says what to look at."""


class Scenario:
    """One scene after the other for a caller. `tell` takes lines, `title` makes a heading stand out."""

    def __init__(
        self, client: httpx2.Client, call: SimulatedCall, tell: Callable[[str], None], title: Callable[[str], str]
    ) -> None:
        self._client, self._call, self._tell, self._styled = client, call, tell, title
        self._secret = next(iter(settings.ELEVENLABS_POST_CALL_KEYS), "")

    def play(self, name: str) -> None:
        """Raises Unexpected, or httpx2.TransportError where no server answers."""
        SCENARIOS[name](self)

    def returning(self) -> None:
        self._title("The phone rings", "POST /webhook/client-data")
        self._ring(self._call)
        self._hang_up(self._call)
        self._title("The phone rings again", "POST /webhook/client-data")
        self._ring(self._call)
        self._look_up()

    def new(self) -> None:
        self._title("A stranger rings", "POST /webhook/client-data")
        self._must_be_strange(self._ring(self._call))
        self._look_up()

    def anonymous(self) -> None:
        call = replace(self._call, caller="anonymous")
        self._title("Somebody rings who withholds the number", "POST /webhook/client-data")
        self._must_be_strange(self._ring(call))
        self._deliver("The call ends: the transcription is kept, and nobody remembered", call.transcription())
        self._title("The phone rings again", "POST /webhook/client-data")
        self._must_be_strange(self._ring(call))

    def outbound(self) -> None:
        self._title("The agent calls: the customer's number is the one called", "POST /webhook/client-data")
        called = replace(self._call, outbound=True)
        self._ring(called)
        self._hang_up(called)
        self._title("The customer calls back", "POST /webhook/client-data")
        self._ring(self._call)
        self._look_up()

    def failed(self) -> None:
        self._deliver("The agent calls, and the line is busy", self._call.failure())
        self._deliver("A call that a missing variable ended", self._call.failed_transcription())
        self._title("The phone rings", "POST /webhook/client-data")
        self._ring(self._call)

    def long(self) -> None:
        turns = [
            ("user", f"Point {number}: the fence at number {number} has to be painted.")
            for number in range(_LONG_TURNS)
        ]
        script = Script(turns, {"First Name": self._call.name}, "A long list of fences to be painted.", "Fences")
        long = replace(self._call, script=script, seconds=_LONG_SECONDS, started_at=int(time.time()) - _LONG_SECONDS)
        self._hang_up(long)
        self._look_up("Which fence has to be painted?")

    def duplicate(self) -> None:
        event = self._call.transcription()
        self._must_be("received", self._deliver("The call ends: the transcription", event))
        self._must_be("duplicate", self._deliver("The same once more", event))
        event["event_timestamp"] += 60
        self._must_be("received", self._deliver("A later version: it takes the place of the first", event))
        self._await_memory(self._call)

    def garbage(self) -> None:
        body = orjson.dumps(self._call.transcription())
        self._title("Without a signature", "POST /webhook/post-call")
        self._show(None, self._client.post("/webhook/post-call", content=body), expected=401)
        self._title("Signed with another secret", "POST /webhook/post-call")
        self._show(None, deliver_body(self._client, body, "another secret"), expected=401)
        self._title("Signed, but not readable: it is kept", "POST /webhook/post-call, signed")
        self._must_be("unreadable", self._show(None, deliver_body(self._client, body[:-40], self._secret)))
        self._title("A ring that says nothing", "POST /webhook/client-data")
        headers = {"x-api-key": settings.ELEVENLABS_CLIENT_DATA_KEY}
        answer = self._client.post("/webhook/client-data", content=b"\xff\x00{", headers=headers)
        self._must_be_strange(self._show(None, answer))

    def _hang_up(self, call: SimulatedCall) -> None:
        self._deliver("The call ends: the transcription", call.transcription())
        self._title("and the recording", "POST /webhook/post-call, signed, chunked")
        self._show(None, deliver(self._client, call.audio(), self._secret))
        self._title("The worker writes the caller's memories")
        self._await_memory(call)

    def _look_up(self, question: str = "What is the caller's dog called?") -> None:
        self._title("The agent looks something up", "POST /webhook/search-data")
        search = self._call.search(question)
        headers = {"x-api-key": settings.ELEVENLABS_SEARCH_DATA_KEY}
        self._show(search, self._client.post("/webhook/search-data", json=search, headers=headers))

    def _ring(self, call: SimulatedCall) -> dict[str, Any]:
        return self._show(call.ring, self._client_data(call))

    def _deliver(self, title: str, event: dict[str, Any]) -> dict[str, Any]:
        self._title(title, "POST /webhook/post-call, signed")
        return self._show(None, deliver(self._client, event, self._secret))

    def _await_memory(self, call: SimulatedCall) -> None:
        began = time.monotonic()
        caller = replace(call, outbound=False)
        name = call.name.partition(" ")[0]
        while time.monotonic() - began < _PATIENCE_SECONDS:
            answer = self._client_data(caller)
            if answer.status_code != 200:
                raise Unexpected(f"the server answered {answer.status_code}")
            variables = answer.json()["dynamic_variables"]
            if name in variables["user_name"] and variables["last_call_summary"]:
                self._tell(f"  remembered after {time.monotonic() - began:.1f} s\n")
                return
            time.sleep(0.1)
        raise Unexpected("the call was not remembered in time: does the worker run? See /health.")

    def _client_data(self, call: SimulatedCall) -> httpx2.Response:
        headers = {"x-api-key": settings.ELEVENLABS_CLIENT_DATA_KEY}
        return self._client.post("/webhook/client-data", json=call.ring, headers=headers)

    def _must_be_strange(self, answer: dict[str, Any]) -> None:
        if answer["dynamic_variables"]["returning_caller"] != "no" or answer["conversation_config_override"]:
            raise Unexpected("the caller was known: is the number one that called before?")

    def _must_be(self, status: str, answer: dict[str, Any]) -> None:
        if answer["status"] != status:
            raise Unexpected(f"the delivery was {answer['status']}, not {status}")

    def _title(self, title: str, request: str = "") -> None:
        self._tell(f"\n{self._styled(title)}  {request}\n")

    def _show(self, request: dict[str, Any] | None, answer: httpx2.Response, *, expected: int = 200) -> dict[str, Any]:
        if request:
            self._tell(f"  -> {orjson.dumps(request).decode()}\n")
        self._tell(f"  <- {answer.status_code} in {answer.elapsed.total_seconds() * 1000:.0f} ms\n")
        try:
            value: dict[str, Any] = answer.json()
            shown = orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
        except ValueError:
            value, shown = {}, answer.text
        self._tell("".join(f"     {line}\n" for line in shown.splitlines()))
        if answer.status_code != expected:
            raise Unexpected(f"the server answered {answer.status_code}: are its keys those of this .env?")
        return value


SCENARIOS: dict[str, Callable[[Scenario], None]] = {
    scene.__name__: scene
    for scene in (
        Scenario.returning,
        Scenario.new,
        Scenario.anonymous,
        Scenario.outbound,
        Scenario.failed,
        Scenario.long,
        Scenario.duplicate,
        Scenario.garbage,
    )
}
