"""Of two memories that contradict each other the newest comes first, if the question asks how things are."""

import pytest

from elmemory.memory import kinds
from elmemory.memory.ranking import rank
from elmemory.memory.ranking.languages import terms_in
from elmemory.memory.ranking.newest import asks_how_things_are, newest_first
from elmemory.memory.ranking.words import folded
from elmemory.memory.records import Match, Memory


def said(content: str, month: int, asked: str = "") -> Memory:
    metadata = {
        "kind": kinds.MESSAGE,
        "conversation_id": f"conv_{month}",
        "position": 1,
        "called_at": f"2026-{month:02d}-05T10:00:00+00:00",
        "asked": asked,
    }
    return Memory(str(month), "+14155550100", content, metadata=metadata, salience=0.8)


def ranked(question: str, *memories: Memory) -> list[str]:
    return [match.memory.content for match in rank(question, memories, 8)]


CONTRADICTIONS = [
    (
        "Does the caller smoke?",
        said("Yes, ten a day.", 1, "Do you smoke?"),
        said("I haven't touched one since March.", 6, "Do you smoke at all?"),
    ),
    ("What is the address?", said("My address is 12 Elm Street in Duluth.", 1), said("The address is 9 Oak Road.", 6)),
    ("Is the caller vegetarian?", said("I am a strict vegetarian.", 2), said("I am not a vegetarian any longer.", 7)),
    ("Who's the insurer?", said("My insurer is reliable.", 2), said("My insurer left me, so there is none.", 7)),
]


@pytest.mark.parametrize(("question", "older", "newer"), CONTRADICTIONS)
def test_the_newer_memory_comes_first(question: str, older: Memory, newer: Memory) -> None:
    other = said("Thursday suits me best.", 8)
    assert ranked(question, older, newer, other)[0] == newer.content
    assert ranked(question, newer, other, older)[0] == newer.content


@pytest.mark.parametrize(
    ("question", "older", "newer"),
    [
        ("Does the caller smoke?", said("I smoke, I smoke a lot.", 1), said("My son does smoke.", 6)),
        ("Is Biscuit ill?", said("I know Biscuit is ill, so ill.", 1), said("I hear Olive is ill.", 6)),
        ("Does she take tablets?", said("I take ramipril tablets, tablets!", 1), said("I take metformin tablets.", 6)),
        ("Is it 20 mg of ramipril?", said("I take ramipril, 20 mg.", 1), said("I take ramipril, 10 mg.", 6)),
        ("What do the tablets cost?", said("The tablets cost 20, tablets!", 1), said("The tablets cost 30.", 6)),
    ],
)
def test_other_people_medicines_and_amounts_do_not_come_first(question: str, older: Memory, newer: Memory) -> None:
    assert ranked(question, older, newer)[0] == older.content


@pytest.mark.parametrize(
    ("question", "asks"),
    [
        ("does the caller smoke?", True),
        ("what's her address?", True),
        ("is the caller vegetarian", True),
        ("did the caller smoke?", False),
        ("when does she call?", False),
        ("what was the address before?", False),
        ("how long has she smoked?", False),
        ("address", False),
    ],
)
def test_questions_in_the_present_ask_how_things_are(question: str, asks: bool) -> None:
    assert asks_how_things_are(question) == asks


def test_a_question_about_the_past_leaves_the_order() -> None:
    older = said("I smoke, I do smoke.", 1)
    assert ranked("When did the caller smoke?", older, said("I never smoke.", 6))[0] == older.content


def test_scores_stay_in_order() -> None:
    question, older, newer = CONTRADICTIONS[0]
    scores = [match.score for match in rank(question, [older, newer, said("Thursday suits me best.", 8)], 8)]
    assert scores == sorted(scores, reverse=True)


def spoken(content: str, month: int, language: str) -> Memory:
    memory = said(content, month)
    return memory._replace(metadata={**memory.metadata, "main_language": language})


@pytest.mark.parametrize(
    ("language", "question", "older", "newer"),
    [
        ("es", "¿Qué leche toma ahora?", "Tomo leche entera, mucha leche.", "La leche que tomo es sin lactosa."),
        (
            "fr",
            "Quelle lessive utilise-t-elle maintenant ?",
            "J'utilise une lessive en poudre, une lessive.",
            "J'utilise une lessive liquide.",
        ),
        ("nl", "Welke melk drinkt ze nu?", "ik drink volle melk, veel melk", "ik drink magere melk"),
        ("pl", "Jakie mleko pije teraz?", "piję mleko tłuste, dużo mleka", "piję mleko chude"),
    ],
)
def test_the_newer_memory_comes_first_where_another_language_asks_for_now(
    language: str, question: str, older: str, newer: str
) -> None:
    memories = (
        spoken(older, 1, language),
        spoken(newer, 6, language),
        spoken("Gracias, merci, dank, dzięki.", 8, language),
    )
    assert ranked(question, *memories)[0] == newer


@pytest.mark.parametrize(
    ("language", "question", "older", "newer"),
    [
        ("es", "¿Qué leche toma ahora?", "Tomo leche entera, leche y más leche.", "Mi hijo toma leche."),
        ("fr", "Que prend-elle maintenant ?", "Je prends du ramipril.", "Je prends de la metformine."),
        ("nl", "Wie woont er nu?", "hier woont Anna, ja Anna woont hier", "hier woont Bram"),
        ("ja", "牛乳は今どうしていますか", "牛乳は毎日飲みます。牛乳です。", "牛乳は息子が飲みます。"),
    ],
)
def test_other_people_and_medicines_do_not_come_first_in_other_languages(
    language: str, question: str, older: str, newer: str
) -> None:
    pair = newest_first(
        [Match(spoken(older, 1, language), 1.0), Match(spoken(newer, 6, language), 0.9)],
        [1, 150],
        terms_in(language, question),
        language,
    )
    assert not asks_how_things_are(folded(question), language) or pair[0].memory.content == older
