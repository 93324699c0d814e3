import random
import shutil
import time
from argparse import ArgumentParser
from typing import Any

import httpx2
import orjson
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from conversations import index
from conversations.locks import caller_lock
from conversations.storage import conversation_folder
from elmemory.memory.identity import caller_key
from elmemory.memory.openmemory import open_memory
from webhooks.simulated_call import SimulatedCall, deliver

_PATIENCE_SECONDS = 30


class Command(BaseCommand):
    help = "Play a call against a running server as ElevenLabs would: ring, search, transcription, audio, second ring."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        invented = f"+141555501{random.randrange(100):02}"  # noqa: S311
        parser.add_argument("--caller", default=invented, help="the caller's number (an invented one)")
        parser.add_argument("--name", default="Maya Okafor", help="the caller's name")
        parser.add_argument("--url", default=f"http://127.0.0.1:{settings.PORT}", help="the server")
        parser.add_argument("--cleanup", action="store_true", help="afterwards forget the caller and delete the call")

    def handle(self, *args: Any, caller: str, name: str, url: str, cleanup: bool, **options: Any) -> None:  # noqa: ARG002
        key = caller_key(caller)
        if key is None:
            raise CommandError(f"{caller!r} is no phone number; write it as +14155550100")
        call = SimulatedCall(key, name)
        try:
            with httpx2.Client(base_url=url, timeout=30) as client:
                self._play(client, call)
        except httpx2.TransportError as error:
            raise CommandError(f"no server answers on {url} ({error}); start one with: make serve") from None
        finally:
            if cleanup:
                self._clean_up(call)

    def _play(self, client: httpx2.Client, call: SimulatedCall) -> None:
        self._title("The phone rings", "POST /webhook/client-data")
        self._ring(client, call)
        self._title("The call ends: the transcription", "POST /webhook/post-call, signed")
        self._show(None, deliver(client, call.transcription(), settings.ELEVENLABS_POST_CALL_KEY.split(",")[0].strip()))
        self._title("and the recording", "POST /webhook/post-call, signed, chunked")
        self._show(None, deliver(client, call.audio(), settings.ELEVENLABS_POST_CALL_KEY.split(",")[0].strip()))
        self._title("The worker writes the caller's memories")
        self._await_memory(client, call)
        self._title("The phone rings again", "POST /webhook/client-data")
        self._ring(client, call)
        self._title("The agent looks something up", "POST /webhook/search-data")
        question = call.search("What is the caller's dog called?")
        headers = {"x-api-key": settings.ELEVENLABS_SEARCH_DATA_KEY}
        self._show(question, client.post("/webhook/search-data", json=question, headers=headers))

    def _ring(self, client: httpx2.Client, call: SimulatedCall) -> None:
        self._show(call.ring, self._client_data(client, call))

    def _await_memory(self, client: httpx2.Client, call: SimulatedCall) -> None:
        began = time.monotonic()
        name = call.name.partition(" ")[0]
        while time.monotonic() - began < _PATIENCE_SECONDS:
            answer = self._client_data(client, call)
            if answer.status_code != 200:
                raise CommandError(f"the server answered {answer.status_code}")
            variables = answer.json()["dynamic_variables"]
            if name in variables["user_name"] and variables["last_call_summary"]:
                self.stdout.write(f"  remembered after {time.monotonic() - began:.1f} s\n")
                return
            time.sleep(0.1)
        raise CommandError("the call was not remembered in time: does the worker run? See /health.")

    def _client_data(self, client: httpx2.Client, call: SimulatedCall) -> httpx2.Response:
        headers = {"x-api-key": settings.ELEVENLABS_CLIENT_DATA_KEY}
        return client.post("/webhook/client-data", json=call.ring, headers=headers)

    def _title(self, title: str, request: str = "") -> None:
        self.stdout.write(f"\n{self.style.MIGRATE_HEADING(title)}  {request}\n")

    def _show(self, request: dict[str, Any] | None, answer: httpx2.Response) -> None:
        if request:
            self.stdout.write(f"  -> {orjson.dumps(request).decode()}\n")
        self.stdout.write(f"  <- {answer.status_code} in {answer.elapsed.total_seconds() * 1000:.0f} ms\n")
        try:
            shown = orjson.dumps(answer.json(), option=orjson.OPT_INDENT_2).decode()
        except ValueError:
            shown = answer.text
        self.stdout.write("".join(f"     {line}\n" for line in shown.splitlines()))
        if answer.status_code != 200:
            raise CommandError(f"the server answered {answer.status_code}: are its keys those of this .env?")

    def _clean_up(self, call: SimulatedCall) -> None:
        with caller_lock(call.caller):
            shutil.rmtree(conversation_folder(call.conversation_id), ignore_errors=True)
            forgotten = open_memory().forget(call.caller)
        index.refresh(call.conversation_id)
        self.stdout.write(f"\nForgot {forgotten} memories of {call.caller} and deleted the call.\n")
