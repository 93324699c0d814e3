"""The queue: which conversations are due, and when."""

import time

import pytest

from conversations.index.queue import due_conversations, make_all_due, queue_status, record_failure
from conversations.models import Conversation
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
    assert due_conversations() == [never, once, often]


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
