"""Hostile variants of the sample payloads: the same ones for the same seed and number.

python -m tests.harness.fuzzer SEED NUMBER    shows one
"""

import base64
import json
import random
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from elmemory.memory.identity import caller_of_call
from tests.harness.samples import raw_sample

TRANSCRIPTIONS = (
    "transcription_returning_caller",
    "transcription_new_caller",
    "transcription_failed_1008",
    "transcription_web_call_without_phone",
)
FAILURES = "call_initiation_failure_sip", "call_initiation_failure_twilio"

type Endpoint = Literal["/webhook/post-call", "/webhook/client-data", "/webhook/search-data"]


class Pairs(list[tuple[Any, Any]]):
    """A JSON object that may hold a key twice."""


class Raw(NamedTuple):
    """What stands in the JSON as it is, and what a reader who cannot follow it may take in its place."""

    json: bytes
    instead: bytes


@dataclass
class Case:
    seed: int
    number: int
    path: Endpoint
    body: bytes
    # The body with what nobody can read left out: what must be understood of it.
    readable: bytes
    changes: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return f"seed {self.seed} number {self.number} ({'; '.join(self.changes) or 'unchanged'})"


class Words(NamedTuple):
    """What a call's caller said, as it must be remembered."""

    caller: str
    conversation_id: str
    said: Counter[str]


def case(seed: int, number: int) -> Case:
    chance = random.Random(f"{seed} {number}")
    path: Endpoint = "/webhook/post-call"
    kind = chance.random()
    if kind < 0.65:
        event = _sample(chance.choice(TRANSCRIPTIONS), number)
    elif kind < 0.75:
        event = _recording(chance, number)
    elif kind < 0.8:
        event = _sample(chance.choice(FAILURES), number)
    elif kind < 0.9:
        path, event = "/webhook/client-data", _sample("client_data_request", number)
    else:
        path, event = "/webhook/search-data", _sample("search_data_request", number)
    made = Case(seed, number, path, b"", b"")
    for _ in range(chance.choice((1, 1, 1, 2, 3, 8))):
        change = chance.choice(STRUCTURAL)
        holder, index = _position(event, chance)
        made.changes.append(f"{change.__name__[1:]} at {_name(holder, index)}")
        change(holder, index, chance)
    layout = chance.getrandbits(32)
    made.body = _dump(event, random.Random(layout), instead=False)
    made.readable = _dump(event, random.Random(layout), instead=True)
    if chance.random() < 0.1:
        spoil = chance.choice(SPOILING)
        made.changes.append(spoil.__name__[1:])
        made.body = made.readable = spoil(made.body, chance)
    return made


def words_in(readable: bytes) -> Words | None:
    """The words of an identified caller in a transcription; read with nothing but the standard library."""
    try:
        event = _loads(readable)
    except (ValueError, RecursionError):
        return None
    data = _get(event, "data")
    conversation_id = _get(data, "conversation_id")
    if _get(event, "type") != "post_call_transcription" or not isinstance(data, dict):
        return None
    if not isinstance(conversation_id, str) or not re.fullmatch("[A-Za-z0-9][A-Za-z0-9_-]{0,127}", conversation_id):
        return None
    phone_call = _get(_get(data, "metadata"), "phone_call")
    variables = _get(_get(data, "conversation_initiation_client_data"), "dynamic_variables")
    caller = caller_of_call(
        outbound=_get(phone_call, "direction") == "outbound",
        external_number=_get(phone_call, "external_number"),
        caller_id=_get(variables, "system__caller_id"),
        called_number=_get(variables, "system__called_number"),
    )
    if caller is None:
        return None
    transcript = _get(data, "transcript")
    said = Counter(
        _as_stored(message)
        for turn in (transcript if isinstance(transcript, list) else ())
        if _get(turn, "role") == "user" and isinstance(message := _get(turn, "message"), str) and message.strip()
    )
    return Words(caller, conversation_id, said)


def recording_in(readable: bytes) -> bytes | None:
    """The MP3 of an audio event, where there is a whole one."""
    try:
        audio = _get(_get(_loads(readable), "data"), "full_audio")
        return base64.b64decode(audio, validate=True) if isinstance(audio, str) else None
    except (ValueError, RecursionError):
        return None


def _loads(readable: bytes) -> Any:
    text = readable.decode(json.detect_encoding(readable), "replace").removeprefix("\ufeff")
    return json.loads(text, parse_int=_integer)


def _as_stored(text: str) -> str:
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\x00", "")


def _get(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) < 1000 else float(digits)


# The originals


def _sample(name: str, number: int) -> Pairs:
    """A sample with a caller and a conversation of its own."""
    raw = raw_sample(name).decode()
    raw = re.sub(r'"conv_example_\w+"', f'"conv_fuzz_{number:06}"', raw)
    raw = re.sub(r"\+141555501[0-8][0-9]", _caller(number), raw)
    event: Pairs = json.loads(raw, object_pairs_hook=Pairs)
    return event


def _caller(number: int) -> str:
    return f"+1415{2_000_000 + number}"


def _recording(chance: random.Random, number: int) -> Pairs:
    audio = base64.b64encode(chance.randbytes(chance.choice((0, 1, 45, 3000, 80_000, 400_000)))).decode()
    data = Pairs([("agent_id", "agent"), ("conversation_id", f"conv_fuzz_{number:06}"), ("full_audio", audio)])
    return Pairs([("type", "post_call_audio"), ("event_timestamp", 1_790_000_000), ("data", data)])


# Where to change something


type Holder = list[Any]

# Longer ones are of our making.
_LONGEST_LIST = 200

_WEIGHTY = frozenset(
    "type data conversation_id transcript role message metadata phone_call external_number direction full_audio"
    " system__caller_id data_collection_results value analysis transcript_summary event_timestamp query k user_id"
    " start_time_unix_secs caller_id called_number timezone time_in_call_secs".split()
)


def _position(event: Pairs, chance: random.Random) -> tuple[Holder, int]:
    """A place in a list or an object; half the time one that means something to us."""
    places = list(_places(event))
    weighty = [place for place in places if _name(*place) in _WEIGHTY or not isinstance(place[0], Pairs)]
    return chance.choice(weighty if weighty and chance.random() < 0.6 else places)


def _places(value: Any) -> Iterator[tuple[Holder, int]]:
    if isinstance(value, list) and len(value) <= _LONGEST_LIST:
        for index in range(len(value)):
            yield value, index
            yield from _places(_at(value, index))


def _at(holder: Holder, index: int) -> Any:
    return holder[index][1] if isinstance(holder, Pairs) else holder[index]


def _put(holder: Holder, index: int, value: Any) -> None:
    holder[index] = (holder[index][0], value) if isinstance(holder, Pairs) else value


def _name(holder: Holder, index: int) -> str:
    return str(holder[index][0]) if isinstance(holder, Pairs) else f"[{index}]"


# What to change


def _drop(holder: Holder, index: int, _: random.Random) -> None:
    # One place is left: there must be something to change.
    if len(holder) > 1:
        del holder[index]


def _null(holder: Holder, index: int, _: random.Random) -> None:
    _put(holder, index, None)


def _retype(holder: Holder, index: int, chance: random.Random) -> None:
    others: tuple[Any, ...] = (
        0,
        -1,
        7,
        1.5,
        True,
        False,
        "",
        "text",
        " ",
        [],
        Pairs(),
        ["text"],
        Pairs([("message", "text")]),
        2**70,
    )
    _put(holder, index, chance.choice((*others, f"text{chance.getrandbits(40)}")))


def _nest(holder: Holder, index: int, chance: random.Random) -> None:
    value = _at(holder, index)
    wrapped: list[Any] = [[value], [[value]], Pairs([("value", value)]), Pairs([("message", value)]), [value, value]]
    _put(holder, index, chance.choice(wrapped))


def _huge(holder: Holder, index: int, chance: random.Random) -> None:
    size = chance.choice((1000, 70_000, 70_000, 1_000_000))
    huge: list[Any] = [
        "very " * (size // 5),
        "\\/é\n" * (size // 4),
        [None] * (size // 10),
        Pairs([(f"key{n}", n) for n in range(size // 20)]),
        Raw(b"9" * size, b"0"),
        Raw(b"-1." + b"3" * size, b"0"),
    ]
    _put(holder, index, chance.choice(huge))


def _deep(holder: Holder, index: int, chance: random.Random) -> None:
    depth = chance.choice((50, 200, 900, 1020, 1500, 5000, 20_000, 200_000))
    start, end = chance.choice(((b"[", b"]"), (b'{"value":', b"}"), (b'[{"message":', b"}]")))
    _put(holder, index, Raw(start * depth + b'"text"' + end * depth, b"null"))


def _no_number(holder: Holder, index: int, chance: random.Random) -> None:
    json_text = chance.choice((b"NaN", b"Infinity", b"-Infinity", b"1e400", b"-0.0", b"1E-999"))
    _put(holder, index, Raw(json_text, json_text))


def _surrogate(holder: Holder, index: int, chance: random.Random) -> None:
    value = _at(holder, index)
    text = value if isinstance(value, str) else "text"
    where = chance.randint(0, len(text))
    lone = chance.choice(("\ud83d", "\udc36", "\udc36\ud83d", "\ud800\x00"))
    _put(holder, index, text[:where] + lone + text[where:])


def _strange_text(holder: Holder, index: int, chance: random.Random) -> None:
    value = _at(holder, index)
    text = value if isinstance(value, str) else "text"
    strange = (
        "\x00",
        "\x1b[31m",
        "\u202e",
        "\u2028",
        "{{system__caller_id}}",
        "<script>",
        "🐕",
        "'; --",
        "\ufeff",
        "\\u0041",
    )
    _put(holder, index, text + chance.choice(strange))


def _not_utf8(holder: Holder, index: int, chance: random.Random) -> None:
    value = _at(holder, index)
    text = json.dumps(value if isinstance(value, str) else "text").encode()
    spoilt = (
        text[:-1] + chance.choice((b"\xff", b"\xc3", b"\xe9t\xe9", b"\xed\xa0\x80", b"\xf8\x88\x80\x80\x80")) + b'"'
    )
    _put(holder, index, Raw(spoilt, spoilt))


def _duplicate(holder: Holder, index: int, chance: random.Random) -> None:
    """The same key twice; in a list the same item."""
    twin = holder[index]
    if isinstance(holder, Pairs) and chance.random() < 0.7:
        twin = (twin[0], chance.choice((None, f"text{chance.getrandbits(40)}", 7, [], Pairs())))
    holder.insert(index + chance.randint(0, 1), twin)


def _strange_key(holder: Holder, index: int, chance: random.Random) -> None:
    if isinstance(holder, Pairs):
        keys = "", "\ud800", "\x00", "__proto__", "é" * 300, "{{key}}", "First name’s"
        holder[index] = (chance.choice(keys), holder[index][1])


def _shuffle(holder: Holder, _: int, chance: random.Random) -> None:
    chance.shuffle(holder)


STRUCTURAL: tuple[Callable[[Holder, int, random.Random], None], ...] = (
    *(_drop, _null, _retype, _nest, _huge, _deep, _no_number, _surrogate),
    *(_strange_text, _not_utf8, _duplicate, _strange_key, _shuffle),
)


# The whole body


def _cut_off(body: bytes, chance: random.Random) -> bytes:
    return body[: chance.randrange(len(body))]


def _flipped_bits(body: bytes, chance: random.Random) -> bytes:
    spoilt = bytearray(body)
    for _ in range(chance.randint(1, 5)):
        spoilt[chance.randrange(len(spoilt))] ^= 1 << chance.randrange(8)
    return bytes(spoilt)


def _byte_order_mark(body: bytes, _: random.Random) -> bytes:
    return b"\xef\xbb\xbf" + body


def _followed_by_more(body: bytes, chance: random.Random) -> bytes:
    return body + chance.choice((b"}", b"\x00", b"\n\n \t", body, b"garbage"))


def _other_encoding(body: bytes, chance: random.Random) -> bytes:
    return body.decode("utf-8", "replace").encode(chance.choice(("utf-16", "utf-32", "utf-7")))


def _a_string(body: bytes, _: random.Random) -> bytes:
    return json.dumps(body.decode("utf-8", "replace")).encode()


def _a_list(body: bytes, _: random.Random) -> bytes:
    return b"[" + body + b"]"


def _nothing(_: bytes, chance: random.Random) -> bytes:
    return chance.choice((b"", b" ", b"null", b"{}", b'{"data": {}}', b"\x00" * 1000, b"[" * 200_000))


SPOILING: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    *(_cut_off, _flipped_bits, _byte_order_mark, _followed_by_more),
    *(_other_encoding, _a_string, _a_list, _nothing),
)


# As bytes


def _dump(value: Any, chance: random.Random, *, instead: bool) -> bytes:
    """JSON with all that json.dumps has no way to say; escaped or not, with spaces or without."""
    ensure_ascii = chance.random() < 0.5
    comma, colon = chance.choice(((b",", b":"), (b", ", b": "), (b" ,\n\t", b" :\r\n ")))

    def dump(value: Any) -> bytes:
        match value:
            case Raw():
                return value.instead if instead else value.json
            case Pairs():
                return b"{" + comma.join(text(str(key)) + colon + dump(item) for key, item in value) + b"}"
            case list():
                return b"[" + comma.join(map(dump, value)) + b"]"
            case str():
                return text(value)
        return json.dumps(value).encode()

    def text(value: str) -> bytes:
        return json.dumps(value, ensure_ascii=ensure_ascii).encode("utf-8", "surrogatepass")

    return dump(value)


if __name__ == "__main__":
    shown = case(int(sys.argv[1]), int(sys.argv[2]))
    sys.stderr.write(f"{shown}\n{shown.path}\n")
    sys.stdout.buffer.write(shown.body)
