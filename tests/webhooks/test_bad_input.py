"""Whatever comes in: no 5xx, no page, no crash; what is signed is kept, and what can be read of a call is remembered.

FUZZ_CASES and FUZZ_SEED change how many cases are tried and which; every failure names its own.
"""

import contextlib
import itertools
import json
import os
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx2
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.harness import fuzzer
from tests.harness.server import SECRET, Server, wait_until
from webhooks.signature import signed

pytestmark = pytest.mark.faults

CASES = int(os.environ.get("FUZZ_CASES") or 2000)
SEED = int(os.environ.get("FUZZ_SEED") or 0)
KEYS = {"/webhook/client-data": "client-data-key", "/webhook/search-data": "search-data-key"}
STATUSES = {
    "/webhook/post-call": {200},
    "/webhook/client-data": {200},
    "/webhook/search-data": {200, 400, 422},
}
SENDERS = 8
# The description says what is answered, not what is refused: any body at all may come.
CHECKS = (
    schemathesis.checks.not_a_server_error,
    schemathesis.checks.status_code_conformance,
    schemathesis.checks.content_type_conformance,
    schemathesis.checks.response_schema_conformance,
)


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("fuzzed"), RING_DEADLINE_MS="10000", SEARCH_DEADLINE_MS="10000") as running:
        yield running


def test_mutated_payloads_break_nothing_and_lose_nothing(fuzzed: Server) -> None:
    print(f"FUZZ_SEED={SEED} FUZZ_CASES={CASES}")  # noqa: T201
    problems: list[str] = []
    expected: list[tuple[str, str | None, str | None, fuzzer.Words | None]] = []

    def send(number: int) -> None:
        case = fuzzer.case(SEED, number)
        if problem := problem_with(fuzzed.client, case):
            problems.append(f"{case}: {problem}")
        if case.path == "/webhook/post-call":
            recording = fuzzer.recording_in(case.readable)
            expected.append(
                (
                    str(case),
                    sha256(case.body).hexdigest(),
                    None if recording is None else sha256(recording).hexdigest(),
                    fuzzer.words_in(case.readable),
                )
            )

    with ThreadPoolExecutor(SENDERS) as pool:
        for batch in itertools.batched(range(CASES), 500):
            list(pool.map(send, batch))
    assert fuzzed.process.poll() is None
    wait_for_receipts(fuzzed, [words.conversation_id for *_, words in expected if words])
    kept = {sha256(path.read_bytes()).hexdigest() for path in fuzzed.payloads.rglob("*") if path.is_file()}
    remembered = messages(fuzzed.folder / "memory.sqlite3")
    for name, body, recording, words in expected:
        if body not in kept and recording not in kept:
            problems.append(f"{name}: not kept")
        if words and (found := remembered.get((words.caller, words.conversation_id), Counter())) != words.said:
            problems.append(f"{name}: {words.said.total()} sentences said, {found.total()} remembered")
    problems += [line for line in fuzzed.output.splitlines() if "Traceback" in line or "error    ]" in line]
    assert not problems, "\n".join([f"{len(problems)} problems", *problems[:50]])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)
ANY_BODY = st.binary(max_size=300) | JSON.map(lambda value: json.dumps(value).encode())
over_http = settings(max_examples=300, suppress_health_check=list(HealthCheck))


def bodies(*names: str) -> st.SearchStrategy[bytes]:
    """Any body, often an object with values of any kind under the names that the endpoint knows."""
    known = st.fixed_dictionaries({}, optional={name: JSON | st.just("+14155550100") for name in names})
    return ANY_BODY | known.map(lambda value: json.dumps(value).encode())


@over_http
@given(body=bodies("caller_id", "called_number", "agent_id", "call_sid"))
def test_any_ring_is_answered_whole(fuzzed: Server, body: bytes) -> None:
    answer = fuzzed.client.post("/webhook/client-data", content=body, headers={"x-api-key": "client-data-key"})
    assert answer.status_code == 200
    assert answer.json()["type"] == "conversation_initiation_client_data"
    assert all(isinstance(value, str) for value in answer.json()["dynamic_variables"].values())


@over_http
@given(body=bodies("query", "user_id", "caller_id", "called_number", "agent_id", "conversation_id", "k", "context"))
def test_any_search_is_answered_in_json(fuzzed: Server, body: bytes) -> None:
    headers = {"x-api-key": "search-data-key", "content-type": "application/json"}
    answer = fuzzed.client.post("/webhook/search-data", content=body, headers=headers)
    assert answer.status_code in STATUSES["/webhook/search-data"]
    assert ("memories" if answer.status_code == 200 else "detail") in answer.json()


@over_http
@given(body=ANY_BODY)
def test_any_signed_body_is_kept(fuzzed: Server, body: bytes) -> None:
    answer = fuzzed.post_call(body)
    assert (answer.status_code, answer.json()["status"]) == (200, "unreadable")
    assert (fuzzed.payloads / "_unreadable" / f"{sha256(body).hexdigest()}.json").read_bytes() == body


@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode))
@pytest.mark.parametrize("path", STATUSES)
def test_the_server_keeps_to_its_own_description(fuzzed: Server, path: str, mode: schemathesis.GenerationMode) -> None:
    description = schemathesis.openapi.from_url(f"{fuzzed.url}/webhook/openapi.json")
    headers = {"x-api-key": KEYS[path]} if path in KEYS else {}

    @over_http
    @given(case=description[path]["POST"].as_strategy(generation_mode=mode))
    def keep_to_it(case: Any) -> None:
        case.call_and_validate(headers=headers, auth=sign, checks=CHECKS)

    keep_to_it()


def sign(request: Any) -> Any:
    """What must be signed is known once the request has been prepared."""
    body = request.body.encode() if isinstance(request.body, str) else request.body or b""
    request.headers["elevenlabs-signature"] = signed(body, SECRET, int(time.time()))
    return request


def problem_with(client: httpx2.Client, case: fuzzer.Case) -> str:
    headers = {"content-type": "application/json"}
    if key := KEYS.get(case.path):
        headers["x-api-key"] = key
    else:
        headers["elevenlabs-signature"] = signed(case.body, SECRET, int(time.time()))
    try:
        answer = client.post(case.path, content=case.body, headers=headers)
    except httpx2.TransportError as error:
        return f"no answer: {type(error).__name__}"
    if answer.status_code not in STATUSES[case.path] or not answer.headers["content-type"].startswith(
        "application/json"
    ):
        return f"{answer.status_code} {answer.text[:200]}"
    return "" if isinstance(answer.json(), dict) else "no JSON object"


def wait_for_receipts(server: Server, conversation_ids: list[str]) -> None:
    """Wait until the worker has processed these calls. Those that it does not are reported later, with their seeds."""
    waiting = set(conversation_ids)

    def none_waits() -> bool:
        for conversation_id in tuple(waiting):
            path = server.payloads / conversation_id / f"{conversation_id}_memory.json"
            if path.exists() and json.loads(path.read_bytes())["payload"]:
                waiting.remove(conversation_id)
        return not waiting

    with contextlib.suppress(AssertionError):
        wait_until(none_waits, 60 + CASES / 8)


def messages(database: Path) -> dict[tuple[str, str], Counter[str]]:
    """What is remembered of each caller's words, by caller and conversation."""
    found: dict[tuple[str, str], Counter[str]] = {}
    connection = sqlite3.connect(database)
    try:
        for caller, content, raw in connection.execute("SELECT user_id, content, metadata FROM memory"):
            metadata = json.loads(raw)
            words = found.setdefault((caller, metadata.get("conversation_id")), Counter())
            if metadata["kind"] == "message":
                words[content] += 1
    finally:
        connection.close()
    return found
