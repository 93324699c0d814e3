"""A webhook's body in every encoding and under every path that senders and proxies make of it."""

import base64
import gzip
import json
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any

import pytest

from conversations.files.encodings import TooLarge, read_json
from conversations.payloads.outline import NotReadable, parse, read_outline
from elmemory.serving.lean import MAX_BODY
from tests.harness.samples import new_number, sample, transcription
from tests.harness.server import SECRET, Server
from webhooks.signature import signed

KEYS = {"x-api-key": "client-data-key"}
SEARCH_KEYS = {"x-api-key": "search-data-key"}
MARKED: list[Callable[[str], bytes]] = [
    lambda text: b"\xef\xbb\xbf" + text.encode(),
    lambda text: text.encode("utf-16"),
    lambda text: text.encode("utf-16-be"),
    lambda text: text.encode("utf-32"),
]
COMPRESSED: list[Callable[[bytes], bytes]] = [
    gzip.compress,
    zlib.compress,
    lambda body: zlib.compress(body, 1),
    lambda body: gzip.compress(body[:20]) + gzip.compress(body[20:]),
]


@pytest.fixture(scope="module")
def known(server: Server) -> str:
    """A caller whom the server knows as Imke, with a dog."""
    caller = new_number()
    server.deliver(transcription(caller, "My dog is called Biscuit.", facts={"first_name": "Imke"}))
    return caller


def ring(server: Server, body: bytes, **headers: str) -> str:
    answer = server.client.post("/webhook/client-data", content=body, headers=KEYS | headers)
    assert answer.status_code == 200
    name: str = answer.json()["dynamic_variables"]["user_name"]
    return name


@pytest.mark.parametrize("encoded", MARKED)
def test_rings_and_searches_are_read_in_any_unicode_encoding(
    server: Server, known: str, encoded: Callable[[str], bytes]
) -> None:
    assert ring(server, encoded(json.dumps({"caller_id": known}))) == "Imke"
    body = encoded(json.dumps({"user_id": known, "query": "dog"}))
    found = server.client.post("/webhook/search-data", content=body, headers=SEARCH_KEYS)
    assert len(found.json()["memories"]) == 1


@pytest.mark.parametrize("header", ["gzip", "deflate", "x-gzip", ""])
@pytest.mark.parametrize("compressed", COMPRESSED)
def test_rings_and_searches_are_read_compressed(
    server: Server, known: str, compressed: Callable[[bytes], bytes], header: str
) -> None:
    headers = {"content-encoding": header} if header else {}
    assert ring(server, compressed(json.dumps({"caller_id": known}).encode()), **headers) == "Imke"
    body = compressed(json.dumps({"user_id": known, "query": "dog"}).encode())
    found = server.client.post("/webhook/search-data", content=body, headers=SEARCH_KEYS | headers)
    assert len(found.json()["memories"]) == 1


def test_a_header_that_promises_compression_does_not_hide_a_plain_body(server: Server, known: str) -> None:
    assert ring(server, json.dumps({"caller_id": known}).encode(), **{"content-encoding": "gzip"}) == "Imke"


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "¿?", ""])
def test_the_content_type_does_not_matter(server: Server, known: str, kind: str) -> None:
    headers: dict[str, Any] = {"content-type": kind.encode()} if kind else {}
    for path, keys in (("client-data", KEYS), ("search-data", SEARCH_KEYS)):
        body = json.dumps({"caller_id": known, "query": "dog"}).encode()
        answer = server.client.post(f"/webhook/{path}", content=body, headers={**keys, **headers})
        assert "Biscuit" in answer.text or "Imke" in answer.text


@pytest.mark.parametrize(
    "body",
    [
        gzip.compress(b"{}" + b" " * 20_000_000),
        gzip.compress(b'{"caller_id": "+14155550100"}')[:-9],
        b"\x1f\x8b",
        b"\x78\x9c",
        b"x\x9cgarbage",
        gzip.compress(gzip.compress(b"{}")),
        b"\xce\xb2\xcf\x81",
        "{}".encode("utf-16")[:3],
    ],
)
def test_a_ring_whose_body_cannot_be_read_is_answered_and_a_search_gets_an_error(server: Server, body: bytes) -> None:
    assert ring(server, body) == ""
    answer = server.client.post("/webhook/search-data", content=body, headers=SEARCH_KEYS)
    assert answer.status_code == 400
    assert answer.json()["detail"]


def test_a_small_body_that_decompresses_to_gigabytes_costs_no_memory() -> None:
    bomb = zlib.compressobj(9)
    body = b"".join(bomb.compress(bytes(2**20)) for _ in range(512)) + bomb.flush()
    tracemalloc.start()
    try:
        with pytest.raises(TooLarge):
            read_json(body, most=MAX_BODY)
        assert tracemalloc.get_traced_memory()[1] < 8 * MAX_BODY
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("wrapped", ["/webhook/{}/", "//webhook/{}", "/webhook//{}", "/webhook/{}//"])
def test_slashes_too_many_lose_no_body(server: Server, known: str, wrapped: str) -> None:
    body = {"caller_id": known, "query": "dog"}
    ringing = server.client.post(server.url + wrapped.format("client-data"), json=body, headers=KEYS)
    assert ringing.json()["dynamic_variables"]["user_name"] == "Imke"
    found = server.client.post(server.url + wrapped.format("search-data"), json=body, headers=SEARCH_KEYS)
    assert len(found.json()["memories"]) == 1
    event = json.dumps(transcription(new_number(), "Hello.")).encode()
    headers = {"elevenlabs-signature": signed(event, SECRET, int(time.time()))}
    delivered = server.client.post(server.url + wrapped.format("post-call"), content=event, headers=headers)
    assert delivered.json()["status"] == "received"


@pytest.mark.parametrize("path", ["client-data", "search-data", "post-call"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
def test_other_methods_are_told_which_one_is_right(server: Server, path: str, method: str) -> None:
    answer = server.client.request(method, f"/webhook/{path}")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert answer.headers["content-type"] == "application/json"
    assert answer.content == b"" if method == "HEAD" else answer.json() == {"detail": "Method Not Allowed"}


@pytest.mark.parametrize(
    ("k", "found"),
    [
        *(("2", 2), ("2.0", 2), (2.0, 2), (" 2 ", 2), (2.7, 2), ("0", 1), (10**30, 12), (-1e300, 1)),
        *((k, 8) for k in (None, "", "many", "NaN", "inf", [], [2], {}, {"k": 2}, True, "2 of them")),
    ],
)
def test_an_unusable_k_is_none(server: Server, k: object, found: int) -> None:
    caller = "+14155550161"
    if not server.search("parrot", caller)["memories"]:
        server.deliver(transcription(caller, *(f"My parrot number {n} talks." for n in range(12))))
    assert len(server.search("parrot", caller, k=k)["memories"]) == found


@pytest.mark.parametrize("query", [42, 4.5, "42"])
def test_a_query_may_be_a_number(server: Server, query: object) -> None:
    assert server.search(query, new_number())["memories"] == []  # type: ignore[arg-type]


@pytest.mark.parametrize("body", [b'{"query": "\\ud800 dog"}', b'{"query": "dog", "user_id": "\\udfff"}'])
def test_half_a_character_breaks_nothing(server: Server, body: bytes) -> None:
    answer = server.client.post("/webhook/search-data", content=body, headers=SEARCH_KEYS)
    assert answer.status_code in (200, 422)


@pytest.mark.parametrize("user_id", [[], {}, ["+14155550100"], {"a": 1}, True, 1.5, 10**40])
def test_a_user_id_of_any_type_is_answered(server: Server, user_id: object) -> None:
    assert server.search("dog", user_id) == {"profile": None, "memories": []}


# The end of a call


@pytest.mark.parametrize("encoded", MARKED)
def test_a_transcription_in_any_unicode_encoding_is_stored_as_it_came_and_remembered(
    server: Server, encoded: Callable[[str], bytes]
) -> None:
    caller = new_number()
    event = transcription(caller, "Hi.", facts={"first_name": "Zoë"})
    body = encoded(json.dumps(event))
    assert server.post_call(body).json()["status"] == "received"
    conversation_id = event["data"]["conversation_id"]
    server.wait_for_receipt(conversation_id)
    assert server.ring(caller)["dynamic_variables"]["user_name"] == "Zoë"
    stored = server.payloads / conversation_id / f"{conversation_id}_transcription.json"
    assert stored.read_bytes() == body


@pytest.mark.parametrize("compressed", COMPRESSED)
@pytest.mark.parametrize("size", [0, 2_000_000])
def test_a_compressed_transcription_is_signed_as_it_comes_and_stored_decompressed(
    server: Server, compressed: Callable[[bytes], bytes], size: int
) -> None:
    event = transcription(new_number(), "Hi." + "ä" * size)
    body = json.dumps(event).encode()
    answer = server.post_call(compressed(body), **{"content-encoding": "gzip"})
    assert answer.json()["status"] == "received"
    conversation_id = event["data"]["conversation_id"]
    stored = server.payloads / conversation_id / f"{conversation_id}_transcription.json"
    assert stored.read_bytes() == body
    assert server.post_call(body).json()["status"] == "duplicate"


def test_a_compressed_recording_is_extracted(server: Server) -> None:
    event = sample("audio")
    event["data"]["conversation_id"] = "conv_compressed_recording"
    assert server.post_call(gzip.compress(json.dumps(event).encode())).json()["status"] == "received"
    path = server.payloads / "conv_compressed_recording" / "conv_compressed_recording_audio.mp3"
    assert path.read_bytes() == base64.b64decode(event["data"]["full_audio"])


@pytest.mark.parametrize("body", [gzip.compress(b'{"type": "x"}' * 9)[:-5], gzip.compress(b"no json"), b"\x1b\x2f br"])
def test_a_signed_compressed_body_that_cannot_be_read_is_kept(server: Server, body: bytes) -> None:
    before = len(list((server.payloads / "_unreadable").glob("*")))
    assert server.post_call(body).json() == {"status": "unreadable", "type": "", "conversation_id": ""}
    assert len(list((server.payloads / "_unreadable").glob("*"))) == before + 1


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that takes bodies of up to 1 MB."""
    with Server(tmp_path_factory.mktemp("small"), "--no-worker", MAX_PAYLOAD_MB="1") as running:
        yield running


@pytest.mark.parametrize(
    "body",
    [b"x" * (2**20 + 1), gzip.compress(json.dumps(transcription(new_number(), "x" * 2**20)).encode())],
    ids=["as it comes", "decompressed"],
)
def test_a_body_above_the_limit_is_answered_413_and_leaves_nothing(small: Server, body: bytes) -> None:
    answer = small.post_call(body)
    assert (answer.status_code, answer.json()) == (413, {"detail": "more than 1 MB"})
    left = [path for path in small.payloads.rglob("*") if path.is_file() and "_locks" not in path.parts]
    assert left == []


def test_an_audio_event_in_utf_16_of_any_length_is_read() -> None:
    text = json.dumps({"type": "post_call_audio", "data": {"full_audio": "A" * 2_000_000}})
    assert read_outline(BytesIO(text.encode("utf-16"))) == json.loads(text)


@pytest.mark.parametrize("raw", [b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff\x00", b"\x00\x00\xfe\xff", b"\x00"])
def test_a_byte_order_mark_alone_is_no_payload(raw: bytes) -> None:
    with pytest.raises(NotReadable):
        parse(raw)
