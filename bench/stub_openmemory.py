"""An OpenMemory server with the quirks of v1.2.3, some of whose requests fail in a chosen way."""

import random
import re
import threading
from contextlib import ExitStack
from typing import Any, Literal, Self, get_args

from tests.harness.openmemory_servers import Seen, Stub, stub_server

Fault = Literal[
    "refuses", "hangs", "commits without answering", "commits, then hangs", "500", "429", "HTML", "half a body"
]
FAULTS: tuple[Fault, ...] = get_args(Fault)
_PROBABILITY = 0.12
_LONGEST_ADDED = 200
# As the stub names them; while it refuses connections, it does not listen.
_OF_STUB: dict[Fault, Any] = {
    "hangs": "hang",
    "commits without answering": "commit, close",
    "commits, then hangs": "commit, hang",
    "500": (500, {"error": "internal"}),
    "429": (429, {"error": "rate_limited", "retry_after": 1}),
    "HTML": (200, "<!doctype html><title>Welcome to nginx!</title>"),
    "half a body": "half",
}


class FaultyOpenMemory(Stub):
    """Some requests have the `fault`; `struck` counts them. It merges texts of the same words, and cuts long ones."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.port = 0
        self.struck = 0
        self.collides = self._has_these_words
        self._fault: Fault | None = None
        self._chance = random.Random(seed)
        self._added = set[frozenset[str]]()
        self._listening = ExitStack()

    def __enter__(self) -> Self:
        self._listen()
        return self

    def __exit__(self, *error: object) -> None:
        self._listening.close()

    @property
    def fault(self) -> Fault | None:
        return self._fault

    @fault.setter
    def fault(self, fault: Fault | None) -> None:
        if fault == "refuses":
            self._listening.close()
        elif self._fault == "refuses":
            self._listen()
        self._fault = fault

    def fault_of(self, seen: Seen) -> Any:
        with self.lock:
            if self._fault is None or seen.path == "/health" or self._chance.random() >= _PROBABILITY:
                return None
            self.struck += 1
            return _OF_STUB[self._fault]

    def row(self, user_id: str, content: str, metadata: dict[str, Any] | None = None) -> dict[str, Any]:
        return super().row(user_id, content[:_LONGEST_ADDED], metadata)

    def _listen(self) -> None:
        self.ended = threading.Event()
        _, url = self._listening.enter_context(stub_server(self, self.port))
        self.port = int(url.rpartition(":")[2])

    def _has_these_words(self, content: str) -> bool:
        words = frozenset(re.findall(r"[a-z0-9]+", content.casefold()))
        is_known = words in self._added
        self._added.add(words)
        return is_known
