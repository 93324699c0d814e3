"""Reads memory for live calls: the caller's card at the ring, and answers to questions during the call.

The functions never raise, and never take longer than their deadline.
"""

import time
from functools import cache

import structlog
from django.conf import settings

from conversations.index.queue import put_first
from elmemory.memory.caches import on_clearing
from elmemory.memory.card import Card, peek_card, read_card
from elmemory.memory.openmemory import OpenMemory, open_memory
from elmemory.memory.search import Found
from elmemory.memory.search_cache import SearchCache
from webhooks.live.breaker import Breaker
from webhooks.live.deadline import LiveReads
from webhooks.live.guard import Guard
from webhooks.live.latency import ReadLatency
from webhooks.live.ringing import Ringing
from webhooks.live.threads import Threads
from webhooks.metrics import rings, searches

log = structlog.get_logger(__name__)

_MOST_THREADS = 16
_MOST_WAITING = 64
# The share of a search's deadline after which the search uses only words.
_ENCODING_SHARE = 0.5


class LiveMemory:
    """The store with its helpers for live calls: guard, threads, breakers, measured latency, prepared callers."""

    def __init__(self, store: OpenMemory) -> None:
        self.store = store
        self.guard = Guard(store)
        self.latency = ReadLatency()
        self.prepared = SearchCache(store)
        self.ringing = Ringing(put_first)
        self.rings = LiveReads(Threads(store.concurrency, _MOST_THREADS, _MOST_WAITING), Breaker())
        self.searches = LiveReads(Threads(store.concurrency, _MOST_THREADS, _MOST_WAITING), Breaker())


@cache
def live_memory() -> LiveMemory:
    """The live memory of this process."""
    live = LiveMemory(open_memory())
    on_clearing(live.prepared.drop_unused)
    return live


async def card_of_ringing(caller: str | None, received_at: float) -> Card | None:
    """The caller's card; None without a caller, for a stranger, after an error, and after RING_DEADLINE_MS."""
    outcome, card = "answered", None
    if caller is not None:
        try:
            live = live_memory()
            live.ringing.add(caller)
            was_read, card = _peek(live, caller)
            if not was_read:
                left = received_at + settings.RING_DEADLINE_MS / 1000 - time.monotonic()
                card = await live.rings.within(left, lambda: _read_card(live, caller))
            if card is not None and live.guard.hides(caller):
                card = None
        except Exception as error:
            outcome = _outcome(error)
            log.warning("a ring was answered neutrally", error=type(error).__name__)
        else:
            if card is not None and not card.opted_out:
                live.prepared.prepare_soon(caller)
    rings[outcome].observe(time.monotonic() - received_at)
    return card


async def found_for(caller: str | None, received_at: float, question: str, k: int) -> Found | None:
    """Up to `k` memories for the question; None after an error or after SEARCH_DEADLINE_MS."""
    outcome, found = "answered", Found(None, ())
    if caller is not None:
        try:
            live = live_memory()
            deadline = settings.SEARCH_DEADLINE_MS / 1000
            encoded_by = received_at + deadline * _ENCODING_SHARE
            left = received_at + deadline - time.monotonic()
            found = await live.searches.within(left, lambda: _search(live, caller, question, k, encoded_by))
        except Exception as error:
            outcome = _outcome(error)
            log.warning("a search was answered without memory", error=type(error).__name__)
    searches[outcome].observe(time.monotonic() - received_at)
    return found if outcome == "answered" else None


def _search(live: LiveMemory, caller: str, question: str, k: int, encoded_by: float) -> Found:
    return Found(None, ()) if live.guard.hides(caller) else live.prepared.search(caller, question, k, encoded_by)


def _peek(live: LiveMemory, caller: str) -> tuple[bool, Card | None]:
    """Read the card on the event loop if reads are quick, because handing it to a thread takes longer.

    Returns whether it was read, and the card.
    """
    if live.latency.is_quick:
        started = live.latency.start()
        try:
            return peek_card(live.store, caller)
        finally:
            live.latency.stop(started)
    return False, None


def _read_card(live: LiveMemory, caller: str) -> Card | None:
    started = live.latency.start()
    try:
        return read_card(live.store, caller)
    finally:
        live.latency.stop(started)


def _outcome(error: Exception) -> str:
    return "late" if isinstance(error, TimeoutError) else "neutral"
