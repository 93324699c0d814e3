"""The page of figures: what it counts, over time and per agent, and where its bars lead."""

import re
from datetime import date, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from conversations.admin import analytics as module
from conversations.admin.analytics import Spread, analytics, spans_of
from conversations.index.periods import Period
from conversations.models import Conversation
from tests.conftest import As
from tests.harness.samples import transcription
from tests.harness.stored import deliver

pytestmark = [
    pytest.mark.django_db(transaction=True, databases=["default", "memory", "index"]),
    pytest.mark.usefixtures("payloads", "index_schema"),
]

MAYA, TOM = "+14155550100", "+14155550101"
LIST = "/admin/conversations/conversation/"
FIGURES = f"{LIST}analytics/"
DAY = 86_400


def call(name: str, caller: str | None = MAYA, days_ago: int = 0, **changes: Any) -> str:
    start = timezone.localtime().replace(hour=0, minute=0, second=0) - timedelta(days=days_ago)
    started = int(start.timestamp()) + 1
    return deliver(transcription(caller, "Hello there.", conversation_id=name, started_at=started, **changes))


def answered(*waits: float) -> list[dict[str, Any]]:
    """A transcript in which the caller waits so long for each answer."""
    turns: list[dict[str, Any]] = [{"role": "agent", "message": "Hello, what can I do?"}]
    for seconds in waits:
        metrics = {"convai_llm_service_ttfb": {"elapsed_time": seconds - 0.1}}
        voice = {"convai_tts_service_ttfb": {"elapsed_time": 0.1}}
        turns.append({"role": "user", "message": "And?"})
        turns.append({"role": "agent", "message": "Yes.", "conversation_turn_metrics": {"metrics": metrics | voice}})
    return turns


@pytest.fixture
def month(payloads: Path, index_schema: None) -> None:  # noqa: ARG001
    neutral = {"dynamic_variables": {"returning_caller": "no"}}
    known = {"dynamic_variables": {"returning_caller": "yes"}}
    call("a", days_ago=20, conversation_initiation_client_data=neutral, metadata={"cost": 100})
    call("b", days_ago=3, conversation_initiation_client_data=known, transcript=answered(1.0, 3.0))
    call("c", days_ago=3, conversation_initiation_client_data=neutral, analysis={"call_successful": "failure"})
    call("d", TOM, agent_id="agent_other", metadata={"call_duration_secs": 90, "cost": 50}, transcript=answered(2.0))
    call("old", days_ago=200)


def figures_of(calls: Any, period: Period | None = None) -> dict[str, Any]:
    all_ = analytics(calls, period).all
    spreads = {name: (getattr(all_, name).median, getattr(all_, name).high) for name in module.MEASURED}
    return {**all_.counts, **spreads, "success": all_.success, "returning_share": all_.returning}


@pytest.mark.usefixtures("month")
def test_figures_are_counted_over_the_period() -> None:
    today = timezone.localdate()
    assert figures_of(Conversation.objects.all(), Period(today - timedelta(days=27), today)) == {
        "calls": 4, "wrong": 2, "judged": 4, "succeeded": 3, "success": "75", "cost": 150,
        "returning": 3, "returning_share": "75",
        "memory": 1, "neutral": 2, "late": 2, "first_calls": 0, "unanswered": 1,
        "length": (30, 90), "first_answer": (1500, 2000), "turn": (2000, 2000),
    }  # fmt: skip


@pytest.mark.usefixtures("month")
def test_each_agent_has_its_figures() -> None:
    agents = analytics(Conversation.objects.all(), None).per_agent
    assert [(agent.key, agent.counts["calls"]) for agent in agents] == [("agent_test", 4), ("agent_other", 1)]


@pytest.mark.parametrize(
    ("numbers", "median", "high"),
    [([], None, None), ([5], 5, 5), ([1, 2], 1.5, 2), ([3, 1, 2], 2, 3), (list(range(1, 101)), 50.5, 95)],
)
def test_medians_and_percentiles(numbers: list[int], median: float | None, high: float | None) -> None:
    spread = Spread({str(number): numbers.count(number) for number in numbers})
    assert (spread.median, spread.high) == (median, high)


@pytest.mark.parametrize(
    ("days", "spans", "first"), [(1, 1, 1), (31, 31, 1), (32, 5, 4), (200, 29, 4), (400, 14, 30), (3650, 11, 305)]
)
def test_the_longer_the_period_the_longer_its_spans(days: int, spans: int, first: int) -> None:
    begin = date(2025, 3, 2) if days == 400 else date(2024, 3, 2) if days == 3650 else date(2025, 1, 2)
    found = spans_of(begin, begin + timedelta(days=days - 1))
    lengths = [(span.last - span.first).days + 1 for span in found if span.first and span.last]
    assert (len(found), lengths[0], sum(lengths)) == (spans, first, days)


def test_a_call_with_a_wrong_time_hides_no_other(staff: Client) -> None:
    for name, began in (("then", 1_000), ("now", 1_790_000_900), ("far", 16_725_225_600)):
        deliver(transcription(MAYA, "Hello.", conversation_id=name, started_at=began))
    for query in ("days=all", "since=0001-01-01&until=9999-12-31"):
        answer = staff.get(f"{FIGURES}?{query}")
        assert answer.status_code == 200
        page = answer.context["page"]
        assert sum(row["calls"] for row in page["over_time"]) == page["all"]["calls"] == 3
        assert len(page["over_time"]) <= 31


@pytest.mark.usefixtures("month")
def test_bars_and_rows_lead_to_their_calls(staff: Client) -> None:
    text = staff.get(FIGURES).content.decode()
    links = {unescape(link) for link in re.findall(r'<a href="\.\./([^"]+)"', text)}
    day = (timezone.localdate() - timedelta(days=3)).isoformat()
    assert f"?since={day}&until={day}" in links
    assert "?agent_id__exact=agent_other&days=28" in links
    for link, found in ((f"?since={day}&until={day}", {"b", "c"}), ("?agent_id__exact=agent_other&days=28", {"d"})):
        listed = staff.get(f"{LIST}{link}").content.decode()
        assert set(re.findall(rf'href="{LIST}(\w+)/change/', listed)) == found


@pytest.mark.usefixtures("month")
def test_the_figures_are_those_of_the_filtered_list(staff: Client) -> None:
    def counted(query: str) -> str:
        found = re.search(r"<dt>Calls</dt><dd><a [^>]*>(\d+)<", staff.get(f"{FIGURES}?{query}").content.decode())
        return found[1] if found else ""

    assert counted("") == "4"
    assert counted("days=all") == "5"
    assert counted("days=7") == "3"
    assert counted("wrong=any&days=all") == "2"
    assert counted(f"until={timezone.localdate() - timedelta(days=100)}") == "1"
    assert counted("tool=nonsense") == "0"


@pytest.mark.usefixtures("month")
def test_of_many_calls_every_fourth_is_measured(staff: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_MEASURED", 2)
    assert analytics(Conversation.objects.all(), None).every == 4
    assert "computed from every 4th call" in staff.get(f"{FIGURES}?days=all").content.decode()


def test_without_calls_the_page_says_so(staff: Client) -> None:
    assert "There are no such calls." in staff.get(FIGURES).content.decode()


def test_the_figures_need_the_permission_to_see_calls(as_role: As) -> None:
    assert as_role("").get(FIGURES).status_code == 403


@pytest.mark.parametrize("query", ["cost_to=-1", "length_from=5&length_to=1", "tool=unknown"])
def test_a_wrong_value_is_named(staff: Client, query: str) -> None:
    assert "A wrong value finds nothing." in staff.get(f"{FIGURES}?{query}").content.decode()


@pytest.mark.parametrize("query", ["since=soon", "days=nonsense", "started_on__exact=x", "p=7&o=99"])
def test_wrong_parameters_are_no_fault_of_ours(staff: Client, query: str) -> None:
    assert staff.get(f"{FIGURES}?{query}", follow=True).status_code == 200
