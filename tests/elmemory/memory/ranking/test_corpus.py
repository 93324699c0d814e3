"""What the ranker makes of a caller's memories and a question."""

from collections.abc import Iterator
from datetime import date
from itertools import count
from typing import Any

import pytest

from elmemory.memory import kinds
from elmemory.memory.ranking import Corpus, rank
from elmemory.memory.records import Memory

_ids: Iterator[int] = count()


def said(content: str, **metadata: Any) -> Memory:
    """A sentence of the caller's, each in a conversation of its own unless told otherwise."""
    number = next(_ids)
    whole = {"kind": kinds.MESSAGE, "conversation_id": f"conv_{number}", "position": 1, **metadata}
    return Memory(str(number), "+14155550100", content, metadata=whole, salience=0.8)


def fact(content: str, **metadata: Any) -> Memory:
    return said(content, kind=kinds.FACT, **metadata)


def conversation(*contents: str, **metadata: Any) -> list[Memory]:
    name = f"conv_{next(_ids)}"
    return [
        said(content, conversation_id=name, position=position, **metadata) for position, content in enumerate(contents)
    ]


def found(question: str, *memories: Memory, k: int = 8, today: date | None = None) -> list[str]:
    return [match.memory.content for match in rank(question, memories, k, today)]


def best(question: str, *memories: Memory, today: date | None = None) -> str:
    return found(question, *memories, k=1, today=today)[0]


# What is found


def test_the_memory_with_the_questions_words_is_found() -> None:
    assert found("dog", said("My dog is called Biscuit."), said("The car broke down.")) == ["My dog is called Biscuit."]


def test_the_best_comes_first() -> None:
    memories = said("The dog ate."), said("The dog ate the cake."), said("Nice weather.")
    assert found("Did the dog eat the cake?", *memories)[0] == "The dog ate the cake."


def test_at_most_k_are_found() -> None:
    assert len(found("dog", *(said(f"Dog number {number}.") for number in range(9)), k=3)) == 3


@pytest.mark.parametrize("k", [0, -1])
def test_none_are_found_where_none_are_wanted(k: int) -> None:
    assert found("dog", said("My dog."), k=k) == []


def test_a_caller_without_memories_has_nothing_to_find() -> None:
    assert found("dog") == []


def test_a_rare_word_says_more_than_a_frequent_one() -> None:
    memories = said("The delivery was late."), said("The delivery was early."), said("The piano was late.")
    assert best("piano delivery", *memories) == "The piano was late."


def test_scores_fall() -> None:
    scores = [match.score for match in rank("dog cake", [said("A dog."), said("A dog with a cake.")], 8)]
    assert scores == sorted(scores, reverse=True)
    assert all(scores)


# Words


@pytest.mark.parametrize(
    ("question", "memory"),
    [
        ("painting", "I painted the fence."),
        ("Where did she go?", "I went to Oslo."),
        ("allergies", "I have an allergy to bees."),
        ("Which medication?", "Those tablets make me drowsy."),
        ("What colour is the door?", "Make it burnt orange."),
        ("Which pet?", "The parrot is loose."),
        ("cafe", "We met at the Café Royal."),
        ("ten tablets", "I took 10."),
        ("20 mg", "It is 20mg now."),
        ("daughter’s recital", "The daughter's recital is on."),
        ("Kristine", "Christine will sign for it."),
        ("STRASSE", "Die Straße ist gesperrt."),
    ],
)
def test_other_forms_spellings_and_words_for_the_same_are_found(question: str, memory: str) -> None:
    assert best(question, said("Nothing else, thank you."), said(memory), said("See you.")) == memory


def test_the_word_itself_comes_before_another_for_the_same() -> None:
    assert best("doctor", said("The physician was kind."), said("The doctor was kind.")) == "The doctor was kind."


def test_a_number_tells_near_duplicates_apart() -> None:
    memories = said("I take ten milligrams of lisinopril."), said("I take twenty milligrams of lisinopril.")
    assert best("lisinopril 20 mg", *memories) == "I take twenty milligrams of lisinopril."


@pytest.mark.parametrize(
    ("question", "answer", "other"),
    [
        ("アレルギーはありますか", "息子が卵アレルギーです。", "窓側の席がいいです。"),
        ("送货地址在哪里", "送货到长安街八号。", "她最喜欢百合。"),
        ("แพ้อาหารอะไร", "ภรรยาแพ้กุ้ง", "ห้องวิวแม่น้ำ"),
        ("टंकी कहाँ है", "पानी की टंकी छत पर है।", "रविवार को आइए।"),
        ("주소가 어디예요", "제 주소는 종로구입니다.", "고양이가 두 마리 있어요."),
        ("Где живёт дочь?", "Моя дочь живет в Риге.", "Спасибо, до свидания."),
        ("أين يعمل أخوك", "أخوك يعمل في المطار", "شكرا جزيلا"),
    ],
)
def test_every_script_has_words(question: str, answer: str, other: str) -> None:
    assert best(question, said(other), said(answer)) == answer


# The conversation


def test_an_answer_is_found_by_what_the_agent_asked() -> None:
    answer = said("Yes, Tuesday at five.", asked="When is your daughter's recital?")
    assert best("daughter's recital", said("No, thank you.", asked="Anything else?"), answer) == answer.content


@pytest.mark.parametrize("metadata", [{"conversation_id": None}, {"position": None}])
def test_what_the_agent_asked_counts_wherever_the_answer_belongs(metadata: dict[str, Any]) -> None:
    answer = said("Yes, Tuesday at five.", asked="When is your daughter's recital?", **metadata)
    other = said("No, thank you.", asked="Anything else?", **metadata)
    assert best("daughter's recital", other, answer) == answer.content


def test_what_was_said_next_is_found_too() -> None:
    talk = conversation("I bought a boat.", "She is red and needs paint.")
    assert found("boat", *talk, said("Goodbye.")) == ["I bought a boat.", "She is red and needs paint."]


def test_conversations_are_not_each_others_neighbours() -> None:
    assert found("boat", *conversation("I bought a boat."), *conversation("Goodbye.")) == ["I bought a boat."]


def test_of_two_memories_the_one_from_a_conversation_about_the_question_comes_first() -> None:
    cars = conversation("I sold a car.", "Blue.", "Hm.", "Hm, hm.", "It broke at once.")
    boats = conversation("I bought a boat.", "Red.", "Hm.", "Hm, hm.", "It broke at last.")
    ranked = found("Did the boat break?", *cars, *boats)
    assert ranked.index("It broke at last.") < ranked.index("It broke at once.")


def test_a_single_conversation_lends_nothing_to_its_distant_turns() -> None:
    talk = conversation("I bought a boat.", "Red.", "Hm.", "Hm, hm.", "Goodbye.")
    assert "Goodbye." not in found("boat", *talk)


def test_turns_follow_their_positions_however_they_are_given() -> None:
    talk = conversation("I bought a boat.", "She is red.", "And fast.", "Three.", "Four.")
    assert set(found("boat", *reversed(talk))[:3]) == {"I bought a boat.", "She is red.", "And fast."}


def test_a_fact_gains_nothing_from_its_conversation() -> None:
    talk = conversation("I bought a boat.")
    name = fact("First name: Maya", conversation_id=talk[0].metadata["conversation_id"])
    assert found("boat", *talk, name) == ["I bought a boat."]


def test_a_fact_is_found_by_its_field() -> None:
    assert best("insurance?", said("It hurts."), fact("Insurance: Cigna")) == "Insurance: Cigna"


def test_a_statement_comes_before_a_question_in_the_same_words() -> None:
    assert best("dog name", said("What name for a dog?"), said("My dog has a name.")) == "My dog has a name."


# The form of an answer


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("When is the recital?", "The recital is on Tuesday."),
        ("How many guests come to the recital?", "The recital has 40 guests."),
        ("Where is the recital?", "The recital is in Oakland."),
        ("Who comes to the recital?", "The recital is with Camila."),
    ],
)
def test_an_answer_of_the_fitting_form_comes_first(question: str, answer: str) -> None:
    others = said("The recital is lovely."), said("The recital has guests who sing.")
    assert best(question, *others, said(answer)) == answer


# Days


JUNE, JULY = "2026-06-10T09:00:00+00:00", "2026-07-22T09:00:00+00:00"


def test_a_month_finds_what_was_said_in_it() -> None:
    memories = said("The boiler broke.", called_at=JUNE), said("The boiler broke again.", called_at=JULY)
    assert best("What happened to the boiler in July 2026?", *memories) == "The boiler broke again."
    assert best("What happened to the boiler in June?", *memories) == "The boiler broke."


def test_days_named_in_a_memory_count_from_its_call() -> None:
    memories = (
        said("The boiler broke two months ago.", called_at=JULY),
        said("The boiler broke yesterday.", called_at=JULY),
    )
    assert best("Did the boiler break on 21 July 2026?", *memories) == "The boiler broke yesterday."


def test_days_named_in_a_question_count_from_today() -> None:
    memories = said("The boiler broke.", called_at=JUNE), said("The boiler broke again.", called_at=JULY)
    assert best("boiler last week", *memories, today=date(2026, 7, 29)) == "The boiler broke again."
    assert best("boiler last week", *memories, today=date(2026, 6, 17)) == "The boiler broke."


def test_last_time_is_the_newest_call() -> None:
    memories = said("It is about my boiler.", called_at=JULY), said("It is about my car.", called_at=JUNE)
    assert best("What did we talk about last time?", *memories) == "It is about my boiler."


def test_what_holds_now_was_said_last() -> None:
    memories = said("The gate code is 5520.", called_at=JUNE), said("The gate code is 9413.", called_at=JULY)
    assert best("What is the gate code now?", *memories) == "The gate code is 9413."


# What is left


def test_a_word_that_the_caller_never_used_lets_plausible_memories_follow() -> None:
    memories = said("My oboe is broken."), said("Goodbye.")
    assert found("Which timber is the oboe?", *memories) == ["My oboe is broken.", "Goodbye."]


def test_a_question_in_words_never_used_gets_the_newest_first() -> None:
    memories = said("Old.", called_at=JUNE), said("New.", called_at=JULY)
    matches = rank("zeppelin", memories, 8)
    assert [match.memory.content for match in matches] == ["New.", "Old."]
    assert {match.score for match in matches} == {0.0}


@pytest.mark.parametrize("question", ["", "  ", "?!", "What did the caller say?"])
def test_a_question_that_asks_nothing_gets_the_newest_call(question: str) -> None:
    assert best(question, said("Old.", called_at=JUNE), said("New.", called_at=JULY)) == "New."


def test_of_equal_memories_the_more_salient_comes_first_and_then_the_newer() -> None:
    old, new = said("My dog.", called_at=JUNE), said("My dog.", called_at=JULY)
    salient = Memory("salient", old.user_id, old.content, metadata=dict(old.metadata, conversation_id="x"), salience=1)
    assert [match.memory.id for match in rank("dog", [old, new, salient], 8)] == [salient.id, new.id, old.id]


# Memories of any make


@pytest.mark.parametrize(
    "metadata",
    [
        {"called_at": None},
        {"called_at": "yesterday"},
        {"called_at": "0001-01-01T00:00:00+00:00"},
        {"called_at": "9999-12-31T23:59:59+00:00"},
        {"position": "first"},
        {"conversation_id": None},
        {"asked": None},
        {"kind": None},
    ],
)
def test_odd_metadata_does_no_harm(metadata: dict[str, Any]) -> None:
    memory = said("My dog barked last summer, next year and on 31 February.", **metadata)
    assert best("When did the dog bark in February?", memory) == memory.content


def test_a_memory_without_metadata_is_found() -> None:
    assert [match.memory.id for match in rank("dog", [Memory("1", "+14155550100", "My dog.")], 8)] == ["1"]


def test_a_memory_without_words_is_never_in_the_way() -> None:
    assert best("dog", said(""), said("…"), said("My dog.")) == "My dog."


def test_a_prepared_corpus_answers_as_an_unprepared_one_again_and_again() -> None:
    memories = conversation("I bought a boat.", "She is red.", "And fast.")
    corpus = Corpus(memories)
    for question in ("boat", "What colour is the yacht?", "boat"):
        assert corpus.rank(question, 8) == rank(question, memories, 8)
