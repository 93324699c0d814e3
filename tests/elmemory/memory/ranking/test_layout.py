"""A corpus that is prepared from an earlier one ranks like one that is prepared from all memories."""

import random
from collections.abc import Sequence

import pytest

from elmemory.memory import kinds
from elmemory.memory.ranking import LEFT_OUT, Corpus
from elmemory.memory.records import Memory

_SAID = {
    "en": "My dog Biscuit is ill.|I moved to Duluth last week.|Is the doctor in on Friday?|The car broke down in May.",
    "de": "Mein Hund ist seit gestern krank.|Ich bin nach Kiel gezogen.|Wann kommt der Arzt?|Das Auto ist kaputt.",
    "fr": "Mon chien est malade depuis hier.|Je suis parti à Lyon.|Quand vient le médecin ?|La voiture est en panne.",
    "ja": "犬は病気です。|先週大阪に引っ越しました。|医者はいつ来ますか？|車が壊れました。",
}
_ASKED = ("", "Anything else?", "What happened, and when?", "Wie geht es Ihnen?")
_QUESTIONS = (
    "What is the dog's name?", "Where do they live now?", "When did they move?", "Who is Bisquit?", "the first call",
    "Wann kam der Arzt?", "犬", "yesterday",
)  # fmt: skip


def _memory(chance: random.Random, language: str) -> Memory:
    kind = chance.choice([kinds.MESSAGE] * 5 + [kinds.FACT, kinds.CALL, kinds.INSIGHT])
    metadata = {
        "kind": kind,
        "conversation_id": chance.choice(["", *(f"conv_{number}" for number in range(6))]),
        "position": chance.choice([None, 1, 2, 3]),
        "asked": chance.choice(_ASKED),
        "called_at": f"2026-0{chance.randint(1, 9)}-11T10:00:00+00:00",
        "main_language": chance.choice(["", "", "", language]),
    }
    said = (
        f"{chance.choice(_SAID[language].split('|'))} {chance.choice(['', 'Okay.', f'Number {chance.random():.3f}.'])}"
    )
    return Memory(f"{chance.random()}", "caller", said, metadata=metadata)


def _ranked(corpus: Corpus, question: str) -> list[tuple[str, float]]:
    return [(match.memory.id, round(match.score, 9)) for match in corpus.rank(question, 8)]


def _changed(chance: random.Random, memories: Sequence[Memory], language: str) -> list[Memory]:
    now = list(memories)
    for place in chance.sample(range(len(now)), min(len(now), chance.choice([0, 0, 1, 2]))):
        now[place] = chance.choice([LEFT_OUT, _memory(chance, language)])
    return now + [_memory(chance, language) for _ in range(chance.randint(0, 4))]


@pytest.mark.parametrize("seed", range(20))
def test_the_ranking_is_that_of_all_memories_whatever_was_prepared_before(seed: int) -> None:
    chance = random.Random(seed)
    languages = chance.choice([["en"], ["de"], ["ja"], ["en", "de"], list(_SAID)])
    memories: list[Memory] = []
    corpus = Corpus(memories)
    for _ in range(12):
        memories = _changed(chance, memories, chance.choice(languages))
        corpus = Corpus(memories, corpus)
        whole = Corpus([memory for memory in memories if memory is not LEFT_OUT])
        for question in _QUESTIONS:
            assert _ranked(corpus, question) == _ranked(whole, question)


def test_a_corpus_stays_as_it_is_when_another_is_prepared_from_it() -> None:
    chance = random.Random(1)
    memories = [_memory(chance, "en") for _ in range(30)]
    corpus = Corpus(memories)
    before = [_ranked(corpus, question) for question in _QUESTIONS]
    Corpus(_changed(chance, memories, "de"), corpus).rank("When did they move?", 8)
    assert [_ranked(corpus, question) for question in _QUESTIONS] == before


def test_a_memory_that_is_left_out_is_not_found() -> None:
    memories = [Memory(name, "caller", f"My dog is called {name}.") for name in ("Biscuit", "Rex")]
    corpus = Corpus([LEFT_OUT, memories[1]], Corpus(memories))
    assert [match.memory.id for match in corpus.rank("What is the dog called?", 8)] == ["Rex"]
