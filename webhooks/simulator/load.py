"""Plays many calls, invented or stored: for demonstration data, load tests, and moving to another server."""

import base64
import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

import httpx2
import orjson

from elmemory.environment.keys import first_key
from webhooks.simulator.call import Script, SimulatedCall, deliver, deliver_body

_THREADS = 32
_DAYS = 30
_LONGEST_WAIT_SECONDS = 10
_AREAS = [
    area for area in (*range(415, 1000), *range(200, 415)) if area % 100 != 11
]  # 911 and the like are no area codes
_FIRST_NAMES = "Maya Jonas Amara Felix Ines Tariq Zoë Henrik Lucia Omar Priya Mateo Elif Noah Yuki Clara".split()
_LAST_NAMES = "Okafor Lindqvist Moreau Castillo Haddad Novak O'Hara Brandt Silva Tanaka Weber Rossi Kaya Ito".split()
_ERRANDS = (
    ("move my appointment to Friday at nine", "preferred_time", "Friday 09:00", "Appointment moved"),
    ("ask whether my order of two desk lamps has left", "last_order", "two desk lamps", "Order status"),
    ("report that the heating makes a knocking noise", "open_issue", "heating knocks", "Heating fault"),
    ("change my address to Larch Lane 12", "address", "Larch Lane 12", "New address"),
    ("cancel the cleaning next week", "next_cleaning", "cancelled", "Cleaning cancelled"),
    ("book a table for four on Saturday evening", "party_size", "4", "Table booked"),
)
_ASIDES = (
    "By the way, I am allergic to penicillin.",
    "My dog is called Biscuit and comes along.",
    "Please call after five, I work until then.",
    "My sister Ada will bring the key.",
    "I prefer to be written to by e-mail.",
)


@dataclass(slots=True)
class Tally:
    """Counts answers by kind of request and status, and collects their durations in seconds."""

    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    seconds: dict[str, list[float]] = field(default_factory=dict)

    def add(self, request: str, answer: httpx2.Response) -> None:
        self.answers[request, answer.status_code] += 1
        self.seconds.setdefault(request, []).append(answer.elapsed.total_seconds())

    def lines(self) -> Iterator[str]:
        for request, seconds in self.seconds.items():
            seconds.sort()
            median, late = seconds[len(seconds) // 2], seconds[int(len(seconds) * 0.99)]
            statuses = ", ".join(f"{n} x {code}" for (name, code), n in sorted(self.answers.items()) if name == request)
            yield f"  {request:<14} {statuses}; median {median * 1000:.0f} ms, 99 % within {late * 1000:.0f} ms"

    @property
    def refused(self) -> int:
        return sum(count for (_, status), count in self.answers.items() if status != 200)


def invented_calls(calls: int, callers: int) -> Iterator[SimulatedCall]:
    """`calls` calls of the last thirty days by `callers` callers, the oldest first."""
    now = int(time.time())
    chance = random.Random()  # noqa: S311
    for number in range(calls):
        caller = number % callers
        first, last = _FIRST_NAMES[caller % len(_FIRST_NAMES)], _LAST_NAMES[caller // 2 % len(_LAST_NAMES)]
        errand, fact, value, title = chance.choice(_ERRANDS)
        name = f"{first} {last}"
        script = Script(
            turns=(
                ("agent", "Hello, how can I help you?"),
                ("user", f"Hello, this is {name}. I would like to {errand}."),
                ("agent", "Gladly. Is there anything else?"),
                ("user", chance.choice(_ASIDES)),
                ("agent", f"Noted. Goodbye, {first}!"),
            ),
            facts={"First Name": first, "Last name": last, fact: value},
            summary=f"{first} wanted to {errand.replace('my ', 'their ')}.",
            title=title,
        )
        started_at = now - 120 - (calls - number) * _DAYS * 86400 // (calls + 1)
        seconds = chance.randrange(20, 90)
        yield SimulatedCall(invented_number(caller), name, script=script, started_at=started_at, seconds=seconds)


def invented_number(caller: int) -> str:
    """A number in the range reserved for fiction, 555-0100 to 555-0199; each hundred has another area code."""
    return f"+1{_AREAS[caller // 100]}55501{caller % 100:02}"


def play(
    client: httpx2.Client, calls: Iterable[SimulatedCall], *, rate: float, patient: bool, done: Callable[[], object]
) -> Tally:
    """Send ring, transcription and recording of each call, at most `rate` calls a second (0: no limit).

    The transcription has the variables of the ring's answer, as ElevenLabs' does. A caller's calls are sent in turn.
    If `patient`, each later call waits until the worker has remembered one, unless a wait takes too long. `done` is
    called after each call.
    """
    tally, secret = Tally(), first_key("ELEVENLABS_POST_CALL_KEY")
    locks, called = defaultdict[str, Lock](Lock), set[str]()

    def send(call: SimulatedCall) -> None:
        with locks[call.caller]:
            answer = ring(call)
            tally.add("ring", answer)
            event = call.transcription()
            if answer.status_code == 200:
                given, initiation = answer.json(), event["data"]["conversation_initiation_client_data"]
                initiation["dynamic_variables"] |= given["dynamic_variables"]
                initiation["conversation_config_override"] = given["conversation_config_override"]
            tally.add("transcription", deliver(client, event, secret))
            tally.add("recording", deliver(client, call.audio(), secret))
            called.add(call.caller)
        done()

    def ring(call: SimulatedCall) -> httpx2.Response:
        headers = {"x-api-key": first_key("ELEVENLABS_CLIENT_DATA_KEY")}
        nonlocal patient
        until = time.monotonic() + _LONGEST_WAIT_SECONDS
        while True:
            answer = client.post("/webhook/client-data", json=call.ring, headers=headers)
            is_known = answer.status_code != 200 or answer.json()["dynamic_variables"]["returning_caller"] == "yes"
            patient = patient and time.monotonic() < until
            if is_known or not patient or call.caller not in called:
                return answer
            time.sleep(0.1)

    _concurrently(send, _paced(calls, rate))
    return tally


def replay(client: httpx2.Client, folder: Path, *, rate: float, done: Callable[[], object]) -> Tally:
    """Deliver the payloads of a payload folder, signed now: JSON byte for byte, recordings as audio events."""
    tally, secret = Tally(), first_key("ELEVENLABS_POST_CALL_KEY")

    def send(path: Path) -> None:
        if path.suffix == ".mp3":
            tally.add("recording", deliver_body(client, _audio_event(path), secret, chunked=True))
        else:
            kind = "transcription" if path.stem.endswith("_transcription") else "other event"
            tally.add(kind, deliver_body(client, path.read_bytes(), secret))
        done()

    _concurrently(send, _paced(stored_payloads(folder), rate))
    return tally


def stored_payloads(folder: Path) -> list[Path]:
    """The paths of all payloads in a payload folder, without receipts and other versions."""
    return sorted(
        path
        for conversation in folder.iterdir()
        if conversation.is_dir() and not conversation.name.startswith("_")
        for path in conversation.iterdir()
        if path.stem.startswith(f"{conversation.name}_") and "." not in path.stem and not path.stem.endswith("_memory")
    )


def _audio_event(path: Path) -> bytes:
    conversation_id = path.stem.removesuffix("_audio")
    try:
        transcription = orjson.loads(path.with_name(f"{conversation_id}_transcription.json").read_bytes())
        agent_id = transcription["data"]["agent_id"]
    except (OSError, ValueError, TypeError, KeyError):
        agent_id = None
    audio = base64.b64encode(path.read_bytes()).decode()
    data = {"agent_id": agent_id, "conversation_id": conversation_id, "full_audio": audio}
    event = {"type": "post_call_audio", "event_timestamp": int(path.stat().st_mtime), "data": data}
    return orjson.dumps(event)


def _concurrently[T](send: Callable[[T], None], items: Iterable[T]) -> None:
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="load") as pool:
        for future in [pool.submit(send, item) for item in items]:
            future.result()


def _paced[T](items: Iterable[T], rate: float) -> Iterator[T]:
    began = time.monotonic()
    for number, item in enumerate(items):
        if rate:
            time.sleep(max(0.0, began + number / rate - time.monotonic()))
        yield item
