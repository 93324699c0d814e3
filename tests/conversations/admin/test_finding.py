"""Finding calls: filters and their addresses, saved searches, and the way from a list to a call and back."""

import csv
import json
import re
from asyncio import to_thread
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.db import connections
from django.test import Client
from django.utils import timezone

from conversations.admin.call_list import CallListAdmin
from conversations.admin.caller_list import CallerListAdmin
from conversations.index.references import caller_reference
from conversations.memories.forgetting import Forgetting, forget
from conversations.models import CallerCard, Conversation
from elmemory.audit.models import Action, Entry
from elmemory.memory.openmemory.embedded.store import EmbeddedOpenMemory
from elmemory.searches.models import SavedSearch
from tests.conftest import As
from tests.harness.samples import transcription
from tests.harness.stored import deliver

pytestmark = [
    pytest.mark.django_db(transaction=True, databases=["default", "memory", "index"]),
    pytest.mark.usefixtures("payloads", "index_schema"),
]

MAYA, TOM = "+14155550100", "+14155550101"
LIST, CALLERS = "/admin/conversations/conversation/", "/admin/conversations/caller/"
DAY = 86_400
NEUTRAL = {"dynamic_variables": {"returning_caller": "no", "call_count": "0"}}


def today_at(hour: int) -> int:
    return int(timezone.localtime().replace(hour=hour, minute=0, second=0).timestamp())


def listed(client: Client, query: str) -> set[str]:
    text = client.get(f"{LIST}?{query}", follow=True).content.decode()
    return set(re.findall(rf'href="{LIST}(\w+)/change/', text))


def call(name: str, *says: str, caller: str | None = MAYA, days_ago: int = 0, **changes: Any) -> str:
    started = today_at(0) - days_ago * DAY + 1
    return deliver(transcription(caller, *says, conversation_id=name, started_at=started, **changes))


def tool_turn(name: str, *, is_error: bool = False) -> dict[str, Any]:
    return {
        "role": "agent",
        "message": None,
        "tool_calls": [{"tool_name": name, "request_id": "1"}],
        "tool_results": [{"request_id": "1", "result_value": "{}", "is_error": is_error}],
    }


@pytest.fixture
def some_days(payloads: Path, index_schema: None) -> None:  # noqa: ARG001
    for days_ago in (0, 1, 6, 7, 27, 28):
        call(f"ago_{days_ago}", "Hello there.", caller=None, days_ago=days_ago)


@pytest.mark.usefixtures("some_days")
def test_calls_are_found_by_a_span_of_days(staff: Client) -> None:
    everything = [0, 1, 6, 7, 27, 28]
    spans = {"days=today": [0], "days=yesterday": [1], "days=7": [0, 1, 6], "days=28": everything[:-1], "": everything}
    found = {query: listed(staff, query) for query in spans}
    assert found == {query: {f"ago_{ago}" for ago in days} for query, days in spans.items()}


@pytest.mark.usefixtures("some_days")
def test_calls_are_found_from_one_day_to_another(staff: Client) -> None:
    today = timezone.localdate()
    since, until = today - timedelta(days=7), today - timedelta(days=1)
    assert listed(staff, f"since={since}&until={until}") == {"ago_1", "ago_6", "ago_7"}
    assert listed(staff, f"since={since}") == {"ago_0", "ago_1", "ago_6", "ago_7"}
    assert listed(staff, f"until={since}") == {"ago_7", "ago_27", "ago_28"}


@pytest.fixture
def troubles(payloads: Path, index_schema: None) -> None:  # noqa: ARG001
    call("fine", "Hello there.", days_ago=3)
    call("failed", "Hello there.", caller=TOM, days_ago=2, status="failed")
    call("unsuccessful", "Hello there.", caller=None, analysis={"call_successful": "failure"})
    call("stranger", "Hello there.", caller="+14155550102", conversation_initiation_client_data=NEUTRAL)
    call("late", "Hello there.", conversation_initiation_client_data=NEUTRAL)
    data = {"conversation_id": "unconnected", "failure_reason": "busy", "metadata": {}}
    deliver({"type": "call_initiation_failure", "event_timestamp": today_at(0), "data": data})


WRONG: dict[str, set[str]] = {
    "wrong=any": {"failed", "unsuccessful", "late", "unconnected"},
    "wrong=failed": {"failed"},
    "wrong=unconnected": {"unconnected"},
    "wrong=unsuccessful": {"unsuccessful"},
    "wrong=neutral": {"late"},
    "wrong=any&days=today": {"unsuccessful", "late", "unconnected"},
    "wrong=nonsense": set(),
}


@pytest.mark.usefixtures("troubles")
def test_what_went_wrong_is_one_filter(staff: Client) -> None:
    assert {query: listed(staff, query) for query in WRONG} == WRONG


@pytest.mark.usefixtures("troubles")
def test_an_opted_out_caller_is_a_stranger_on_purpose(staff: Client) -> None:
    CallerCard.objects.update_or_create(pk=caller_reference(MAYA), defaults={"opted_out": True})
    assert listed(staff, "wrong=neutral") == set()


def test_a_call_that_arrives_after_a_later_one_makes_that_caller_known(staff: Client) -> None:
    call("second", "Hello there.", conversation_initiation_client_data=NEUTRAL)
    assert listed(staff, "wrong=neutral") == set()
    call("first", "Hello there.", days_ago=5)
    assert listed(staff, "wrong=neutral") == {"second"}


@pytest.fixture
def varied(payloads: Path, index_schema: None) -> None:  # noqa: ARG001
    waits = {"convai_llm_service_ttf_sentence": {"elapsed_time": 0.5}}
    measured = {"role": "agent", "message": "Yes.", "conversation_turn_metrics": {"metrics": waits}}
    asked = {"role": "user", "message": "Hello there."}
    criterion = {"evaluation_criteria_results": {"solved": {"criteria_id": "solved", "result": "failure"}}}
    call("short", metadata={"call_duration_secs": 20, "cost": 10, "main_language": "de"}, analysis=criterion)
    call("long", metadata={"call_duration_secs": 400, "cost": 900, "main_language": "en"}, transcript=[asked, measured])
    call("booked", transcript=[tool_turn("book_slot")], metadata={"main_language": "pt-BR"})
    call("broken", transcript=[tool_turn("book_slot", is_error=True), tool_turn("transfer")])


FILTERS: dict[str, set[str]] = {
    "length_to=20": {"short"},
    "length_from=31": {"long"},
    "length_from=21&length_to=30": {"booked", "broken"},
    "cost_from=11": {"long"},
    "cost_to=10": {"short"},
    "language=de": {"short"},
    "language=pt-br": {"booked"},
    "tool=book_slot": {"booked", "broken"},
    "tool=transfer": {"broken"},
    "tool_failed=book_slot": {"broken"},
    "tool_failed=*": {"broken"},
    "criterion=failure:solved": {"short"},
    "channel__exact=phone&length_to=20&language=de&criterion=failure:solved&days=today": {"short"},
    "tool=book_slot&length_to=20": set(),
}


@pytest.mark.usefixtures("varied")
def test_filters_are_combined_freely(staff: Client) -> None:
    assert {query: listed(staff, query) for query in FILTERS} == FILTERS


@pytest.mark.usefixtures("varied")
@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("days=soon", "Day"),
        ("wrong=all", "What went wrong"),
        ("outcome__exact=done?", "Outcome"),
        ("memory_state__exact=lost", "Memory"),
        ("agent_id__exact=agent_9", "Agent"),
    ],
)
def test_a_choice_that_a_filter_does_not_have_is_named(staff: Client, query: str, named: str) -> None:
    text = staff.get(f"{LIST}?{query}").content.decode()
    assert f"{named}: Select a valid choice. {query.partition('=')[2]} is not one of the available choices." in text
    assert listed(staff, query) == set()


@pytest.mark.usefixtures("varied")
def test_a_choice_that_is_empty_is_none(staff: Client) -> None:
    assert listed(staff, "wrong=&days=") == {"short", "long", "booked", "broken"}
    assert "chips" not in staff.get(f"{LIST}?wrong=&days=").content.decode()


@pytest.mark.parametrize("address", [LIST, "/admin/conversations/caller/"])
def test_an_empty_list_says_whether_there_is_anything(staff: Client, address: str) -> None:
    assert "No entries yet." in staff.get(address).content.decode()
    assert "Nothing was found." in staff.get(f"{address}?q=albatross", follow=True).content.decode()


@pytest.mark.usefixtures("varied")
def test_a_wrong_value_is_named_and_finds_nothing(staff: Client) -> None:
    wrong = "since=soon", "length_from=-1", "length_from=9&length_to=8", "tool=unknown", "criterion=x", "cost_to=1e9"
    for query in wrong:
        text = staff.get(f"{LIST}?{query}").content.decode()
        assert 'class="fault" role="alert"' in text, query
        assert "A wrong value finds nothing." in text, query
    assert {query: listed(staff, query) for query in wrong} == {query: set() for query in wrong}


@pytest.mark.usefixtures("varied")
def test_what_was_left_empty_in_the_form_is_not_in_the_address(staff: Client) -> None:
    answer = staff.get(f"{LIST}?since=&until=&length_from=&length_to=20&language=&outcome__exact=done")
    assert answer["Location"] == f"{LIST}?length_to=20&outcome__exact=done"


@pytest.mark.usefixtures("varied")
def test_each_filter_in_use_can_be_taken_away(staff: Client) -> None:
    text = staff.get(f"{LIST}?length_to=20&language=de&wrong=any").content.decode()
    chips = re.search(r'<ul class="chips".*?</ul>', text, re.DOTALL)
    assert chips
    assert re.findall(r'href="([^"]+)"', chips[0]) == [
        "?language=de&amp;length_to=20",
        "?language=de&amp;wrong=any",
        "?length_to=20&amp;wrong=any",
    ]


@pytest.mark.usefixtures("varied")
def test_a_chip_names_a_choice_that_a_filter_does_not_have(staff: Client) -> None:
    assert "<bdi>agent_9</bdi>" in staff.get(f"{LIST}?agent_id__exact=agent_9").content.decode()


@pytest.mark.usefixtures("varied")
@pytest.mark.parametrize("query", ["started_on__year=2020", "started_on__gte=2099-01-01"])
def test_days_in_an_address_of_an_earlier_version_are_shown_and_can_be_taken_away(staff: Client, query: str) -> None:
    text = staff.get(f"{LIST}?{query}").content.decode()
    assert "Filter by day" in text
    assert "Clear all" in text
    assert "Nothing was found." in text


def test_calls_are_written_while_a_client_reads_an_export_slowly(staff: Client) -> None:
    Conversation.objects.bulk_create(
        Conversation(pk=f"conv_{n}", sort_key=n, fingerprint="x", title="x" * 128) for n in range(1500)
    )
    pieces: Any = staff.get(f"{LIST}export/json/")

    def write() -> None:
        Conversation.objects.filter(pk="conv_7").update(title="changed")
        Conversation.objects.filter(pk="conv_8").delete()
        connections["index"].close()

    async def read() -> bytes:
        first = await anext(pieces.streaming_content)
        await to_thread(write)
        return b"".join([first, *[piece async for piece in pieces.streaming_content]])

    exported = {call["conversation_id"]: call["title"] for call in json.loads(async_to_sync(read)())}
    assert len(exported) == 1499
    assert exported["conv_7"] == "changed"


@pytest.mark.usefixtures("troubles")
def test_the_export_holds_what_the_filters_find(staff: Client) -> None:
    pieces: Any = staff.get(f"{LIST}export/csv/?days=7&wrong=any")

    async def read() -> str:
        return b"".join([piece async for piece in pieces.streaming_content]).decode()

    content = async_to_sync(read)()
    assert {row["conversation_id"] for row in csv.DictReader(content.splitlines())} == {
        "failed",
        "unsuccessful",
        "late",
        "unconnected",
    }


# From a list to a call


def on_page(client: Client, name: str, list_query: str) -> str:
    return client.get(f"{LIST}{name}/change/?_changelist_filters={quote(list_query)}").content.decode()


def neighbours(text: str) -> Sequence[str]:
    before, after = (
        re.search(rf'href="{LIST}(\w+)/change/[^"]*">{label}', text)
        for label in ("← Previous in the list", "Next in the list →")
    )
    return (before[1] if before else "", after[1] if after else "")


BESIDE = [
    ("ago_6", "days=28", ("ago_1", "ago_7")),
    ("ago_0", "days=28", ("", "ago_1")),
    ("ago_27", "days=28", ("ago_7", "")),
    ("ago_6", "days=28&o=1", ("ago_7", "ago_1")),
    ("ago_6", "q=hello", ("ago_1", "ago_7")),
    ("ago_6", "days=28&started_on__exact=x%27", ("", "")),
    ("ago_6", "secret__in=1", ("", "")),
]


@pytest.mark.usefixtures("some_days")
def test_a_call_leads_to_its_neighbours_in_the_list(staff: Client) -> None:
    found = [(name, query, neighbours(on_page(staff, name, query))) for name, query, _ in BESIDE]
    assert found == BESIDE


def test_neighbours_follow_an_order_with_empty_values(staff: Client) -> None:
    for name, seconds in (("one", 10), ("two", 20), ("same", 20), ("none", None)):
        call(name, caller=None, metadata={"call_duration_secs": seconds})
    text = staff.get(f"{LIST}?o=-5&days=today").content.decode()
    shown = list(dict.fromkeys(re.findall(rf'href="{LIST}(\w+)/change/', text)))
    assert (shown[2:], set(shown[:2])) == (["one", "none"], {"two", "same"})
    for place, name in enumerate(shown):
        beside = shown[place - 1] if place else "", [*shown, ""][place + 1]
        assert neighbours(on_page(staff, name, "o=-5&days=today")) == beside


@pytest.mark.usefixtures("some_days")
def test_the_way_back_leads_to_the_same_list(staff: Client) -> None:
    assert f'href="{LIST}?days=7&amp;o=1">Calls found</a>' in on_page(staff, "ago_6", "days=7&o=1")


def test_hits_are_marked_on_the_page_and_lead_to_their_turns(staff: Client) -> None:
    call("complaint", "Hello.", "I want to complain about the bill.", summary="A complaint about a bill.")
    text = on_page(staff, "complaint", "q=complain")
    assert "I want to <mark>complain</mark> about" in text
    assert "A <mark>complaint</mark> about" in text
    assert '<a href="#turn-3" class="to-turn" data-at="3">0:03</a>' in text
    assert "<mark>" not in staff.get(f"{LIST}complaint/change/").content.decode()


@pytest.mark.parametrize(("said", "asked"), [("我要預約牙醫", "牙医"), ("我要预约牙医", "預約")])
def test_simplified_and_traditional_chinese_find_each_other(staff: Client, said: str, asked: str) -> None:
    call("dentist", said)
    assert listed(staff, f"q={asked}") == {"dentist"}
    marked = re.search(r"<mark>(.+)</mark>", on_page(staff, "dentist", f"q={asked}"))
    assert marked
    assert marked[1] in said


def test_a_hit_in_a_masked_number_marks_nothing(as_role: As) -> None:
    call("number", "My number is 415 555 0199, call me 415 times.")
    text = on_page(as_role("viewer"), "number", "q=415")
    assert "<mark>" not in text
    assert "0199" not in text


def test_going_through_the_results_records_no_search_again(staff: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    call("complaint", "I want to complain.")
    with monkeypatch.context() as earlier:
        earlier.setattr("elmemory.audit.models.now", lambda: timezone.now() - timedelta(hours=1))
        assert listed(staff, "q=complain") == {"complaint"}
    on_page(staff, "complaint", "q=complain")
    assert Entry.objects.filter(action=Action.FIND).count() == 1


def test_a_search_that_only_the_page_of_a_call_makes_is_recorded(staff: Client) -> None:
    call("complaint", "I want to complain.")
    on_page(staff, "complaint", "q=complain")
    assert Entry.objects.get(action=Action.FIND).detail.startswith("text ")


def test_an_expired_search_finds_nothing_and_is_not_recorded(staff: Client) -> None:
    call("complaint", "I want to complain.")
    expired = "q=~" + 24 * "0"
    assert listed(staff, expired) == set()
    on_page(staff, "complaint", expired)
    assert not Entry.objects.filter(action=Action.FIND).exists()


def test_the_page_of_a_call_looks_for_no_number_in_its_address(staff: Client) -> None:
    call("complaint", "I want to complain.")
    assert "Calls found" not in on_page(staff, "complaint", "q=4155550100")
    assert not Entry.objects.filter(action=Action.FIND).exists()


MALFORMED = (
    "agent_id__foo=1", "agent_id__exact=%00", "outcome__regex=(", "outcome__exact__exact=done", "started_on__year=9999",
    "started_on__year=1", "started_on__year=99999999999999999999", "started_on__month=99999999999999999999",
    "started_on__year=2026&started_on__month=13", "started_on__gte=x", "started_on__gte=0001-01-01",
    "started_on__gte=2026-02-30", "started_on=", "has_audio=", "has_audio__exact=x", "reviewed__exact=1e999",
    "direction__isnull=x", "caller_ref=%00", "caller_ref__in=,", "all__gt=", "unknown=1", "caller=1", "p=0", "p=-1",
    "p=999999", "p=x", "o=99", "o=x", "o=-1.-1", "e=1", "e=1&p=999", "all=", "_facets=x", "_popup=1", "_to_field=x",
    "q=%00", "q=%2B", "q=%22", "q=*", "q=%25", "days=7&days=x", "wrong=", "cost_from=nan", "length_from=-1",
    "since=9999-12-31&until=0001-01-01", "_changelist_filters=q%3Dx",
)  # fmt: skip


@pytest.mark.usefixtures("troubles")
@pytest.mark.parametrize("page", ["", "export/csv/", "export/json/", "analytics/", "fine/change/"])
def test_no_address_is_a_fault_of_ours(staff: Client, page: str) -> None:
    for query in MALFORMED:
        address = f"{LIST}{page}?{query}"
        if page == "fine/change/":
            address = f"{LIST}{page}?_changelist_filters={quote(query)}"
        assert staff.get(address, follow=True).status_code in (200, 400), address


@pytest.mark.usefixtures("some_days")
@pytest.mark.parametrize(("page", "shown"), [("0", "ago_0"), ("-7", "ago_0"), ("99999", "ago_27"), ("x", "ago_0")])
def test_a_page_that_is_not_there_leads_to_the_nearest_one(
    staff: Client, monkeypatch: pytest.MonkeyPatch, page: str, shown: str
) -> None:
    monkeypatch.setattr("conversations.admin.call_list.CallListAdmin.list_per_page", 1)
    monkeypatch.setattr("conversations.admin.call_list.CallListAdmin.list_max_show_all", 1)
    assert listed(staff, f"days=28&p={page}") == {shown}


def test_found_calls_are_paged_in_the_order_of_a_column(staff: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conversations.admin.call_list.CallListAdmin.list_per_page", 1)
    monkeypatch.setattr("conversations.admin.call_list.CallListAdmin.list_max_show_all", 1)
    for name, seconds in (("middle", 20), ("longest", 30), ("shortest", 10)):
        call(name, "My dog barks.", metadata={"call_duration_secs": seconds})
    call("another", "Hello.", metadata={"call_duration_secs": 5})
    column = 1 + CallListAdmin.list_display.index("length")
    pages = [listed(staff, f"q=dog&o={column}&p={number}") for number in (1, 2, 3, 4)]
    assert pages == [{"shortest"}, {"middle"}, {"longest"}, {"longest"}]
    assert "3 results" in staff.get(f"{LIST}?q=dog&o={column}").content.decode()


def test_found_callers_are_paged_in_the_order_of_a_column(staff: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conversations.admin.caller_list.CallerListAdmin.list_per_page", 1)
    monkeypatch.setattr("conversations.admin.caller_list.CallerListAdmin.list_max_show_all", 1)
    callers = [f"+1415555010{number}" for number in range(3)]
    for times, caller in zip((2, 3, 1), callers, strict=True):
        for _ in range(times):
            deliver(transcription(caller, "Hi.", facts={"first_name": "Maya"}))
    deliver(transcription("+14155550109", "Hi.", facts={"first_name": "Tom"}))
    column = CallerListAdmin.list_display.index("calls")  # without actions there is no column of boxes
    pages = [staff.get(f"{CALLERS}?q=maya&o=-{column}&p={number}").content.decode() for number in (1, 2, 3)]
    shown = [set(re.findall(rf"{CALLERS}(\w+)/change/", page)) for page in pages]
    assert shown == [{caller_reference(callers[number])} for number in (1, 0, 2)]
    assert "3 results" in pages[0]


@pytest.mark.usefixtures("troubles")
@pytest.mark.parametrize("page", ["", "export/csv/", "analytics/"])
def test_all_calls_in_place_of_what_was_asked_wrongly_are_no_answer(staff: Client, page: str) -> None:
    text = staff.get(f"{LIST}{page}?has_audio__exact=x", follow=True).content.decode()
    assert "asks for something that cannot be searched for" in text


# Saved searches


def save(client: Client, query: str, name: str = "Mine", **fields: str) -> str:
    return client.post(f"{LIST}searches/?{query}", {"name": name, **fields}, follow=True).content.decode()


def test_a_saved_search_is_the_users_own(as_role: As) -> None:
    mine, others = as_role("operator"), as_role("viewer")
    save(mine, "wrong=any&days=7&p=3")
    assert SavedSearch.objects.get().query == "days=7&wrong=any"
    assert '<a href="?days=7&amp;wrong=any"><bdi>Mine</bdi></a>' in mine.get(LIST).content.decode()
    assert "<bdi>Mine</bdi>" not in others.get(LIST).content.decode()


def test_a_filter_that_is_there_twice_is_saved_twice(staff: Client) -> None:
    save(staff, "outcome__exact=failed&outcome__exact=done")
    assert SavedSearch.objects.get().query == "outcome__exact=failed&outcome__exact=done"


def test_a_search_for_everyone_needs_the_permission(as_role: As) -> None:
    assert as_role("operator").post(f"{LIST}searches/?days=7", {"name": "A", "for_everyone": "on"}).status_code == 403
    save(as_role("privacy officer"), "days=7", "Week", for_everyone="on")
    assert "<bdi>Week</bdi>" in as_role("viewer").get(LIST).content.decode()
    assert Entry.objects.get(action=Action.CHANGE, kind="search").object == str(SavedSearch.objects.get().pk)


def test_a_search_of_everyone_is_not_deleted_without_the_permission(as_role: As) -> None:
    search = SavedSearch.objects.create(name="Week", query="days=7")
    as_role("operator").post(f"{LIST}searches/{search.pk}/")
    assert SavedSearch.objects.exists()
    as_role("privacy officer").post(f"{LIST}searches/{search.pk}/?days=7")
    assert not SavedSearch.objects.exists()


def test_nobody_deletes_the_search_of_another(as_role: As) -> None:
    owner = User.objects.create_user("owner")
    search = SavedSearch.objects.create(name="Week", query="days=7", owner=owner)
    assert as_role("administrator").post(f"{LIST}searches/{search.pk}/").status_code == 404


@pytest.mark.parametrize("question", ["0100 5555", "+14155550177", "call 4155550177"])
def test_no_number_is_saved(staff: Client, question: str) -> None:
    answer = staff.post(LIST, {"q": question})
    query = answer["Location"].partition("?")[2]
    assert "is not saved, since" in save(staff, query)
    assert "is not saved, since" in save(staff, f"q={quote(question)}")
    assert "must not contain a phone number" in save(staff, "days=7", name=question)
    assert not SavedSearch.objects.exists()


def test_a_search_for_a_caller_is_saved_by_reference_and_goes_with_the_caller(
    staff: Client, store: EmbeddedOpenMemory
) -> None:
    call("hers", "Hello there.", facts={"first_name": "Maya", "last_name": "Okafor"})
    save(staff, staff.post(LIST, {"q": "(415) 555-0100"})["Location"].partition("?")[2])
    assert SavedSearch.objects.get().query == f"caller_ref={caller_reference(MAYA)}"
    save(staff, "days=7", name="Week")
    certified = forget(store, MAYA, Forgetting(payloads=True)).entry
    assert json.loads(certified.document)["deleted"]["saved searches"] == 1
    assert [search.name for search in SavedSearch.objects.all()] == ["Week"]


@pytest.mark.parametrize("query", ["agent_id__foo=1", "unknown=1", "has_audio__exact=x"])
def test_an_address_that_the_list_refuses_is_not_saved(staff: Client, query: str) -> None:
    assert "asks for something that cannot be searched for" in save(staff, query)
    assert not SavedSearch.objects.exists()


@pytest.mark.parametrize("name", ["", " ", "x" * 61])
def test_a_search_needs_a_name(staff: Client, name: str) -> None:
    assert "needs a name" in save(staff, "days=7", name)
    assert not SavedSearch.objects.exists()


@pytest.mark.parametrize(("query", "named"), [("action__exact=burnt", "Did"), ("kind=cake", "What kind")])
def test_a_choice_that_the_audit_log_does_not_have_is_named(admin_client: Client, query: str, named: str) -> None:
    text = admin_client.get(f"/admin/audit/entry/?{query}").content.decode()
    assert f"{named}: Select a valid choice. {query.partition('=')[2]} is not one of the available choices." in text
