"""The queue: which conversations are due, and when."""

import time

import pytest

from conversations.index.queue import due_conversations, make_all_due, put_first, queue_status, record_failure
from conversations.models import Conversation, MemoryState
from tests.harness.samples import transcription
from tests.harness.stored import deliver

pytestmark = [
    pytest.mark.django_db(transaction=True, databases=["memory", "index"]),
    pytest.mark.usefixtures("payloads", "index_schema"),
]

MAYA, PEPE, ZOE = "+14155550100", "+14155550101", "+14155550102"


def test_calls_that_failed_less_often_are_made_due_first() -> None:
    often, once, never = (deliver(transcription(caller, "Yes please.")) for caller in (MAYA, PEPE, ZOE))
    for failing in (often, often, once):
        record_failure(failing, "away", parked=False)
    make_all_due()
    for expected in (never, once, often):
        assert due_conversations(1) == [expected]
        Conversation.objects.filter(pk=expected).update(memory_state=MemoryState.WRITTEN)


def test_the_newest_calls_and_the_longest_pending_are_due_in_turns() -> None:
    ids = [deliver(transcription(MAYA, "Yes please.")) for _ in range(6)]
    for number, conversation_id in enumerate(ids):
        Conversation.objects.filter(pk=conversation_id).update(pending_since=number + 1, sort_key=number + 1)
    assert due_conversations() == [ids[5], ids[0], ids[4], ids[1], ids[3], ids[2]]
    assert due_conversations(2) == [ids[5], ids[0]]


def test_the_longest_pending_call_is_due_however_many_newer_ones_there_are() -> None:
    oldest = deliver(transcription(MAYA, "Yes please."))
    Conversation.objects.update(pending_since=1, sort_key=1)
    for _ in range(5):
        deliver(transcription(PEPE, "Yes please."))
    assert oldest in due_conversations(2)


def test_the_calls_of_a_caller_who_rings_are_due_first() -> None:
    of_pepe, _, _ = (deliver(transcription(caller, "Yes please.")) for caller in (PEPE, MAYA, ZOE))
    put_first({PEPE, "+14155550109"})
    assert due_conversations()[0] == of_pepe


def test_a_call_that_is_done_is_not_put_first() -> None:
    conversation_id = deliver(transcription(MAYA, "Yes please."))
    Conversation.objects.update(memory_state=MemoryState.WRITTEN, pending_since=None)
    put_first({MAYA})
    assert Conversation.objects.get(pk=conversation_id).next_attempt_at == 0


def test_the_delay_never_grows_beyond_an_hour() -> None:
    conversation_id = deliver(transcription(MAYA, "Yes please."))
    Conversation.objects.update(attempts=5000)
    assert 1800 <= record_failure(conversation_id, "away", parked=False) <= 3600


def test_the_queue_status_holds_the_age_of_the_oldest_pending_call() -> None:
    deliver(transcription(MAYA, "One."))
    deliver(transcription(MAYA, "Two."))
    Conversation.objects.update(pending_since=time.time() - 100)
    queue = queue_status()
    assert (queue.pending, queue.failed) == (2, 0)
    assert queue.oldest_seconds == pytest.approx(100, abs=2)
