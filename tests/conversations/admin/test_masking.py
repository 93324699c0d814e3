"""Staff who may not see numbers: no page, search, order, URL or export shows them one, or a part of one."""

import json
import re
from typing import Any

import phonenumbers
import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils.html import strip_tags
from phonenumbers import PhoneNumberFormat

from conversations.admin.masking import mask
from conversations.admin.search import callers_matching, callers_numbered, calls_matching
from conversations.index.cards import save_card
from conversations.index.references import caller_reference
from conversations.models import Caller, Conversation
from elmemory.memory.card import Card
from elmemory.memory.openmemory.embedded.store import EmbeddedOpenMemory
from tests.conftest import As
from tests.harness.samples import transcription
from tests.harness.stored import deliver

pytestmark = [
    pytest.mark.django_db(transaction=True, databases=["default", "memory", "index"]),
    pytest.mark.usefixtures("payloads", "index_schema"),
]

CALLER, OTHER = "+14155550100", "+442079460000"
CALLS, CALLERS = "/admin/conversations/conversation/", "/admin/conversations/caller/"
PIN, CARD, OTHERS_NUMBER = "473829", "4111 1111 1111 1111", "+49 (30) 555-01234"


def caller_page(caller: str = CALLER) -> str:
    return f"{CALLERS}{caller_reference(caller)}/change/"


def asked(client: Client, question: str, address: str = CALLS) -> Any:
    """The list after a search in its box."""
    answer: Any = client.post(address, {"q": question}, follow=True)
    assert answer.status_code == 200
    return answer


def finds(client: Client, question: str, address: str = CALLS) -> int:
    return int(asked(client, question, address).context["cl"].result_count)


def with_permissions(*names: str) -> Client:
    user = User.objects.create_user("-".join(names)[:30], is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=("view_conversation", "view_caller", *names)))
    client = Client()
    client.force_login(user)
    return client


def shown(client: Client, address: str) -> str:
    """The texts of a page."""
    answer = client.get(address, follow=True)
    assert answer.status_code == 200
    return " ".join(strip_tags(answer.content.decode()).split())


def call_with_numbers(store: EmbeddedOpenMemory | None = None) -> str:
    """A call whose every text repeats a PIN, a card and somebody else's number."""
    said = f"PIN {PIN}, card {CARD}, my brother is {OTHERS_NUMBER}, on 2026-10-07 at 12:30."
    event = transcription(
        CALLER, said, conversation_id="conv_numbers", summary=f"Summary: {said}", facts={"pin": PIN, "card": CARD}
    )
    event["data"]["analysis"]["call_summary_title"] = f"Title: {said}"
    event["data"]["transcript"] += [
        {"role": "user", "message": PIN, "source_medium": "dtmf", "dtmf_input": PIN},
        {
            "role": "agent",
            "message": said,
            "tool_calls": [{"tool_name": "pay", "request_id": "r", "params_as_json": json.dumps({"card": CARD})}],
            "tool_results": [{"tool_name": "pay", "request_id": "r", "result_value": f"paid with {CARD}"}],
        },
    ]
    return deliver(event, store)


# Searching


PARTS = [
    "0100", "5550100", "55 0100", "415", "14155550", "+1415555010", "555-0100", '"555 0100"', '"0100"', "٠١٠٠",
    "５５５０１００", "maya 9999", "+1 415 555 010", "00", "1", "-0100", "hi -9999", "~0100", "tel415",
]  # fmt: skip


def learned(question: str) -> tuple[set[str], set[str], list[str]]:
    """What the question finds for staff who may not see numbers: calls, callers, and callers by their whole number."""
    calls = calls_matching(Conversation.objects.all(), question, reveal=False)
    condition = callers_matching(question, reveal=False)
    callers = Caller.objects.none() if condition is None else Caller.objects.filter(condition)
    ids = calls.values_list("conversation_id", flat=True)
    return set(ids), set(callers.values_list("ref", flat=True)), callers_numbered(question)


def with_other_digits(question: str) -> str:
    return question.translate(str.maketrans("0123456789٠١５", "9876543210٨٧２"))


def test_a_viewer_learns_nothing_from_a_search_for_digits() -> None:
    deliver(transcription(CALLER, "Hi, tel4155550100 or 415 555 0100.", facts={"first_name": "Maya"}))
    assert [part for part in PARTS if learned(part) != learned(with_other_digits(part))] == []


@pytest.mark.parametrize("address", [CALLS, CALLERS])
def test_a_list_tells_a_viewer_nothing_of_the_digits_of_a_question(as_role: As, address: str) -> None:
    deliver(transcription(CALLER, "Hi, tel4155550100 or 415 555 0100.", facts={"first_name": "Maya"}))
    viewer = as_role("viewer")
    for part in ("0100", "+1415555010", "maya 9999", "-0100"):
        assert finds(viewer, part, address) == finds(viewer, with_other_digits(part), address)


def test_a_whole_number_finds_its_caller_in_any_spelling() -> None:
    deliver(transcription(CALLER, "Hi."))
    deliver(transcription(OTHER, "Hi."))
    spellings = [
        "+14155550100", "14155550100", "1 (415) 555-0100", "(415) 555-0100", "4155550100", "0014155550100",
        "tel:+14155550100", "\u202a+1\u00a0415\u00a05550100\u202c", "+١٤١٥٥٥٥٠١٠٠",
    ]  # fmt: skip
    caller = caller_reference(CALLER)
    assert [spelling for spelling in spellings if callers_numbered(spelling) != [caller]] == []


@pytest.mark.parametrize("address", [CALLS, CALLERS])
@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_each_list_finds_a_whole_number(as_role: As, role: str, address: str) -> None:
    deliver(transcription(CALLER, "Hi."))
    deliver(transcription(OTHER, "Hi."))
    assert finds(as_role(role), "1 (415) 555-0100", address) == 1


def test_a_national_number_finds_the_callers_of_each_country_that_have_it(as_role: As) -> None:
    for caller in ("+14155550100", "+914155550100"):
        deliver(transcription(caller, "Hi."))
    for role in ("viewer", "operator"):
        assert finds(as_role(role), "(415) 555-0100") == 2


def test_words_are_found_without_the_digits_beside_them(as_role: As) -> None:
    deliver(transcription(CALLER, "My iPhone 15 and the B2B contract."))
    viewer = as_role("viewer")
    assert finds(viewer, "iphone 15") == 1
    assert finds(viewer, "b2b") == 1
    assert finds(viewer, "penguin 15") == 0


@pytest.mark.parametrize("question", ["Okafour 0100", "Okafour 9999", "Okafour"])
def test_a_viewer_is_offered_names_whatever_the_digits(as_role: As, question: str) -> None:
    deliver(transcription(CALLER, "Hi.", facts={"first_name": "Maya", "last_name": "Okafor"}))
    assert "Did you mean Okafor?" in strip_tags(asked(as_role("viewer"), question).content.decode())


@pytest.mark.parametrize("question", ["0100", "5550100", "penicillin 0100"])
def test_an_operator_finds_last_digits(as_role: As, question: str) -> None:
    deliver(transcription(CALLER, "No penicillin. Call me on 555 0100."))
    deliver(transcription(OTHER, "Hi."))
    assert finds(as_role("operator"), question) == 1


def test_a_viewers_question_to_the_agents_search_has_no_digits(as_role: As, store: EmbeddedOpenMemory) -> None:
    deliver(transcription(CALLER, "My brother is on 555 0177.", "The weather is fine.", facts={}), store)
    viewer = as_role("viewer")
    pages = [viewer.post(caller_page(), {"question": f"the {digits}"}).content.decode() for digits in ("0177", "0178")]
    found = [
        re.findall(r'class="content">(.*?)<', page[page.index('id="ask"') : page.index("memories-title")])
        for page in pages
    ]
    assert found[0] == found[1]


# Order and lookups


@pytest.mark.parametrize("role", ["viewer", "operator"])
@pytest.mark.parametrize("address", [CALLS, CALLERS])
def test_no_column_sorts_by_number(as_role: As, role: str, address: str) -> None:
    for number, last in enumerate("3142"):
        deliver(transcription(f"+1415555010{last}", "Hi.", started_at=1_790_000_000 + number * 86_400))
    client = as_role(role)
    up, down = (re.findall(r"•(\d\d)<", client.get(address, {"o": column}).content.decode()) for column in (2, -2))
    assert up == down
    assert len(up) == 4


@pytest.mark.parametrize("role", ["viewer", "administrator"])
def test_no_url_looks_calls_up_by_number_or_text(as_role: As, role: str) -> None:
    deliver(transcription(CALLER, "Hi."))
    client = as_role(role)
    lookups = [
        "caller", "caller__exact", "caller__startswith", "caller__gt", "caller__range", "caller__regex",
        "title__contains", "title__regex", "error__contains", "caller_name__contains", "caller_ref__startswith",
        "pk__gt",
    ]  # fmt: skip
    assert {lookup: client.get(CALLS, {lookup: "+1415"}).status_code for lookup in lookups} == dict.fromkeys(
        lookups, 400
    )


def test_no_url_looks_callers_up_by_number(as_role: As) -> None:
    deliver(transcription(CALLER, "Hi."))
    client, lookups = as_role("viewer"), ["number", "number__startswith", "number__gt", "number__lt", "ref__gt"]
    assert {name: client.get(CALLERS, {name: "+1415"}).status_code for name in lookups} == dict.fromkeys(lookups, 400)


# URLs


@pytest.mark.parametrize("role", ["viewer", "operator"])
@pytest.mark.parametrize("address", [CALLS, CALLERS])
@pytest.mark.parametrize("method", ["post", "get"])
def test_no_url_of_a_search_holds_its_digits(as_role: As, role: str, address: str, method: str) -> None:
    deliver(transcription(CALLER, "Hi.", facts={"first_name": "Maya"}))
    client = as_role(role)
    filtered = address == CALLS and method == "post"
    on_pages = "+14155550100", "0100", "Maya 4155550100"
    for question in (*on_pages, "(415) 555-0100", "555 01 77", "٠١٠٠", "tel:+14155550100"):
        ask: Any = getattr(client, method)
        answer = ask(f"{address}?has_audio__exact=0" if filtered else address, {"q": question})
        assert answer.status_code == 302
        assert ("has_audio__exact=0" in answer["location"]) is filtered
        urls = [answer["location"]]
        if question in on_pages:
            page = client.get(answer["location"])
            assert page.status_code == 200
            urls += re.findall(r'(?:href|action|src)="([^"]*)"', page.content.decode())
        for url in urls:
            digits = re.sub(
                r"caller_ref(__in)?=[0-9a-f,]*|ref=[0-9a-f]*|~[0-9a-f]{24}|%7E[0-9a-f]{24}|caller/[0-9a-f]{24}"
                r"|conv_[0-9a-f]*",
                "",
                url,
            )
            assert not re.search("0100|5550|0177|415", digits), url


def test_the_page_names_no_address_to_other_sites(staff: Client) -> None:
    assert staff.get(CALLS)["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize("address", [CALLS, CALLERS])
def test_the_search_box_is_sent_by_post_with_its_token(staff: Client, address: str) -> None:
    deliver(transcription(CALLER, "Hi."))
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = staff.cookies
    page = strict.get(address).content.decode()
    form = page[page.index('<form id="changelist-search"') : page.index("</form>", page.index('changelist-search"'))]
    assert 'method="post"' in form
    token = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', form)[0]
    assert strict.post(address, {"q": "0100"}).status_code == 403
    assert strict.post(address, {"q": "0100", "csrfmiddlewaretoken": token}).status_code == 302


def test_words_stay_in_the_url(staff: Client) -> None:
    answer: Any = staff.post(f"{CALLS}?outcome__exact=done&p=3&q=before", {"q": "dog biscuit"})
    assert answer["location"] == f"{CALLS}?outcome__exact=done&q=dog+biscuit"
    assert staff.post(f"{CALLS}?q=before", {"q": " "})["location"] == f"{CALLS}?"


def test_pages_filters_days_and_exports_keep_a_search_for_last_digits(staff: Client) -> None:
    for number in range(60):
        deliver(
            transcription(
                f"+1{415 + number % 2}5550100",
                "Hi.",
                conversation_id=f"conv_{number}",
                started_at=1_790_000_000 + number * 86_400,
            )
        )
    deliver(transcription(OTHER, "Hi.", conversation_id="conv_other"))
    first = asked(staff, "0100")
    assert first.context["cl"].result_count == 60
    assert 'value="0100"' in first.content.decode()
    links = re.findall(r'href="(\?[^"]*q=[^"]*)"', first.content.decode())
    kinds = ("p=2", "outcome__exact=done", "days=28")
    for kind in kinds:
        link = next(link for link in links if kind in link).replace("&amp;", "&")
        page: Any = staff.get(CALLS + link)
        assert page.context["cl"].query == "0100"
        assert page.context["cl"].result_count <= 60
        assert "conv_other" not in page.content.decode()
    export = next(re.finditer(r'href="([^"]*export/json/[^"]*)"', first.content.decode()))[1].replace("&amp;", "&")
    assert len(json.loads(exported(staff, export))) == 60


def exported(client: Client, address: str) -> bytes:
    answer: Any = client.get(address)
    assert answer.status_code == 200

    async def read() -> bytes:
        return b"".join([piece async for piece in answer.streaming_content])

    return bytes(async_to_sync(read)())


def test_a_search_is_nobody_elses(as_role: As) -> None:
    deliver(transcription(CALLER, "Hi."))
    link = as_role("operator").post(CALLS, {"q": "0100"})["location"]
    page: Any = as_role("administrator").get(link)
    assert page.context["cl"].result_count == 0
    assert "This search has expired." in page.content.decode()


def test_a_list_of_one_caller_says_so_and_leads_back(staff: Client) -> None:
    deliver(transcription(CALLER, "Hi."))
    text = asked(staff, "+14155550100").content.decode()
    assert 'Only entries about the chosen caller. <a href="?">Show all callers</a>' in text


def test_a_callers_reference_finds_the_caller(staff: Client) -> None:
    deliver(transcription(CALLER, "Hi."))
    deliver(transcription(OTHER, "Hi."))
    assert finds(staff, caller_reference(OTHER)) == 1
    assert finds(staff, caller_reference(OTHER), CALLERS) == 1


# Texts


@pytest.mark.parametrize(
    "address", [CALLS, f"{CALLS}?q=brother", f"{CALLS}conv_numbers/change/", CALLERS, caller_page()]
)
def test_no_page_shows_a_viewer_keys_cards_and_numbers_of_others(
    as_role: As, store: EmbeddedOpenMemory, address: str
) -> None:
    call_with_numbers(store)
    text = shown(as_role("viewer"), address)
    for number in (PIN, CARD, "4111111111111111", "01234", "555-0"):
        assert number not in text
    if address != CALLERS:
        assert "on 2026-10-07 at 12:30" in text


def test_an_operator_reads_them(as_role: As, store: EmbeddedOpenMemory) -> None:
    call_with_numbers(store)
    text = shown(as_role("operator"), f"{CALLS}conv_numbers/change/")
    for number in (PIN, CARD, OTHERS_NUMBER):
        assert number in text


def test_a_memory_to_be_deleted_is_masked(store: EmbeddedOpenMemory) -> None:
    call_with_numbers(store)
    client = with_permissions("correct_caller")
    for memory in store.memories(CALLER):
        if memory.kind != "card":
            text = shown(client, f"{CALLERS}{caller_reference(CALLER)}/memory/{memory.id}/delete/")
            assert not re.search(f"{PIN}|4111|01234", text)


def test_an_export_is_masked_as_the_list_is(store: EmbeddedOpenMemory) -> None:
    call_with_numbers(store)
    client = with_permissions("export_conversation")
    for kind in ("csv", "json"):
        text = exported(client, f"{CALLS}export/{kind}/").decode()
        assert "+14•••••••00" in text
        assert not re.search(f"{PIN}|4111|01234|5550100", text)
        assert "2026-10-07 at 12:30" in text


@pytest.mark.parametrize(
    ("permission", "address"),
    [
        ("download_conversation", f"{CALLS}conv_numbers/file/conv_numbers_transcription.json"),
        ("forget_caller", f"{CALLERS}{caller_reference(CALLER)}/export/"),
    ],
)
def test_raw_files_need_the_permission_to_see_numbers(permission: str, address: str) -> None:
    call_with_numbers()
    assert with_permissions(permission).get(address).status_code == 403
    assert with_permissions(permission, "reveal_number").get(address).status_code == 200


def test_the_checkbox_of_a_call_names_a_masked_title() -> None:
    call_with_numbers()
    text = with_permissions("reprocess_conversation").get(CALLS).content.decode()
    assert "action-checkbox" in text
    assert not re.search(f"{PIN}|4111|01234", text)


def test_a_call_has_no_page_of_changes_with_its_title(as_role: As) -> None:
    call_with_numbers()
    assert as_role("viewer").get(f"{CALLS}conv_numbers/history/").status_code == 404


@pytest.mark.parametrize(
    "spelled", ["473829", "47 38 29", "4-7-3-8-2-9", "4, 7, 3, 8, 2, 9", "4738 29", "٤٧٣٨٢٩", "４７３８２９"]
)
def test_keys_pressed_over_several_turns_are_masked_in_any_spelling(as_role: As, spelled: str) -> None:
    event = transcription(CALLER, "Hi.", conversation_id="conv_keys", summary=f"The PIN was {spelled}.")
    event["data"]["transcript"] += [
        {"role": "user", "message": f"The user pressed {key}", "source_medium": "dtmf"} for key in "473829#"
    ]
    deliver(event)
    assert "The PIN was ••••." in shown(as_role("viewer"), f"{CALLS}conv_keys/change/")


def test_a_name_that_is_a_number_is_masked(as_role: As) -> None:
    deliver(transcription(CALLER, "Hi.", conversation_id="conv_name"))
    save_card(CALLER, Card(facts={"first_name": "415-555-0177"}))
    viewer = as_role("viewer")
    for address in (CALLS, CALLERS, f"{CALLS}conv_name/change/", caller_page()):
        assert "0177" not in shown(viewer, address)


@pytest.mark.parametrize(
    "text",
    ["2026-10-07", "2026-10-07 12:30", "2026-10-07, 12:30-14:00", "12.30-14.00", "7. 10. 2026", "07.10.2026 um 9:30",
     "3.–7.10.2026", "10/07/2026", "2026-10-07T12:30:00+02:00", "2024, 2025 and 2026", "2024-2026", "$1,234,567.00",
     "€1.234.567", "1 234 567,89 €", "10:00, 11:30, 14:15", "100.00, 50.00, 3 items", "room 1234", "order 123456",
     "on 2026-10-07 2 people", "2.50", "12 eggs, 3 cups", "at 14:15"],
)  # fmt: skip
def test_dates_times_prices_and_short_numbers_stay_readable(text: str) -> None:
    assert mask(text, CALLER) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("415-555-0177", "••••"),
        ("06 12 34 56 78", "••••"),
        ("06.12.34.56.78", "••••"),
        ("020 2034 1999", "••••"),
        ("612.345.678", "••••"),
        ("08.12.34.56", "••••"),
        ("$ 030 234 567", "$ ••••"),
        ("4 1 5, 5 5 5, 0 1 7 7", "••••"),
        ("电话415，555，0177。", "电话••••。"),
        ("٤١٥، ٥٥٥، ٠١٧٧", "••••"),
        ("4111... 1111 … 1111ー1111", "••••"),
        ("٤١٥٥٥٥٠١٧٧", "••••"),
        ("call 4155550177 at 12:30", "call •••• at 12:30"),
        ("at 12:30 4155550177", "at 12:30 ••••"),
        ("tel4155550177", "tel••••"),
        ("4111-1111-1111-1111.", "••••."),
        ("6304 0000 0000 0000 00", "••••"),
        ("order 12345678", "order ••••"),
        ("DE89 3704 0044 0532 0130 00", "DE••••"),
        ("your number ending in 0100", "your number ending in ••••"),
        ("with 555 01", "with ••••"),
        ("ending in ٠١٠٠", "ending in ••••"),
        ("+1 (415) 555-0100 or 0177", "+14•••••••00 or 0177"),
    ],
)
def test_rows_of_seven_digits_and_parts_of_the_own_number_are_masked(text: str, expected: str) -> None:
    assert mask(text, CALLER) == expected


@pytest.mark.parametrize(
    "spelling", [PhoneNumberFormat.E164, PhoneNumberFormat.INTERNATIONAL, PhoneNumberFormat.NATIONAL]
)
def test_numbers_of_every_country_are_masked(spelling: int) -> None:
    for region in phonenumbers.SUPPORTED_REGIONS:
        example = phonenumbers.example_number(region)
        assert example
        number = phonenumbers.format_number(example, spelling)
        if len(re.sub(r"\D", "", number)) >= 7:
            text = mask(f"at 12:30 call {number}, please")
            assert re.findall(r"\d+", text) == ["12", "30"], (region, number, text)


@pytest.mark.parametrize(
    "spelled", ["+390212345678", "+39 02 1234 5678", "02 1234 5678", "(02) 12345678", "390212345678"]
)
def test_a_zero_that_is_dialled_before_the_number_is_masked_with_it(spelled: str) -> None:
    assert mask(f"call {spelled}!", "+390212345678") == "call +39••••••••78!"


def test_ids_and_figures_are_not_masked() -> None:
    page = {"id": "12345678-1234", "conversation_id": "conv_12345678", "clock": "1:15", "count": 12345678}
    assert mask(page) == page
