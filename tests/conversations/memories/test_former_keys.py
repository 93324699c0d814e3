"""After an upgrade: memories under the keys of earlier rules are shown, moved or removed, and decisions still hold."""

from io import StringIO

import pytest
from django.core.management import call_command
from pytest_django.fixtures import Settings

from conversations.files.decisions import about
from conversations.files.receipts import read_receipt, write_receipt
from conversations.index.sync import refresh_row
from conversations.memories.corrections import set_preference
from conversations.memories.forgetting import Forgetting, forget
from conversations.memories.remember import remember
from elmemory.doctor.checks import run_checks
from elmemory.memory import kinds
from elmemory.memory.card import read_card
from elmemory.memory.openmemory.embedded.store import EmbeddedOpenMemory
from tests.conversations.memories.test_reprocess import reprocess
from tests.harness.samples import transcription
from tests.harness.stored import deliver


@pytest.fixture(autouse=True)
def no_settings(settings: Settings) -> None:
    settings.AGENT_NUMBERS, settings.NOT_CALLERS, settings.DEFAULT_REGION = [], [], ""
    settings.TRUSTED_SIP_HOSTS, settings.SEPARATE_SPELLINGS = [], []


pytestmark = [
    pytest.mark.django_db(transaction=True, databases=["default", "memory", "index"]),
    pytest.mark.usefixtures("payloads", "index_schema"),
]
BEFORE, NOW = "+5491123456789", "+541123456789"


def remembered_before(store: EmbeddedOpenMemory, settings: Settings, key: str, raw: str, *says: str) -> str:
    """A call of this raw id, remembered under the key that an earlier version gave it; returns its id."""
    settings.SEPARATE_SPELLINGS, settings.NOT_CALLERS = ["AR", "BR", "MX"], ["!+1*"]
    conversation_id = deliver(transcription(raw, *says, facts={"first_name": "Maya"}))
    remember(conversation_id, store)
    refresh_row(conversation_id)
    settings.SEPARATE_SPELLINGS, settings.NOT_CALLERS = [], []
    receipt = read_receipt(conversation_id)
    assert receipt is not None
    assert receipt.callers == [key]
    return conversation_id


def messages(store: EmbeddedOpenMemory, caller: str) -> set[str]:
    return {memory.content for memory in store.memories(caller) if memory.kind == kinds.MESSAGE}


def callers_found() -> dict[str, str]:
    names = "callers", "numbers of no caller", "respelled numbers"
    return {check.name: check.detail for check in run_checks() if check.name in names}


@pytest.mark.parametrize("index_is_rebuilt", [False, True])
def test_reprocessing_moves_a_call_to_the_new_key(
    store: EmbeddedOpenMemory, settings: Settings, *, index_is_rebuilt: bool
) -> None:
    call = remembered_before(store, settings, BEFORE, BEFORE, "My dog is called Biscuit.")
    if index_is_rebuilt:
        refresh_row(call)
    output = reprocess("--misplaced", "--dry-run")
    assert f"{call}  3 added, 0 changed, 3 removed" in output
    assert messages(store, BEFORE) == {"My dog is called Biscuit."}

    assert "reprocessed        1" in reprocess("--misplaced")

    assert store.memories(BEFORE) == []
    assert messages(store, NOW) == {"My dog is called Biscuit."}
    card = read_card(store, NOW)
    assert card is not None
    assert card.full_name == "Maya"
    receipt = read_receipt(call)
    assert receipt is not None
    assert receipt.callers == [NOW]


def test_a_key_that_a_receipt_alone_remembers_is_moved_too(store: EmbeddedOpenMemory, settings: Settings) -> None:
    call = remembered_before(store, settings, "+525512345678", "+525512345678", "I moved to Puebla.")
    former, now = "+5215512345678", "+525512345678"
    old = {"kind": kinds.MESSAGE, "conversation_id": call}
    store.put(former, f"message:{call}:0:x", "I live in Oaxaca.", metadata=old)
    receipt = read_receipt(call)
    assert receipt is not None
    receipt.callers = [former]
    write_receipt(call, receipt)
    reprocess("--caller", former)
    assert store.memories(former) == []
    assert messages(store, now) == {"I moved to Puebla."}


def test_doctor_shows_what_strangers_share_and_reprocessing_removes_it(
    store: EmbeddedOpenMemory, settings: Settings
) -> None:
    remembered_before(store, settings, "+12120000000", "+12120000000", "My PIN is 2468.")
    remembered_before(store, settings, "+12120000000", "+12120000000", "I am another one.")
    remembered_before(store, settings, BEFORE, BEFORE, "My dog is called Biscuit.")
    found = callers_found()
    assert "…0000 (2 calls)" in found["numbers of no caller"]
    assert "…6789 (1 call)" in found["respelled numbers"]
    assert "+12120000000" not in str(found)

    reprocess("--misplaced")

    assert store.memories("+12120000000") == []
    assert callers_found() == {"callers": "each call is remembered under its caller's number"}


def test_the_calls_of_a_filler_number_can_be_selected(store: EmbeddedOpenMemory, settings: Settings) -> None:
    remembered_before(store, settings, "+12120000000", "+12120000000", "My PIN is 2468.")
    reprocess("--caller", "+12120000000")
    assert store.memories("+12120000000") == []


def test_an_opt_out_under_a_former_key_still_holds(store: EmbeddedOpenMemory, settings: Settings) -> None:
    remembered_before(store, settings, BEFORE, BEFORE, "Do not remember me.")
    set_preference(store, BEFORE, kinds.OPT_OUT, holds=True)
    later = deliver(transcription(NOW, "I have a new dog.", started_at=1_790_100_000))

    remember(later, store)

    assert about(NOW).opted_out
    assert messages(store, NOW) == set()
    reprocess("--misplaced")
    assert store.memories(BEFORE) == []
    assert messages(store, NOW) == set()


def test_a_caller_forgotten_under_a_former_key_stays_forgotten(store: EmbeddedOpenMemory, settings: Settings) -> None:
    remembered_before(store, settings, BEFORE, BEFORE, "Forget this.")
    forget(store, BEFORE, Forgetting())
    reprocess("--all")
    assert messages(store, BEFORE) == messages(store, NOW) == set()
    later = deliver(transcription(NOW, "I am back.", started_at=4_000_000_000))
    remember(later, store)
    assert messages(store, NOW) == {"I am back."}


def test_the_command_shows_it_too(store: EmbeddedOpenMemory, settings: Settings) -> None:
    remembered_before(store, settings, "+12120000000", "+12120000000", "My PIN is 2468.")
    out = StringIO()
    with pytest.raises(SystemExit):
        call_command("doctor", stdout=out, no_color=True)
    assert "numbers of no caller: strangers share a memory under …0000 (1 call)" in out.getvalue()
    assert "reprocess --misplaced" in out.getvalue()
