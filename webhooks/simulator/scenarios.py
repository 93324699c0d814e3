"""Scenarios of calls against a running server. Each shows requests and answers, and checks the answers."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx2
import orjson

from elmemory.environment.keys import first_key
from webhooks.simulator.call import Script, SimulatedCall, deliver, deliver_body

_TIMEOUT_SECONDS = 30
_LONG_SECONDS = 1800
_LONG_TURNS = 360


class Unexpected(Exception):
    """The server gave an unexpected answer; the message says what to check."""


class Scenario:
    """Plays scenarios for one call. `write` prints; `style_heading` formats a heading for the terminal."""

    def __init__(
        self,
        client: httpx2.Client,
        call: SimulatedCall,
        write: Callable[[str], None],
        style_heading: Callable[[str], str],
    ) -> None:
        self._client, self._call, self._write, self._style_heading = client, call, write, style_heading
        self._secret = first_key("ELEVENLABS_POST_CALL_KEY")

    def play(self, name: str) -> None:
        """Play the scenario; raise Unexpected, or httpx2.TransportError if no server answers."""
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
        self._expect_stranger(self._ring(self._call))
        self._look_up()

    def anonymous(self) -> None:
        call = replace(self._call, caller="anonymous")
        self._title("A caller with a withheld number rings", "POST /webhook/client-data")
        self._expect_stranger(self._ring(call))
        self._deliver("The call ends: the transcription is stored, no memory is written", call.transcription())
        self._title("The phone rings again", "POST /webhook/client-data")
        self._expect_stranger(self._ring(call))

    def outbound(self) -> None:
        self._title("The agent calls: the customer's number is the called number", "POST /webhook/client-data")
        called = replace(self._call, outbound=True)
        self._ring(called)
        self._hang_up(called)
        self._title("The customer calls back", "POST /webhook/client-data")
        self._ring(self._call)
        self._look_up()

    def failed(self) -> None:
        self._deliver("The agent calls, and the line is busy", self._call.failure())
        self._deliver("A call ended because of a missing variable", self._call.failed_transcription())
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
        self._expect_status("received", self._deliver("The call ends: the transcription", event))
        self._expect_status("duplicate", self._deliver("The same payload again", event))
        event["event_timestamp"] += 60
        self._expect_status("received", self._deliver("A later version: it replaces the first", event))
        self._await_memory(self._call)

    def garbage(self) -> None:
        body = orjson.dumps(self._call.transcription())
        self._title("Without a signature", "POST /webhook/post-call")
        self._show(None, self._client.post("/webhook/post-call", content=body), expected=401)
        self._title("Signed with another secret", "POST /webhook/post-call")
        self._show(None, deliver_body(self._client, body, "another secret"), expected=401)
        self._title("Signed, but unreadable: it is stored", "POST /webhook/post-call, signed")
        self._expect_status("unreadable", self._show(None, deliver_body(self._client, body[:-40], self._secret)))
        self._title("A ring with an unreadable body", "POST /webhook/client-data")
        headers = {"x-api-key": first_key("ELEVENLABS_CLIENT_DATA_KEY")}
        answer = self._client.post("/webhook/client-data", content=b"\xff\x00{", headers=headers)
        self._expect_stranger(self._show(None, answer))

    def _hang_up(self, call: SimulatedCall) -> None:
        self._deliver("The call ends: the transcription", call.transcription())
        self._title("The recording", "POST /webhook/post-call, signed, chunked")
        self._show(None, deliver(self._client, call.audio(), self._secret))
        self._title("The worker writes the caller's memories")
        self._await_memory(call)

    def _look_up(self, question: str = "What is the caller's dog called?") -> None:
        self._title("The agent looks something up", "POST /webhook/search-data")
        search = self._call.search(question)
        headers = {"x-api-key": first_key("ELEVENLABS_SEARCH_DATA_KEY")}
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
        while time.monotonic() - began < _TIMEOUT_SECONDS:
            answer = self._client_data(caller)
            if answer.status_code != 200:
                raise Unexpected(f"the server answered {answer.status_code}")
            variables = answer.json()["dynamic_variables"]
            if name in variables["user_name"] and variables["last_call_summary"]:
                self._write(f"  remembered after {time.monotonic() - began:.1f} s\n")
                return
            time.sleep(0.1)
        raise Unexpected("the call was not remembered in time: does the worker run? See /health.")

    def _client_data(self, call: SimulatedCall) -> httpx2.Response:
        headers = {"x-api-key": first_key("ELEVENLABS_CLIENT_DATA_KEY")}
        return self._client.post("/webhook/client-data", json=call.ring, headers=headers)

    def _expect_stranger(self, answer: dict[str, Any]) -> None:
        if answer["dynamic_variables"]["returning_caller"] != "no" or answer["conversation_config_override"]:
            raise Unexpected("the caller was known: has this number called before?")

    def _expect_status(self, status: str, answer: dict[str, Any]) -> None:
        if answer["status"] != status:
            raise Unexpected(f"the delivery was {answer['status']}, not {status}")

    def _title(self, title: str, request: str = "") -> None:
        self._write(f"\n{self._style_heading(title)}  {request}\n")

    def _show(self, request: dict[str, Any] | None, answer: httpx2.Response, *, expected: int = 200) -> dict[str, Any]:
        if request:
            self._write(f"  -> {orjson.dumps(request).decode()}\n")
        self._write(f"  <- {answer.status_code} in {answer.elapsed.total_seconds() * 1000:.0f} ms\n")
        try:
            value: dict[str, Any] = answer.json()
            shown = orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
        except ValueError:
            value, shown = {}, answer.text
        self._write("".join(f"     {line}\n" for line in shown.splitlines()))
        if answer.status_code != expected:
            raise Unexpected(f"the server answered {answer.status_code}: are its keys those of this .env?")
        return value


SCENARIOS: dict[str, Callable[[Scenario], None]] = {
    scenario.__name__: scenario
    for scenario in (
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
