"""The page of a caller: its pages of calls and memories, its search, and its facts."""

import re
from typing import Any

import pytest
from django.test import Client
from django.utils import translation
from django.utils.html import strip_tags
from pytest_django.fixtures import Settings

from conversations.index.references import caller_reference
from conversations.memories import corrections
from elmemory.audit.models import Entry
from elmemory.memory import kinds
from elmemory.memory.card import read_card
from elmemory.memory.openmemory.embedded.store import EmbeddedOpenMemory
from elmemory.memory.records import Memory
from tests.conftest import As
from tests.harness.samples import transcription
from tests.harness.stored import deliver
from webhooks.ring import client_data

pytestmark = [
    pytest.mark.django_db(transaction=True, databases=["default", "memory", "index"]),
    pytest.mark.usefixtures("payloads", "index_schema"),
]

CALLER = "+14155550100"
ADDRESS = f"/admin/conversations/caller/{caller_reference(CALLER)}/change/"
DAY = 86_400


def part(page: Any, name: str) -> str:
    """The text of the section with this id."""
    html = page.content.decode()
    found = re.search(rf'<section[^>]* id="{name}">(.*?)</section>', html, re.DOTALL)
    assert found, html
    return " ".join(strip_tags(found[1]).split())


def facts(page: Any) -> str:
    return " ".join(strip_tags(page.content.decode().split('id="facts-title"')[1].split("</section>")[0]).split())


def searched(client: Client, words: str) -> Any:
    return client.post(ADDRESS, {"q": words}, follow=True)


def call(number: int, *said: str, store: EmbeddedOpenMemory | None = None, **more: Any) -> str:
    return deliver(
        transcription(CALLER, *said, conversation_id=f"conv_{number}", started_at=1_790_000_000 + number * DAY, **more),
        store,
    )


def test_calls_are_shown_page_by_page_the_newest_first(staff: Client) -> None:
    for number in range(23):
        call(number, "Hi.", summary=f"Call {number:02}.")
    shown = [re.findall(r"Call (\d\d)\.", part(staff.get(ADDRESS, {"calls": page}), "calls")) for page in (1, 2)]
    assert shown == [[f"{number:02}" for number in range(22, 2, -1)], ["02", "01", "00"]]


def test_memories_are_shown_page_by_page_those_of_the_newest_call_first(
    staff: Client, store: EmbeddedOpenMemory
) -> None:
    call(1, *(f"Later {number:02}." for number in range(40)), store=store)
    call(0, *(f"Former {number:02}." for number in range(40)), store=store)
    first, second = (part(staff.get(ADDRESS, {"p": page}), "memories") for page in (1, 2))
    assert "Later 00." in first
    assert "Later 39." in first
    assert first.index("Later 00.") < first.index("Later 39.")
    assert "Former 39." not in first
    assert "Former 39." in second


@pytest.mark.parametrize("page", ["0", "-1", "99999999999", "x", ""])
def test_a_page_that_is_none_is_the_first_or_the_last(staff: Client, store: EmbeddedOpenMemory, page: str) -> None:
    call(0, "Hi.", store=store)
    assert staff.get(ADDRESS, {"p": page, "calls": page}).status_code == 200


def test_words_find_the_calls_and_memories_that_have_them(staff: Client, store: EmbeddedOpenMemory) -> None:
    call(0, "My dog is called Biscuit.", "The weather is fine.", summary="About a dog.", store=store)
    call(1, "Hello.", summary="About nothing.", store=store)
    page = searched(staff, "biscuit")
    assert "My dog is called <mark>Biscuit</mark>" in page.content.decode()
    assert "About a dog." in part(page, "calls")
    assert "About nothing." not in part(page, "calls")
    assert "My dog is called Biscuit." in part(page, "memories")
    assert "weather" not in part(page, "memories")


@pytest.mark.parametrize(
    ("words", "is_found"),
    [("dog called", True), ('"dog is called"', True), ('"called dog"', False), ("bisc", True), ("dog -biscuit", False),
     ("-dog", False), ("penguin", False), ("", True)],
)  # fmt: skip
def test_the_search_has_the_syntax_of_the_lists(
    staff: Client, store: EmbeddedOpenMemory, words: str, *, is_found: bool
) -> None:
    call(0, "My dog is called Biscuit.", store=store)
    assert ("My dog is called Biscuit." in part(searched(staff, words), "memories")) is is_found


@pytest.mark.parametrize("words", ["Okafor", "+14155550100", "555 01 77"])
def test_nothing_that_is_searched_for_is_in_a_url(staff: Client, store: EmbeddedOpenMemory, words: str) -> None:
    call(0, "Hi.", facts={"last_name": "Okafor"}, store=store)
    answer: Any = staff.post(ADDRESS, {"q": words})
    assert re.fullmatch(re.escape(ADDRESS) + r"\?q=~[0-9a-f]{24}", answer["location"].replace("%7E", "~"))
    page = staff.get(answer["location"]).content.decode()
    for url in re.findall(r'(?:href|action|src)="([^"]*)"', page):
        assert words not in url
    assert Entry.objects.order_by("id").values_list("action", flat=True)[0] == "find"
    assert words not in str(list(Entry.objects.values_list("detail", flat=True)))


def test_a_search_that_the_session_has_not_is_said_to_have_expired(staff: Client, store: EmbeddedOpenMemory) -> None:
    call(0, "Hi.", store=store)
    page = staff.get(ADDRESS, {"q": f"~{'0' * 24}"})
    assert "This search has expired" in page.content.decode()
    assert "Hi." not in part(page, "memories")


def test_a_viewer_finds_no_digits_and_sees_none(as_role: As, store: EmbeddedOpenMemory) -> None:
    call(0, "My brother is on +49 30 555 01234, and my dog is Biscuit.", store=store)
    viewer = as_role("viewer")
    assert "Biscuit" not in part(searched(viewer, "01234"), "memories")
    assert part(searched(viewer, "dog 01234"), "memories") == part(searched(viewer, "dog 99999"), "memories")
    page = searched(viewer, "brother")
    assert "My <mark>brother</mark> is on ••••" in page.content.decode()
    assert "01234" not in page.content.decode()


def test_pressed_keys_are_masked_on_each_page_of_calls(as_role: As, store: EmbeddedOpenMemory) -> None:
    for number in range(22):
        call(number, "Hi.", summary="Hi.", store=store)
    event = transcription(CALLER, "My PIN is 473829.", conversation_id="conv_pin", started_at=1_790_000_000 + 90 * DAY)
    event["data"]["analysis"]["transcript_summary"] = "The PIN is 473829."
    event["data"]["transcript"].append(
        {"role": "user", "message": "473829", "source_medium": "dtmf", "dtmf_input": "473829"}
    )
    deliver(event, store)
    viewer = as_role("viewer")
    for page in ("1", "2"):
        text = viewer.get(ADDRESS, {"calls": page}).content.decode()
        assert "The PIN is" in text
        assert "473829" not in text


def test_a_value_that_several_calls_gave_is_one_other_value(staff: Client, store: EmbeddedOpenMemory) -> None:
    for number in range(2):
        call(number, "Hi.", facts={"first_name": "Maia"}, store=store)
    corrections.correct(store, CALLER, "first_name", "Maya")
    assert "Maya 1 other value" in facts(staff.get(ADDRESS))


def test_a_repeated_value_shows_how_often_it_was_said(staff: Client, store: EmbeddedOpenMemory) -> None:
    for number in range(3):
        call(number, "Hi.", facts={"city": "Duluth"}, store=store)
    assert "said 3 times" in facts(staff.get(ADDRESS))
    corrections.correct(store, CALLER, "city", "Duluth")
    assert "said 3 times" in facts(staff.get(ADDRESS))


def test_of_many_other_values_the_newest_are_shown_with_a_way_to_all(staff: Client, store: EmbeddedOpenMemory) -> None:
    for number in range(9):
        call(number, "Hi.", facts={"topic": f"Topic {number}"}, store=store)
    shown = facts(page := staff.get(ADDRESS))
    assert re.findall(r"Topic \d", shown) == ["Topic 8", "Topic 7", "Topic 6", "Topic 5", "Topic 4", "Topic 3"]
    assert "8 other values" in shown
    assert 'href="?field=topic#memories"' in page.content.decode()
    assert "Topic 0" in part(staff.get(ADDRESS, {"field": "topic"}), "memories")
    assert "Hi." not in part(staff.get(ADDRESS, {"field": "topic"}), "memories")


# The next ring


OUTDATED = "This card is older than the memories below."


def of_kind(store: EmbeddedOpenMemory, kind: str) -> Memory:
    return next(memory for memory in store.memories(CALLER) if memory.kind == kind)


def well_known(store: EmbeddedOpenMemory) -> None:
    for number in range(2):
        insight = {"caller_profile": f"Walks dog {number}."}
        call(number, "Hi.", facts={"city": f"Duluth {number}", **insight}, store=store)
    corrections.correct(store, CALLER, "first_name", "Maya")
    corrections.set_preference(store, CALLER, kinds.SHARED_LINE, holds=True)


def test_a_card_that_is_the_newest_memory_is_not_called_outdated(staff: Client, store: EmbeddedOpenMemory) -> None:
    well_known(store)
    assert OUTDATED not in strip_tags(staff.get(ADDRESS).content.decode())


@pytest.mark.parametrize("kind", [kinds.FACT, kinds.INSIGHT, kinds.CALL, kinds.PREFERENCE])
def test_what_another_program_deletes_outdates_the_card(staff: Client, store: EmbeddedOpenMemory, kind: str) -> None:
    well_known(store)
    store.delete(CALLER, of_kind(store, kind).id)
    assert OUTDATED in strip_tags(staff.get(ADDRESS).content.decode())


@pytest.mark.parametrize("is_new", [True, False])
def test_a_fact_that_another_program_writes_outdates_the_card(
    staff: Client, store: EmbeddedOpenMemory, *, is_new: bool
) -> None:
    well_known(store)
    before = of_kind(store, kinds.FACT)
    metadata = {**before.metadata, "value": "Ely", "called_at": "2027-01-01T10:00:00+00:00"}
    store.put(CALLER, "fact:other" if is_new else before.key, "City: Ely", metadata=metadata)
    assert OUTDATED in strip_tags(staff.get(ADDRESS).content.decode())


def test_the_greeting_of_the_next_ring_is_shown_word_by_word(
    staff: Client, store: EmbeddedOpenMemory, settings: Settings
) -> None:
    settings.GREETINGS = {"de": "Willkommen zurück, {name}!"}
    call(1, "Hallo.", store=store, facts={"first_name": "Maya", "preferred_language": "de"})
    corrections.correct(store, CALLER, "first_name", "Maja")
    answer = client_data(read_card(store, CALLER), "agent_test", CALLER)
    greeting = answer["conversation_config_override"]["agent"]["first_message"]
    assert greeting == "Willkommen zurück, Maja!"
    assert f"Greeted with “{greeting}”." in strip_tags(staff.get(ADDRESS).content.decode())


def test_what_no_ring_may_say_is_not_shown_as_known_to_the_agent(
    staff: Client, store: EmbeddedOpenMemory, settings: Settings
) -> None:
    call(1, "Hello.", store=store, facts={"first_name": "Maya", "city": "Rome"})
    settings.SPOKEN_FACTS = ["city"]
    known = staff.get(ADDRESS).content.decode().split('id="profile-title"')[1].split("</section>")[0]
    assert "Rome" in known
    assert "Not greeted by name." in known


def test_usual_fields_are_named_in_the_language_of_the_page(staff: Client, store: EmbeddedOpenMemory) -> None:
    call(1, "Hello.", store=store, facts={"first_name": "Maya", "open_request": "A refund.", "dog": "Biscuit"})
    shown = facts(staff.get(ADDRESS, headers={"Accept-Language": "de"}))
    assert "Vorname Maya" in shown
    assert "Offenes Anliegen A refund." in shown
    assert "Dog Biscuit" in shown
    translation.deactivate()
