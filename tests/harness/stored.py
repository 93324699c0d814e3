"""Stores payloads in this process's payload folder and index, as the server and the worker do."""

import json
from typing import Any

from conversations.files.placing import Delivery, accept
from conversations.files.spool import spool
from conversations.index.sync import record_deliveries, refresh_row
from conversations.memories.worker import Worker
from conversations.models import Conversation
from elmemory.memory.openmemory import OpenMemory

type Event = dict[str, Any] | bytes


def place(event: Event) -> Delivery:
    """Place an event, or raw bytes, without a row in the index."""
    with spool() as spooled:
        spooled.file.write(event if isinstance(event, bytes) else json.dumps(event).encode())
        return accept(spooled)


def receive(event: Event) -> str:
    """Place an event and write its thin row; returns the conversation id."""
    delivery = place(event)
    record_deliveries([delivery])
    return delivery.conversation_id


def deliver(event: Event, store: OpenMemory | None = None) -> str:
    """Place an event and complete its row; with a store, process it too. Returns the conversation id."""
    delivery = place(event)
    if delivery.conversation_id:
        refresh_row(delivery.conversation_id)
    if store:
        Worker(store).process_due()
    return delivery.conversation_id


def row(conversation_id: str) -> Conversation:
    """The conversation's row in the index. Raises Conversation.DoesNotExist."""
    return Conversation.objects.get(pk=conversation_id)
