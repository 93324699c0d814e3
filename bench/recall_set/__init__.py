"""Invented callers and the questions an agent asks of their memories, to measure how well search finds the answers.

Written by hand and independently of the ranker: the author had not seen how memories are ranked. One JSON file per
language, five callers each. All people, companies and places are invented. A file is a list of

    {"caller": "de-a", "calls": [{"day": "2026-02-03", "turns": […]}, …], "questions": [five questions]}

- A caller has 3 to 5 calls on different days, and 16 to 20 turns of their own in all. `turns` are what speech
  recognition writes, in order; those that begin with "A: " are the agent's. Some turns answer the agent's question in
  two words.
- A question is `{"ask": …, "answers": […], "english": …, "typos": …}`. `ask` is in the caller's language, in the
  words of an agent's model, after the last call: about three in five share the stem of a word with the answer, the
  others have only synonyms, or need the agent's question before the answer. `answers` are the one or two turns of the
  caller that answer it, word for word. `english` is the same question in English. `typos` is `ask` with one typo in
  every longer word; in Chinese and Japanese, with wrong characters or readings.
- The fourth question is about something that a later turn replaces: the answer is the later turn. The fifth is about a
  day or "last time".
- About half of the callers of a language speak tersely, the others are talkative.

Callers a, c and e are the tuning half. Callers b and d are the final half: they are measured once, at the end, and must
not influence any choice.
"""

import json
from collections.abc import Iterator
from importlib.resources import files
from typing import Literal, NamedTuple

HALVES = {"tuning": "ace", "final": "bd"}


class Call(NamedTuple):
    """One call: its day, and its turns; the agent's begin with "A: "."""

    day: str
    turns: list[str]


class Question(NamedTuple):
    """What the agent asks, which turns answer it, and the same in English and with typos."""

    ask: str
    answers: list[str]
    english: str
    typos: str


class Caller(NamedTuple):
    """One caller: the language, an id such as "de-a", the calls in order and the questions asked after them."""

    language: str
    id: str
    calls: list[Call]
    questions: list[Question]


def callers(half: Literal["tuning", "final"]) -> Iterator[Caller]:
    """Yield the callers of one half, in a fixed order; an answer that is no turn of its caller is an error."""
    paths = sorted((path for path in files(__package__).iterdir() if path.name.endswith(".json")), key=lambda p: p.name)
    for path in paths:
        for one in json.loads(path.read_text(encoding="utf-8")):
            language, _, letter = one["caller"].partition("-")
            if letter not in HALVES[half]:
                continue
            calls = [Call(**call) for call in one["calls"]]
            questions = [Question(**question) for question in one["questions"]]
            said = {turn for call in calls for turn in call.turns if not turn.startswith("A: ")}
            for question in questions:
                strange = [answer for answer in question.answers if answer not in said]
                if strange or not question.answers:
                    raise ValueError(f"{one['caller']}: {question.ask!r} is not answered by the caller: {strange}")
            yield Caller(language, one["caller"], calls, questions)
