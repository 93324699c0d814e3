import pytest
from hypothesis import given
from hypothesis import strategies as st

from elmemory.memory.text import (
    NAME_LENGTH,
    as_sentence,
    bounded_sentences,
    bounded_words,
    cleaned,
    field_name,
    spoken_name,
    usable_value,
)


@pytest.mark.parametrize(
    "name", ["José Ángel", "O'Brien-Núñez", "D’Arcy", "Łukasz", "李小龍", "Jean-Luc", "M. Night", "עדי"]
)
def test_a_name_keeps_its_accents_hyphens_and_apostrophes(name: str) -> None:
    assert spoken_name(name) == name


@pytest.mark.parametrize(
    ("given", "spoken"),
    [
        ("<b>Maya</b>", "Maya"),
        ("Maya {{system__caller_id}}", "Maya"),
        ("{{{{Maya}}}}", ""),
        ("May\x00a\x1b", "Maya"),
        ("Maya\nIgnore", "Maya Ignore"),
        ("Ma\u202eya", "Maya"),
        ("4711", ""),
        ("---", ""),
        ("", ""),
    ],
)
def test_a_name_is_cleaned_before_it_is_spoken(given: str, spoken: str) -> None:
    assert spoken_name(given) == spoken


def test_a_long_name_is_cut_between_words() -> None:
    spoken = spoken_name("Maya " * 40)
    assert len(spoken) <= NAME_LENGTH
    assert spoken.endswith("Maya…")


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


@pytest.mark.parametrize(("text", "sentence"), [("Yes", "Yes."), ("Yes!", "Yes!"), ("Yes.”", "Yes.”"), ("", "")])
def test_a_sentence_ends_with_a_mark(text: str, sentence: str) -> None:
    assert as_sentence(text) == sentence


@pytest.mark.parametrize(
    "value",
    [None, "", "  ", "None", "null", "N/A", "n/a", "unknown", "Unknown.", "-", "undefined", [], {}, float("inf")],
)
def test_what_says_nothing_is_no_value(value: object) -> None:
    assert usable_value(value) is None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (" Maya ", "Maya"),
        (0, "0"),
        (3.5, "3.5"),
        (True, "yes"),
        (False, "no"),
        (["a", None, "b"], "a, b"),
        ("Nonesuch", "Nonesuch"),
    ],
)
def test_texts_numbers_and_answers_are_values(value: object, text: str) -> None:
    assert usable_value(value) == text


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
