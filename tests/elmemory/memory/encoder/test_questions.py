"""A live call waits for a question's vector as long as its deadline allows, and answers by words after that."""

from threading import Event
from time import monotonic

from elmemory.memory.encoder.questions import Questions
from tests.harness.encoders import WordsEncoder


class Held(WordsEncoder):
    """Encodes when it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.began, self.go, self.asked = Event(), Event(), list[str]()

    def question(self, text: str) -> list[float]:
        self.began.set()
        self.go.wait()
        self.asked.append(text)
        return super().question(text)


class Broken(WordsEncoder):
    def question(self, text: str) -> list[float]:
        raise RuntimeError(text)


def soon() -> float:
    return monotonic() + 20


def test_a_question_is_encoded_while_its_asker_does_something_else() -> None:
    assert Questions(WordsEncoder()).ask("Where?", soon())() == WordsEncoder().question("Where?")


def test_a_question_that_is_not_encoded_in_time_has_no_vector() -> None:
    encoder = Held()
    questions = Questions(encoder)
    first = questions.ask("first", soon())
    encoder.began.wait()
    assert questions.ask("late", monotonic())() is None
    after = questions.ask("after", soon())
    encoder.go.set()
    assert first() is not None
    assert after() is not None
    assert encoder.asked == ["first", "after"]  # what is late is not encoded


def test_a_question_behind_too_many_others_has_no_vector_at_once() -> None:
    encoder = Held()
    questions = Questions(encoder)
    first = questions.ask("first", soon())
    encoder.began.wait()
    waiting = [questions.ask(str(number), soon()) for number in range(16)]
    assert questions.ask("one too many", soon())() is None
    encoder.go.set()
    assert all(each() for each in (first, *waiting))


def test_a_fault_of_the_encoder_costs_one_vector_alone() -> None:
    questions = Questions(Broken())
    assert questions.ask("Where?", soon())() is None
    assert questions.ask("Who?", soon())() is None


def test_a_question_of_any_length_takes_a_bounded_time() -> None:
    encoder = Held()
    encoder.go.set()
    assert Questions(encoder).ask("word " * 10_000, soon())()
    assert len(encoder.asked[0]) == 500
