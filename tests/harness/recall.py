"""Recall of a ranker: the share of known answers that are among its first k memories."""

import json
import re
from array import array
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from elmemory.memory import kinds
from elmemory.memory.encoder.likeness import VectorsOf
from elmemory.memory.encoder.protocol import Encoder, Vector
from elmemory.memory.encoder.vectors import text_of, vector_of
from elmemory.memory.ranking import Corpus
from elmemory.memory.ranking.languages import language_of, spoken_words, terms_in
from elmemory.memory.ranking.postings import Postings
from elmemory.memory.ranking.term_codes import TermCodes
from elmemory.memory.ranking.words import terms
from elmemory.memory.records import Memory

CALLS = Path(__file__).parent.parent / "data" / "recall_calls.json"
LANGUAGES = Path(__file__).parent.parent / "data" / "recall_languages.json"

type Ask = Callable[[str, int, date | None], list[str]]
"""A ranker: from a question, k and today, the ids of at most k memories, best first."""


class Asked(NamedTuple):
    """A question. `answers` are ids of memories: with `any_of` each is a full answer, else each is a part of it."""

    question: str
    answers: frozenset[str]
    any_of: bool


class Caller(NamedTuple):
    memories: list[Memory]
    questions: list[Asked]
    today: date | None = None


def invented_callers() -> list[Caller]:
    """Sixty callers with 300 questions, and memories like those that the worker writes.

    In the file an answer is "call.turn", both from 0, or "call.summary", or "call.field" for a fact.
    """
    return [
        Caller(
            _memories(caller["caller"], caller["calls"]),
            [Asked(question, frozenset(answers), any_of=True) for question, answers in caller["questions"]],
        )
        for caller in json.loads(CALLS.read_text(encoding="utf-8"))
    ]


class Foreign(NamedTuple):
    """Return the caller with three sets of questions: in their own language, with typing errors, and in English."""

    own: Caller
    mistyped: Caller
    english: Caller


def foreign_callers() -> dict[str, Foreign]:
    """Language to a caller with three calls in it and seven questions. An answer is "call.turn", both from 0."""
    callers = {}
    for language, caller in json.loads(LANGUAGES.read_text(encoding="utf-8")).items():
        memories = [
            Memory(
                f"{number}.{turn}",
                language,
                said,
                metadata={
                    "kind": kinds.MESSAGE,
                    "conversation_id": f"conv_{number}",
                    "called_at": call["at"],
                    "position": 2 * turn + 1,
                    "asked": asked,
                },
                salience=kinds.SALIENCE[kinds.MESSAGE],
            )
            for number, call in enumerate(caller["calls"])
            for turn, (asked, said) in enumerate(call["turns"])
        ]
        own = [Asked(question, frozenset(answers), any_of=True) for question, _, answers in caller["questions"]]
        english = [Asked(question, frozenset(answers), any_of=True) for _, question, answers in caller["questions"]]
        mistyped = [asked._replace(question=_mistyped(asked.question)) for asked in own]
        callers[language] = Foreign(*(Caller(memories, questions) for questions in (own, mistyped, english)))
    return callers


def _mistyped(question: str) -> str:
    """The question with two letters in the middle of each longer word in the wrong order."""
    return re.sub(r"\w{6,}", lambda word: _swapped(word[0], len(word[0]) // 2), question)


def _swapped(word: str, at: int) -> str:
    return word[: at - 1] + word[at] + word[at - 1] + word[at + 1 :]


def _memories(caller: str, calls: Sequence[dict[str, Any]]) -> list[Memory]:
    def memory(name: str, kind: str, content: str, **metadata: Any) -> Memory:
        return Memory(name, caller, content, metadata={"kind": kind, **metadata}, salience=kinds.SALIENCE[kind])

    memories: list[Memory] = []
    facts: dict[str, Memory] = {}
    for number, call in enumerate(calls):
        common = {"conversation_id": f"conv_{number}", "called_at": call["at"]}
        for position, (field, value) in enumerate(call["facts"].items()):
            label = field.replace("_", " ").capitalize()
            # A search shows one memory per field, the newest.
            facts[field] = memory(
                f"{number}.{field}",
                kinds.FACT,
                f"{label}: {value}",
                position=position,
                field=field,
                value=value,
                **common,
            )
        memories += [
            memory(f"{number}.{turn}", kinds.MESSAGE, said, position=2 * turn + 1, asked=asked, **common)
            for turn, (asked, said) in enumerate(call["turns"])
        ]
        summary = f"Call on {call['at'][:10]} (success): {call['summary']}"
        memories.append(memory(f"{number}.summary", kinds.CALL, summary, **common))
    return [*memories, *facts.values()]


def ours(memories: Sequence[Memory]) -> Ask:
    corpus = Corpus(memories)
    return lambda question, k, today: [match.memory.id for match in corpus.rank(question, k, today)]


def with_encoder(encoder: Encoder) -> Callable[[Sequence[Memory]], Ask]:
    """Ours, with vectors by this encoder. Each text is encoded once."""
    encoded = _Encoded(encoder)

    def prepare(memories: Sequence[Memory]) -> Ask:
        corpus, vectors = Corpus(memories), VectorsOf(encoder, list(map(encoded.memory, memories)))

        def ask(question: str, k: int, today: date | None) -> list[str]:
            matches = corpus.rank(question, k, today, lambda: vectors.likeness(encoded.question(question)))
            return [match.memory.id for match in matches]

        return ask

    return prepare


def encoder_alone(encoder: Encoder) -> Callable[[Sequence[Memory]], Ask]:
    """The memories whose vectors are nearest to the question's."""
    encoded = _Encoded(encoder)

    def prepare(memories: Sequence[Memory]) -> Ask:
        vectors = VectorsOf(encoder, list(map(encoded.memory, memories)))

        def ask(question: str, k: int, _: date | None) -> list[str]:
            alike = vectors.likeness(encoded.question(question))
            return [memories[at].id for at in sorted(alike, key=alike.__getitem__, reverse=True)[:k]]

        return ask

    return prepare


class _Encoded:
    """What an encoder makes of texts, made once in this process, whoever asks."""

    _known: ClassVar[dict[tuple[str, str], Any]] = {}

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder

    def memory(self, memory: Memory) -> Memory:
        name = "passage", text_of(memory.content, memory.metadata)
        if name not in self._known:
            self._known[name] = vector_of(self._encoder, memory.content, memory.metadata)
        return memory._replace(vector=self._known[name])

    def question(self, text: str) -> Vector:
        name = "question", text
        if name not in self._known:
            self._known[name] = self._encoder.question(text)
        vector: Vector = self._known[name]
        return vector


def plain_bm25(memories: Sequence[Memory]) -> Ask:
    """BM25 over the words of the memory and of the agent's question before it."""
    postings = _postings([terms(f"{memory.metadata.get('asked', '')} {memory.content}") for memory in memories])

    def ask(question: str, k: int, _: date | None) -> list[str]:
        scores = postings.scores(postings.weights(terms(question)))
        return [memories[at].id for at in sorted(scores, key=scores.__getitem__, reverse=True)[:k]]

    return ask


def snowball_bm25(memories: Sequence[Memory]) -> Ask:
    """BM25 over stems by Snowball, without the stop words of the caller's language."""
    texts = [f"{memory.metadata.get('asked', '')} {memory.content}" for memory in memories]
    language = language_of(set(spoken_words(" ".join(texts))))
    postings = _postings([terms_in(language, text) for text in texts])

    def ask(question: str, k: int, _: date | None) -> list[str]:
        scores = postings.scores(postings.weights(terms_in(language, question)))
        return [memories[at].id for at in sorted(scores, key=scores.__getitem__, reverse=True)[:k]]

    return ask


def _postings(texts: Iterable[Sequence[str]]) -> Postings:
    codes = TermCodes()
    coded = [codes.of_terms(text) for text in texts]
    return Postings("".join(coded), array("I", map(len, coded)), codes.codes)


def recall(ask: Ask, caller: Caller, k: int) -> list[float]:
    """For each question the share of its answer among the first k memories."""
    shares = []
    for question, answers, any_of in caller.questions:
        found = len(answers.intersection(ask(question, k, caller.today)))
        shares.append(float(found > 0) if any_of else found / len(answers))
    return shares


def mean_recall(prepare: Callable[[Sequence[Memory]], Ask], callers: Sequence[Caller], k: int) -> float:
    shares = [share for caller in callers for share in recall(prepare(caller.memories), caller, k)]
    return sum(shares) / len(shares)
