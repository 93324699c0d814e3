"""The language and the time zone of the admin: the user's choice, else the browser's, else the settings'."""

import json
from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone, translation
from pytest_django.fixtures import Settings

from conversations.index.schema import ensure_schema
from conversations.models import Conversation
from elmemory.memory.openmemory.embedded.store import EmbeddedOpenMemory
from tests.harness.samples import transcription
from tests.harness.server import Server
from tests.harness.stored import deliver

pytestmark = [
    pytest.mark.django_db(transaction=True, databases=["default", "memory", "index"]),
    pytest.mark.usefixtures("payloads", "index_schema"),
]

CALLER = "+14155550100"
CHOICE, LOGIN, CALLS = "/admin/localization/", "/admin/login/", "/admin/conversations/conversation/"
GERMAN = {"Accept-Language": "de-AT,de;q=0.9,en;q=0.5"}


@pytest.fixture(autouse=True)
def english_again() -> Iterator[None]:
    """The client of a test leaves the language of its last request active in this thread."""
    yield
    translation.deactivate()
    timezone.deactivate()


def text_of(client: Client, address: str, **headers: str) -> str:
    return client.get(address, headers=headers).content.decode()


def is_german(page: str) -> bool:
    return '<html lang="de"' in page


@pytest.mark.parametrize(
    ("accepted", "language"),
    [("de", "de"), ("de-AT,de;q=0.9,en;q=0.5", "de"), ("es-MX", "es"), ("fr", "fr"), ("it", "en"), ("", "en")],
)
def test_the_login_page_is_in_the_browsers_language(client: Client, accepted: str, language: str) -> None:
    answer = client.get(LOGIN, headers={"Accept-Language": accepted})
    assert f'<html lang="{language}"' in answer.content.decode()
    assert answer["Content-Language"] == language
    assert "Accept-Language" in answer["Vary"]


def test_the_users_choice_wins_over_the_browser(staff: Client) -> None:
    assert is_german(text_of(staff, "/admin/", **GERMAN))
    answer = staff.post(CHOICE, {"language": "fr", "time_zone": ""}, headers=GERMAN, follow=True)
    assert '<html lang="fr"' in answer.content.decode()


def test_the_choice_holds_in_the_next_session(staff: Client) -> None:
    staff.post(CHOICE, {"language": "de", "time_zone": "America/New_York"})
    later = Client()
    later.force_login(User.objects.get(username="administrator"))
    assert is_german(text_of(later, "/admin/"))
    assert later.session["time_zone"] == "America/New_York"


def test_the_choice_can_be_taken_back(staff: Client) -> None:
    staff.post(CHOICE, {"language": "fr", "time_zone": "Asia/Tokyo"})
    staff.post(CHOICE, {"language": "", "time_zone": ""})
    assert is_german(text_of(staff, "/admin/", **GERMAN))


@pytest.mark.parametrize("wrong", [{"language": "xx"}, {"time_zone": "Mars/Olympus"}, {"time_zone": "../etc/passwd"}])
def test_an_unknown_language_or_zone_is_refused_and_changes_nothing(staff: Client, wrong: dict[str, str]) -> None:
    answer = staff.post(CHOICE, {"language": "", "time_zone": "", **wrong})
    assert answer.status_code == 200
    assert b"errorlist" in answer.content
    assert "language" not in staff.session


def test_only_staff_choose(client: Client) -> None:
    assert client.get(CHOICE)["Location"].startswith(LOGIN)


@pytest.mark.parametrize(
    ("chosen", "browser", "language", "shown"),
    [
        ("", "", "en", "21 Sep 2026, 14:13 UTC"),
        ("", "Europe/Berlin", "en", "21 Sep 2026, 16:13 CEST"),
        ("", "Europe/Berlin", "de", "21. September 2026, 16:13 MESZ"),
        ("America/New_York", "Europe/Berlin", "fr", "21 septembre 2026, 10:13 EDT"),
        ("America/Sao_Paulo", "Europe/Berlin", "es", "21 de septiembre de 2026, 11:13 UTC-03"),
        ("", "Mars/Olympus", "en", "21 Sep 2026, 14:13 UTC"),
        ("", "/etc/passwd", "en", "21 Sep 2026, 14:13 UTC"),
    ],
)
def test_times_are_in_the_chosen_zone_else_the_browsers_else_the_servers(
    staff: Client, store: EmbeddedOpenMemory, chosen: str, browser: str, language: str, shown: str
) -> None:
    ensure_schema()
    conversation_id = deliver(transcription(CALLER, "Hi."), store)
    staff.post(CHOICE, {"language": language, "time_zone": chosen})
    staff.cookies["browser_time_zone"] = browser
    assert shown in text_of(staff, f"{CALLS}{conversation_id}/change/")
    assert shown.rpartition(", ")[2] in text_of(staff, CALLS)  # tables have short names of months


def test_the_day_of_a_call_is_the_servers_whoever_refreshes_its_row(
    staff: Client, store: EmbeddedOpenMemory, settings: Settings
) -> None:
    settings.TIME_ZONE = "Europe/Berlin"
    ensure_schema()
    conversation_id = deliver(transcription(CALLER, "Hi."), store)
    day = Conversation.objects.get(pk=conversation_id).started_on
    Conversation.objects.update(fingerprint="", started_on=None)
    staff.post(CHOICE, {"language": "", "time_zone": "Pacific/Kiritimati"})
    staff.get(f"{CALLS}{conversation_id}/change/")
    assert Conversation.objects.get(pk=conversation_id).started_on == day


def test_error_pages_are_in_the_users_language(staff: Client) -> None:
    staff.post(CHOICE, {"language": "de", "time_zone": ""})
    answer = staff.get("/admin/nowhere/")
    assert answer.status_code == 404
    assert is_german(answer.content.decode())


def test_webhooks_and_health_stay_english_whatever_the_client_accepts(server: Server) -> None:
    unsigned = server.client.post("/webhook/post-call", content=b"{}", headers=GERMAN)
    assert unsigned.status_code == 401
    assert unsigned.content == server.client.post("/webhook/post-call", content=b"{}").content
    for answer in (unsigned, server.client.get("/health", headers=GERMAN)):
        assert "content-language" not in answer.headers
        assert "accept-language" not in answer.headers.get("vary", "").lower()
        json.loads(answer.content)
