"""A vector belongs to one text and one model: of anything else it is none."""

import pytest

from elmemory.memory import kinds
from elmemory.memory.encoder.vectors import has_vector, text_of, vector_of, with_vectors
from elmemory.memory.records import Memory
from tests.harness.encoders import WordsEncoder
from tests.harness.memories import memory


def encoded(encoder: WordsEncoder, content: str = "I moved to Duluth", asked: str = "Where do you live?") -> Memory:
    plain = memory(kinds.MESSAGE, content, asked=asked)
    return plain._replace(vector=vector_of(encoder, plain.content, plain.metadata))


def new(content: str, kind: str = kinds.MESSAGE) -> kinds.NewMemory:
    return kinds.NewMemory(kind, f"{kind}:1", content)


def test_what_the_agent_asked_is_encoded_with_the_words() -> None:
    assert text_of("Two", {"asked": "How many dogs do you have?"}) == "How many dogs do you have? Two"
    assert text_of("Two", {}) == "Two"


def test_a_long_text_is_encoded_in_part() -> None:
    assert len(text_of("word " * 10_000, {"asked": "why " * 10_000})) < 2000


def test_a_vector_is_as_many_bytes_as_dimensions_and_a_mark() -> None:
    encoder = WordsEncoder()
    held = encoded(encoder)
    assert len(held.vector) == 8 + encoder.dimensions
    assert has_vector(encoder, held)


@pytest.mark.parametrize(
    "changed",
    [
        {"content": "I moved to St Paul"},
        {"metadata": {"asked": "Who are you?"}},
        {"vector": b""},
        {"vector": b"\0" * 40},
    ],
)
def test_a_vector_of_another_text_counts_as_none(changed: dict[str, object]) -> None:
    encoder = WordsEncoder()
    assert not has_vector(encoder, encoded(encoder)._replace(**changed))  # type: ignore[arg-type]


def test_a_vector_of_another_model_counts_as_none() -> None:
    assert not has_vector(WordsEncoder("words-2"), encoded(WordsEncoder("words-1")))


def test_a_vector_that_was_cut_short_counts_as_none() -> None:
    encoder = WordsEncoder()
    held = encoded(encoder)
    assert not has_vector(encoder, held._replace(vector=held.vector[:-1]))


def test_only_what_a_search_may_find_is_encoded() -> None:
    encoder = WordsEncoder()
    memories = with_vectors(encoder, [new("said"), new("", kinds.CARD), new("City: Duluth", kinds.PREFERENCE)])
    assert [bool(memory.vector) for memory in memories] == [True, False, False]
    assert encoder.encoded == ["said"]


def test_a_text_that_has_a_vector_is_not_encoded_again() -> None:
    encoder = WordsEncoder()
    (before,) = with_vectors(encoder, [new("I moved to Duluth")])
    stored = Memory("1", "+14155550100", before.content, metadata={"kind": before.kind}, vector=before.vector)
    (again, other) = with_vectors(encoder, [new("I moved to Duluth"), new("Goodbye")], [stored])
    assert again.vector == before.vector
    assert other.vector
    assert encoder.encoded == ["I moved to Duluth", "Goodbye"]


class Broken(WordsEncoder):
    def passage(self, text: str) -> list[float]:
        raise RuntimeError(text)


def test_a_text_that_cannot_be_encoded_has_no_vector_and_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    (memory,) = with_vectors(Broken(), [new("My PIN is secret")])
    assert memory.vector == b""
    assert "could not be encoded" in caplog.text
    assert "PIN" not in caplog.text
