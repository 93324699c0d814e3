"""The memories of the recorded samples, kept as they were: none may change without being meant to."""

import json
from datetime import UTC, datetime

import pytest

from conversations.memories.remember import memories_of
from conversations.payloads.transcription import Transcription
from tests.harness.samples import DATA, raw_sample

ARRIVAL = datetime(2026, 11, 1, 12, tzinfo=UTC)
KEPT = json.loads((DATA / "memories_of_samples.json").read_bytes())


@pytest.mark.parametrize("name", KEPT)
def test_a_sample_gives_exactly_the_memories_it_always_gave(name: str) -> None:
    call = Transcription.read(raw_sample(f"transcription_{name}"))
    memories = memories_of(call, ARRIVAL)
    assert [[memory.kind, memory.key, memory.content, dict(memory.metadata)] for memory in memories] == KEPT[name]
