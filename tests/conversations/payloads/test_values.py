"""One field, one reader: the time of an event means the same wherever it is asked for."""

import json
import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from conversations.files.paths import AUDIO, payload_path, transcription_path
from conversations.files.placing import accept
from conversations.files.spool import spool
from conversations.payloads.failure import Failure
from conversations.payloads.transcription import Transcription
from conversations.payloads.values import number, seconds, unix_seconds
from tests.harness.samples import sample, transcription

ARRIVAL = datetime(2030, 1, 1, tzinfo=UTC)
MOMENT = datetime(2026, 9, 21, 14, 13, 20, tzinfo=UTC)

SPELLINGS: list[Any] = [
    1_790_000_000,
    1_790_000_000.0,
    "1790000000",
    " 1790000000 ",
    "1790000000.0",
    1_790_000_000_000,
    "1790000000000",
    "2026-09-21T14:13:20Z",
    "2026-09-21T14:13:20+00:00",
    "2026-09-21T16:13:20+02:00",
    "2026-09-21 14:13:20",
    "2026-09-21T14:13:20",
]
NO_MOMENTS: list[Any] = [
    *(None, "", "soon", True, 0, -5, "-5", 2**60, 10**18, 99_999_999_999, float("nan"), float("inf"), [], {}),
    *("1" * 40, "٣", "9999-12-31T00:00:00Z", "0001-01-01T00:00:00+14:00", "2026-13-45"),
]


def delivered(event: dict[str, Any]) -> str:
    with spool() as spooled:
        spooled.file.write(json.dumps(event).encode())
        return accept(spooled).status


@pytest.mark.parametrize("stated", SPELLINGS)
def test_a_moment_in_any_spelling(stated: object) -> None:
    event = transcription(metadata={"start_time_unix_secs": None}) | {"event_timestamp": stated}
    assert Transcription(event).started_at(ARRIVAL) == MOMENT
    assert Failure(event).at(ARRIVAL) == MOMENT
    assert Transcription(transcription(metadata={"start_time_unix_secs": stated})).started_at(ARRIVAL) == MOMENT


@pytest.mark.parametrize("stated", NO_MOMENTS)
def test_what_is_no_moment_is_that_of_the_arrival(stated: object) -> None:
    event = transcription(metadata={"start_time_unix_secs": None}) | {"event_timestamp": stated}
    assert Transcription(event).started_at(ARRIVAL) == ARRIVAL
    assert Failure(event).at(ARRIVAL) == ARRIVAL


@pytest.mark.parametrize("stated", SPELLINGS)
def test_the_recording_bears_the_time_of_its_event(payloads: Path, stated: object) -> None:  # noqa: ARG001
    delivered(sample("audio") | {"event_timestamp": stated})
    assert payload_path("conv_example_returning", AUDIO).stat().st_mtime == 1_790_000_000


@pytest.mark.parametrize("later", ["1790000100", 1_790_000_100_000, "2026-09-21T14:15:00Z"])
@pytest.mark.parametrize("earlier", [1_790_000_000, "1790000000", "2026-09-21T14:13:20Z"])
@pytest.mark.parametrize("order", [1, -1])
def test_the_later_event_stands_however_each_time_is_spelled(
    payloads: Path, later: object, earlier: object, order: int  # noqa: ARG001
) -> None:  # fmt: skip
    versions = [("Old.", earlier), ("New.", later)]
    for words, stated in versions[::order]:
        delivered(transcription(None, words, conversation_id="conv_1") | {"event_timestamp": stated})
    assert b"New." in transcription_path("conv_1").read_bytes()


@pytest.mark.parametrize("stated", [None, "soon", 0, 2**60])
def test_an_event_without_a_time_counts_from_its_arrival(payloads: Path, stated: object) -> None:  # noqa: ARG001
    delivered(transcription(None, "Undated.", conversation_id="conv_1") | {"event_timestamp": stated})
    hour_ago = time.time() - 3600
    os.utime(transcription_path("conv_1"), (hour_ago, hour_ago))
    delivered(transcription(None, "Older.", conversation_id="conv_1") | {"event_timestamp": hour_ago - 60})
    assert b"Undated." in transcription_path("conv_1").read_bytes()
    delivered(transcription(None, "Newer.", conversation_id="conv_1") | {"event_timestamp": str(int(hour_ago + 60))})
    assert b"Newer." in transcription_path("conv_1").read_bytes()


@pytest.mark.parametrize(
    ("value", "expected"),
    [(3, 3), (3.5, 3.5), ("3", 3), ("3.5", 3.5), (0, 0), (-1, None), (2**31, None), ("x", None), (True, None)],
)
def test_a_duration(value: object, expected: float | None) -> None:
    assert seconds(value) == expected


@pytest.mark.parametrize("text", ["1.", ".5", "1e3", "0x1", "1_000", "1,000", "1.5.2", "٣", ""])
def test_a_number_is_written_plainly(text: str) -> None:
    assert number(text) is None
    assert unix_seconds(text) is None
