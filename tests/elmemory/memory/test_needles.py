"""Finding a caller's number, name and sentences in bytes, in whatever spelling and encoding."""

import json

import pytest

from elmemory.memory.needles import Hit, Needles

NUMBER, NAME, SENTENCE = "+14155550100", "Zoë Okafor", "My dog is called Biscuit, and he is 3."
NEEDLES = Needles(NUMBER, [NAME], [SENTENCE])

NUMBERS = [
    "+14155550100", "0014155550100", "011 1 415 555 0100", "(415) 555-0100", "415.555.0100", "4155550100",
    "sip:+14155550100@example.com", "whatsapp:+14155550100", "tel:%2B1-415-555-0100",
    "+1\u2011415\u2011555\u20110100", "+1\u00a0415\u00a0555\u00a00100", "415 / 555 / 0100", "４１５５５５０１００",
]  # fmt: skip
TEXTS = [
    "zoë okafor", "ZOË OKAFOR", "Zoë  Okafor", "Zoë\nOkafor", SENTENCE.upper(), "my dog is called biscuit and he is 3",
]  # fmt: skip
ENCODINGS = "utf-8", "json", "utf-16", "utf-16-be"


def encoded(text: str, encoding: str) -> bytes:
    return json.dumps(text).encode() if encoding == "json" else text.encode(encoding)


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("text", [*NUMBERS, *TEXTS])
def test_each_spelling_is_found_in_each_encoding(text: str, encoding: str) -> None:
    assert list(NEEDLES.find(b"xx " + encoded(text, encoding) + b" yy", is_text=True))


def test_the_escapes_of_urls_are_undone() -> None:
    assert NEEDLES.are_in("caller=1%20415%20555%200100")
    assert NEEDLES.are_in("name=Zo%C3%AB%20Okafor")


def test_a_number_of_json_escapes_alone_is_found() -> None:
    escaped = "".join(f"\\u{ord(digit):04x}" for digit in NUMBER).encode()
    assert list(NEEDLES.find(b'{"from": "' + escaped + b'"}', is_text=True)) == [Hit("number", 10)]


@pytest.mark.parametrize(
    "text", ["24155550100", "41555501001", "1764155550100", "Zoë", "My dog is called Bo.", "4155550"]
)
def test_another_number_or_text_is_not_found(text: str) -> None:
    assert not NEEDLES.are_in(text)


def test_columns_of_a_database_that_touch_hide_no_number() -> None:
    assert list(NEEDLES.find(b"\x17\x1ddesk 4+141555501003fa9")) == [Hit("number", 10)]


def test_another_callers_number_in_the_same_spelling_as_a_former_key_is_found() -> None:
    assert Needles("+5491123456789").are_in("+541123456789") or Needles("+541123456789").are_in("+5491123456789")


def test_sentences_that_anybody_says_are_left_out() -> None:
    needles = Needles(NUMBER, sentences=["Hi.", "Yes please.", SENTENCE, ""])
    assert (needles.sentences, needles.too_short) == ([SENTENCE], 2)
    assert not needles.are_in("Yes please.")
