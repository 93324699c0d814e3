import pytest
from hypothesis import given
from hypothesis import strategies as st

from elmemory.memory.text import (
    as_sentence,
    bounded_sentences,
    bounded_words,
    cleaned,
    counted,
    field_name,
)


@given(st.text())
def test_clean_text_holds_nothing_that_a_template_or_a_page_would_act_on(text: str) -> None:
    clean = cleaned(text)
    assert not set(clean) & set("{}<>`\r\n\t\x00")
    assert cleaned(clean) == clean


@given(st.text(), st.integers(10, 700))
def test_bounded_texts_keep_their_bound(text: str, length: int) -> None:
    assert len(bounded_sentences(text, length)) <= length
    assert len(bounded_words(text, length)) <= length


def test_a_summary_is_cut_after_a_sentence() -> None:
    assert bounded_sentences("She moved to Duluth. She has a dog. He is called Biscuit.", 40) == (
        "She moved to Duluth. She has a dog."
    )


def test_a_summary_of_one_endless_sentence_is_cut_after_a_word() -> None:
    assert bounded_sentences("word " * 30, 23) == "word word word word…"


def test_a_full_stop_within_a_word_ends_no_sentence() -> None:
    assert bounded_sentences("Her address is maya@example.com and her dog is Biscuit.", 40) == (
        "Her address is maya@example.com and her…"
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("Yes", "Yes."),
        ("Yes!", "Yes!"),
        ("Yes.”", "Yes.”"),
        ("", ""),
        ("Flat No. 7", "Flat No. 7."),
        ("你好。」", "你好。」"),
    ],
)
def test_a_sentence_ends_with_a_mark(text: str, sentence: str) -> None:
    assert as_sentence(text) == sentence


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("First Name", "first_name"),
        ("first_name", "first_name"),
        ("firstName", "first_name"),
        ("first-name", "first_name"),
        ("FIRST NAME", "first_name"),
        ("Founder’s Background", "founders_background"),
        ("key_life_event", "key_life_event"),
        ("Straße", "strasse"),
        ("姓名", "姓名"),
        ("!!!", ""),
    ],
)
def test_a_field_has_one_name_however_it_is_written(raw: str, name: str) -> None:
    assert field_name(raw) == name


@pytest.mark.parametrize(
    ("number", "memories", "calls"),
    [(0, "0 memories", "0 calls"), (1, "1 memory", "1 call"), (2, "2 memories", "2 calls")],
)
def test_words_agree_with_their_number(number: int, memories: str, calls: str) -> None:
    assert counted(number, "memory", "memories") == memories
    assert counted(number, "call") == calls
