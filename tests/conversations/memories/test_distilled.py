"""From the fields that `provision --memory` adds to the briefing of the next ring, through a real server and worker."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from conversations.memories import corrections
from conversations.memories.remember import memories_of
from conversations.memories.reprocess import request as request_reprocessing
from conversations.memories.worker import Worker
from conversations.payloads.transcription import Transcription
from elmemory.memory import kinds
from elmemory.memory.card import read_card
from elmemory.memory.openmemory.embedded.store import EmbeddedOpenMemory
from tests.harness.fake_elevenlabs import AGENT, FakeElevenLabs, conversation
from tests.harness.samples import new_number
from tests.harness.server import Server, wait_until
from tests.harness.stored import deliver

_FIRST_DAY = 100


def event(day: int, caller: str, **found: Any) -> dict[str, Any]:
    """The transcription of a call on a day, with what ElevenLabs' analysis found."""
    data = conversation(24 * day, caller=caller) | {"status": "done"}
    data["analysis"]["data_collection_results"] = {
        name: {"data_collection_id": name, "value": value, "rationale": "", "json_schema": {"type": "string"}}
        for name, value in found.items()
    }
    started_at = data["metadata"]["start_time_unix_secs"]
    return {"type": "post_call_transcription", "event_timestamp": started_at + 60, "data": data}


@pytest.mark.sqlite
def test_from_provisioning_to_the_briefing_a_settled_request_and_ten_old_calls(tmp_path: Path) -> None:
    with FakeElevenLabs() as fake, Server(tmp_path, **fake.environment) as server:
        fake.tier = "enterprise"
        fields = fake.agents[AGENT]["platform_settings"]["data_collection"] = {
            f"question_{number}": {"type": "string", "description": f"Question {number}."} for number in range(23)
        }
        provisioned = server.manage("provision", AGENT, "--url", "https://memory.example.com", "--memory", "--yes")
        assert provisioned.returncode == 0, provisioned.stderr
        collecting = fake.agents[AGENT]["platform_settings"]["data_collection"]
        assert list(collecting)[:23] == list(fields)
        assert len(collecting) == 33
        caller = new_number()

        def variables() -> dict[str, str]:
            return dict(server.ring(caller)["dynamic_variables"])

        server.deliver(
            event(
                _FIRST_DAY,
                caller,
                first_name="Maya",
                caller_profile="- The caller's son Theo is allergic to nuts.\n- The caller works nights.",
                open_request="A corrected invoice by Friday.",
                agent_promise="Send the corrected invoice by Friday.",
                resolved_request="None",
            )
        )
        server.deliver(event(_FIRST_DAY + 1, caller, caller_profile="The caller's son Theo is not allergic to nuts."))
        second = variables()
        assert second["open_request"] == "A corrected invoice by Friday."
        assert second["user_profile_summary"].startswith("The caller is Maya. Open: A corrected invoice by Friday (")
        assert "Theo is not allergic to nuts. The caller works nights." in second["user_profile_summary"]
        assert "Theo is allergic" not in second["user_profile_summary"]

        server.deliver(event(_FIRST_DAY + 2, caller, resolved_request="The corrected invoice has arrived."))
        closed = variables()
        assert (closed["open_request"], closed["agent_promise"]) == ("", "")

        for day in range(10):
            old = fake.add_conversation(conversation(24 * day, caller=caller))
            fake.answers[old] = {
                "first_name": "Mia",
                "open_request": f"Request {day}.",
                "caller_profile": f"The caller has {day} cats. The caller's son Theo is allergic to nuts.",
            }
        assert server.manage("backfill", "--rate", "0", "--yes").returncode == 0
        wait_until(lambda: variables()["call_count"] == "13")
        analysed = server.manage("backfill", "--analyse", "--rate", "0", "--yes", "--until", "2026-12-01")
        assert analysed.returncode == 0, analysed.stderr
        assert set(fake.runs) >= {f"conv_{24 * day:06}" for day in range(10)}
        wait_until(lambda: "9 cats" in variables()["user_profile_summary"])
        after = variables()
        assert (after["user_name"], after["open_request"], after["call_count"]) == ("Maya", "", "13")
        assert "Theo is not allergic to nuts" in after["user_profile_summary"]
        assert "Theo is allergic" not in after["user_profile_summary"]
        assert "8 cats" not in after["user_profile_summary"]


def insights(profile: Any, **found: Any) -> list[str]:
    """The insights of a call in which ElevenLabs' model found this profile."""
    raw = json.dumps(event(0, "+14155550100", caller_profile=profile, **found)).encode()
    memories = memories_of(Transcription.read(raw), datetime.now(UTC))
    return [memory.content for memory in memories if memory.kind == kinds.INSIGHT]


@pytest.mark.parametrize("nothing", [None, "", "None", "null", "N/A", [], [None, "None"], "- None", "Keine.", "无"])
def test_a_profile_that_says_nothing_is_no_insight(nothing: Any) -> None:
    assert insights(nothing) == []


@pytest.mark.parametrize(
    "profile",
    [
        "Theo is allergic to nuts. Lina sees Dr. Weber.",
        "- Theo is allergic to nuts.\n- Lina sees Dr. Weber.",
        "1. Theo is allergic to nuts.\n\n2) Lina sees Dr. Weber.\n3. None.",
        ["Theo is allergic to nuts.", "Lina sees Dr. Weber."],
        "• Theo is allergic to nuts. • Lina sees Dr. Weber.",
    ],
)
def test_each_statement_of_a_profile_is_one_insight(profile: Any) -> None:
    assert insights(profile) == ["Theo is allergic to nuts.", "Lina sees Dr. Weber."]


def test_statements_are_found_where_no_blank_follows_a_full_stop() -> None:
    assert insights("来电者住八号楼。他怕狗。") == ["来电者住八号楼。", "他怕狗。"]
    assert insights("Ihr Sohn heiratet am 3. März in Kassel.") == ["Ihr Sohn heiratet am 3. März in Kassel."]


def test_a_card_number_in_a_profile_is_not_remembered() -> None:
    assert insights("Her card is 4111 1111 1111 1111. Theo is deaf.") == ["Her card is [card number].", "Theo is deaf."]


def test_a_profile_of_any_length_gives_a_bounded_number_of_insights() -> None:
    assert len(insights(" ".join(f"The caller owns plant number {number}." for number in range(500)))) == 12


@pytest.mark.parametrize("value", [{"a": "b"}, [["x"]], "<b></b>", "{{ secret__x }}"])
def test_a_profile_of_another_shape_is_no_insight(value: Any) -> None:
    assert insights(value) == []


@pytest.mark.django_db(transaction=True, databases=["default", "index", "memory"])
@pytest.mark.usefixtures("payloads", "index_schema")
def test_a_request_that_staff_corrected_or_deleted_stays_so_until_a_later_call(store: EmbeddedOpenMemory) -> None:
    caller = "+14155550100"

    def open_request() -> str:
        card = read_card(store, caller)
        assert card is not None
        return card.briefing.open_request

    opened = deliver(event(1, caller, open_request="A new card by Friday."), store)
    corrections.correct(store, caller, "open_request", "A credit note.")
    assert open_request() == "A credit note."
    [correction] = [one for one in store.memories(caller) if one.kind == kinds.PREFERENCE]
    corrections.delete_memory(store, caller, correction)
    [fact] = [one for one in store.memories(caller) if one.metadata.get("field") == "open_request"]
    corrections.delete_memory(store, caller, fact)
    assert open_request() == ""
    request_reprocessing(opened)
    Worker(store).process_due()
    assert open_request() == ""
    deliver(event(200, caller, open_request="A refund."), store)
    assert open_request() == "A refund."
