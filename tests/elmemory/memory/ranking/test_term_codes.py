"""Texts as strings of term codes: the same terms as `terms_in` makes of each text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elmemory.memory.ranking.languages import terms_in
from elmemory.memory.ranking.sentence_types import FIRST_PERSON_WORDS
from elmemory.memory.ranking.term_codes import TermCodes
from elmemory.memory.ranking.words import words

_PIECES = st.sampled_from(
    "I mine My dog's DOG’S dogs'_x it's 20mg Ärzte café ﬁne İstanbul naïve 東京タワー 서울 ไทย हिन्दी أخوك Où đi về"
    " , . ? ' _ \x00 \x01 \u00a0 \u0301 \u0338 ¨ - the and running".split(" ")
)
_TEXT = st.lists(_PIECES | st.text(max_size=4), max_size=8).map("".join) | st.text(max_size=20)
_TEXTS = st.lists(_TEXT, min_size=1, max_size=6)


@pytest.mark.parametrize("language", ["en", "de", "tr", "vi", "ja", "th", "hi", "ar", "xx"])
@given(texts=_TEXTS)
def test_the_codes_of_a_text_are_those_of_its_terms(language: str, texts: list[str]) -> None:
    texts = [text.encode("utf-8", "replace").decode() for text in texts]
    codes = TermCodes()
    coded, _ = codes.of_texts(language, texts)
    terms = {code: term for term, code in codes.codes.items()}
    assert [[terms[code] for code in text] for text in coded] == [terms_in(language, text) for text in texts]


@given(texts=_TEXTS)
def test_an_english_text_is_in_the_first_person_by_its_words(texts: list[str]) -> None:
    _, first_person = TermCodes().of_texts("en", texts)
    assert first_person == [not FIRST_PERSON_WORDS.isdisjoint(words(text)) for text in texts]


def test_different_terms_have_different_codes() -> None:
    codes = TermCodes()
    assert len(set(codes.of_terms(f"term{number}" for number in range(3000)))) == 3000
