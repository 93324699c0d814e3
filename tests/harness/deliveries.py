"""Post-call deliveries with known content: made, sent until they are acknowledged, and verified afterwards."""

import base64
import itertools
import json
import random
import sqlite3
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import httpx2

from elmemory.memory.openmemory.protocol import BOOKKEEPER
from tests.harness.samples import transcription
from tests.harness.server import SECRET
from webhooks.signature import signed

SENDERS = 16
# Shares of all deliveries.
_AUDIO = 0.35
_SENT_TWICE = 0.05

_SENTENCES = (
    "My dog is called Biscuit and he is {n} years old.",
    "Please move my appointment to {n} o'clock.",
    "Ich wohne jetzt in der Hauptstraße {n}.",
    "Yes please.",
    "I have {n} children and they all like swimming.",
)
_numbers = itertools.count(2_000_000)


@dataclass
class Delivery:
    """A delivery, and what it must leave: a file of these bytes and, for a transcription, these memories."""

    conversation_id: str
    body: bytes
    file_name: str
    stored: bytes
    caller: str = ""
    memories: Counter[tuple[str, str]] = field(default_factory=Counter)
    acknowledged: bool = False

    @property
    def is_call(self) -> bool:
        return bool(self.caller)


class Row:
    """A memory as any store returns it."""

    def __init__(self, user_id: str, content: str, metadata: dict[str, Any]) -> None:
        self.user_id = user_id
        self.metadata = metadata
        self.kind = str(metadata.get("kind") or "")
        self.conversation_id = str(metadata.get("conversation_id") or "")
        # The wording of a call's memory is not compared.
        self.memory = self.kind, "" if self.kind == "call" else content


type Rows = Callable[[], Iterable[Row]]


def embedded_rows(database: Path) -> list[Row]:
    connection = sqlite3.connect(database)
    try:
        rows = connection.execute("SELECT user_id, content, metadata FROM memory").fetchall()
    finally:
        connection.close()
    return [Row(user_id, content, json.loads(metadata)) for user_id, content, metadata in rows]


def deliveries(count: int, chance: random.Random, *, callers: int = 40) -> list[Delivery]:
    """Transcriptions of several calls by each caller, some with their recording."""
    numbers = [f"+1415{next(_numbers)}" for _ in range(callers)]
    made: list[Delivery] = []
    while len(made) < count:
        call = _call(chance, chance.choice(numbers))
        made.append(call)
        if len(made) < count and chance.random() < _AUDIO / (1 - _AUDIO):
            made.append(_recording(chance, call.conversation_id))
    return made


def _call(chance: random.Random, caller: str) -> Delivery:
    says = [chance.choice(_SENTENCES).format(n=chance.randrange(100)) for _ in range(chance.randint(1, 5))]
    facts = {"first_name": chance.choice(("Maya", "Pepe", "Zoë")), "city": f"Springfield {chance.randrange(100)}"}
    event = transcription(
        caller,
        *says,
        facts=facts,
        summary="Talked about this and that.",
        conversation_id=f"conv_{chance.getrandbits(64):016x}",
        started_at=1_790_000_000 + chance.randrange(10_000_000),
    )
    memories = Counter({("call", ""): 1})
    memories.update(("message", sentence) for sentence in says)
    memories.update({("fact", f"First name: {facts['first_name']}"): 1, ("fact", f"City: {facts['city']}"): 1})
    body = json.dumps(event, ensure_ascii=chance.random() < 0.5).encode()
    conversation_id: str = event["data"]["conversation_id"]
    return Delivery(conversation_id, body, f"{conversation_id}_transcription.json", body, caller, memories)


def _recording(chance: random.Random, conversation_id: str) -> Delivery:
    size = 3_000_000 if chance.random() < 0.02 else chance.randint(45, 300_000)
    mp3 = chance.randbytes(size)
    event = {
        "type": "post_call_audio",
        "event_timestamp": 1_790_000_000,
        "data": {"conversation_id": conversation_id, "full_audio": base64.b64encode(mp3).decode()},
    }
    return Delivery(conversation_id, json.dumps(event).encode(), f"{conversation_id}_audio.mp3", mp3)


class Senders:
    """Threads that send each delivery to random servers until it is acknowledged, and some of them twice."""

    def __init__(self, made: Sequence[Delivery], urls: Sequence[str], chance: random.Random, *, seconds: float) -> None:
        self.attempts = 0
        self.statuses: Counter[int] = Counter()
        self.wrong_answers: list[str] = []
        self._total = len(made)
        self._acknowledged = 0
        self._urls = urls
        self._deadline = time.monotonic() + seconds
        self._lock = threading.Lock()
        self._waiting: SimpleQueue[Delivery] = SimpleQueue()
        for delivery in made:
            self._waiting.put(delivery)
        seeds = [chance.getrandbits(32) for _ in range(SENDERS)]
        self._threads = [threading.Thread(target=self._send_all, args=(random.Random(seed),)) for seed in seeds]

    def __enter__(self) -> "Senders":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        if any(error):
            self._deadline = 0
        for thread in self._threads:
            thread.join()

    def wait_for_share(self, share: float) -> None:
        """Wait until this share of the deliveries has been acknowledged."""
        while self._acknowledged < share * self._total and any(thread.is_alive() for thread in self._threads):
            time.sleep(0.005)

    def _send_all(self, chance: random.Random) -> None:
        clients = [httpx2.Client(base_url=url, timeout=20, trust_env=False) for url in self._urls]
        try:
            while time.monotonic() < self._deadline:
                try:
                    delivery = self._waiting.get_nowait()
                except Empty:
                    return
                if not self._send(delivery, chance.choice(clients), "received", "duplicate"):
                    self._waiting.put(delivery)
                    time.sleep(chance.uniform(0.01, 0.1))
                    continue
                delivery.acknowledged = True
                with self._lock:
                    self._acknowledged += 1
                if chance.random() < _SENT_TWICE:
                    self._send(delivery, chance.choice(clients), "duplicate")
        finally:
            for client in clients:
                client.close()

    def _send(self, delivery: Delivery, client: httpx2.Client, *expected: str) -> bool:
        headers = {"elevenlabs-signature": signed(delivery.body, SECRET, int(time.time()))}
        with self._lock:
            self.attempts += 1
        try:
            answer = client.post("/webhook/post-call", content=delivery.body, headers=headers)
        except httpx2.TransportError:
            return False
        with self._lock:
            self.statuses[answer.status_code] += 1
        if answer.status_code == 200 and answer.json().get("status") in expected:
            return True
        if answer.status_code != 503:
            self.wrong_answers.append(f"{delivery.file_name}: {answer.status_code} {answer.text[:200]}")
        return False


@dataclass
class Verdict:
    """Which deliveries were lost, which were stored more than once, and all problems as text."""

    lost: set[str] = field(default_factory=set)
    doubled: set[str] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)

    def lose(self, name: str, what: str) -> None:
        self.lost.add(name)
        self.problems.append(f"{name}: lost {what}")

    def double(self, name: str, what: str) -> None:
        self.doubled.add(name)
        self.problems.append(f"{name}: doubled {what}")


def judge(made: Sequence[Delivery], payloads: Path, rows: Iterable[Row]) -> Verdict:
    """Compare the acknowledged deliveries with files and memories. The servers must have finished processing."""
    verdict = Verdict()
    for delivery in made:
        path = payloads / delivery.conversation_id / delivery.file_name
        if delivery.acknowledged and not (path.exists() and path.read_bytes() == delivery.stored):
            verdict.lose(delivery.file_name, "file")
        for version in path.parent.glob(f"{path.stem}.*"):
            if version != path:
                verdict.double(delivery.file_name, f"file as {version.name}")
    _judge_memories(verdict, [delivery for delivery in made if delivery.is_call and delivery.acknowledged], rows)
    verdict.problems += [f"left behind: _spool/{path.name}" for path in (payloads / "_spool").iterdir()]
    return verdict


def _judge_memories(verdict: Verdict, calls: Sequence[Delivery], rows: Iterable[Row]) -> None:
    of_calls: dict[tuple[str, str], Counter[tuple[str, str]]] = defaultdict(Counter)
    cards: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if row.user_id == BOOKKEEPER:
            continue  # the note of the decisions that were carried out
        if row.kind == "card":
            cards[row.user_id].append(row)
        else:
            of_calls[row.user_id, row.conversation_id][row.memory] += 1
    for call in calls:
        found = of_calls.pop((call.caller, call.conversation_id), Counter())
        if missing := call.memories - found:
            verdict.lose(call.file_name, f"memories: {list(missing.elements())}")
        if more := found - call.memories:
            verdict.double(call.file_name, f"memories: {list(more.elements())}")
    for (user_id, conversation_id), memories in of_calls.items():
        verdict.double(conversation_id or "-", f"{memories.total()} memories without a delivery, of {user_id}")
    for caller, count in Counter(call.caller for call in calls).items():
        counted = [int(row.metadata.get("call_count") or 0) for row in cards.pop(caller, [])]
        if not counted or max(counted) < count:
            verdict.lose(caller, f"calls: {counted or 'no card'} of {count}")
        elif counted != [count]:
            verdict.double(caller, f"calls or cards: {counted} of {count}")
    for user_id in cards:
        verdict.double(user_id, "a card without a delivery")
