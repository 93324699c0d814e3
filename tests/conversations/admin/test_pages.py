"""The admin in process: what its pages show, find and refuse, and what the audit log records."""

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.test import Client
from pytest_django.fixtures import Settings

from conversations.admin.masking import mask
from conversations.admin.numbers import masked
from conversations.files.receipts import read_receipt
from conversations.index.references import caller_reference
from conversations.index.schema import make_ready
from conversations.index.sync import reconcile
from conversations.memories import corrections
from conversations.memories.worker import Worker
from conversations.models import Caller, CallerCard, Conversation, MemoryState
from elmemory.audit.export import csv_line
from elmemory.audit.models import Action, AppendOnly, Entry
from elmemory.memory import kinds
from elmemory.memory.card import read_card
from elmemory.memory.openmemory import OpenMemoryError
from elmemory.memory.openmemory.embedded.store import EmbeddedOpenMemory
from tests.conftest import As
from tests.harness.samples import raw_sample, sample, transcription
from tests.harness.stored import deliver

pytestmark = [
    pytest.mark.django_db(transaction=True, databases=["default", "memory", "index"]),
    pytest.mark.usefixtures("payloads", "index_schema"),
]

MAYA = "+14155550100"
LIST = "/admin/conversations/conversation/"
CALLERS = "/admin/conversations/caller/"


def page(conversation_id: str) -> str:
    return f"{LIST}{conversation_id}/change/"


def caller_page(caller: str = MAYA) -> str:
    return f"{CALLERS}{caller_reference(caller)}/change/"


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object, **kwargs: object) -> None:  # noqa: ARG001
        raise OpenMemoryError("connection to port 8080 refused")

    for method in ("memories", "put", "delete", "summary"):
        monkeypatch.setattr(EmbeddedOpenMemory, method, fail)


def found(client: Client, question: str, address: str = LIST) -> set[str]:
    text = client.get(address, {"q": question}, follow=True).content.decode()
    return set(re.findall(r"/admin/conversations/conversation/([^/]+)/change/", text))


# The list


@pytest.fixture
def three_calls(payloads: Path, index_schema: None) -> None:  # noqa: ARG001
    deliver(
        transcription(
            MAYA, "My dog is called Biscuit.", conversation_id="conv_dog", summary="Asked for an appointment.",
            facts={"first_name": "Maya", "last_name": "Okafor"},
        )
    )  # fmt: skip
    deliver(transcription("+14155550101", "No allergies except penicillin.", conversation_id="conv_allergy"))
    deliver(raw_sample("call_initiation_failure_sip"))


QUESTIONS: list[tuple[str, set[str]]] = [
    ("biscuit", {"conv_dog"}),
    ("bisc", {"conv_dog"}),
    ("BISCUIT dog", {"conv_dog"}),
    ('"dog is called"', {"conv_dog"}),
    ('"called dog"', set()),
    ('"unfinished phrase', set()),
    ("appointment", {"conv_dog"}),
    ("is -dog", set()),
    ("Okafor", {"conv_dog"}),
    ("penicillin", {"conv_allergy"}),
    ("+14155550101", {"conv_allergy"}),
    ("1 (415) 555-0101", {"conv_allergy"}),
    ("(415) 555-0100", {"conv_dog"}),
    ("0100", {"conv_dog"}),
    ("5550104", {"conv_example_busy"}),
    ("busy", {"conv_example_busy"}),
    ("conv_dog", {"conv_dog"}),
    ("nothing of the kind", set()),
    ('" * AND ) NEAR(', set()),
    ("'; DROP TABLE conversation; --", set()),
]


@pytest.mark.usefixtures("three_calls")
def test_calls_are_found(staff: Client) -> None:
    assert [
        (question, wrong) for question, expected in QUESTIONS if (wrong := found(staff, question)) != expected
    ] == []


def test_what_is_said_in_a_transcript_stays_text(staff: Client) -> None:
    deliver(transcription(MAYA, "<script>alert(1)</script> biscuit", conversation_id="conv_x", summary="<b>bold</b>"))
    for address in (f"{LIST}?q=biscuit", page("conv_x")):
        text = staff.get(address).content.decode()
        assert "<script>alert" not in text
        assert "<b>bold" not in text


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("outcome__exact=unconnected", {"conv_example_busy"}),
        ("memory_state__exact=pending", {"conv_dog", "conv_allergy"}),
        ("direction__exact=outbound", {"conv_example_busy"}),
        ("agent_id__exact=agent_test", {"conv_dog", "conv_allergy"}),
        ("successful__exact=success", {"conv_dog", "conv_allergy"}),
        ("has_audio__exact=1", set()),
        (
            "started_on__year=2026&started_on__month=9&started_on__day=21&outcome__exact=done",
            {"conv_dog", "conv_allergy"},
        ),
        ("started_on__year=2026&_facets=True&has_audio__exact=0&direction__exact=outbound", {"conv_example_busy"}),
    ],
)
@pytest.mark.usefixtures("three_calls")
def test_calls_are_filtered(staff: Client, query: str, expected: set[str]) -> None:
    text = staff.get(f"{LIST}?{query}").content.decode()
    assert set(re.findall(r"/admin/conversations/conversation/([^/]+)/change/", text)) == expected


def test_the_newest_call_stands_first(staff: Client) -> None:
    for number, started in (("a", 1_790_000_000), ("c", 1_790_000_200), ("b", 1_790_000_100)):
        deliver(transcription(MAYA, "Hi.", conversation_id=f"conv_{number}", started_at=started))
    text = staff.get(LIST).content.decode()
    assert re.findall(r"conversation/(conv_\w)/change", text) == ["conv_c", "conv_b", "conv_a"]


def test_a_call_whose_start_changes_is_found_once(staff: Client) -> None:
    deliver(transcription(MAYA, "Biscuit.", conversation_id="conv_a", started_at=1_790_000_000))
    deliver(transcription(MAYA, "Biscuit!", conversation_id="conv_a", started_at=1_790_000_500))
    assert found(staff, "biscuit") == {"conv_a"}
    assert "1 call" in staff.get(LIST, {"q": "biscuit"}).content.decode()


# The page of a call


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "transcription_returning_caller",
            "Your dog is Biscuit. | Let me also tell you about | search_data | 0.12 s | Welcome back, Maya! How can I",
        ),
        (
            "transcription_failed_1008",
            "uses “user_name”, but no value was sent | Fetch conversation initiation data | Nothing was said",
        ),
        (
            "transcription_web_call_without_phone",
            "I am testing the widget. | web visitor | do not call the initiation webhook",
        ),
        ("call_initiation_failure_sip", "the line was busy (SIP 486, Busy Here) | nothing was said"),
        ("call_initiation_failure_twilio", "nobody answered (SIP 487, no-answer)"),
        ("audio", "Only the recording has arrived so far"),
    ],
)
def test_every_kind_of_call_has_a_page(staff: Client, name: str, expected: str) -> None:
    conversation_id = deliver(raw_sample(name))
    answer = staff.get(page(conversation_id))
    assert answer.status_code == 200
    for words in expected.split(" | "):
        assert words in answer.content.decode().replace("&#x27;", "'")


def test_an_unknown_type_of_event_has_a_page(staff: Client) -> None:
    deliver({"type": "answering_machine_detection", "data": {"conversation_id": "conv_machine"}})
    assert "event “answering_machine_detection”" in staff.get(page("conv_machine")).content.decode().lower()


@pytest.mark.parametrize(
    "damage",
    [
        {"transcript": None},
        {"transcript": "hello"},
        {"transcript": [None, 1, {}, {"role": "user", "message": 5, "tool_calls": {"a": 1}, "time_in_call_secs": "x"}]},
        {"metadata": None, "analysis": None},
        {"metadata": {"error": "it broke", "cost": "much", "phone_call": []}},
        {
            "analysis": {
                "evaluation_criteria_results": [1],
                "data_collection_results": {"a": 3, "b": {"value": {"c": 1}}},
            }
        },
        {"conversation_initiation_client_data": {"dynamic_variables": [1], "conversation_config_override": 3}},
    ],
)
def test_a_page_is_shown_whatever_is_broken_in_the_payload(staff: Client, damage: dict[str, Any]) -> None:
    event = sample("transcription_returning_caller")
    event["data"] |= damage
    assert staff.get(page(deliver(event))).status_code == 200


def test_a_file_that_is_no_transcription_can_still_be_opened(staff: Client, payloads: Path) -> None:
    conversation_id = deliver(transcription(MAYA, "Hi."))
    (payloads / conversation_id / f"{conversation_id}_transcription.json").write_bytes(b"{")
    assert "cannot be read" in staff.get(page(conversation_id)).content.decode()


def test_memories_are_shown_with_the_turn_they_came_from(staff: Client, store: EmbeddedOpenMemory) -> None:
    text = staff.get(page(deliver(raw_sample("transcription_returning_caller"), store))).content.decode()
    assert "Email: maya@example.com" in text
    assert 'href="#turn-5" class="to-turn">said at 0:16' in text


def test_a_call_is_shown_while_openmemory_is_away(
    staff: Client, store: EmbeddedOpenMemory, request: pytest.FixtureRequest
) -> None:
    conversation_id = deliver(raw_sample("transcription_returning_caller"), store)
    request.getfixturevalue("away")
    text = staff.get(page(conversation_id)).content.decode()
    assert "connection to port 8080 refused" in text
    assert "Friday at nine, and please send" in text


def test_a_delivery_that_the_index_missed_has_its_page(staff: Client) -> None:
    conversation_id = deliver(transcription(MAYA, "Hi."))
    Conversation.objects.all().delete()
    assert staff.get(page(conversation_id)).status_code == 200


@pytest.mark.parametrize("address", [page("conv_none"), page("..%2f..%2fetc"), f"{CALLERS}{'0' * 24}/change/"])
def test_an_unknown_call_or_caller_is_not_found(staff: Client, address: str) -> None:
    assert staff.get(address).status_code == 404


def test_no_other_file_can_be_fetched(staff: Client) -> None:
    conversation_id = deliver(transcription(MAYA, "Hi."))
    for name in ("..", "%2e%2e%2f_locks", "nothing.json"):
        assert staff.get(f"{LIST}{conversation_id}/file/{name}").status_code in (301, 302, 404)


# A caller


def test_a_callers_page_shows_facts_with_their_history(staff: Client, store: EmbeddedOpenMemory) -> None:
    for day, city in enumerate(("Boston", "Duluth")):
        deliver(transcription(MAYA, "Hi.", facts={"city": city}, started_at=1_790_000_000 + day * 86_400), store)
    text = staff.get(caller_page()).content.decode()
    assert "<strong>Duluth</strong>" in text
    assert "1 other value" in text
    assert "Boston" in text
    assert "They have called 2 times" in text


def test_the_list_has_the_corrected_name_also_after_the_index_was_lost(
    staff: Client, store: EmbeddedOpenMemory
) -> None:
    conversation_id = deliver(transcription(MAYA, "Hi.", facts={"first_name": "Maia"}), store)
    corrections.correct(store, MAYA, "first_name", "Maya")
    assert ">Maya</a>" in staff.get(LIST).content.decode()
    CallerCard.objects.all().delete()
    Conversation.objects.all().delete()
    Worker(store).reconcile()
    assert ">Maya</a>" in staff.get(LIST, {"q": conversation_id}).content.decode()


def test_another_secret_key_makes_other_addresses(store: EmbeddedOpenMemory, settings: Settings) -> None:
    deliver(transcription(MAYA, "Hi."), store)
    before = caller_reference(MAYA)
    settings.SECRET_KEY = "another-secret-key-0123456789-0123456789-0123456789"
    make_ready()
    reconcile()
    assert caller_reference(MAYA) != before
    assert Caller.objects.get().ref == caller_reference(MAYA)


def test_all_calls_of_a_caller_can_be_listed(staff: Client, store: EmbeddedOpenMemory) -> None:
    deliver(transcription(MAYA, "Hi.", conversation_id="conv_hers"), store)
    deliver(transcription("+14155550101", "Hi.", conversation_id="conv_his"), store)
    text = staff.get(LIST, {"caller_ref": caller_reference(MAYA)}).content.decode()
    assert "conv_hers" in text
    assert "conv_his" not in text


def test_staff_see_what_the_agent_would_find(staff: Client, store: EmbeddedOpenMemory) -> None:
    deliver(transcription(MAYA, "My dog is called Biscuit.", "The weather is fine."), store)
    text = staff.post(caller_page(), {"question": "What is the dog's name?"}).content.decode()
    assert (
        "Biscuit"
        in text[text.index('<ol class="memories">') : text.index("</ol>", text.index('<ol class="memories">'))]
    )


def test_memories_are_filtered_by_kind(staff: Client, store: EmbeddedOpenMemory) -> None:
    deliver(transcription(MAYA, "My dog is called Biscuit.", facts={"city": "Duluth"}), store)
    text = staff.get(caller_page(), {"kind": "fact"}).content.decode()
    listed = text[text.index('id="memories"') : text.index('id="timeline-title"')]
    assert "City: Duluth" in listed
    assert "Biscuit" not in listed


def test_a_caller_is_shown_while_openmemory_is_away(
    staff: Client, store: EmbeddedOpenMemory, request: pytest.FixtureRequest
) -> None:
    deliver(transcription(MAYA, "Hi.", summary="Asked for the hours."), store)
    request.getfixturevalue("away")
    text = staff.get(caller_page()).content.decode()
    assert "connection to port 8080 refused" in text
    assert "Asked for the hours." in text


# Acting


def correct(client: Client, field: str, value: str, caller: str = MAYA) -> None:
    form = {"field": field, "value": value, "confirmed": "yes"}
    client.post(f"{CALLERS}{caller_reference(caller)}/correct/", form)


def test_a_correction_wins_over_later_calls_until_it_is_taken_back(staff: Client, store: EmbeddedOpenMemory) -> None:
    deliver(transcription(MAYA, "Hi.", facts={"city": "Boston"}), store)
    correct(staff, "City", "Duluth")
    deliver(transcription(MAYA, "Hi.", facts={"city": "Boston"}, started_at=1_890_000_000), store)
    assert (card := read_card(store, MAYA))
    assert card.facts["city"] == "Duluth"
    preference = next(memory for memory in store.memories(MAYA) if memory.kind == kinds.PREFERENCE)
    staff.post(f"{CALLERS}{caller_reference(MAYA)}/memory/{preference.id}/delete/")
    assert (card := read_card(store, MAYA))
    assert card.facts["city"] == "Boston"


def test_nothing_is_corrected_before_it_is_confirmed(staff: Client, store: EmbeddedOpenMemory) -> None:
    deliver(transcription(MAYA, "Hi."), store)
    answer = staff.post(f"{CALLERS}{caller_reference(MAYA)}/correct/", {"field": "city", "value": "Duluth"})
    assert "whatever later calls say" in answer.content.decode()
    assert not [memory for memory in store.memories(MAYA) if memory.kind == kinds.PREFERENCE]


def test_a_shared_line_is_one_until_that_is_taken_back(staff: Client, store: EmbeddedOpenMemory) -> None:
    deliver(transcription(MAYA, "Hi.", facts={"first_name": "Maya"}), store)
    for holds in ("yes", "no"):
        staff.post(f"{CALLERS}{caller_reference(MAYA)}/say/shared_line/{holds}/")
        assert (card := read_card(store, MAYA))
        assert card.shared_line is (holds == "yes")
        listed = staff.get(CALLERS, {"shared_line__exact": "1"}).content.decode()
        assert (caller_reference(MAYA) in listed) is (holds == "yes")


def test_a_deleted_memory_stays_deleted(staff: Client, store: EmbeddedOpenMemory) -> None:
    conversation_id = deliver(transcription(MAYA, "My dog is called Biscuit.", "Hello."), store)
    memory = next(memory for memory in store.memories(MAYA) if "Biscuit" in memory.content)
    address = f"{CALLERS}{caller_reference(MAYA)}/memory/{memory.id}/delete/"
    assert "Biscuit" in staff.get(address).content.decode()
    staff.post(address)
    staff.post(f"{LIST}{conversation_id}/reprocess/")
    Worker(store).process_due()
    assert not [memory for memory in store.memories(MAYA) if "Biscuit" in memory.content]
    receipt = read_receipt(conversation_id)
    assert receipt
    assert len(receipt.withheld) == 1


def test_the_card_cannot_be_deleted(staff: Client, store: EmbeddedOpenMemory) -> None:
    deliver(transcription(MAYA, "Hi."), store)
    card = next(memory for memory in store.memories(MAYA) if memory.kind == kinds.CARD)
    assert staff.post(f"{CALLERS}{caller_reference(MAYA)}/memory/{card.id}/delete/").status_code == 404


def test_a_call_is_reprocessed_from_its_page_and_from_the_list(staff: Client, store: EmbeddedOpenMemory) -> None:
    conversation_id = deliver(transcription(MAYA, "Hi."), store)
    state = Conversation.objects.filter(pk=conversation_id).values_list("memory_state", flat=True)
    staff.get(f"{LIST}{conversation_id}/reprocess/")
    assert state.get() == MemoryState.WRITTEN
    staff.post(f"{LIST}{conversation_id}/reprocess/")
    assert state.get() == MemoryState.PENDING
    Worker(store).process_due()
    chosen = {"action": "reprocess_calls", "_selected_action": conversation_id}
    assert "Reprocess this call?" in staff.post(LIST, {**chosen, "index": "0"}).content.decode()
    assert state.get() == MemoryState.WRITTEN
    staff.post(LIST, {**chosen, "confirmed": "yes"})
    assert state.get() == MemoryState.PENDING


def test_nothing_is_done_while_openmemory_is_away(
    staff: Client, store: EmbeddedOpenMemory, request: pytest.FixtureRequest
) -> None:
    deliver(transcription(MAYA, "Hi."), store)
    request.getfixturevalue("away")
    form = {"field": "city", "value": "Duluth", "confirmed": "yes"}
    answer = staff.post(f"{CALLERS}{caller_reference(MAYA)}/correct/", form, follow=True)
    assert "Nothing was changed" in answer.content.decode()
    assert not Entry.objects.filter(action=Action.CORRECT)


def test_deleting_a_sentence_deletes_its_repetitions_in_the_call(store: EmbeddedOpenMemory) -> None:
    deliver(transcription(MAYA, "Yes.", "Yes.", "No."), store)
    memory = next(memory for memory in store.memories(MAYA) if memory.content == "Yes.")
    corrections.delete_memory(store, MAYA, memory)
    assert [memory.content for memory in store.memories(MAYA) if memory.kind == kinds.MESSAGE] == ["No."]


# Roles and audit

_PAGES = {
    "list": LIST,
    "call": page("conv_role"),
    "recording": f"{LIST}conv_role/recording/",
    "payload": f"{LIST}conv_role/file/conv_role_transcription.json",
    "reprocess": f"{LIST}conv_role/reprocess/",
    "export": f"{LIST}export/csv/",
    "callers": CALLERS,
    "caller": f"{CALLERS}CALLER/change/",
    "correct": f"{CALLERS}CALLER/correct/",
    "opt out": f"{CALLERS}CALLER/say/opt_out/yes/",
    "export caller": f"{CALLERS}CALLER/export/",
    "forget": f"{CALLERS}CALLER/forget/",
    "doctor": "/admin/doctor/",
    "audit": "/admin/audit/entry/",
}
_SEES = {"list", "call", "callers", "caller"}
_OPERATES = _SEES | {"recording", "reprocess", "correct", "opt out", "doctor"}


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        ("", set()),
        ("viewer", _SEES),
        ("operator", _OPERATES),
        ("privacy officer", _OPERATES | {"payload", "export", "export caller", "forget", "audit"}),
        ("administrator", set(_PAGES)),
    ],
)
def test_each_role_sees_its_pages_and_is_refused_the_others(as_role: As, role: str, allowed: set[str]) -> None:
    deliver(transcription(MAYA, "Hi.", conversation_id="conv_role"))
    deliver({"type": "post_call_audio", "data": {"conversation_id": "conv_role", "full_audio": "SUQz"}})
    client = as_role(role)
    addresses = {name: address.replace("CALLER", caller_reference(MAYA)) for name, address in _PAGES.items()}
    statuses = {name: client.get(address).status_code for name, address in addresses.items()}
    assert {name for name, status in statuses.items() if status == 200} == allowed
    assert {status for name, status in statuses.items() if name not in allowed} <= {403}


@pytest.mark.parametrize("name", ["reprocess", "correct", "opt out", "forget", "doctor"])
def test_a_viewer_cannot_act_by_posting_either(as_role: As, name: str) -> None:
    deliver(transcription(MAYA, "Hi.", conversation_id="conv_role"))
    address = _PAGES[name].replace("CALLER", caller_reference(MAYA))
    assert as_role("viewer").post(address, {"confirmed": "yes"}).status_code == 403


def test_a_viewer_sees_no_whole_number_anywhere(as_role: As, store: EmbeddedOpenMemory) -> None:
    event = transcription(
        MAYA, "My number is (415) 555-0100.", conversation_id="conv_role", summary="Called from 415 555 0100.",
        facts={"phone": "4155550100"},
    )  # fmt: skip
    event["data"]["transcript"][0]["tool_calls"] = [
        {"tool_name": "search", "params_as_json": '{"user_id": "14155550100"}'}
    ]
    deliver(event, store)
    client = as_role("viewer")
    for address in (LIST, f"{LIST}?q=number", page("conv_role"), CALLERS, caller_page()):
        text = re.sub(r"[^0-9<>]", "", client.get(address).content.decode())
        assert "4155550100" not in text, address
        assert "5550100" not in text, address


def test_an_operator_sees_the_whole_number_on_a_click(as_role: As, store: EmbeddedOpenMemory) -> None:
    deliver(transcription(MAYA, "Hi."), store)
    text = as_role("operator").get(LIST).content.decode()
    assert 'data-number="+1 415-555-0100"' in text
    assert masked(MAYA) in text


@pytest.mark.parametrize("spelled", ["+14155550100", "14155550100", "4155550100", "(415) 555-0100", "+1 415.555.0100"])
def test_a_number_is_masked_however_it_is_spelled(spelled: str) -> None:
    assert mask([{"a": f"call {spelled}!"}], MAYA) == [{"a": f"call {masked(MAYA)}!"}]


def test_the_audit_log_records_what_staff_do(staff: Client, store: EmbeddedOpenMemory) -> None:
    conversation_id = deliver(transcription(MAYA, "Hi."), store)
    staff.get(page(conversation_id))
    staff.get(caller_page())
    staff.post(caller_page(), {"question": "What?"})
    staff.get(f"{LIST}{conversation_id}/file/{conversation_id}_transcription.json")
    staff.get(f"{LIST}export/csv/?q=hi")
    staff.post(f"{LIST}{conversation_id}/reprocess/")
    correct(staff, "city", "Duluth")
    entries = [(entry.action, entry.kind, entry.object) for entry in Entry.objects.order_by("id")]
    caller = caller_reference(MAYA)
    assert entries == [
        ("view", "call", conversation_id),
        ("view", "caller", caller),
        ("search", "caller", caller),
        ("download", "file", conversation_id),
        ("find", "calls", ""),
        ("export", "list", ""),
        ("reprocess", "call", conversation_id),
        ("correct", "caller", caller),
    ]
    entry = Entry.objects.order_by("id")[0]
    assert (entry.username, entry.address) == ("administrator", "127.0.0.1")
    assert "415555" not in str(list(Entry.objects.values()))


def test_a_recording_heard_piece_by_piece_is_one_entry(staff: Client) -> None:
    deliver(raw_sample("audio"))
    for asked in ("bytes=0-", "bytes=10-", "bytes=20-30"):
        staff.get(f"{LIST}conv_example_returning/recording/?play", headers={"range": asked})
    assert Entry.objects.filter(action=Action.LISTEN).count() == 1


def test_the_audit_log_only_grows() -> None:
    entry = Entry.objects.create(username="maya", action=Action.VIEW, kind="call", object="conv_1")
    for change in (entry.save, entry.delete, Entry.objects.all().delete, lambda: Entry.objects.update(username="x")):
        with pytest.raises(AppendOnly):
            change()


def test_the_admin_does_not_edit_the_audit_log(staff: Client) -> None:
    entry = Entry.objects.create(username="maya", action=Action.VIEW, kind="call", object="conv_1")
    assert staff.get(f"/admin/audit/entry/{entry.pk}/change/").status_code == 200
    assert staff.post(f"/admin/audit/entry/{entry.pk}/change/", {"username": "x"}).status_code == 403
    assert staff.post(f"/admin/audit/entry/{entry.pk}/delete/", {"post": "yes"}).status_code == 403
    assert staff.get("/admin/audit/entry/add/").status_code == 403


# Exports and the front page


def exported(client: Client, kind: str, query: str = "") -> bytes:
    answer = client.get(f"{LIST}export/{kind}/?{query}")
    assert answer.status_code == 200
    pieces: Any = answer

    async def read() -> bytes:
        return b"".join([piece async for piece in pieces.streaming_content])

    return bytes(async_to_sync(read)())


def test_a_list_is_exported_as_it_is_filtered(staff: Client) -> None:
    deliver(transcription(MAYA, "My dog.", conversation_id="conv_a"))
    deliver(transcription(MAYA, "My cat.", conversation_id="conv_b"))
    assert [row["conversation_id"] for row in json.loads(exported(staff, "json", "q=cat"))] == ["conv_b"]
    assert len(exported(staff, "csv").splitlines()) == 3
    assert json.loads(exported(staff, "json", "q=horse")) == []


@pytest.mark.parametrize("cell", ["=1+1", "+14155550100", "-2", "@SUM(A1)", "\tx", "\r=1"])
def test_no_exported_cell_is_a_formula(cell: str) -> None:
    line = csv_line([cell]).decode()
    assert list(csv.reader(io.StringIO(line, newline=""))) == [[f"'{cell}"]]


def test_the_front_page_shows_the_queue_and_the_last_deliveries(staff: Client, store: EmbeddedOpenMemory) -> None:
    for name in ("transcription_returning_caller", "transcription_failed_1008", "call_initiation_failure_sip"):
        deliver(raw_sample(name), store)
    text = staff.get("/admin/").content.decode()
    assert "Waiting to be remembered" in text
    assert "Last deliveries" in text


@pytest.mark.parametrize(("role", "leads"), [("viewer", False), ("operator", True)])
def test_the_front_page_links_the_doctor_for_staff_who_may_run_it(as_role: As, role: str, *, leads: bool) -> None:
    assert ('href="/admin/doctor/"' in as_role(role).get("/admin/").content.decode()) is leads


def test_the_front_page_shows_no_figures_to_those_who_may_not_see_calls(as_role: As) -> None:
    assert "Waiting to be remembered" not in as_role("").get("/admin/").content.decode()


def test_the_page_of_a_call_opens_while_its_row_is_behind_its_receipt(staff: Client, store: EmbeddedOpenMemory) -> None:
    conversation_id = deliver(transcription("+14155550100", "My dog is called Biscuit."), store)
    Conversation.objects.filter(pk=conversation_id).update(caller="", caller_ref="")
    page = staff.get(f"/admin/conversations/conversation/{conversation_id}/change/")
    assert page.status_code == 200
    assert "My dog is called Biscuit." in page.content.decode()
