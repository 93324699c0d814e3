"""Lists of ElevenLabs that do not end, repeat themselves or hold entries of another shape, through the real SDK."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from pytest_django.fixtures import Settings

from conversations.memories.backfill import survey
from elmemory.agents.api import Api
from tests.harness.fake_elevenlabs import AGENT, API_KEY, FakeElevenLabs, conversation

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "index"])


class Paging(FakeElevenLabs):
    """Answers each request for the list of conversations with the next of `pages`, the last one again and again."""

    def __init__(self, *pages: Any) -> None:
        super().__init__()
        self.pages = pages

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> Any:
        if path == "/v1/convai/conversations":
            return self.pages[min(self.asked, len(self.pages)) - 1]
        return super().answer(method, path, query, body)

    @property
    def asked(self) -> int:
        return sum(path == "/v1/convai/conversations" for _, path in self.requests)


def summary(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "agent_id": AGENT,
        "conversation_id": f"conv_{number:06}",
        "start_time_unix_secs": 1_790_000_000,
        "call_duration_secs": 30,
        "message_count": 2,
        "status": "done",
        "call_successful": "success",
        **changes,
    }


def page(*summaries: Any, **more: Any) -> dict[str, Any]:
    return {"conversations": list(summaries), **more}


@pytest.fixture
def backfill(settings: Settings, payloads: Path, index_schema: None) -> Iterator[Any]:  # noqa: ARG001
    """What `backfill` says of these pages, and the fake that sent them."""
    running: list[FakeElevenLabs] = []

    def run(*pages: Any, dry: bool = True) -> tuple[str, Paging]:
        fake = Paging(*pages)
        running.append(fake.__enter__())
        settings.ELEVENLABS_API_KEY, settings.ELEVENLABS_BASE_URL = API_KEY, fake.url
        fake.add_conversation(conversation(1))
        out = io.StringIO()
        options = ["--dry-run"] if dry else ["--no-audio"]
        call_command("backfill", "--rate", "0", "--quiet", *options, stdout=out, stderr=out, no_color=True)
        return out.getvalue(), fake

    yield run
    for fake in running:
        fake.__exit__()


def test_a_list_that_has_no_more_ends_although_it_names_a_cursor(backfill: Any) -> None:
    output, fake = backfill(page(summary(1), has_more=False, next_cursor="again"))
    assert output.startswith("1 conversation at ElevenLabs")
    assert fake.asked == 1


@pytest.mark.parametrize("cursor", [None, "", 0])
def test_a_list_without_a_cursor_ends_although_it_has_more(backfill: Any, cursor: object) -> None:
    _, fake = backfill(page(summary(1), has_more=True, next_cursor=cursor))
    assert fake.asked == 1


def test_a_repeated_cursor_ends_the_list_and_no_call_counts_twice(backfill: Any) -> None:
    output, fake = backfill(page(summary(1), summary(2), has_more=True, next_cursor="same"))
    assert output.startswith(f"2 conversations at ElevenLabs ({AGENT} 2)")
    assert fake.asked == 2


def test_cursors_in_a_cycle_end_the_list(backfill: Any) -> None:
    first = page(summary(1), has_more=True, next_cursor="b")
    second = page(summary(2), has_more=True, next_cursor="a")
    output, fake = backfill(first, second, first)
    assert output.startswith("2 conversations")
    assert fake.asked == 3


def test_a_list_of_empty_pages_with_new_cursors_ends(backfill: Any) -> None:
    output, fake = backfill(*(page(has_more=True, next_cursor=f"cursor {number}") for number in range(50)))
    assert output.startswith("0 conversations")
    assert fake.asked < 50


def test_one_empty_page_does_not_end_the_list(backfill: Any) -> None:
    output, _ = backfill(
        page(summary(1), has_more=True, next_cursor="b"),
        page(has_more=True, next_cursor="c"),
        page(summary(2), has_more=False, next_cursor=None),
    )
    assert output.startswith("2 conversations")


def test_a_call_that_moves_to_the_next_page_meanwhile_counts_once(backfill: Any) -> None:
    output, _ = backfill(
        page(summary(1), summary(2), has_more=True, next_cursor="b"), page(summary(2), summary(3), has_more=False)
    )
    assert output.startswith("3 conversations")
    assert "without a transcription here        3" in output


@pytest.mark.parametrize(
    "entry",
    [
        summary(2, conversation_id=None),
        summary(2, conversation_id=""),
        summary(2, conversation_id=7),
        summary(2, conversation_id="../../etc/passwd"),
        {},
        None,
    ],
)
def test_an_entry_without_a_usable_id_is_left_out_and_counted(backfill: Any, entry: Any) -> None:
    output, _ = backfill(page(entry, summary(1), has_more=False))
    assert output.startswith("1 conversation at")
    assert "left out, without a usable id       1" in output


def test_a_list_of_usable_entries_says_nothing_of_others(backfill: Any) -> None:
    output, _ = backfill(page(summary(1), has_more=False))
    assert "left out" not in output


@pytest.mark.parametrize(
    ("changes", "event_timestamp"),
    [
        ({"start_time_unix_secs": None}, None),
        ({"start_time_unix_secs": "soon"}, None),
        ({"start_time_unix_secs": {"at": 1}}, None),
        ({"start_time_unix_secs": "1790000000"}, 1_790_000_030),
        ({"start_time_unix_secs": 1_790_000_000_000}, 1_790_000_030),
        ({"call_duration_secs": None}, 1_790_000_000),
        ({"call_duration_secs": "long"}, 1_790_000_000),
        ({"call_duration_secs": -5}, 1_790_000_000),
        ({"call_duration_secs": 10**9}, 1_790_000_000),
        ({"agent_id": None}, 1_790_000_030),
    ],
)
def test_odd_times_in_the_list_cost_a_call_its_time_only(
    backfill: Any, payloads: Path, changes: dict[str, Any], event_timestamp: object
) -> None:
    backfill(page(summary(1, **changes), has_more=False), dry=False)
    stored = json.loads((payloads / "conv_000001" / "conv_000001_transcription.json").read_bytes())
    assert stored["event_timestamp"] == event_timestamp


@pytest.mark.parametrize(
    "answer",
    [{}, {"conversations": None}, {"conversations": {}}, page("conv_000002"), [], "text", None, b"<html></html>"],
)
def test_an_answer_without_a_readable_list_is_a_fault_that_changes_nothing(
    backfill: Any, payloads: Path, answer: Any
) -> None:
    with pytest.raises(CommandError, match="ElevenLabs"):
        backfill(answer)
    assert not list(payloads.rglob("conv_*"))


def test_a_survey_counts_entries_of_another_shape_as_unusable(settings: Settings, payloads: Path) -> None:  # noqa: ARG001
    with Paging(page(summary(1, start_time_unix_secs=None), {}, has_more=True, next_cursor="same")) as fake:
        settings.ELEVENLABS_API_KEY, settings.ELEVENLABS_BASE_URL = API_KEY, fake.url
        with Api() as api:
            found = survey(api)
    assert (len(found.missing), found.unusable, found.missing[0].ended_at) == (1, 2, None)


def test_tools_of_another_shape_are_left_out(settings: Settings) -> None:
    with FakeElevenLabs() as fake:
        settings.ELEVENLABS_API_KEY, settings.ELEVENLABS_BASE_URL = API_KEY, fake.url
        with Api() as api:
            fake.tools["none"] = None  # type: ignore[assignment]
            assert api.tools() == []
