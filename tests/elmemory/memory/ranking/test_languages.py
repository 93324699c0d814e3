"""Which language a text is in, and the terms that its language makes of it."""

import pytest

from elmemory.memory import kinds
from elmemory.memory.ranking import rank
from elmemory.memory.ranking.languages import is_english, language_of, language_stated, spoken_words, terms_in
from elmemory.memory.records import Memory
from tests.harness.recall import foreign_callers


def said(content: str, conversation: str = "conv_1", position: int = 1, **metadata: str) -> Memory:
    whole = {"kind": kinds.MESSAGE, "conversation_id": conversation, "position": position, **metadata}
    return Memory(f"{conversation}.{position}", "+14155550100", content, metadata=whole)


def best(question: str, *memories: Memory) -> str:
    return rank(question, memories, 1)[0].memory.content


@pytest.mark.parametrize("language", foreign_callers())
def test_the_language_of_calls_is_known_by_their_words(language: str) -> None:
    spoken = set(spoken_words(" ".join(memory.content for memory in foreign_callers()[language].own.memories)))
    assert not is_english(spoken)
    assert language_of(spoken) == language


def test_english_is_known_without_a_look_at_other_languages() -> None:
    assert is_english(set(spoken_words("I would like to move my appointment with the dentist, please.")))


@pytest.mark.parametrize("text", ["", "Okay.", "2047", "Biscuit"])
def test_a_text_that_could_be_of_any_language_is_of_the_other_one(text: str) -> None:
    assert language_of(set(spoken_words(text)), otherwise="de") == "de"


@pytest.mark.parametrize(
    ("language", "one", "another"),
    [
        ("de", "Termine", "Terminen"),
        ("es", "alergia", "alergias"),
        ("fr", "réparations", "réparation"),
        ("pt", "consultas", "consulta"),
        ("it", "gatti", "gatto"),
        ("ru", "собака", "собакой"),
        ("ru", "чёрной", "черная"),
        ("ar", "الطبيب", "طبيب"),
        ("hi", "दवाई", "दवाइयाँ"),
        ("tr", "IŞIK", "ışık"),
        ("tr", "kediler", "kedi"),
        ("pl", "łódź", "lodz"),
    ],
)
def test_forms_of_a_word_are_one_term(language: str, one: str, another: str) -> None:
    assert terms_in(language, one) == terms_in(language, another)


@pytest.mark.parametrize(
    ("language", "text", "telling"),
    [
        ("de", "Wo ist der Hund?", ["hund"]),
        ("es", "¿Dónde está el perro?", ["perr"]),
        ("ru", "Где моя собака?", ["собак"]),
    ],
)
def test_stop_words_are_no_terms(language: str, text: str, telling: list[str]) -> None:
    assert terms_in(language, text) == telling


@pytest.mark.parametrize(
    ("question", "answer", "other"),
    [
        ("Wie heißt die Zahnärztin?", "Meine Zahnärztinnen heißen Frau Lind und Frau Berg.", "Der Hund ist krank."),
        ("Termnie", "Ich habe zwei Termine.", "Der Hund ist krank."),
        ("Versicherung", "Die Haftpflichtversicherung zahlt.", "Der Hund ist krank."),
        ("卵アレルギー", "息子は卵のアレルギーがあります。", "窓側の席がいいです。"),
        ("地址在哪", "我的新地址是长安街八号。", "她最喜欢百合。"),
        ("แพ้กุ้งไหม", "ภรรยาแพ้กุ้งมากค่ะ", "ห้องวิวแม่น้ำ"),
        ("टंकियाँ कहाँ हैं", "पानी की टंकी छत पर है।", "रविवार को आइए।"),
        ("حساسية الأدوية", "عندي حساسية من دواء البنسلين", "شكرا جزيلا"),
        ("dị ứng hải sản", "con tôi bị dị ứng với hải sản", "hẹn gặp lại vào thứ hai"),
    ],
)
def test_an_answer_is_found_in_the_words_of_its_language(question: str, answer: str, other: str) -> None:
    assert best(question, said(other, "conv_1"), said(answer, "conv_2")) == answer


def test_the_language_of_a_call_is_the_one_its_memories_hold() -> None:
    memories = said("Termine", "conv_1", main_language="de-AT"), said("Biscuit", "conv_2", main_language="de-AT")
    assert best("Terminen", *memories) == "Termine"


def test_an_english_question_finds_names_and_numbers_in_another_language() -> None:
    memories = said("Mein Hund heißt Biscuit und ist krank."), said("Es ist der alte Hund.", position=2)
    assert best("What about Biscuit?", *memories) == "Mein Hund heißt Biscuit und ist krank."


def test_a_caller_of_two_languages_is_asked_in_either() -> None:
    german = said("Ich habe eine Allergie gegen Nüsse.", "conv_1"), said("Das ist der Hund.", "conv_1", 2)
    english = said("My dog has been ill since we moved to the coast.", "conv_2"), said("It is the car.", "conv_2", 2)
    assert best("Welche Allergien hat er?", *german, *english) == "Ich habe eine Allergie gegen Nüsse."
    assert best("Where did they move?", *german, *english) == "My dog has been ill since we moved to the coast."


@pytest.mark.parametrize(
    ("code", "language"), [("de", "de"), ("pt-br", "pt"), ("zh_TW", "zh"), ("fil", "tl"), ("", ""), (None, "")]
)
def test_codes_of_languages_are_read(code: str | None, language: str) -> None:
    assert language_stated(code) == language


def test_a_language_without_stop_words_or_stems_has_words() -> None:
    assert terms_in("xx", "Biscuit 20 ꦲꦏ") == ["biscuit", "20", "ꦲꦏ"]
