import base64
import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.payloads.outline import LongString, NotReadable, decode_base64, parse, read_outline

RECORDING = bytes(range(256)) * 800


def outline_of(encoded: bytes) -> Any:
    return read_outline(io.BytesIO(encoded), whole_up_to=0)


def audio_of(encoded: bytes) -> bytes:
    source, target = io.BytesIO(encoded), io.BytesIO()
    decode_base64(source, read_outline(source, whole_up_to=0)["data"]["full_audio"], target)
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


def test_of_a_small_file_nothing_stays_behind() -> None:
    encoded = json.dumps(event()).encode()
    assert read_outline(io.BytesIO(encoded), whole_up_to=len(encoded)) == event()


def test_short_strings_are_read_as_they_are() -> None:
    assert outline_of(b'{"a": "x\\n\\u00e9", "b": [1, "y"]}') == {"a": "x\né", "b": [1, "y"]}


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
    encoded = b'{"before": ["x"], "deep": %s, "long": "%s", "after": ["}"]}' % (deep, b"y" * 100_000)
    outline = outline_of(encoded)
    assert (outline["before"], outline["after"]) == (["x"], ["}"])
    assert isinstance(outline["long"], LongString)
    assert parse(encoded)["long"] == "y" * 100_000


@pytest.mark.parametrize("number", [b"9" * 100, b"-" + b"9" * 100_000, b"1e400", b"0." + b"1" * 100_000])
def test_an_endless_number_costs_itself_only(number: bytes) -> None:
    assert parse(b'{"number": %s, "after": "x"}' % number)["after"] == "x"


@given(
    st.recursive(st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(), lambda inner: st.lists(inner))
)
def test_the_outline_of_small_json_is_the_json(value: Any) -> None:
    for encoded in (json.dumps(value), json.dumps(value, ensure_ascii=False, indent=2)):
        raw = encoded.encode("utf-8", "surrogatepass")
        assert outline_of(raw) == parse(raw)


@pytest.mark.parametrize("raw", [b'{"a": NaN}', b'{"a": "\\ud800"}', b'{"a": "\xff"}', b'{"a": 1, "a": 2}'])
def test_harmless_oddities_are_read(raw: bytes) -> None:
    assert isinstance(parse(raw), dict)
