"""What the audit log holds of listening, searching and the log itself, and where it is shown."""

import re
from pathlib import Path

import pytest
from asgiref.sync import async_to_sync
from django.test import Client
from pytest_django.fixtures import Settings

from conversations.index.references import caller_reference
from elmemory.audit.models import Action, Entry
from tests.conftest import As
from tests.harness.samples import raw_sample, transcription
from tests.harness.stored import deliver

pytestmark = [
    pytest.mark.django_db(transaction=True, databases=["default", "memory", "index"]),
    pytest.mark.usefixtures("payloads", "index_schema"),
]

MAYA = "+14155550100"
CALLS, CALLERS, LOG = "/admin/conversations/conversation/", "/admin/conversations/caller/", "/admin/audit/entry/"
RECORDED = "conv_example_returning"
RECORDING = f"{CALLS}{RECORDED}/recording/"
MP3 = f"{CALLS}{RECORDED}/file/{RECORDED}_audio.mp3"


def entries() -> list[tuple[str, str, str]]:
    return [(entry.action, entry.kind, entry.object) for entry in Entry.objects.order_by("id")]


@pytest.fixture
def recorded(payloads: Path, index_schema: None) -> None:  # noqa: ARG001
    deliver(transcription(MAYA, "Hi.", conversation_id=RECORDED))
    deliver(raw_sample("audio"))


@pytest.mark.usefixtures("recorded")
def test_opening_a_page_loads_nothing_of_the_recording(staff: Client) -> None:
    text = staff.get(f"{CALLS}{RECORDED}/change/").content.decode()
    assert 'preload="none"' in text
    assert f'src="{RECORDING}?play"' in text
    assert entries() == [("view", "call", RECORDED)]


@pytest.mark.usefixtures("recorded")
def test_playing_a_recording_is_recorded_as_listening_once_with_its_caller(staff: Client) -> None:
    for asked in ("bytes=0-", "bytes=2-", "bytes=1-2"):
        assert staff.get(f"{RECORDING}?play", headers={"range": asked}).status_code == 206
    assert entries() == [("listen", "recording", RECORDED)]
    assert Entry.objects.get().caller == caller_reference(MAYA)


@pytest.mark.usefixtures("recorded")
@pytest.mark.parametrize("address", [RECORDING, MP3])
def test_fetching_a_recording_without_playing_it_is_a_download(staff: Client, address: str) -> None:
    assert staff.get(address).status_code == 200
    assert [action for action, _, _ in entries()] == ["download"]


@pytest.mark.usefixtures("recorded")
@pytest.mark.parametrize("address", [RECORDING, f"{RECORDING}?play", MP3])
def test_probing_a_recording_is_not_recorded(staff: Client, address: str) -> None:
    staff.head(address)
    for asked in ("bytes=0-0", "bytes=0-1"):
        assert staff.get(address, headers={"range": asked})["content-length"] in ("1", "2")
    assert staff.get(address, headers={"range": "bytes=99999999-"}).status_code == 416
    assert entries() == []


@pytest.mark.usefixtures("recorded")
@pytest.mark.parametrize("asked", ["bytes=1-2", "bytes=0-2", "bytes=-2", "bytes=0-1,2-900"])
def test_what_carries_sound_is_no_probe(staff: Client, asked: str) -> None:
    staff.get(RECORDING, headers={"range": asked})
    assert entries() == [("download", "recording", RECORDED)]


@pytest.mark.parametrize("address", [CALLS, CALLERS])
@pytest.mark.parametrize("question", ["+14155550100", "(415) 555-0100", "+1 415.555.0100"])
def test_a_search_for_a_number_is_recorded_with_its_caller_reference(
    staff: Client, settings: Settings, address: str, question: str
) -> None:
    settings.DEFAULT_REGION = "US"
    deliver(transcription(MAYA, "Hi."))
    staff.get(address, {"q": question})
    (entry,) = Entry.objects.all()
    assert (entry.action, entry.detail, entry.caller) == (Action.FIND, "a number", caller_reference(MAYA))
    assert entry.kind == ("calls" if address == CALLS else "callers")


@pytest.mark.parametrize("question", ["Maya Okafor", "diabetes", "0100", "555-0100", "maya@example.com", "山田"])
def test_what_else_is_searched_for_is_recorded_as_a_keyed_hash(staff: Client, question: str) -> None:
    for address in (CALLS, CALLERS):
        staff.get(address, {"q": question})
    calls, callers = Entry.objects.order_by("id")
    assert re.fullmatch(r"(text|digits) [0-9a-f]{24}", calls.detail)
    assert calls.detail == callers.detail
    assert question not in str(list(Entry.objects.values()))


def test_searches_for_two_numbers_within_a_minute_are_both_recorded(staff: Client) -> None:
    numbers = [MAYA, "+14155550101"]
    for number in (*numbers, MAYA):
        staff.post(CALLS, {"q": number}, follow=True)
    found = Entry.objects.filter(action=Action.FIND).order_by("pk").values_list("caller", flat=True)
    assert list(found) == [caller_reference(number) for number in numbers]


def test_a_search_for_a_call_is_recorded_with_its_id(staff: Client) -> None:
    conversation_id = deliver(transcription(MAYA, "Hi."))
    staff.get(CALLS, {"q": conversation_id})
    assert entries() == [("find", "calls", conversation_id)]


def test_a_list_without_a_search_is_not_recorded(staff: Client) -> None:
    staff.get(CALLS)
    staff.get(CALLERS, {"q": "  "})
    assert entries() == []


def test_who_looked_at_a_call_and_at_a_caller_is_one_click_away(as_role: As, staff: Client) -> None:
    conversation_id = deliver(transcription(MAYA, "Hi."))
    other = deliver(transcription("+14155550101", "Hi."))
    staff.get(f"{CALLS}{other}/change/")
    officer = as_role("privacy officer")
    for page in (f"{CALLS}{conversation_id}/change/", f"{CALLERS}{caller_reference(MAYA)}/change/"):
        text = officer.get(page).content.decode()
        (link,) = re.findall(r'href="(/admin/audit/entry/[^"]*)">Who looked at this', text)
        shown = officer.get(link).content.decode()
        assert f'href="{CALLS}{conversation_id}/change/"' in shown
        assert other not in shown
    assert "Who looked" not in as_role("operator").get(f"{CALLS}{conversation_id}/change/").content.decode()


def test_an_entry_shows_seconds_and_zone_and_links_to_what_was_touched(staff: Client) -> None:
    conversation_id = deliver(transcription(MAYA, "Hi."))
    staff.get(f"{CALLS}{conversation_id}/change/")
    text = staff.get(LOG).content.decode()
    assert re.search(r"\d{1,2} [A-Z][a-z]{2} \d{4}, \d\d:\d\d:\d\d UTC", text)
    assert f'href="{CALLS}{conversation_id}/change/"' in text
    assert f'href="{CALLERS}{caller_reference(MAYA)}/change/"' in text
    assert MAYA not in text


def test_the_log_is_exported_as_it_is_filtered_and_that_is_recorded(as_role: As) -> None:
    deliver(transcription(MAYA, "Hi.", conversation_id="conv_a"))
    deliver(transcription(MAYA, "Hi.", conversation_id="conv_b"))
    officer = as_role("privacy officer")
    for name in ("conv_a", "conv_b"):
        officer.get(f"{CALLS}{name}/change/")
    answer = officer.get(f"{LOG}export/?object=conv_a")
    text = async_to_sync(_all)(answer)
    assert text.count("\n") == 2
    assert ",view,call,conv_a," in text
    assert entries()[-1] == ("export", "log", "")


def test_words_in_the_address_of_a_callers_page_are_recorded_and_leave_it(staff: Client) -> None:
    deliver(transcription(MAYA, "My dog is called Biscuit."))
    answer = staff.get(f"{CALLERS}{caller_reference(MAYA)}/change/", {"q": "Biscuit"})
    assert "Biscuit" not in answer["Location"]
    assert "Biscuit" in staff.get(answer["Location"]).content.decode()
    assert [entry.detail[:5] for entry in Entry.objects.filter(action=Action.FIND)] == ["text "]


def test_no_address_of_the_log_is_a_fault_of_ours(staff: Client) -> None:
    wrong = (
        "username__regex=(", "username=%00", "action__exact__exact=x", "action__foo=1", "at__year=9999", "at__year=1",
        "at__gte=0001-01-01", "at__gte=x", "id__gt=99999999999999999999", "unknown=1", "p=0", "p=x", "o=99", "q=%00",
        "e=1", "hash__in=x", "object=%00",
    )  # fmt: skip
    for page in ("", "export/"):
        for query in wrong:
            assert staff.get(f"{LOG}{page}?{query}", follow=True).status_code in (200, 400), query


async def _all(answer: object) -> str:
    return b"".join([piece async for piece in answer]).decode()  # type: ignore[attr-defined]


@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_other_roles_cannot_export_the_log(as_role: As, role: str) -> None:
    assert as_role(role).get(f"{LOG}export/").status_code == 403
