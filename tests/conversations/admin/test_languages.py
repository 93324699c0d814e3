"""The pages of the admin in each language: nothing of ours stays English."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.utils import timezone, translation

from conversations.files.last_runs import note_run
from conversations.index.references import caller_reference
from elmemory.audit.models import Action, Entry
from elmemory.audit.record import record
from elmemory.memory.openmemory.embedded.store import EmbeddedOpenMemory
from tests.harness.catalogs import LANGUAGES, catalog, read_texts
from tests.harness.samples import sample, transcription
from tests.harness.stored import deliver, place

pytestmark = [
    pytest.mark.django_db(transaction=True, databases=["default", "memory", "index"]),
    pytest.mark.usefixtures("payloads", "index_schema"),
]

CALLER = "+14155550100"
CALL, FAILURE = "conv_languages", "call_initiation_failure_sip"
CALLS, CALLERS = "/admin/conversations/conversation/", "/admin/conversations/caller/"
OF_CALLER = f"{CALLERS}OF_CALLER/"  # the reference depends on the index's key
PAGES = [
    "/admin/",
    "/admin/localization/",
    "/admin/two-factor/",
    "/admin/doctor/",
    "/admin/nowhere/",
    "/admin/audit/entry/",
    "/admin/password_change/",
    CALLS,
    f"{CALLS}?days=7&since=2&cost_to=x&q=νερό",
    f"{CALLS}{CALL}/change/",
    f"{CALLS}{CALL}/reprocess/",
    f"{CALLS}analytics/",
    f"{CALLS}unreadable/",
    "/admin/auth/user/",
    "/admin/auth/user/add/",
    "/admin/auth/user/OF_USER/change/",
    "/admin/auth/user/OF_USER/delete/",
    "/admin/auth/user/OF_USER/password/",
    "/admin/auth/group/",
    "/admin/axes/accessattempt/",
    CALLERS,
    f"{OF_CALLER}change/",
    f"{OF_CALLER}correct/",
    f"{OF_CALLER}forget/",
    f"{OF_CALLER}say/opt_out/yes/",
    f"{OF_CALLER}say/shared_line/yes/",
    f"{CALLERS}opt-out/",
]
# Names, codes, what Django and its apps leave in English, and what is written for agents.
ALIKE = re.compile(
    r"elmemory|Roles \| elmemory|OpenMemory"
    r"|ElevenLabs|administrator|Admin|True|Action|WhatsApp|SMS|JSON|CSV|[Aa]xes|otp_\w+"
    r"|TOTP devices|UTC|Nov|bytes|Static devices|\w+/\w.*|[A-Z][a-z]{2} \d{4}.*|\w+_\w+"
    r"|Date|Permissions"
    r"|The caller.*|On 21 Sep.*|manage\.py .*|English|Deutsch|Español|Français|\S*\.(json|mp3)|otpauth.*|.*[α-ω].*"
)


@pytest.fixture(autouse=True)
def english_again() -> Iterator[None]:
    """The client of a test leaves the language of its last request active in this thread."""
    yield
    translation.deactivate()
    timezone.deactivate()


@pytest.fixture
def stored(payloads: Path, index_schema: None, store: EmbeddedOpenMemory) -> None:  # noqa: ARG001
    """A call whose own texts are Greek, so that what is Latin is of the page, and one that never connected."""
    turns = [
        {"role": "agent", "message": "Καλημέρα", "time_in_call_secs": 0},
        {"role": "user", "message": "Ο σκύλος μου", "time_in_call_secs": 2, "original_message": "Ο σκύλος μου λέγεται"},
        {"role": "agent", "message": "Ναι", "time_in_call_secs": 4, "tool_calls": [{"tool_name": "εύρεση"}]},
    ]
    facts = {"πόλη": "Αθήνα", "first_name": "Μαρία", "open_request": "Ένα ραντεβού."}
    results = ("success", "failure", "unknown")
    criteria = {f"λύση {nth}": {"criteria_id": f"λύση {nth}", "result": one} for nth, one in enumerate(results)}
    event = transcription(CALLER, facts=facts, summary="Σκύλος.", conversation_id=CALL, transcript=turns)
    event["data"]["analysis"]["evaluation_criteria_results"] = criteria
    deliver(event, store)
    deliver(sample(FAILURE))
    place(b"{broken")
    note_run("backup", ok=False, detail="Σφάλμα")
    note_run("verify", ok=True, detail="")


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize("page", PAGES)
def test_no_text_of_a_page_is_as_in_english(staff: Client, page: str) -> None:
    in_english, left = segments(staff, page, "en"), {}
    for language in LANGUAGES:
        same = {text for entry in catalog(language) for text in entry.translations if text == entry.text.singular}
        words = {word.lower() for text in same for word in re.findall(r"\w+", text)}
        alike = in_english & segments(staff, page, language)
        left[language] = {text for text in alike if not ALIKE.fullmatch(text) and text.lower() not in words | same}
    assert left == {language: set() for language in LANGUAGES}


def segments(client: Client, page: str, language: str) -> set[str]:
    """The texts of the page with Latin letters, without figures and signs around them."""
    user = User.objects.get(is_superuser=True)
    page = page.replace("OF_CALLER", caller_reference(CALLER)).replace("OF_USER", str(user.pk))
    answer = client.get(page, headers={"Accept-Language": language})
    assert answer.status_code == (404 if "nowhere" in page else 200)
    around = " .:;,·…–-→←↓‹›✓✗✕×0123456789()“”„«»%/+•"
    texts = (" ".join(text.split()).strip(around) for text in read_texts(answer.content.decode()))
    return {text for text in texts if re.search("[A-Za-z]{3}", text)}


def test_entries_of_the_audit_log_are_in_english_whoever_acts(staff: Client) -> None:
    form = {
        "username": "newcomer",
        "password1": "correct horse 1",
        "password2": "correct horse 1",
        "role": "viewer",
    }
    staff.post("/admin/auth/user/add/", form, headers={"Accept-Language": "de"})
    details = set(Entry.objects.values_list("detail", flat=True))
    assert details >= {"newcomer: created", "newcomer: added group: viewer"}


def test_kinds_and_details_of_a_fixed_set_are_shown_in_the_language(staff: Client) -> None:
    record(None, Action.FORGET, "caller", "a" * 24, detail="payloads kept")
    record(None, Action.EXPORT, "log", detail="3 entries")
    for address in ("", "1/change/"):
        text = staff.get(f"/admin/audit/entry/{address}", headers={"Accept-Language": "de"}).content.decode()
        assert {"Rohdaten behalten", "Anrufer"} <= set(read_texts(text))
    text = staff.get("/admin/audit/entry/", headers={"Accept-Language": "de"}).content.decode()
    assert {"Prüfprotokoll", "3 entries"} <= set(read_texts(text))


def test_what_a_verification_found_is_shown_in_the_language(staff: Client) -> None:
    note_run("verify", ok=False, detail="906 × memories missing, 1 × database")
    text = staff.get("/admin/", headers={"Accept-Language": "de"}).content.decode()
    assert "906 × Erinnerungen fehlen, 1 × Datenbank" in text


def test_roles_and_permissions_are_named_in_the_language(staff: Client) -> None:
    text = staff.get("/admin/auth/group/", headers={"Accept-Language": "de"}).content.decode()
    assert {"Leser", "Rollen"} <= set(read_texts(text))
    assert "viewer" not in read_texts(text)


def test_permissions_are_named_in_the_language(staff: Client) -> None:
    role = Group.objects.get(name="viewer")
    page = staff.get(f"/admin/auth/group/{role.pk}/change/", headers={"Accept-Language": "de"}).content.decode()
    assert "Gespräche | Gespräch | Kann Aufzeichnungen anhören" in page
    assert "| Darf ansehen" in page
    assert "<h1><bdi>Leser</bdi></h1>" in page
    assert "Can " not in page


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize("page", [f"{CALLS}{CALL}/change/", f"{OF_CALLER}change/"])
def test_numbers_are_written_as_in_the_language(staff: Client, page: str) -> None:
    address = page.replace("OF_CALLER", caller_reference(CALLER))
    text = staff.get(address, headers={"Accept-Language": "de"}).content.decode()
    assert "Salienz 0,9" in text
    assert "0.9" not in text
