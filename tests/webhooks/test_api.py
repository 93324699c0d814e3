"""The three webhooks as ElevenLabs meets them: over HTTP, on a server that really runs."""

import base64
import json
import time
from http.client import HTTPConnection
from typing import Any

import pytest

from tests.harness.samples import new_number, raw_sample, sample, transcription
from tests.harness.server import SECRET, Server, wait_until
from webhooks.schemas import ClientData, PostCallAnswer, SearchData
from webhooks.signature import signed

NEUTRAL = {
    "type": "conversation_initiation_client_data",
    "dynamic_variables": {
        "user_name": "",
        "user_profile_summary": "",
        "last_call_summary": "",
        "returning_caller": "no",
        "call_count": "0",
        "open_request": "",
        "agent_promise": "",
        "preferred_language": "",
    },
    "conversation_config_override": {},
}
KEY_HEADERS = {"/webhook/client-data": "client-data-key", "/webhook/search-data": "search-data-key"}


# The ring


def test_a_stranger_gets_every_variable_empty_and_no_override(server: Server) -> None:
    assert server.ring(new_number()) == NEUTRAL


def test_a_returning_caller_is_greeted_by_name_with_what_was_said_last(server: Server) -> None:
    caller = new_number()
    server.deliver(transcription(caller, "Hi.", facts={"first_name": "Maya"}, summary="Moved the appointment."))
    answer = server.ring(caller)
    assert answer["dynamic_variables"] == {
        "user_name": "Maya",
        "user_profile_summary": "The caller is Maya. They have called once before, on 21 September 2026.",
        "last_call_summary": "On 21 September 2026: Moved the appointment.",
        "returning_caller": "yes",
        "call_count": "1",
        "open_request": "",
        "agent_promise": "",
        "preferred_language": "",
    }
    assert answer["conversation_config_override"] == {
        "agent": {"first_message": "Welcome back, Maya! How can I help you today?"}
    }


def test_a_known_caller_without_a_name_is_not_greeted(server: Server) -> None:
    caller = new_number()
    server.deliver(transcription(caller, "Hi.", summary="Asked for the opening hours."))
    answer = server.ring(caller)
    assert answer["conversation_config_override"] == {}
    assert answer["dynamic_variables"]["returning_caller"] == "yes"
    assert answer["dynamic_variables"]["last_call_summary"].endswith("Asked for the opening hours.")


def test_a_caller_is_recognised_in_any_spelling_of_the_number(server: Server) -> None:
    caller = new_number()
    server.deliver(transcription(caller, "Hi.", facts={"first_name": "Maya"}))
    for spelling in (caller[1:], int(caller[1:]), f"sip:{caller}@trunk.example.com"):
        assert server.ring(spelling)["dynamic_variables"]["user_name"] == "Maya"


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{", b"[]", b"null", b'"text"', b"7", b"\xff\xfe", b"{" * 5000, b"[" * 100_000, b"x" * 3_000_000),
        *(
            b"{}",
            b'{"caller_id": null}',
            b'{"caller_id": {"a": 1}}',
            b'{"caller_id": "anonymous"}',
            b'{"caller_id": ""}',
        ),
        *(b'{"caller_id": "{{system__caller_id}}"}', b'{"caller_id": "\\ud800"}', b'{"caller_id": 1e400}'),
    ],
)
def test_with_the_right_key_a_ring_is_always_answered(server: Server, body: bytes) -> None:
    answer = server.client.post("/webhook/client-data", content=body, headers={"x-api-key": "client-data-key"})
    assert (answer.status_code, answer.json()) == (200, NEUTRAL)


# The search


@pytest.mark.faults
def test_a_ring_may_come_on_a_connection_that_was_idle_for_as_long_as_senders_keep_one(server: Server) -> None:
    # Many keep one for five seconds, and so do many servers: then a ring is lost now and then.
    connection = HTTPConnection("127.0.0.1", int(server.environment["PORT"]))
    for pause in (0, 5.01, 7):
        time.sleep(pause)
        connection.request("POST", "/webhook/client-data", "{}", {"X-Api-Key": "client-data-key"})
        assert json.loads(connection.getresponse().read())["type"] == "conversation_initiation_client_data"
    connection.close()


def test_a_search_finds_what_this_caller_said_and_whose_question_it_answered(server: Server) -> None:
    caller = new_number()
    event = transcription(caller, "My dog is called Biscuit.", facts={"first_name": "Maya", "city": "Duluth"})
    server.deliver(event)
    assert server.search("Which dog?", caller) == {
        "profile": {
            "name": "Maya",
            "summary": "The caller is Maya. City: Duluth. They have called once before, on 21 September 2026.",
            "facts": {"city": "Duluth", "first_name": "Maya"},
        },
        "memories": [
            {
                "content": "My dog is called Biscuit.",
                "sector": "semantic",
                "salience": 0.8,
                "said_at": "2026-09-21T14:13:20+00:00",
                "asked": "Question 0?",
                "conversation_id": event["data"]["conversation_id"],
            }
        ],
    }


def test_a_search_never_shows_another_callers_memory(server: Server) -> None:
    one, other = new_number(), new_number()
    for caller in (one, other):
        server.deliver(transcription(caller, "Yes please.", f"My dog is called Dog{caller[-4:]}."))
    found = [memory["content"] for memory in server.search("dog", one)["memories"]]
    assert found[0] == f"My dog is called Dog{one[-4:]}."
    assert not any(other[-4:] in content for content in found)
    assert found.count("Yes please.") <= 1


@pytest.mark.parametrize("nobody", ["anonymous", "", None, "{{system__caller_id}}", "Maya", 7])
def test_a_search_for_nobody_finds_nothing(server: Server, nobody: object) -> None:
    assert server.search("dog", nobody) == {"profile": None, "memories": []}


def test_a_search_knows_the_caller_by_either_name_of_the_field(server: Server) -> None:
    caller = new_number()
    server.deliver(transcription(caller, "My dog is called Biscuit."))
    for fields in ({"user_id": caller}, {"caller_id": caller}, {"user_id": None, "caller_id": caller[1:]}):
        headers = {"x-api-key": "search-data-key"}
        answer = server.client.post("/webhook/search-data", json={"query": "dog", **fields}, headers=headers)
        assert len(answer.json()["memories"]) == 1


@pytest.mark.parametrize(("k", "found"), [(None, 8), (3, 3), ("3", 3), (0, 1), (-7, 1), (5000, 50)])
def test_a_search_returns_at_most_k(server: Server, k: object, found: int) -> None:
    caller = "+14155550177"
    server.post_call(
        transcription(caller, *(f"My dog number {n} barks." for n in range(55)), conversation_id="conv_many_dogs")
    )
    server.wait_for_receipt("conv_many_dogs")
    assert len(server.search("dog", caller, **({} if k is None else {"k": k}))["memories"]) == found


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{}", 422),
        (b'{"query": ""}', 422),
        (b'{"query": "   "}', 422),
        (b'{"query": null}', 422),
        (b'{"query": {"a": 1}}', 422),
        (b"[]", 422),
        (b"null", 422),
        (b"{", 400),
        (b"", 422),
        (b"\xff", 400),
        (b"[" * 100_000, 400),
        (b'{"query": "' + b"x" * 3_000_000, 400),
    ],
)
def test_a_malformed_search_gets_a_clear_error(server: Server, body: bytes, status: int) -> None:
    answer = server.client.post("/webhook/search-data", content=body, headers={"x-api-key": "search-data-key"})
    assert answer.status_code == status
    assert answer.json()["detail"]


# Keys


@pytest.mark.parametrize("path", KEY_HEADERS)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-api-key": ""},
        {"x-api-key": "wrong"},
        {"x-api-key": "post-call-secret"},
        {"x-api-key": "kéy"},
        {"authorization": "Bearer wrong"},
        {"authorization": "Bearer"},
        {"authorization": "Basic client-data-key"},
    ],
)
def test_without_the_right_key_nothing_is_told(server: Server, path: str, headers: dict[str, str]) -> None:
    encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
    answer = server.client.post(path, json={"query": "dog", "caller_id": "+14155550100"}, headers=encoded)
    assert answer.status_code == 401
    assert answer.json() == {"detail": "Unauthorized"}


@pytest.mark.parametrize("path", KEY_HEADERS)
def test_a_key_may_come_as_a_bearer_token(server: Server, path: str) -> None:
    headers = {"authorization": f"Bearer {KEY_HEADERS[path]}"}
    assert server.client.post(path, json={"query": "dog"}, headers=headers).status_code == 200


# The end of a call


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("transcription_returning_caller", "transcription.json"),
        ("transcription_new_caller", "transcription.json"),
        ("transcription_failed_1008", "transcription.json"),
        ("transcription_web_call_without_phone", "transcription.json"),
        ("call_initiation_failure_sip", "failure.json"),
        ("call_initiation_failure_twilio", "failure.json"),
    ],
)
def test_a_signed_payload_is_stored_byte_for_byte(server: Server, name: str, file: str) -> None:
    event = sample(name)
    event["data"]["conversation_id"] += "_stored"
    body = json.dumps(event, indent=3).encode()
    answer = server.post_call(body)
    conversation_id = event["data"]["conversation_id"]
    assert answer.status_code == 200
    assert answer.json() == {"status": "received", "type": event["type"], "conversation_id": conversation_id}
    assert (server.payloads / conversation_id / f"{conversation_id}_{file}").read_bytes() == body


def test_a_recording_that_comes_in_chunks_is_stored_as_mp3(server: Server) -> None:
    body = raw_sample("audio")
    headers = {"elevenlabs-signature": signed(body, SECRET, int(time.time()))}
    chunks = (body[start : start + 20] for start in range(0, len(body), 20))
    answer = server.client.post("/webhook/post-call", content=chunks, headers=headers)
    assert answer.json()["status"] == "received"
    stored = server.payloads / "conv_example_returning" / "conv_example_returning_audio.mp3"
    assert stored.read_bytes() == base64.b64decode(sample("audio")["data"]["full_audio"])


def test_the_same_transcription_twice_is_one_file_and_the_same_memories(server: Server) -> None:
    caller = new_number()
    event = transcription(caller, "My dog is called Biscuit.")
    conversation_id = event["data"]["conversation_id"]
    server.deliver(event)
    before = server.search("dog", caller)
    assert server.post_call(event).json() == {
        "status": "duplicate",
        "type": "post_call_transcription",
        "conversation_id": conversation_id,
    }
    assert server.search("dog", caller) == before
    assert server.ring(caller)["dynamic_variables"]["call_count"] == "1"
    files = {path.name for path in (server.payloads / conversation_id).iterdir()}
    assert files == {f"{conversation_id}_transcription.json", f"{conversation_id}_memory.json"}


@pytest.mark.parametrize(
    "header",
    [
        None,
        b"",
        b"t=1,v0=0",
        b"nonsense",
        b"\xff\xfe",
        b"t=\xc3\xa9,v0=\xff",
        b"t=99999999999999999999,v0=" + b"0" * 64,
        signed(b"another body", SECRET, int(time.time())).encode(),
        signed(raw_sample("audio"), "another secret", int(time.time())).encode(),
        signed(raw_sample("audio"), SECRET, int(time.time()) - 1900).encode(),
        signed(raw_sample("audio"), SECRET, int(time.time()) + 4000).encode(),
        signed(raw_sample("audio"), SECRET, int(time.time())).encode()[:-1],
    ],
)
def test_whatever_is_wrong_with_a_signature_nothing_is_kept(server: Server, header: bytes | None) -> None:
    before = _payload_files(server)
    headers: list[tuple[bytes, bytes]] = [] if header is None else [(b"elevenlabs-signature", header)]
    answer = server.client.post("/webhook/post-call", content=raw_sample("audio"), headers=headers)
    assert answer.status_code == 401
    assert "signature" in answer.json()["detail"]
    assert _payload_files(server) == before
    wait_until(lambda: not list((server.payloads / "_spool").iterdir()))


def _payload_files(server: Server) -> set[str]:
    """What deliveries have left, without what the worker may be writing about earlier ones."""
    files = {str(path.relative_to(server.payloads)) for path in server.payloads.rglob("*") if path.is_file()}
    return {name for name in files if not name.startswith(("_spool/", "_locks/")) and not name.endswith("_memory.json")}


def test_a_signed_body_that_cannot_be_read_is_kept_and_said_so(server: Server) -> None:
    answer = server.post_call(b"not json, but signed")
    assert (answer.status_code, answer.json()) == (200, {"status": "unreadable", "type": "", "conversation_id": ""})
    kept = [path.read_bytes() for path in (server.payloads / "_unreadable").iterdir()]
    assert b"not json, but signed" in kept


@pytest.mark.parametrize("caller", ["anonymous", "+266696687", None])
def test_a_stranger_leaves_a_payload_but_no_memory(server: Server, caller: str | None) -> None:
    event = transcription(caller, "My dog is called Biscuit.", facts={"first_name": "Maya"})
    server.deliver(event)
    receipt = server.wait_for_receipt(event["data"]["conversation_id"])
    assert (receipt["caller"], receipt["memories"]) == (None, [])
    assert server.ring(caller) == NEUTRAL


def test_an_outbound_call_is_remembered_with_the_party_that_was_called(server: Server) -> None:
    customer = new_number()
    event = transcription(
        "+14155550199",
        "Hello?",
        facts={"first_name": "Pepe"},
        metadata={"phone_call": {"direction": "outbound", "external_number": customer}},
    )
    server.deliver(event)
    assert server.ring(customer)["dynamic_variables"]["user_name"] == "Pepe"
    assert server.ring("+14155550199") == NEUTRAL


def test_an_old_call_that_arrives_late_does_not_overwrite_a_newer_ones_facts(server: Server) -> None:
    caller = new_number()
    server.deliver(transcription(caller, "Hi.", facts={"first_name": "Maya"}, started_at=1_790_100_000))
    server.deliver(transcription(caller, "Hi.", facts={"first_name": "Mia"}, started_at=1_790_000_000))
    answer = server.ring(caller)["dynamic_variables"]
    assert (answer["user_name"], answer["call_count"]) == ("Maya", "2")


# Around them


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/webhook/client-data", 405),
        ("PUT", "/webhook/post-call", 405),
        ("POST", "/webhook/nothing", 404),
        ("POST", "/webhook/client-data/", 401),
        ("POST", "/webhook/%ff%fe", 404),
    ],
)
def test_machines_never_get_a_page(server: Server, method: str, path: str, status: int) -> None:
    answer = server.client.request(method, path)
    assert answer.status_code == status
    assert answer.json()["detail"]


def test_the_api_describes_itself(server: Server) -> None:
    document = server.client.get("/webhook/openapi.json").json()
    assert set(document["paths"]) == {"/webhook/client-data", "/webhook/search-data", "/webhook/post-call"}
    assert {"200", "400", "401", "422"} <= set(document["paths"]["/webhook/search-data"]["post"]["responses"])
    assert server.client.get("/webhook/docs").status_code == 200


def test_answers_are_what_the_api_describes(server: Server) -> None:
    caller = new_number()
    event = transcription(caller, "My dog is called Biscuit.", facts={"first_name": "Maya"})
    assert PostCallAnswer.model_validate_json(server.post_call(event).content).status == "received"
    server.wait_for_receipt(event["data"]["conversation_id"])
    assert ClientData.model_validate(server.ring(caller)).dynamic_variables["user_name"] == "Maya"
    found = SearchData.model_validate(server.search("dog", caller))
    assert found.profile is not None
    assert found.memories[0].asked == "Question 0?"


def test_health_tells_of_memory_payloads_and_queue(server: Server) -> None:
    answer = server.client.get("/health")
    state: dict[str, Any] = answer.json()
    assert answer.status_code == 200
    assert state["openmemory"] == {"mode": "embedded", "ok": True, "detail": "sqlite"}
    assert state["payloads"]["ok"] is True
    assert set(state["queue"]) == {"pending", "failed", "oldest_seconds"}


def test_the_log_names_conversations_and_nobody(server: Server) -> None:
    caller = new_number()
    event = transcription(caller, "My cat is called Sesame.", facts={"first_name": "Quenby"})
    server.deliver(event)
    server.ring(caller)
    server.search("Sesame", caller)
    assert event["data"]["conversation_id"] in server.output
    for secret in (caller, caller[1:], "Sesame", "Quenby", "client-data-key", SECRET):
        assert secret not in server.output
