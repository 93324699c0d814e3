"""Whether a caller had called before, in whatever order calls arrive and go; and what calls are labelled with."""

from itertools import permutations

import pytest

from conversations.files.deletion import delete_conversation
from conversations.files.paths import transcription_path
from conversations.index.sync import refresh_row, refresh_rows
from conversations.index.values import label_names
from conversations.models import CallLabel, Conversation, Label
from tests.harness.samples import transcription
from tests.harness.stored import deliver, place, row

pytestmark = [
    pytest.mark.django_db(transaction=True, databases=["default", "memory", "index"]),
    pytest.mark.usefixtures("payloads", "index_schema"),
]

MAYA, TOM = "+14155550100", "+14155550101"
START = 1_790_000_000


def call(name: str, hours: int, caller: str | None = MAYA) -> str:
    return place(transcription(caller, "Hello.", conversation_id=name, started_at=START + 3600 * hours)).conversation_id


def returning() -> set[str]:
    return set(Conversation.objects.filter(is_returning=True).values_list("pk", flat=True))


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_the_order_of_arrival_does_not_matter(order: tuple[int, ...]) -> None:
    for number in order:
        refresh_row(call(f"conv_{number}", number))
    assert returning() == {"conv_1", "conv_2"}


def test_many_rows_are_made_at_once() -> None:
    ids = [call("maya_2", 2), call("tom_1", 1, TOM), call("maya_1", 1), call("web", 3, None), call("tom_0", 0, TOM)]
    sum(refresh_rows(ids))
    assert returning() == {"maya_2", "tom_1"}


def test_deleting_the_first_call_makes_the_second_the_first() -> None:
    for number in range(3):
        refresh_row(call(f"conv_{number}", number))
    delete_conversation("conv_0")
    refresh_row("conv_0")
    assert returning() == {"conv_2"}


def test_a_call_that_never_connected_makes_nobody_known() -> None:
    body = {"to_number": MAYA}
    data = {"conversation_id": "conv_0", "failure_reason": "busy", "metadata": {"type": "sip", "body": body}}
    deliver({"type": "call_initiation_failure", "event_timestamp": START, "data": data})
    refresh_row(call("conv_1", 1))
    assert returning() == set()


def test_a_call_that_turns_out_to_be_anothers_changes_both() -> None:
    for number in range(2):
        refresh_row(call(f"conv_{number}", number))
    refresh_row(call("tom_1", 2, TOM))
    changed = transcription(TOM, "Hello.", conversation_id="conv_0", started_at=START)
    changed["event_timestamp"] += 60
    refresh_row(place(changed).conversation_id)
    assert returning() == {"tom_1"}


def test_labels_are_those_of_the_stored_transcription() -> None:
    turn = {"role": "agent", "tool_calls": [{"tool_name": "book"}], "tool_results": [{"tool_name": "x" * 300}]}
    deliver(transcription(MAYA, conversation_id="conv_1", transcript=[turn]))
    assert list(label_names(Label.TOOL, 9)) == ["book", "x" * 100]
    assert list(label_names(Label.TOOL, 1)) == ["book"]
    transcription_path("conv_1").unlink()
    refresh_row("conv_1")
    assert not CallLabel.objects.exists()


def test_language_and_waits_are_columns() -> None:
    metrics = {"convai_llm_service_ttfb": {"elapsed_time": 1.234}}
    turns = [
        {"role": "user", "message": "Oi."},
        {"role": "agent", "message": "Oi.", "conversation_turn_metrics": {"metrics": metrics}},
    ]
    deliver(transcription(MAYA, conversation_id="conv_1", transcript=turns, metadata={"main_language": "pt-BR"}))
    made = row("conv_1")
    assert (made.language, made.first_answer_ms, made.turn_ms) == ("pt-br", 1230, 1230)
