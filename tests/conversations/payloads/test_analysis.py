"""What was collected and judged: named items, lists, and the blocks of each agent after a transfer."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from conversations.memories.remember import memories_of
from conversations.payloads.transcription import Transcription
from elmemory.memory import kinds
from tests.harness.cases import case
from tests.harness.samples import transcription

ARRIVAL = datetime(2026, 11, 1, 12, tzinfo=UTC)


def read(event: dict[str, Any]) -> Transcription:
    return Transcription.read(json.dumps(event).encode())


def facts(event: dict[str, Any]) -> dict[str, str]:
    """Key and text of each fact that would be remembered."""
    memories = [memory for memory in memories_of(read(event), ARRIVAL) if memory.kind == kinds.FACT]
    assert len({memory.key for memory in memories}) == len(memories)
    return {memory.key.removeprefix("fact:conv_1:"): memory.content for memory in memories}


def analysed(**analysis: Any) -> dict[str, Any]:
    event = transcription("+14155550100", "Hello.", conversation_id="conv_1")
    event["data"]["analysis"] = {"call_successful": "success", "transcript_summary": "", **analysis}
    return event


def scope(agent_id: str, *, of: str = "agent", **values: Any) -> dict[str, Any]:
    results = {name: {"data_collection_id": name, "value": value} for name, value in values.items()}
    return {"scope": of, "source_agent_id": agent_id, "successful": "success", "data_collection_results": results}


def item(id_: str, value: object, **more: Any) -> dict[str, Any]:
    return {"data_collection_id": id_, "value": value, "rationale": "", **more}


def test_an_item_keyed_by_its_id_is_known_by_its_name() -> None:
    call = read(case("named_items"))
    assert [(one.id, one.name, one.field) for one in call.collected()] == [
        ("dci_01k3v9", "first_name", "first_name"),
        ("dci_01k3wa", "Preferred time", "preferred_time"),
    ]
    assert call.caller_name == "Maya"


def test_the_memory_of_a_named_item_is_keyed_by_its_id() -> None:
    event = analysed(data_collection_results={"dci_1": item("dci_1", "Maya", name="Given name")})
    assert facts(event) == {"dci_1": "Given name: Maya"}


@pytest.mark.parametrize("name", [None, "", "  ", 7, {}, "!!", "dci_1"])
def test_without_a_usable_name_the_id_is_the_name(name: object) -> None:
    assert facts(analysed(data_collection_results={"dci_1": item("dci_1", "Maya", name=name)})) == {
        "dci_1": "Dci 1: Maya"
    }


@pytest.mark.parametrize("name", ["secret__pin", "Secret__Token"])
def test_what_is_named_as_a_secret_is_no_fact(name: str) -> None:
    event = analysed(data_collection_results={name: item(name, "4711"), "dci_1": item("dci_1", "4711", name=name)})
    assert facts(event) == {}


def test_results_of_a_list_are_read_where_there_is_no_object() -> None:
    results = [item("city", "Duluth"), item("dci_1", "Maya", name="first_name"), {"name": "Pet", "value": "Biscuit"}]
    for analysis in (
        {"data_collection_results_list": results},
        {"data_collection_results": None, "data_collection_results_list": results},
        {"data_collection_results": {}, "data_collection_results_list": results},
        {"data_collection_results": results},
    ):
        assert facts(analysed(**analysis)) == {
            "city": "City: Duluth", "dci_1": "First name: Maya", "Pet": "Pet: Biscuit",
        }  # fmt: skip


@pytest.mark.parametrize("results", [None, 7, "text", {}, [None, 7, "x", [], {}, {"value": "x"}, item("", "x")]])
def test_a_list_of_another_shape_holds_no_facts(results: object) -> None:
    assert facts(analysed(data_collection_results_list=results)) == {}


def test_a_list_beside_an_object_adds_what_the_object_lacks() -> None:
    event = analysed(
        data_collection_results={"dci_1": item("dci_1", "Maya"), "city": item("city", None)},
        data_collection_results_list=[
            item("dci_1", "Max", name="first_name"), item("city", "Duluth"), item("pet", "Biscuit"),
        ],
    )  # fmt: skip
    assert facts(event) == {"dci_1": "First name: Maya", "city": "City: Duluth", "pet": "Pet: Biscuit"}


def test_facts_of_an_agent_after_a_transfer_are_the_calls() -> None:
    event = case("scoped")
    event["data"]["conversation_id"] = "conv_1"
    assert facts(event) == {"first_name": "First name: Maya", "preferred_time": "Preferred time: Friday 09:00"}
    assert {one.agent_id for one in read(event).collected()} == {"agent_scheduler"}


def test_the_whole_conversations_value_wins_over_an_agents() -> None:
    whole = {"first_name": item("first_name", "Maya"), "city": item("city", None), "pet": item("pet", "None")}
    scoped = [scope("agent_b", first_name="Max", city="Duluth", pet="Biscuit")]
    assert facts(analysed(data_collection_results=whole, scoped=scoped)) == {
        "first_name": "First name: Maya", "city": "City: Duluth", "pet": "Pet: Biscuit",
    }  # fmt: skip


def test_one_field_in_two_spellings_is_one_field_across_agents() -> None:
    whole = {"First Name": item("First Name", "Maya")}
    assert facts(analysed(data_collection_results=whole, scoped=[scope("agent_b", given_name="Max")])) == {
        "First Name": "First name: Maya"
    }


def test_an_empty_spelling_gives_no_way_to_another_value() -> None:
    whole = {"First Name": item("First Name", None), "given_name": item("given_name", "Maya")}
    event = analysed(data_collection_results=whole, scoped=[scope("agent_b", **{"First Name": "Max"})])
    assert facts(event) == {"given_name": "Given name: Maya"}


def test_two_spellings_of_one_author_are_both_remembered() -> None:
    whole = {"First Name": item("First Name", "Maya"), "given_name": item("given_name", "May")}
    assert facts(analysed(data_collection_results=whole)) == {
        "First Name": "First name: Maya", "given_name": "Given name: May",
    }  # fmt: skip


def test_of_two_agents_the_last_ones_value_counts_and_the_whole_conversations_before_both() -> None:
    scoped = [
        scope("agent_a", day="Monday", city="Duluth"),
        scope("agent_b", day="Friday", city=None),
        scope("agent_a", of="conversation", pet="Biscuit", city="Ely"),
    ]
    assert facts(analysed(scoped=scoped)) == {"pet": "Pet: Biscuit", "city": "City: Ely", "day": "Day: Friday"}


@pytest.mark.parametrize("scoped", [None, 7, "x", {}, [None, 7, {}, {"data_collection_results": 7, "scope": []}]])
def test_scopes_of_another_shape_hold_no_facts(scoped: object) -> None:
    assert facts(analysed(scoped=scoped)) == {}


def criteria(**analysis: Any) -> list[tuple[str, str, str]]:
    return [(one.name, one.result, one.agent_id) for one in read(analysed(**analysis)).criteria()]


def judged(id_: str, result: object, **more: Any) -> dict[str, Any]:
    return {"criteria_id": id_, "result": result, "rationale": "", **more}


def test_criteria_of_an_agent_after_a_transfer_are_shown_as_its() -> None:
    (one,) = read(case("scoped")).criteria()
    assert (one.name, one.result, one.rationale, one.agent_id) == ("booked", "success", "yes", "agent_scheduler")


def test_the_whole_conversations_judgement_wins_where_it_has_one() -> None:
    whole = {"polite": judged("polite", "failure"), "booked": judged("booked", "unknown")}
    results = {"polite": judged("polite", "success"), "booked": judged("booked", "success")}
    scoped = [{"source_agent_id": agent, "evaluation_criteria_results": results} for agent in ("agent_a", "agent_b")]
    assert criteria(evaluation_criteria_results=whole, scoped=scoped) == [
        ("polite", "failure", ""),
        ("booked", "success", "agent_b"),
        ("booked", "success", "agent_a"),
    ]


def test_criteria_are_read_from_a_list_and_by_name() -> None:
    listed = [judged("ec_1", "success", name="Booked"), judged("polite", None), None, {"result": "success"}]
    assert criteria(evaluation_criteria_results_list=listed) == [("Booked", "success", ""), ("polite", "unknown", "")]
    assert criteria(evaluation_criteria_results={"ec_1": judged("ec_1", "failure", name="Booked")}) == [
        ("Booked", "failure", "")
    ]


@pytest.mark.parametrize("results", [None, 7, "x", [], [7], {"booked": None}, {"booked": []}])
def test_criteria_of_another_shape_are_unknown(results: object) -> None:
    assert all(result == "unknown" for _, result, _ in criteria(evaluation_criteria_results=results))


def test_a_verdict_is_read_in_capitals_and_as_a_truth_value() -> None:
    results = {"booked": {"result": "SUCCESS"}, "polite": True, "paid": {"result": False}}
    call = read(analysed(evaluation_criteria_results=results, call_successful=" Failure "))
    assert [criterion.result for criterion in call.criteria()] == ["success", "success", "failure"]
    assert call.successful == "failure"
