"""What is done under a lock that PostgreSQL holds, when that lock is lost."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from django.db import connections

from conversations.files.advisory import LockLost, machines_share_locks
from conversations.files.locks import caller_lock
from conversations.files.placing import accept
from conversations.files.receipts import is_done, read_receipt
from conversations.files.spool import spool
from conversations.index.queue import make_all_due
from conversations.index.sync import refresh_row
from conversations.memories import corrections, reprocess
from conversations.memories.remember import remember
from conversations.memories.worker import Worker
from elmemory.memory.card import read_card
from elmemory.memory.openmemory.embedded.store import EmbeddedOpenMemory
from elmemory.memory.records import Entry, Put
from tests.harness.samples import transcription

pytestmark = [
    pytest.mark.skipif(not machines_share_locks(), reason="needs the index on PostgreSQL (make test-postgres)"),
    pytest.mark.django_db(transaction=True, databases=["memory", "index"]),
    pytest.mark.usefixtures("payloads", "index_schema"),
]

MAYA = "+14155550100"


def deliver(event: dict[str, Any]) -> str:
    with spool() as spooled:
        spooled.file.write(json.dumps(event).encode())
        conversation_id = accept(spooled).conversation_id
    refresh_row(conversation_id)
    return conversation_id


def drop_locks() -> None:
    with connections["index"].cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pid, 10000) FROM pg_locks WHERE locktype = 'advisory'")


class Losing(EmbeddedOpenMemory):
    """Whoever writes into it loses the locks."""

    def put_all(self, user_id: str, entries: Sequence[Entry]) -> list[Put]:
        puts = super().put_all(user_id, entries)
        drop_locks()
        return puts


def test_a_call_whose_lock_was_lost_is_not_done(store: EmbeddedOpenMemory) -> None:
    conversation_id = deliver(transcription(MAYA, "Yes please."))
    with pytest.raises(LockLost):
        remember(conversation_id, Losing())
    assert not is_done(conversation_id, read_receipt(conversation_id))
    assert remember(conversation_id, store) == "done"


def test_the_worker_goes_on_with_a_call_whose_lock_was_lost(store: EmbeddedOpenMemory) -> None:
    conversation_id = deliver(transcription(MAYA, "Yes please."))
    Worker(Losing()).work_off()
    make_all_due()
    Worker(store).work_off()
    assert is_done(conversation_id, read_receipt(conversation_id))
    assert len(store.memories(MAYA)) == 3


def test_a_correction_whose_lock_was_lost_says_so_and_can_be_repeated(store: EmbeddedOpenMemory) -> None:
    with pytest.raises(LockLost):
        corrections.correct(Losing(), MAYA, "city", "Duluth")
    corrections.correct(store, MAYA, "city", "Duluth")
    card = read_card(store, MAYA)
    assert card is not None
    assert card.facts["city"] == "Duluth"


def test_a_connection_that_ended_between_two_locks_is_replaced(store: EmbeddedOpenMemory) -> None:
    with caller_lock(MAYA):
        pass
    with connections["index"].cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
            " AND datname = current_database()"
        )
    conversation_id = deliver(transcription(MAYA, "Yes please."))
    assert remember(conversation_id, store) == "done"
    reprocess.request(conversation_id)
    assert remember(conversation_id, store) == "done"
