"""Measures how much of the known evidence the ranker finds, and how fast.

    python -m bench.recall [--data locomo10.json] [--final]

LoCoMo (data/locomo10.json of its repository) contains ten long conversations with questions and the turns that
answer them. Every turn is a memory of one caller. The constants of the ranker were tuned on the first, third, … of
the conversations and of the invented callers; the others were kept for checking, but ideas came from both. LoCoMo's
trick questions, which swap the two speakers, were not used for tuning. The n-grams were tuned on all callers in sixteen
languages. The ranking by words was not tuned on the recall set; its tuning half was measured afterwards. The weights of
the encoder were tuned on that half and on all of LoCoMo. Without --data LoCoMo is left out.
"""

import argparse
import json
import os
import re
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Literal

from bench import recall_set
from bench.processes import resident_mb
from elmemory.memory import kinds
from elmemory.memory.encoder import Encoder
from elmemory.memory.encoder.factory import installed
from elmemory.memory.encoder.likeness import VectorsOf
from elmemory.memory.encoder.vectors import MARK_BYTES, mark_of, vector_of
from elmemory.memory.ranking import Corpus
from elmemory.memory.records import Memory
from tests.harness.recall import (
    Ask,
    Asked,
    Caller,
    encoder_alone,
    foreign_callers,
    invented_callers,
    mean_recall,
    ours,
    plain_bm25,
    snowball_bm25,
    with_encoder,
)

RANKERS: dict[str, Callable[[Sequence[Memory]], Ask]] = {
    "plain BM25": plain_bm25,
    "Snowball": snowball_bm25,
    "ours": ours,
}
TRICK_QUESTIONS = 5
_AGENT = "A: "
# The questions of the recall set are asked this long after a caller's last call.
_DAYS_LATER = timedelta(days=3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="the LoCoMo file")
    parser.add_argument("--final", action="store_true", help="the final half of the recall set, not the tuning half")
    arguments = parser.parse_args()
    data = arguments.data
    before = resident_mb(os.getpid())
    if encodes := installed().encoder:
        encodes.question("How much memory does it take?")
        print(f"The encoder {encodes.model} takes {resident_mb(os.getpid()) - before:.0f} MB.")
        RANKERS.update({"ours and the encoder": with_encoder(encodes), "the encoder alone": encoder_alone(encodes)})
    callers = invented_callers()
    table("Invented calls", halves(callers), (1, 3, 5, 8))
    foreign = foreign_callers().values()
    parts = {"own language": [one.own for one in foreign], "typing errors": [one.mistyped for one in foreign]}
    table("Sixteen languages", parts | {"asked in English": [one.english for one in foreign]}, (1, 3, 5, 8))
    half: Literal["tuning", "final"] = "final" if arguments.final else "tuning"
    table(f"Recall set, {half} half", recall_parts(list(recall_set.callers(half))), (1, 3, 5, 8))
    if data:
        for title, words_only in (
            ("LoCoMo, with speaker and caption as in the data", False),
            ("LoCoMo, the words alone", True),
        ):
            samples = json.loads(data.read_text(encoding="utf-8"))
            talks = locomo(samples, words_only=words_only)
            tricks = locomo(samples, words_only=words_only, tricks=True)
            table(title, halves(talks) | {"tricks": tricks}, (5, 8, 10, 20))
        callers = talks
    speed(callers, encodes)


def halves(callers: Sequence[Caller]) -> dict[str, Sequence[Caller]]:
    return {"all": callers, "tuned on": callers[::2], "kept": callers[1::2]}


def recall_parts(callers: Sequence[recall_set.Caller]) -> dict[str, list[Caller]]:
    """The callers of the recall set, asked in each way; then those of each language as if they were one caller."""
    memories = {caller.id: recall_memories(caller) for caller in callers}
    together = {
        caller.id: [memory for other in callers if other.language == caller.language for memory in memories[other.id]]
        for caller in callers
    }

    def asked(known: Mapping[str, list[Memory]], way: str) -> list[Caller]:
        return [
            Caller(
                known[caller.id],
                [
                    Asked(
                        getattr(question, way),
                        frozenset(one.id for one in memories[caller.id] if one.content in question.answers),
                        any_of=True,
                    )
                    for question in caller.questions
                ],
                date.fromisoformat(caller.calls[-1].day) + _DAYS_LATER,
            )
            for caller in callers
        ]

    return {
        "own language": asked(memories, "ask"),
        "typing errors": asked(memories, "typos"),
        "asked in English": asked(memories, "english"),
        "callers together": asked(together, "ask"),
    }


def recall_memories(caller: recall_set.Caller) -> list[Memory]:
    memories = []
    for number, call in enumerate(caller.calls):
        before = ""
        for position, turn in enumerate(call.turns):
            if turn.startswith(_AGENT):
                before = turn.removeprefix(_AGENT)
                continue
            metadata = {
                "kind": kinds.MESSAGE,
                "conversation_id": f"{caller.id}.{number}",
                "called_at": f"{call.day}T10:00:00+00:00",
                "position": position,
                "asked": before,
            }
            name = f"{caller.id}.{number}.{position}"
            memories.append(Memory(name, caller.id, turn, metadata=metadata, salience=kinds.SALIENCE[kinds.MESSAGE]))
    return memories


def locomo(samples: Sequence[dict[str, Any]], *, words_only: bool, tricks: bool = False) -> list[Caller]:
    """The conversations as callers. A question counts if at least one turn of its evidence is known."""
    talks = []
    for sample in samples:
        talk = sample["conversation"]
        sessions = sorted(int(key.split("_")[1]) for key in talk if re.fullmatch(r"session_\d+", key))
        memories = [
            turn_memory(turn, position, session, talk[f"session_{session}_date_time"], words_only=words_only)
            for session in sessions
            for position, turn in enumerate(talk[f"session_{session}"])
        ]
        ids = {memory.id for memory in memories}
        questions = [
            Asked(item["question"], evidence, any_of=False)
            for item in sample["qa"]
            if (item["category"] == TRICK_QUESTIONS) == tricks and (evidence := frozenset(item["evidence"]) & ids)
        ]
        talks.append(Caller(memories, questions))
    return talks


def turn_memory(turn: dict[str, str], position: int, session: int, at: str, *, words_only: bool) -> Memory:
    called_at = datetime.strptime(at + " +0000", "%I:%M %p on %d %B, %Y %z").isoformat()
    text = turn["text"] if words_only else f"{turn['speaker']}: {turn['text']} {turn.get('blip_caption', '')}".strip()
    metadata = {"kind": kinds.MESSAGE, "conversation_id": str(session), "position": position, "called_at": called_at}
    return Memory(turn["dia_id"], "caller", text, metadata=metadata)


def table(title: str, parts: Mapping[str, Sequence[Caller]], first: Sequence[int]) -> None:
    whole = next(iter(parts.values()))
    print(f"\n{title}: {sum(len(caller.questions) for caller in whole)} questions,", end=" ")
    print(f"{sum(len(caller.memories) for caller in whole):,} memories of {len(whole)} callers\n")
    print(f"| ranker | part | {' | '.join(f'@{k}' for k in first)} |")
    print("|---" * (len(first) + 2) + "|")
    for name, prepare in RANKERS.items():
        for part, callers in parts.items():
            print(f"| {name} | {part} | {' | '.join(f'{mean_recall(prepare, callers, k):.3f}' for k in first)} |")


def speed(callers: Sequence[Caller], encodes: Encoder | None) -> None:
    print("\n| memories | prepared in | p50 | p95 |\n|---|---|---|---|")
    questions = [asked.question for caller in callers for asked in caller.questions][::5]
    for size in (600, 10_000):
        memories = one_caller(callers, size)
        began = time.process_time()
        corpus = Corpus(memories)
        prepared = time.process_time() - began
        row(f"{size:,}", prepared, seconds_for(questions, partial(corpus.rank, k=8)))
        if encodes:
            a_vector = vector_of(encodes, "A memory", {})[MARK_BYTES:]
            encoded = [one._replace(vector=mark_of(encodes, one.content, one.metadata) + a_vector) for one in memories]
            began = time.process_time()
            vectors = VectorsOf(encodes, encoded)
            prepared += time.process_time() - began
            row(f"{size:,}, with the encoder", prepared, seconds_for(questions, by_meaning(corpus, vectors, encodes)))


def by_meaning(corpus: Corpus, vectors: VectorsOf, encodes: Encoder) -> Callable[[str], object]:
    return lambda question: corpus.rank(question, 8, None, lambda: vectors.likeness(encodes.question(question)))


def seconds_for(questions: Sequence[str], answer: Callable[[str], object]) -> list[float]:
    """The CPU time of each answer, in seconds."""
    took = []
    for question in questions:
        began = time.process_time()
        answer(question)
        took.append(time.process_time() - began)
    return took


def row(name: str, prepared: float, took: Sequence[float]) -> None:
    p50, p95 = statistics.median(took), statistics.quantiles(took, n=20)[-1]
    print(f"| {name} | {prepared * 1000:.0f} ms | {p50 * 1000:.1f} ms | {p95 * 1000:.1f} ms |")


def one_caller(callers: Sequence[Caller], size: int) -> list[Memory]:
    """One caller with this many memories: copies of all callers' memories, each copy with its own conversations."""
    memories: list[Memory] = []
    while len(memories) < size:
        for caller in callers:
            copy = len(memories)
            memories += [
                memory._replace(
                    id=f"{copy}.{memory.id}",
                    metadata={**memory.metadata, "conversation_id": f"{copy}.{memory.metadata['conversation_id']}"},
                )
                for memory in caller.memories
            ]
    return memories[:size]


if __name__ == "__main__":
    main()
