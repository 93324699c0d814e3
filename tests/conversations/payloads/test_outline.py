import base64
import io
import json
import time
import tracemalloc
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conversations.payloads.base64_text import decode_base64
from conversations.payloads.outline import LongString, NotReadable, parse, read_outline

RECORDING = bytes(range(256)) * 800


def outline_of(encoded: bytes) -> Any:
    return read_outline(io.BytesIO(encoded))


def audio_of(encoded: bytes) -> bytes:
    source, target = io.BytesIO(encoded), io.BytesIO()
    decode_base64(source, read_outline(source)["data"]["full_audio"], target.write)
    return target.getvalue()


def event(recording: bytes = RECORDING, **more: Any) -> dict[str, Any]:
    return {"type": "post_call_audio", "data": {"full_audio": base64.b64encode(recording).decode(), **more}}


def test_a_long_string_stays_in_the_file() -> None:
    encoded = json.dumps(event(conversation_id="conv_1")).encode()
    outline = outline_of(encoded)
    where = outline["data"]["full_audio"]
    assert isinstance(where, LongString)
    assert base64.b64decode(encoded[where.start : where.end]) == RECORDING
    assert outline["data"]["conversation_id"] == "conv_1"


def test_the_outline_holds_what_placing_needs_and_skips_the_rest() -> None:
    more: dict[str, Any] = {
        "transcript": [{"message": "]}"}],
        "a": {},
        "b": [],
        "c": None,
        "d": 1.5,
        "e": 'x"',
        "type": "no",
    }
    for data in ({"conversation_id": "é", **more}, {**more, "conversation_id": "é"}):
        for spelling in ({}, {"indent": 3}, {"ensure_ascii": False}, {"separators": (",", ":")}):
            encoded = json.dumps({"event_timestamp": 7, "data": data, **more, "type": "t"}, **spelling).encode()
            for body in (encoded, b"\xef\xbb\xbf" + encoded):
                assert outline_of(body) == {"type": "t", "event_timestamp": 7, "data": {"conversation_id": "é"}}


@pytest.mark.parametrize("value", ["1", '"x"', "null", "[[1], 2]"])
def test_data_that_is_no_object_is_read(value: str) -> None:
    assert outline_of(f'{{"data": {value}, "type": "t"}}'.encode())["type"] == "t"


def spelled(text: str, escapes: list[str]) -> str:
    """The text as a JSON string in which each character is written in the way that `escapes` names in turn."""
    out = []
    for position, char in enumerate(text):
        way = escapes[position % len(escapes)]
        if way == "unicode":
            out.append(f"\\u{ord(char):04x}")
        else:
            out.append("\\/" if way == "slash" and char == "/" else char)
    return '"' + "".join(out) + '"'


@given(
    recording=st.binary(max_size=300).map(lambda piece: piece * 600),
    escapes=st.lists(st.sampled_from(["plain", "unicode", "slash"]), min_size=1, max_size=7),
    space=st.text(alphabet=" \n\t\r", max_size=4),
    audio_first=st.booleans(),
    unknown=st.dictionaries(st.text(max_size=9).map("x".__add__), st.text() | st.integers() | st.none(), max_size=3),
)
def test_any_json_encoding_of_an_event_gives_the_same_recording(
    recording: bytes, escapes: list[str], space: str, audio_first: bool, unknown: dict[str, Any]
) -> None:
    audio = f'"full_audio":{space}{spelled(base64.b64encode(recording).decode(), escapes)}'
    others = [f"{json.dumps(key)}{space}:{json.dumps(value)}" for key, value in unknown.items()]
    data = f"{space},".join([audio, *others] if audio_first else [*others, audio])
    assert audio_of(f'{space}{{"data":{space}{{{data}}}, "type": "post_call_audio"}}'.encode()) == recording


@pytest.mark.parametrize(
    "broken",
    [
        lambda text: text[:-1],
        lambda text: text[:-3],
        lambda text: text.replace("A", "*", 1),
        lambda text: text + "=",
        lambda text: "AA==" + text,
        lambda text: text[:7] + "\\n" + text[7:],
    ],
    ids=["cut by one", "cut by three", "not base64", "too much padding", "continues after its end", "a line break"],
)
def test_broken_base64_is_refused(broken: Any) -> None:
    text = base64.b64encode(RECORDING).decode()
    with pytest.raises(NotReadable):
        audio_of(b'{"data": {"full_audio": "%s"}}' % broken(text).encode())


@pytest.mark.parametrize(
    "broken",
    [
        *(b"", b"{", b'{"a": "', b'{"a": "b}', b"nonsense", b'{"a": "x' + b"y" * 100_000, b'{"a": "\\'),
        *(b"[" * 100_000, b'{"a":' * 5_000 + b"1" + b"}" * 4_999, b'{"a": "x"', b"\xff\xfe"),
    ],
)
def test_what_is_not_json_is_refused(broken: bytes) -> None:
    with pytest.raises(NotReadable):
        outline_of(broken)


@pytest.mark.parametrize("depth", [101, 900, 1020, 1500, 200_000])
@pytest.mark.parametrize(("start", "end"), [(b"[", b"]"), (b'{"]":', b"}"), (b'[{"\\"[":', b"}]")])
def test_what_is_nested_too_deeply_costs_itself_only(depth: int, start: bytes, end: bytes) -> None:
    deep = start * depth + b"1" + end * depth
    encoded = b'{"type": "t", "deep": %s, "data": {"deep": %s, "conversation_id": "c"}}' % (deep, deep)
    assert outline_of(encoded) == {"type": "t", "data": {"conversation_id": "c"}}
    assert parse(b'{"before": ["x"], "deep": %s, "after": ["}"]}' % deep)["after"] == ["}"]


@pytest.mark.parametrize("number", [b"9" * 100, b"-" + b"9" * 100_000, b"1e400", b"0." + b"1" * 100_000])
def test_an_endless_number_costs_itself_only(number: bytes) -> None:
    encoded = b'{"number": %s, "type": "x"}' % number
    assert parse(encoded)["type"] == outline_of(encoded)["type"] == "x"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@settings(max_examples=40, deadline=None)
@given(JSON, JSON, st.sampled_from([1, 100, 1_000]))
def test_any_value_is_skipped(one: Any, other: Any, times: int) -> None:
    event = {"a": [one] * times, "type": "t", "data": {"a": [other] * times, "conversation_id": "c", "b": one}}
    for encoded in (json.dumps(event), json.dumps(event, ensure_ascii=False, indent=2)):
        raw = encoded.encode("utf-8", "surrogatepass")
        assert outline_of(raw) == {"type": "t", "data": {"conversation_id": "c"}}
        with pytest.raises(NotReadable):
            outline_of(raw.rstrip()[:-1])


SIZE = 1_500_000
SWARMS = [
    *(b"[],", b"{},", b"0,", b'"",', b'{"a":1},', b"[[[]]],", b"[" * 50 + b"]" * 50 + b",", b'"\\"",', b" ", b"[0,\n"),
    *(b'"' + b'\\"' * 30_000 + b'",', b'"' + b"][" * 40_000 + b'",'),
]


@pytest.mark.parametrize("swarm", SWARMS, ids=lambda swarm: repr(swarm[:8]))
def test_a_swarm_of_small_values_is_skipped_in_little_memory(swarm: bytes) -> None:
    times = SIZE // len(swarm)
    closed = b"0" + b"]" * (swarm.count(b"[") - swarm.count(b"]")) * times
    encoded = b'{"type": "t", "data": {"a": [%s%s], "conversation_id": "c"}}' % (swarm * times, closed)
    tracemalloc.start()
    try:
        began = time.process_time()
        assert outline_of(encoded) == {"type": "t", "data": {"conversation_id": "c"}}
        assert time.process_time() - began < 10
        assert tracemalloc.get_traced_memory()[1] < SIZE + 2**20  # BytesIO copies the body
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("member", [b'"a":1,', b'"a":[],', b'"type":"t",'])
def test_an_event_of_countless_members_is_not_readable(member: bytes) -> None:
    with pytest.raises(NotReadable, match="members"):
        outline_of(b'{"data": {%s"a":1}}' % (member * 500_000))


@pytest.mark.parametrize("values", [b"[],", b"{},", b"0,", b'"",', b'{"a":1},', b"0 , "])
def test_more_values_than_any_call_has_are_not_built(values: bytes) -> None:
    with pytest.raises(NotReadable, match="500,000 values"):
        parse(b"[%s0]" % (values * 500_001))


def test_commas_in_what_is_said_are_no_values() -> None:
    said = "yes, [no], {well}" * 300_000
    assert parse(json.dumps({"said": [said, "\\", said]}).encode()) == {"said": [said, "\\", said]}


@pytest.mark.parametrize("raw", [b'{"a": NaN}', b'{"a": "\\ud800"}', b'{"a": "\xff"}', b'{"a": 1, "a": 2}'])
def test_harmless_oddities_are_read(raw: bytes) -> None:
    assert isinstance(parse(raw), dict)
