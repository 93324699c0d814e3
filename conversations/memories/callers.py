"""Lists the callers of whom something is stored: those with stored calls, and those whom only the store knows."""

import contextlib
from collections.abc import Iterator
from datetime import datetime

from conversations.files.locks import Busy, caller_lock
from conversations.index.cards import (
    callers_listed_by_number,
    delete_card,
    list_callers_without_calls,
    save_card_without_calls,
    save_own_summary,
)
from conversations.index.references import caller_reference
from conversations.index.schema import healed
from conversations.index.sync import reconcile
from conversations.models import Caller
from elmemory.memory.card import read_card
from elmemory.memory.openmemory import OpenMemory, OpenMemoryError


def list_without_calls(store: OpenMemory, most: int) -> Iterator[None]:
    """List, in small steps, the callers with memories in the store but without stored calls here.

    Reads card and dates of at most `most` of them; the next run continues. Without an answer of the store the list
    stays as it is.
    """
    with contextlib.suppress(OpenMemoryError):
        if (users := store.users()) is not None:
            list_callers_without_calls(users)
    yield
    for caller in callers_listed_by_number(most):
        with contextlib.suppress(OpenMemoryError, Busy), caller_lock(caller, wait=False):
            if memories := store.memories(caller):
                save_card_without_calls(caller, card := read_card(store, caller), memories)
                if card is None:
                    save_own_summary(caller_reference(caller), store.summary(caller).text)
            else:
                delete_card(caller)  # forgotten meanwhile
        yield


@healed
def not_called_since(store: OpenMemory, when: datetime) -> list[str]:
    """The callers whose last call was before `when`, the earliest first. Callers without a known call are left out."""
    reconcile()
    for _ in list_without_calls(store, 10**9):
        pass
    return list(Caller.objects.filter(last_call__lt=when).order_by("last_call", "ref").values_list("number", flat=True))
